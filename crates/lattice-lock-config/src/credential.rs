//! Providers' keys, and what stands in their place in examples.

use lattice_lock_errors::Secret;

use crate::parse::{self, Fault, LONGEST, Parsed};
use crate::value::Raw;

/// What stands where a provider's key is expected.
#[derive(Debug)]
pub(crate) enum Credential {
    Key(Secret<String>),
    /// What examples have in its place: copied with them, and not meant.
    Placeholder,
}

/// In lower case without punctuation; none that a real key may well contain.
const WORDS: [&str; 9] = [
    "changeit",
    "changeme",
    "keygoeshere",
    "keyhere",
    "placeholder",
    "replaceme",
    "yourapikey",
    "yourkey",
    "yourtoken",
];

/// A key is what can stand in an HTTP header: visible ASCII.
pub(crate) fn read(raw: &Raw) -> Parsed<Credential> {
    let text = parse::text(raw)?;
    if text.len() > LONGEST {
        Err(Fault::default())
    } else if is_placeholder(text) {
        Ok(Credential::Placeholder)
    } else if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Credential::Key(Secret::new(text.to_owned())))
    } else {
        Err(Fault::default())
    }
}

fn is_placeholder(text: &str) -> bool {
    let letters = Secret::new(letters(text));
    let shaped = ["...", "…", "${", "xxxxxx", "XXXXXX", "******"]
        .iter()
        .any(|part| text.contains(part));
    let bracketed = text.starts_with('<') && text.ends_with('>');
    shaped || bracketed || WORDS.iter().any(|word| letters.expose().contains(word))
}

/// What is left in lower case without punctuation: `Your-Key` and `your_key` are one word.
pub(crate) fn letters(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_use_is_a_key() {
        for key in [
            "test",
            "test-key",
            "dummy",
            "k",
            "sk-test-1234",
            "my-secret-key",
        ] {
            assert!(!is_placeholder(key), "{key}");
        }
    }
}
