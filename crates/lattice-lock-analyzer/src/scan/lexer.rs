//! Splits text into words, punctuation and lines, without allocating and without looking back.

use super::script::{Script, fold, script_of};

/// Where the lexer puts what it finds.
pub(crate) trait Sink {
    /// A word: its hash is the same for any case, and for any apostrophe or none.
    fn word(&mut self, word: Word);
    /// A mark of punctuation in ASCII.
    fn punctuation(&mut self, byte: u8, next: u8);
    /// A mark of punctuation or a symbol beyond ASCII.
    fn symbol(&mut self, symbol: char);
    /// A line begins; `rest` is the text from its first byte on.
    fn line(&mut self, rest: &[u8]);
}

/// One word as the lexer found it: two machine words, so that it travels in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The hash of its folded letters.
    pub(crate) hash: u64,
    /// Its length and its kind.
    shape: u64,
}

impl Word {
    #[inline]
    const fn new(hash: u64, len: usize, kind: Kind) -> Self {
        Self {
            hash,
            shape: (len as u64) << 8 | kind.0 as u64,
        }
    }

    /// Its length in bytes, as written.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no more is read of a text than fits"
    )]
    pub(crate) const fn len(self) -> u32 {
        (self.shape >> 8) as u32
    }

    /// What it is written in.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lowest byte is the kind"
    )]
    pub(crate) const fn kind(self) -> Kind {
        Kind(self.shape as u8)
    }
}

/// What a word is, as a place in the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) u8);

impl Kind {
    /// ASCII of at most four, eight, twelve or more bytes: the first of four kinds.
    pub(crate) const ASCII: Self = Self(0);
    /// ASCII with a capital after a small letter, as in `camelCase`.
    pub(crate) const CAMEL: Self = Self(4);
    /// Only digits.
    pub(crate) const NUMBER: Self = Self(5);
    /// Letters beyond ASCII: the first of as many kinds as there are scripts.
    pub(crate) const WIDE: Self = Self(6);
    /// How many kinds there are: symbols are no words.
    pub(crate) const USED: usize = Self::WIDE.0 as usize + Script::Symbol as usize;
    /// The same, rounded up to a power of two.
    pub(crate) const COUNT: usize = 32;

    fn ascii(len: usize) -> Self {
        // At most 3, so it fits.
        Self(u8::try_from((len.saturating_sub(1) >> 2).min(3)).unwrap_or(3))
    }

    pub(crate) const fn wide(script: Script) -> Self {
        Self(Self::WIDE.0 + script as u8)
    }
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const PRIME: u64 = 0xD6E8_FEB8_6659_FD93;

/// The hash of a number of so many digits: numbers differ only in their length.
fn number(digits: usize) -> u64 {
    mix(SEED, 0x1F00 + digits.min(6) as u64)
}

#[inline]
fn mix(hash: u64, chunk: u64) -> u64 {
    let product = (hash ^ chunk).wrapping_mul(PRIME);
    product ^ (product >> 32)
}

/// Joins the hash of the words so far with that of the next one.
#[inline]
pub(crate) fn join(so_far: u64, next: u64) -> u64 {
    let product = (so_far.rotate_left(23) ^ next).wrapping_mul(PRIME);
    product ^ (product >> 31)
}

/// Eight bytes from `at` on, padded with zeros.
#[inline]
fn chunk(bytes: &[u8], at: usize) -> u64 {
    if let Some(eight) = bytes.get(at..at + 8).and_then(|s| s.first_chunk::<8>()) {
        return u64::from_le_bytes(*eight);
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let mut eight = [0; 8];
    eight[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(eight)
}

/// The high bit of every byte of `chunk` that is in `from..=to`, where `chunk` has only ASCII.
const fn within(chunk: u64, from: u8, to: u8) -> u64 {
    let above = chunk + LOW * (0x80 - from as u64);
    let beyond = chunk + LOW * (0x7F - to as u64);
    above & !beyond & HIGH
}

/// What the bytes of a chunk are: the high bit of each byte says so.
#[derive(Clone, Copy)]
struct Bytes {
    letters: u64,
    capitals: u64,
    /// How many bytes from the first on are letters or digits.
    len: usize,
}

impl Bytes {
    #[inline]
    fn of(chunk: u64) -> Self {
        let ascii = chunk & !HIGH;
        let letters = within(ascii | (LOW * 0x20), b'a', b'z');
        let word = (letters | within(ascii, b'0', b'9')) & !chunk;
        Self {
            letters,
            capitals: within(ascii, b'A', b'Z'),
            len: ((!word & HIGH).trailing_zeros() / 8) as usize,
        }
    }
}

/// A mask of the lowest `count` bytes, of which there are at most eight.
#[inline]
const fn low_bytes(count: usize) -> u64 {
    if count >= 8 {
        u64::MAX
    } else {
        (1 << (count * 8)) - 1
    }
}

/// Feeds `text` to `sink`, piece by piece, in linear time.
pub(crate) fn lex<S: Sink>(text: &str, sink: &mut S) {
    let bytes = text.as_bytes();
    let mut at = 0;
    sink.line(bytes);
    while let Some(byte) = bytes.get(at) {
        let class = CLASS[*byte as usize];
        at = if class == LETTER {
            word(text, at, sink)
        } else if class == SPACE {
            at + 1
        } else {
            other(text, at, class, sink)
        };
    }
}

const SPACE: u8 = 0;
const LETTER: u8 = 1;
const WIDE: u8 = 2;
const LINE: u8 = 3;
const MARK: u8 = 4;

#[expect(clippy::cast_possible_truncation, reason = "the loop ends at 256")]
const CLASS: [u8; 256] = {
    let mut class = [MARK; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        class[byte] = if b >= 0x80 {
            WIDE
        } else if b.is_ascii_alphanumeric() {
            LETTER
        } else if b == b'\n' {
            LINE
        } else if b <= b' ' || b == 0x7F {
            SPACE
        } else {
            MARK
        };
        byte += 1;
    }
    class
};

/// Reads what is neither a word in ASCII nor a space; returns where it ends.
fn other<S: Sink>(text: &str, at: usize, class: u8, sink: &mut S) -> usize {
    let bytes = text.as_bytes();
    match class {
        WIDE => return wide(text, at, sink),
        LINE => sink.line(&bytes[at + 1..]),
        _ => sink.punctuation(bytes[at], bytes.get(at + 1).copied().unwrap_or(b' ')),
    }
    at + 1
}

/// Reads a word that begins with an ASCII letter or digit; returns where the next one may begin.
///
/// Nearly all words have less than eight bytes and end at a space: those are read without a loop.
#[inline]
fn word<S: Sink>(text: &str, start: usize, sink: &mut S) -> usize {
    let chunk = chunk(text.as_bytes(), start);
    let bytes = Bytes::of(chunk);
    let len = bytes.len;
    // The byte behind the word; a chunk that is all word has none.
    let next = chunk
        .checked_shr(u32::try_from(len * 8).unwrap_or(64))
        .unwrap_or(0xFF)
        & 0xFF;
    let is_plain = next < 0x80 && !matches!(next, 0x23 | 0x27 | 0x2B);
    let mask = low_bytes(len);
    if !is_plain || bytes.letters & mask == 0 {
        return long_word(text, start, sink);
    }
    let kind = match bytes.capitals & mask & !0xFF {
        0 => Kind(u8::from(len > 4)),
        capitals => capital_kind(capitals, len),
    };
    let hash = mix(SEED, (chunk | (LOW * 0x20)) & mask);
    sink.word(Word::new(hash, len, kind));
    start + len + usize::from(next == 0x20)
}

/// The kind of a short word with a capital beyond its first letter.
fn capital_kind(capitals: u64, len: usize) -> Kind {
    if capitals == HIGH & low_bytes(len) & !0xFF {
        Kind::ascii(len)
    } else {
        Kind::CAMEL
    }
}

/// The longest name in camel case, in bytes; what is longer is a key, a hash or data in letters.
const LONGEST_NAME: usize = 40;

/// Reads a long word, a number, or one with something unusual behind it; returns where it ends.
fn long_word<S: Sink>(text: &str, start: usize, sink: &mut S) -> usize {
    let bytes = text.as_bytes();
    let mut hash = SEED;
    let (mut at, mut letters, mut capitals, mut all_capitals) = (start, false, false, true);
    loop {
        let chunk = chunk(bytes, at);
        let found = Bytes::of(chunk);
        let mask = low_bytes(found.len);
        if found.len > 0 {
            hash = mix(hash, (chunk | (LOW * 0x20)) & mask);
            let inner = if at == start { mask & !0xFF } else { mask };
            letters |= found.letters & mask != 0;
            capitals |= found.capitals & inner != 0;
            all_capitals &= found.capitals & inner == HIGH & inner;
        }
        at += found.len;
        if found.len < 8 {
            break;
        }
    }
    let next = bytes.get(at).copied().unwrap_or(b' ');
    // An apostrophe inside a word is left out: "don't", "don’t" and "dont" are one.
    if letters && (next >= 0x80 || next == b'\'') && continues(text, at) {
        return wide_word(text, start, sink);
    }
    let len = at - start;
    let suffix = suffix(bytes, at, len);
    let (hash, kind) = if !letters {
        (number(len), Kind::NUMBER)
    } else if suffix > 0 {
        (mix(hash, u64::from(next)), Kind::ASCII)
    } else if capitals && !all_capitals && len <= LONGEST_NAME {
        (hash, Kind::CAMEL)
    } else {
        (hash, Kind::ascii(len))
    };
    sink.word(Word::new(hash, len, kind));
    at + suffix
}

/// The two marks of `c++` and the one of `c#` belong to the word.
fn suffix(bytes: &[u8], at: usize, len: usize) -> usize {
    match bytes.get(at) {
        Some(b'+') if len == 1 && bytes.get(at + 1) == Some(&b'+') => 2,
        Some(b'#') if len == 1 => 1,
        _ => 0,
    }
}

/// Whether a word that was ASCII so far goes on with an apostrophe and a letter, or a letter beyond ASCII.
fn continues(text: &str, at: usize) -> bool {
    let mut rest = text[at..].chars();
    match rest.next() {
        Some('\'' | '’') => rest.next().is_some_and(|c| c.is_ascii_alphabetic()),
        Some(letter) => script_of(letter).is_alphabetic(),
        None => false,
    }
}

/// Reads what begins with a byte beyond ASCII; returns where it ends.
fn wide<S: Sink>(text: &str, start: usize, sink: &mut S) -> usize {
    let Some(first) = text[start..].chars().next() else {
        return text.len();
    };
    let end = start + first.len_utf8();
    match script_of(first) {
        Script::Symbol => {
            sink.symbol(first);
            end
        }
        script if script.is_alphabetic() => wide_word(text, start, sink),
        // Scripts without spaces: every letter is a word, so phrases match anywhere.
        script => {
            let hash = mix(SEED, u64::from(u32::from(first)) << 32);
            sink.word(Word::new(hash, end - start, Kind::wide(script)));
            end
        }
    }
}

/// Reads a word letter by letter, for those that are not plain ASCII; returns where it ends.
fn wide_word<S: Sink>(text: &str, start: usize, sink: &mut S) -> usize {
    let (mut packed, mut filled, mut hash) = (0_u64, 0_u32, SEED);
    let (mut end, mut script) = (start, None);
    for (offset, letter) in text[start..].char_indices() {
        if matches!(letter, '\'' | '’') {
            if continues(text, start + offset) {
                continue;
            }
            break;
        }
        let of = script_of(letter);
        if !(letter.is_ascii_alphanumeric() || of.is_alphabetic()) {
            break;
        }
        if !letter.is_ascii() {
            script = Some(of);
        }
        // Packing bytes as the fast path does gives "don't" the hash of "dont".
        let mut utf8 = [0; 4];
        for byte in fold(letter).encode_utf8(&mut utf8).bytes() {
            if filled == 8 {
                hash = mix(hash, packed);
                (packed, filled) = (0, 0);
            }
            packed |= u64::from(byte) << (filled * 8);
            filled += 1;
        }
        end = start + offset + letter.len_utf8();
    }
    let len = end - start;
    let kind = script.map_or(Kind::ascii(len), Kind::wide);
    sink.word(Word::new(mix(hash, packed), len, kind));
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Words(Vec<Word>);

    impl Sink for Words {
        fn word(&mut self, word: Word) {
            self.0.push(word);
        }
        fn punctuation(&mut self, _: u8, _: u8) {}
        fn symbol(&mut self, _: char) {}
        fn line(&mut self, _: &[u8]) {}
    }

    fn words(text: &str) -> Vec<Word> {
        let mut words = Words::default();
        lex(text, &mut words);
        words.0
    }

    fn same(one: &str, other: &str) {
        let hashes = |text| words(text).iter().map(|word| word.hash).collect::<Vec<_>>();
        assert_eq!(hashes(one), hashes(other), "{one} | {other}");
    }

    fn different(one: &str, other: &str) {
        assert_ne!(words(one)[0].hash, words(other)[0].hash, "{one} | {other}");
    }

    fn kinds(text: &str, expected: &[Kind]) {
        let kinds: Vec<Kind> = words(text).iter().map(|word| word.kind()).collect();
        assert_eq!(kinds, expected, "{text}");
    }

    #[test]
    fn case_and_apostrophes_do_not_matter() {
        same("Write a TEST", "write a test");
        same("don't", "dont");
        same("DON’T", "don't");
        same("Documentation", "dOCUMENTATION");
        same("it's documentation's", "its documentations");
        same("ÜBERSETZE", "übersetze");
    }

    #[test]
    fn words_end_where_other_signs_begin() {
        for text in [
            "one two",
            "one-two",
            "one/two",
            "one.two",
            "one_two",
            "one\ntwo",
            "(one)two",
            "one\u{a0}two",
            "one—two",
        ] {
            same(text, "one two");
        }
        assert_eq!(words("'quoted' and trailing'").len(), 3);
    }

    #[test]
    fn every_length_around_a_chunk_has_its_own_hash() {
        let text = "abcdefghijklmnopqrstuvwxyz";
        let mut seen = std::collections::BTreeSet::new();
        for len in 1..=26 {
            for tail in ["", " ", ".", " x", " longer text behind the word"] {
                let found = words(&format!("{}{tail}", &text[..len]));
                assert_eq!(found[0].len() as usize, len);
                seen.insert(found[0].hash);
            }
            assert_eq!(seen.len(), len, "the hash depends on what follows");
        }
    }

    #[test]
    fn plus_and_hash_belong_to_the_name_of_a_language() {
        different("c++", "c");
        different("c#", "c");
        different("c++", "c#");
        same("c+", "c");
        same("ab#", "ab");
    }

    #[test]
    fn kinds_are_told_apart() {
        kinds("word", &[Kind(0)]);
        kinds("longer", &[Kind(1)]);
        kinds("abcdefghi", &[Kind(2)]);
        kinds("abcdefghijklmnop", &[Kind(3)]);
        kinds("API HTTPSERVER", &[Kind(0), Kind(2)]);
        kinds("camelCase someVeryLongName", &[Kind::CAMEL, Kind::CAMEL]);
        kinds("42 1234567890 utf8", &[Kind::NUMBER, Kind::NUMBER, Kind(0)]);
        kinds("été", &[Kind::wide(Script::Latin)]);
        kinds("слово", &[Kind::wide(Script::Cyrillic)]);
        kinds("翻译", &[Kind::wide(Script::Han), Kind::wide(Script::Han)]);
    }
}
