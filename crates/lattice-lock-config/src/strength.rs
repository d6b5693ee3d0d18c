//! What makes a signing secret weak.

use std::collections::BTreeSet;

use lattice_lock_errors::Secret;

use crate::SecretFault;
use crate::credential::letters;

/// The fewest bytes of a secret: the output size of HMAC-SHA-256.
const SHORTEST: usize = 32;

/// 32 random hex digits have fewer different ones than this once in 28 million times.
const FEWEST_BYTES: usize = 8;

/// A random secret hardly ever repeats two steps in a row; one of 32 hex digits has 30 pairs of them.
const FEWEST_STEPS: usize = 20;

/// In lower case without punctuation. Six letters at least: random base64 of 43 characters contains a given
/// one of them less than once in 20 million times.
const PLACEHOLDERS: &str = "\
    asdfgh atleast changeit changeme changethis characters default development donotuse \
    example foobar hmackey insecure insert jwtkey keyfor latticelock letmein notsafe \
    openssl passphrase password placeholder production qwerty randomstring replace \
    secret signingkey testkey thisisa verylong yourkey yourown zxcvbn";

/// The first rule that `text` breaks, in the order in which the reader can act on them.
pub(crate) fn weakness(text: &str) -> Option<SecretFault> {
    if text.is_empty() {
        Some(SecretFault::Missing)
    } else if contains_placeholder(text) {
        Some(SecretFault::Placeholder)
    } else if text.len() < SHORTEST {
        Some(SecretFault::Short)
    } else if is_predictable(text.as_bytes()) {
        Some(SecretFault::Predictable)
    } else {
        None
    }
}

/// Whether one of the words stands in `text`, in any case and with any punctuation in between.
fn contains_placeholder(text: &str) -> bool {
    let letters = Secret::new(letters(text));
    PLACEHOLDERS
        .split(' ')
        .any(|word| letters.expose().contains(word))
}

/// Whether someone who knows how people make up secrets would find it among the first.
fn is_predictable(bytes: &[u8]) -> bool {
    distinct_bytes(bytes) < FEWEST_BYTES
        || is_repetition(bytes)
        || distinct_steps(bytes) < FEWEST_STEPS
}

/// How many different bytes there are: one in `aaaa…`, two in `abab…`.
fn distinct_bytes(bytes: &[u8]) -> usize {
    bytes.iter().collect::<BTreeSet<_>>().len()
}

/// Whether it is a shorter text written several times, the last time perhaps not to its end, and that text is too short itself.
fn is_repetition(bytes: &[u8]) -> bool {
    (1..SHORTEST.min(bytes.len() / 2 + 1)).any(|period| {
        bytes
            .iter()
            .zip(&bytes[period..])
            .all(|(one, next)| one == next)
    })
}

/// How many different pairs of differences between neighbours there are: few in `abcabc…`, in `0123…`, in
/// `aAbBcC…`, whatever stands before or after them.
fn distinct_steps(bytes: &[u8]) -> usize {
    let step = |pair: &[u8]| pair[1].wrapping_sub(pair[0]);
    bytes
        .windows(3)
        .map(|three| (step(&three[..2]), step(&three[1..])))
        .collect::<BTreeSet<_>>()
        .len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_border() {
        let random = "q0Zk3mB7xW1yVtR9uHc5aLd8eNf2gJp6";
        assert_eq!(weakness(random), None);
        assert_eq!(weakness(&random[1..]), Some(SecretFault::Short));
        assert_eq!(weakness(&random.repeat(2)), None);
        assert_eq!(
            weakness(&random[..31].repeat(2)),
            Some(SecretFault::Predictable)
        );
        assert_eq!(weakness(""), Some(SecretFault::Missing));
    }

    #[test]
    fn steps_count_what_is_new() {
        assert_eq!(distinct_steps(b"0123456789"), 1);
        assert_eq!(distinct_steps(b"abababab"), 2);
        assert_eq!(distinct_steps(b"ab"), 0);
    }

    #[test]
    fn a_secret_of_a_mebibyte_is_judged() {
        assert_eq!(
            weakness(&"ab".repeat(1 << 19)),
            Some(SecretFault::Predictable)
        );
    }
}
