use crate::Secret;

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

/// What stands for something left out.
const SHAPES: [&str; 6] = ["...", "…", "${", "xxxxxx", "XXXXXX", "******"];

/// Whether this is what examples have in the place of a key: copied with them, and not meant.
///
/// ```
/// use lattice_lock_errors::is_placeholder;
///
/// assert!(is_placeholder("<your-api-key>"));
/// assert!(!is_placeholder("sk-test-1234"));
/// ```
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
    let letters = letters.map(|letter| char::from(letter.to_ascii_lowercase()));
    let letters = Secret::new(letters.collect::<String>());
    let is_bracketed = text.starts_with('<') && text.ends_with('>');
    is_bracketed
        || SHAPES.iter().any(|shape| text.contains(shape))
        || WORDS.iter().any(|word| letters.expose().contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_examples_have_is_no_key() {
        for text in [
            "your-api-key",
            "YOUR_KEY",
            "sk-...",
            "sk-…",
            "<key>",
            "${OPENAI_API_KEY}",
            "sk-xxxxxxxx",
            "change.me",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn what_tests_use_is_a_key() {
        for text in [
            "test",
            "test-key",
            "dummy",
            "k",
            "sk-test-1234",
            "my-secret-key",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
