//! Which parts of a text are read: all of a short one; head, tail and samples of the middle of a long one.

use std::ops::Range;

/// How much of a text may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// A text of at most this many bytes is read whole; of what is beyond, an eighth.
    whole: usize,
    /// The most that is read of any text.
    most: usize,
    /// The share of the middle in what is read, in sixteenths; the head has twice the tail.
    middle: usize,
}

/// The length of a sample of the middle, in bytes.
const SAMPLE: usize = 64;
/// How far a cut moves to fall between two words, in bytes.
const SLACK: usize = 24;

impl Window {
    /// For the text that is analysed.
    pub(crate) const MAIN: Self = Self {
        whole: 512,
        most: 1792,
        middle: 3,
    };
    /// For a system prompt or an earlier turn.
    pub(crate) const CONTEXT: Self = Self {
        whole: 256,
        most: 512,
        middle: 0,
    };
}

/// The parts of `text` to read, in order; they do not overlap.
pub(crate) fn pieces(text: &str, window: Window) -> impl Iterator<Item = Range<usize>> {
    let beyond = text.len().saturating_sub(window.whole);
    let budget = (window.whole + beyond / 8).min(window.most);
    let samples = if beyond == 0 {
        0
    } else {
        budget * window.middle / 16 / SAMPLE
    };
    let ends = budget - samples * SAMPLE;
    let (head, tail) = (ends - ends / 3, ends / 3);
    let stride = text.len().saturating_sub(ends) / (samples + 1);
    let parts = if beyond == 0 { 1 } else { samples + 2 };
    (0..parts).map(move |part| {
        if beyond == 0 {
            0..text.len()
        } else if part == 0 {
            cut(text, 0, head)
        } else if part == parts - 1 {
            cut(text, text.len() - tail, text.len())
        } else {
            let from = head + stride * part - SAMPLE / 2;
            cut(text, from, from + SAMPLE.min(stride))
        }
    })
}

/// The part between two places, each moved forward to the next space nearby, or else to the next letter.
fn cut(text: &str, from: usize, to: usize) -> Range<usize> {
    let from = if from == 0 { 0 } else { snap(text, from) };
    let to = if to >= text.len() {
        text.len()
    } else {
        snap(text, to)
    };
    from..to.max(from)
}

fn snap(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let end = (at + SLACK).min(bytes.len());
    match bytes[at..end].iter().position(u8::is_ascii_whitespace) {
        Some(offset) => at + offset,
        None => text.floor_char_boundary(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<&str> {
        pieces(text, Window::MAIN)
            .map(|piece| &text[piece])
            .collect()
    }

    #[test]
    fn a_short_text_is_read_whole() {
        assert_eq!(read("hello"), ["hello"]);
        assert_eq!(read(""), [""]);
    }

    #[test]
    fn pieces_of_a_long_text_are_in_order_and_bounded() {
        for letter in ["a", "é", "译", "😀", "word "] {
            let text = letter.repeat(200_000);
            let mut last = 0;
            let mut total = 0;
            for piece in pieces(&text, Window::MAIN) {
                assert!(piece.start >= last, "{letter}: pieces overlap");
                assert!(text.get(piece.clone()).is_some(), "{letter}: {piece:?}");
                last = piece.end;
                total += piece.len();
            }
            assert_eq!(last, text.len(), "{letter}: the tail is read");
            assert!((1500..2000).contains(&total), "{letter}: {total}");
        }
    }

    #[test]
    fn cuts_fall_between_letters_at_every_length() {
        let text = "añ译😀 ".repeat(3000);
        for length in (700..2700).filter(|at| text.is_char_boundary(*at)) {
            assert!(pieces(&text[..length], Window::MAIN).count() >= 1);
            assert!(pieces(&text[..length], Window::CONTEXT).count() >= 1);
        }
    }
}
