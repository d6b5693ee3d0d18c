//! Telling random text from words.

/// From this length on, a piece without a separator in it is no word.
const LONG_PIECE: usize = 16;

fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b'~'))
}

fn has(piece: &[u8], accept: impl Fn(&u8) -> bool) -> bool {
    piece.iter().any(accept)
}

/// Whether every piece is a word, a small number or a version: `learn-contrib-v2`, but not `a8Hf-92kd`.
pub(super) fn is_words(text: &[u8]) -> bool {
    pieces(text).all(is_word)
}

fn is_word(piece: &[u8]) -> bool {
    let number = piece.strip_prefix(b"v").unwrap_or(piece);
    let letters = piece.iter().all(u8::is_ascii_alphabetic);
    let tail = piece.get(1..).unwrap_or_default();
    let one_case = !has(tail, u8::is_ascii_uppercase) || !has(piece, u8::is_ascii_lowercase);
    (letters && one_case && piece.len() < LONG_PIECE)
        || (number.len() < 5 && number.iter().all(u8::is_ascii_digit))
}

/// Whether some piece is long and mixes letters and digits, as a key does and an identifier rarely.
pub(super) fn is_random(text: &[u8]) -> bool {
    pieces(text).any(|piece| {
        piece.len() >= LONG_PIECE
            && has(piece, u8::is_ascii_alphabetic)
            && (has(piece, u8::is_ascii_digit) || piece.len() >= 2 * LONG_PIECE)
    })
}

/// What a key, a token or a random identifier is made of.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_versions_are_words() {
        for text in [
            "learn-contrib",
            "force-v2",
            "Hub_Download-12",
            "ALL-CAPS",
            "",
        ] {
            assert!(is_words(text.as_bytes()), "{text}");
        }
        for text in ["a8Hf-92kd", "aBcd", "12345", "sixteenletterspl"] {
            assert!(!is_words(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn uuids_and_short_ids_are_not_random() {
        for text in [
            "018f3c2e-7b1a-7cc0-9f00-1234567890ab",
            "user.17",
            "2024-05-01T10.00.00Z",
        ] {
            assert!(!is_random(text.as_bytes()), "{text}");
        }
        assert!(is_random(b"d41d8cd98f00b204e9800998ecf8427e"));
    }
}
