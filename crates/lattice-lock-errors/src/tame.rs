//! What every text goes through before it is part of an error, or of what an error prints.

use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::redact::{redact, redact_field};

/// The longest text kept, in bytes; what is beyond it is cut and marked.
const LONGEST: usize = 1024;

/// How much of a text is looked at. A value that prints megabytes is not worth their redaction.
const CAPTURED: usize = 64 * 1024;

/// How much is dropped at the end of what was captured: a secret that began there could be cut so short that
/// nothing tells what it is.
const UNSURE: usize = 1024;

/// What `value` prints, redacted and cut. The cut comes last: it could make a secret unrecognisable.
pub(crate) fn tamed(value: impl fmt::Display) -> String {
    let captured = Captured::of(value);
    captured.shortened(&redact(&captured.text))
}

/// As [`tamed`], for a value with a name, which may tell that it is secret.
pub(crate) fn tamed_field(name: &str, value: impl fmt::Display) -> String {
    let captured = Captured::of(value);
    captured.shortened(&redact_field(name, &captured.text))
}

/// The beginning of what a value prints.
struct Captured {
    text: String,
    whole: bool,
}

impl Captured {
    /// An implementation of `Display` that fails is no reason to panic: what it wrote so far is kept.
    fn of(value: impl fmt::Display) -> Self {
        let mut captured = Self {
            text: String::new(),
            whole: true,
        };
        let failed = write!(captured, "{value}").is_err();
        if failed && !captured.whole {
            let sure = captured.text.len() - UNSURE;
            captured
                .text
                .truncate(captured.text.floor_char_boundary(sure));
        }
        captured
    }

    fn shortened(&self, redacted: &str) -> String {
        let end = redacted.floor_char_boundary(LONGEST);
        if end == redacted.len() && self.whole {
            return redacted.to_string();
        }
        format!("{}…", &redacted[..end])
    }
}

impl fmt::Write for Captured {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = CAPTURED - self.text.len();
        let fitting = text.floor_char_boundary(free);
        self.text.push_str(&text[..fitting]);
        self.whole &= fitting == text.len();
        if self.whole { Ok(()) } else { Err(fmt::Error) }
    }
}

/// `value` for a place in a line, in quotes if it could be taken for more than one value.
pub(crate) fn in_line(value: &str) -> Cow<'_, str> {
    let plain = !value.is_empty()
        && value.trim() == value
        && !value.contains(", ")
        && !value.contains(['"', ')'])
        && !value.contains(is_treacherous);
    if plain {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(format!("{value:?}"))
    }
}

/// `value` for a place of its own, its lines indented so that none can pose as the next place.
pub(crate) fn in_block(value: &str) -> String {
    let mut block = String::with_capacity(value.len());
    for (number, line) in value.lines().enumerate() {
        block.push_str(if number == 0 { "" } else { "\n    " });
        line.chars()
            .for_each(|character| push_visible(&mut block, character));
    }
    block
}

fn push_visible(block: &mut String, character: char) {
    if character != '\t' && is_treacherous(character) {
        block.extend(character.escape_default());
    } else {
        block.push(character);
    }
}

/// Whether printing the character moves the cursor, breaks the line or changes the direction.
fn is_treacherous(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_in_line(value: &str, expected: &str) {
        assert_eq!(in_line(value), expected);
    }

    #[test]
    fn a_value_that_could_be_two_is_quoted() {
        check_in_line("gpt-9-foo", "gpt-9-foo");
        check_in_line("two words: yes", "two words: yes");
        check_in_line("a, b: c", "\"a, b: c\"");
        check_in_line("a) b", "\"a) b\"");
        check_in_line("a\nb", "\"a\\nb\"");
        check_in_line("\u{1b}[2J", "\"\\u{1b}[2J\"");
        check_in_line("\u{202e}a", "\"\\u{202e}a\"");
        check_in_line("", "\"\"");
        check_in_line(" a", "\" a\"");
    }

    #[test]
    fn lines_after_the_first_are_indented() {
        assert_eq!(in_block("a\nb\r\nc\td"), "a\n    b\n    c\td");
        assert_eq!(in_block("a\rb\u{2028}c\u{1b}"), "a\\rb\\u{2028}c\\u{1b}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = tamed("ä€".repeat(1000));
        assert!(text.len() <= LONGEST + '…'.len_utf8());
        assert!(text.ends_with('…'));
        assert_eq!(tamed("x".repeat(LONGEST)).len(), LONGEST);
    }

    #[test]
    fn a_text_that_shrinks_does_not_bring_the_end_of_what_was_captured_to_light() {
        // The key is cut by the limit to less than its shape asks for.
        let key = "sk-ant-a1b2c3d4e5f6g7h8i9j0";
        for shown in 1..key.len() {
            let mut text = "password=\"".to_string();
            text.push_str(&"x".repeat(CAPTURED - text.len() - shown - 2));
            text.push_str("\" ");
            text.push_str(key);
            assert_eq!(tamed(&text), "password=\"[redacted]…", "{shown}");
        }
    }

    #[test]
    fn a_display_that_fails_keeps_what_it_wrote() {
        struct Failing;
        impl fmt::Display for Failing {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("password=hunter2 and")?;
                Err(fmt::Error)
            }
        }
        assert_eq!(tamed(Failing), "password=[redacted] and");
    }
}
