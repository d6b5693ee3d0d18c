//! Providers' keys, and what stands in their place in examples.

use lattice_lock_errors::{Secret, is_placeholder};

use crate::parse::{self, Fault, LONGEST, Parsed};
use crate::value::Raw;

/// What stands where a provider's key is expected.
#[derive(Debug)]
pub(crate) enum Credential {
    Key(Secret<String>),
    /// What examples have in its place: copied with them, and not meant.
    Placeholder,
}

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

/// What is left in lower case without punctuation: `Your-Key` and `your_key` are one word.
pub(crate) fn letters(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}
