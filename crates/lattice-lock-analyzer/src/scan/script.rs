/// What a letter beyond ASCII is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Script {
    Latin,
    Cyrillic,
    Greek,
    Hebrew,
    Arabic,
    Devanagari,
    OtherAlphabet,
    Thai,
    Hangul,
    Kana,
    Han,
    OtherSigns,
    Symbol,
}

impl Script {
    /// Whether words of this script are set apart by spaces.
    pub(crate) const fn is_alphabetic(self) -> bool {
        (self as u8) <= (Self::OtherAlphabet as u8)
    }
}

/// The script of `letter`, told from its block: exact enough to count, and fast.
pub(crate) const fn script_of(letter: char) -> Script {
    match letter as u32 {
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF => Script::Han,
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9F => Script::Kana,
        0xAC00..=0xD7FF | 0x1100..=0x11FF | 0x3130..=0x318F => Script::Hangul,
        0x0400..=0x052F | 0x1C80..=0x1C8F | 0x2DE0..=0x2DFF | 0xA640..=0xA69F => Script::Cyrillic,
        0xAA | 0xB5 | 0xBA | 0xC0..=0xD6 | 0xD8..=0xF6 | 0xF8..=0x036F | 0x1E00..=0x1EFF => {
            Script::Latin
        }
        0x0370..=0x03FF | 0x1F00..=0x1FFF => Script::Greek,
        0x0590..=0x05FF => Script::Hebrew,
        0x0600..=0x06FF | 0x0750..=0x077F | 0x08A0..=0x08FF | 0xFB50..=0xFDFF | 0xFE70..=0xFEFC => {
            arabic(letter)
        }
        0x0900..=0x097F => Script::Devanagari,
        0x0E00..=0x0E7F => Script::Thai,
        0x0530..=0x058F | 0x0980..=0x0DFF | 0x10A0..=0x10FF | 0x1200..=0x139F | 0x1C90..=0x1CBF => {
            Script::OtherAlphabet
        }
        0x0E80..=0x0FFF | 0x1000..=0x109F | 0x1780..=0x17FF => Script::OtherSigns,
        _ => Script::Symbol,
    }
}

/// The Arabic block holds its own comma, semicolon, question mark and full stop.
const fn arabic(letter: char) -> Script {
    match letter {
        '،' | '؛' | '؟' | '۔' => Script::Symbol,
        _ => Script::Arabic,
    }
}

/// The small letter of a capital, where the two differ by a fixed step; other letters stay as they are.
pub(crate) const fn fold(letter: char) -> char {
    let code = letter as u32;
    let folded = match code {
        0x41..=0x5A
        | 0xC0..=0xD6
        | 0xD8..=0xDE
        | 0x0391..=0x03A1
        | 0x03A3..=0x03AB
        | 0x0410..=0x042F => code + 0x20,
        0x0400..=0x040F => code + 0x50,
        0x0100..=0x0137 | 0x014A..=0x0177 | 0x1E00..=0x1EFF | 0x0490..=0x04BF => code | 1,
        0x0139..=0x0148 | 0x0179..=0x017E => code + (code & 1),
        _ => code,
    };
    match char::from_u32(folded) {
        Some(folded) => folded,
        None => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folds(from: &str, to: &str) {
        assert_eq!(from.chars().map(fold).collect::<String>(), to);
    }

    #[test]
    fn capitals_fold_to_small_letters() {
        folds("ÜBERSETZE", "übersetze");
        folds("ПЕРЕВЕДИ Ё", "переведи ё");
        folds("ŻÓŁĆ ŠČ", "żółć šč");
        folds("ΜΕΤΆΦΡΑΣΗ", "μετΆφραση");
        folds("翻译 ترجم", "翻译 ترجم");
    }

    #[test]
    fn a_letter_is_told_from_a_symbol() {
        assert_eq!(script_of('é'), Script::Latin);
        assert_eq!(script_of('×'), Script::Symbol);
        assert_eq!(script_of('“'), Script::Symbol);
        assert_eq!(script_of('؟'), Script::Symbol);
        assert_eq!(script_of('译'), Script::Han);
        assert_eq!(script_of('。'), Script::Symbol);
        assert_eq!(script_of('😀'), Script::Symbol);
    }
}
