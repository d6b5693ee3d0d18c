//! Credentials behind the name of an authentication scheme.

use std::ops::Range;

use super::opaque::{is_token, is_words};
use super::text::{Text, WINDOW, is_blank, is_quote};

/// The credentials behind `Bearer`, unless what follows is a word, as in `bearer authentication`.
pub(super) fn bearer(text: &Text<'_>, after: usize) -> Option<Range<usize>> {
    let start = credentials_start(text, after)?;
    let end = text.run_within(start, WINDOW, is_token);
    let probe = text.bytes(start..end);
    let telling = probe.len() >= 8 && !is_words(probe) && !is_challenge(text, start..end);
    telling.then(|| start..text.run(start, is_token))
}

/// Whether it is a challenge, `Bearer realm="…"`, or was one before its value was hidden.
fn is_challenge(text: &Text<'_>, probe: Range<usize>) -> bool {
    let sign = text.run_within(probe.start, probe.len(), |byte| byte != b'=');
    let behind = text.run_within(sign, probe.end - sign, |byte| byte == b'=');
    let parameter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'[' || is_quote(byte);
    let named = behind > sign && text.at(behind).is_some_and(parameter);
    named || text.has_marker(probe.end)
}

/// The credentials behind `Basic`: base64 of something with a colon in it.
pub(super) fn basic(text: &Text<'_>, after: usize) -> Option<Range<usize>> {
    let start = credentials_start(text, after)?;
    let probe = text.bytes(start..text.run_within(start, WINDOW, is_token));
    let telling = probe.len() >= WINDOW || has_colon(probe);
    (probe.len() >= 4 && telling).then(|| start..text.run(start, is_token))
}

fn credentials_start(text: &Text<'_>, after: usize) -> Option<usize> {
    let colon = text.run_within(after, 1, |byte| byte == b':');
    let start = text.run(colon, is_blank);
    (start > after).then_some(start)
}

/// Whether `base64` decodes to bytes among which there is a colon.
fn has_colon(base64: &[u8]) -> bool {
    base64.chunks(4).any(|four| {
        let bits = four
            .iter()
            .fold(0_u32, |bits, byte| bits << 6 | sextet(*byte));
        let bits = bits << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..].contains(&b':')
    })
}

fn sextet(byte: u8) -> u32 {
    u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_is_found_at_every_place_in_a_group() {
        // `:a`, `a:`, `ab:` and `abc:`.
        for base64 in ["OmE=", "YTo=", "YWI6", "YWJjOg"] {
            assert!(has_colon(base64.as_bytes()), "{base64}");
        }
        assert!(!has_colon(b"YWJjZA=="));
    }
}
