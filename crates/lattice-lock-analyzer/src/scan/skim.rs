//! What is not read of a long text is searched for code fences, so that the parts that are read are known to be code
//! or not.

use std::ops::Range;

/// How many bytes of a text are searched at most: searching costs a fiftieth of reading, but not nothing.
pub(crate) const MOST_SKIMMED: usize = 16 << 10;

/// How many bytes are looked at together.
const STEP: usize = 64;
/// How far a fence may be indented.
const INDENT: usize = 64;

/// Calls `fence` with the text from every fence on that begins a line within `part`.
pub(crate) fn fences(text: &[u8], part: Range<usize>, mut fence: impl FnMut(&[u8])) {
    let mut at = part.start;
    while at < part.end {
        let end = part.end.min(at + STEP);
        if is_near(&text[at..end]) {
            for start in (at..end).filter(|start| is_fence(text, *start)) {
                fence(&text[start..]);
            }
        }
        at = end;
    }
}

/// Whether there is a sign of a fence; without an early exit this is a few vector instructions.
#[inline]
fn is_near(text: &[u8]) -> bool {
    let any = |near: u8, byte: &u8| near | u8::from(*byte == b'`') | u8::from(*byte == b'~');
    let near = match text.first_chunk::<STEP>() {
        Some(step) => step.iter().fold(0, any),
        None => text.iter().fold(0, any),
    };
    near != 0
}

fn is_fence(text: &[u8], start: usize) -> bool {
    let sign = text[start];
    let rest = &text[start..];
    let is_fence = rest.starts_with(b"```") || rest.starts_with(b"~~~");
    let before = &text[start.saturating_sub(INDENT)..start];
    let indent = before
        .iter()
        .rev()
        .find(|byte| !matches!(byte, b' ' | b'\t'));
    is_fence && indent.is_none_or(|byte| *byte == b'\n') && indent != Some(&sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, from: usize, expected: usize) {
        let mut found = 0;
        fences(text.as_bytes(), from..text.len(), |_| found += 1);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn fences_at_the_beginning_of_a_line_are_found() {
        check("```\ncode\n```\n", 0, 2);
        check("text\n  ~~~sh\nls\n  ~~~", 0, 2);
        check(&format!("{}\n```\n", "word ".repeat(100)), 0, 1);
        check("a ```b``` c", 0, 0);
        check("````\n", 0, 1);
        check("a `b` ~c", 0, 0);
    }

    #[test]
    fn only_the_part_is_searched() {
        check("```\ncode\n```\n", 3, 1);
        check("```\ncode\n```\n", 10, 0);
        check("", 0, 0);
    }
}
