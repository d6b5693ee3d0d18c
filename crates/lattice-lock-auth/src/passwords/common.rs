//! Passwords that are among the first that anybody would try.

use lattice_lock_errors::{Error, Result, Secret};
use sha2::{Digest, Sha256};

use crate::codes::PASSWORD_COMMON;

/// Sorted beginnings of SHA-256, as `data/README.md` says.
const COMMON: &[u8] = include_bytes!("../../data/common.bin");

/// How many bytes of a hash are kept.
const KEPT: usize = 5;

/// The shortest word about the user that a password must not consist of mostly.
const SHORTEST_WORD: usize = 4;

/// What keyboards have next to each other, and what people count.
const ROWS: [&str; 6] = [
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
];

/// Refuses a password that is common, with or without a few characters around it, that repeats itself, that only counts
/// or follows the keyboard, or that is a word from `about` and little more.
///
/// # Errors
///
/// [`PASSWORD_COMMON`] with the reason.
pub(super) fn refuse(password: &Secret<String>, about: &[&str]) -> Result<()> {
    let lower = Secret::new(password.expose().to_lowercase());
    let lower = lower.expose();
    let reason = if is_common(lower) {
        "it is among the most common ones"
    } else if repeats(lower) {
        "it repeats a few characters"
    } else if is_sequence(lower) {
        "it counts, or follows the keyboard"
    } else if about.iter().any(|word| is_mostly(lower, word)) {
        "it is the user's or the service's name and little more"
    } else {
        return Ok(());
    };
    Err(Error::new(PASSWORD_COMMON, "the password is easily guessed").with("reason", reason))
}

/// As it stands, without what stands around its letters, or as several times the same.
fn is_common(lower: &str) -> bool {
    let letters = lower.trim_matches(|c: char| !c.is_alphabetic());
    is_listed(lower) || is_listed(letters) || period(lower).is_some_and(is_listed)
}

fn is_listed(text: &str) -> bool {
    let hash = Sha256::digest(text.as_bytes());
    let (mut low, mut high) = (0, COMMON.len() / KEPT);
    while low < high {
        let middle = usize::midpoint(low, high);
        match COMMON[middle * KEPT..(middle + 1) * KEPT].cmp(&hash[..KEPT]) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    false
}

/// The shortest text that, written several times, makes this one.
fn period(text: &str) -> Option<&str> {
    let lengths = (1..=text.len() / 2).filter(|length| text.len().is_multiple_of(*length));
    let mut parts = lengths.filter_map(|length| text.get(..length));
    parts.find(|part| {
        text.as_bytes()
            .chunks(part.len())
            .all(|chunk| chunk == part.as_bytes())
    })
}

fn repeats(lower: &str) -> bool {
    let mut different: Vec<char> = lower.chars().collect();
    different.sort_unstable();
    different.dedup();
    let few = different.len() <= 3;
    few || period(lower).is_some_and(|part| part.chars().count() <= 4)
}

/// Whether all of it runs along a row, forwards or backwards.
fn is_sequence(lower: &str) -> bool {
    let backwards = Secret::new(lower.chars().rev().collect::<String>());
    ROWS.iter()
        .any(|row| row.contains(lower) || row.contains(backwards.expose().as_str()))
}

fn is_mostly(lower: &str, word: &str) -> bool {
    let word = word.to_lowercase();
    let count = word.chars().count();
    count >= SHORTEST_WORD && lower.contains(&word) && lower.chars().count() < count * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, refused: bool) {
        let about = ["ann.smithers@example.org", "lattice-lock"];
        let got = refuse(&Secret::new(text.to_owned()), &about);
        assert_eq!(got.is_err(), refused, "{text}");
        if let Err(error) = got {
            assert_eq!(error.code(), PASSWORD_COMMON);
            assert!(error.context().any(|(key, _)| key == "reason"));
            assert!(text.len() < 10 || !format!("{error:?}").contains(text));
        }
    }

    #[test]
    fn the_list_is_sorted_and_whole() {
        assert_eq!(COMMON.len(), 11_611 * KEPT);
        let all: Vec<_> = COMMON.chunks(KEPT).collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn what_everybody_tries_is_refused() {
        check("password", true);
        check("PASSWORD", true);
        check("Iloveyou123!", true);
        check("!!password2026!!", true);
        check("passwordpassword", true);
        check("trustno1trustno1", true);
        check("aaaaaaaaaaaaaaaaaaaa", true);
        check("abababababababab", true);
        check("2026202620262026", true);
        check("123456789012345", true);
        check("zyxwvutsrqponmlk", true);
        check("qwertyuiopasdfgh", true);
        check("ann.smithers@example.org1", true);
        check("Lattice-Lock-2026!", true);
    }

    #[test]
    fn what_nobody_tries_is_not() {
        check("five tired zebras wander home", false);
        check("correct horse battery staple", false);
        check("q0Zk3mB7xW1yVtR9", false);
        check(
            "ann.smithers@example.org likes to walk home at night",
            false,
        );
        check("ünïcödé-wörter-überall", false);
    }
}
