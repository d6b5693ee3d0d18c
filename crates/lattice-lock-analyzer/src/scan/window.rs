//! Which parts of a text are read: all of a short one; head, tail and samples of the middle of a long one.

/// How much of a text may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// A text of at most this many bytes is read whole.
    pub(crate) whole: usize,
    /// The bytes read at the beginning of a longer one.
    pub(crate) head: usize,
    /// The bytes read at its end.
    pub(crate) tail: usize,
    /// How many samples are taken between them.
    pub(crate) samples: usize,
}

/// The length of a sample of the middle, in bytes.
const SAMPLE: usize = 128;
/// How far a cut moves to fall between two words, in bytes.
const SLACK: usize = 24;

impl Window {
    /// For the text that is analysed.
    pub(crate) const MAIN: Self = Self {
        whole: 3072,
        head: 1280,
        tail: 1024,
        samples: 6,
    };
    /// For a system prompt or an earlier turn.
    pub(crate) const CONTEXT: Self = Self {
        whole: 768,
        head: 512,
        tail: 256,
        samples: 0,
    };
}

/// The parts of `text` to read, in order; they do not overlap.
pub(crate) fn pieces(text: &str, window: Window) -> impl Iterator<Item = &str> {
    let is_whole = text.len() <= window.whole;
    let samples = if is_whole { 0 } else { window.samples };
    let middle = text.len().saturating_sub(window.head + window.tail);
    let stride = middle / (samples + 1);
    let parts = if is_whole { 1 } else { samples + 2 };
    (0..parts).map(move |part| {
        if is_whole {
            text
        } else if part == 0 {
            cut(text, 0, window.head)
        } else if part == parts - 1 {
            cut(text, text.len() - window.tail, text.len())
        } else {
            let from = window.head + stride * part;
            cut(text, from, from + SAMPLE.min(stride))
        }
    })
}

/// The text between two places, each moved forward to the next space nearby, or else to the next letter.
fn cut(text: &str, from: usize, to: usize) -> &str {
    let from = if from == 0 { 0 } else { snap(text, from) };
    let to = if to >= text.len() {
        text.len()
    } else {
        snap(text, to)
    };
    text.get(from..to).unwrap_or_default()
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

    #[test]
    fn a_short_text_is_read_whole() {
        assert_eq!(pieces("hello", Window::MAIN).collect::<Vec<_>>(), ["hello"]);
        assert_eq!(pieces("", Window::MAIN).collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn pieces_of_a_long_text_are_in_order_and_bounded() {
        for letter in ["a", "é", "译", "😀", "word "] {
            let text = letter.repeat(200_000);
            let mut last = 0;
            let mut total = 0;
            for piece in pieces(&text, Window::MAIN) {
                let start = piece.as_ptr() as usize - text.as_ptr() as usize;
                assert!(start >= last, "{letter}: pieces overlap");
                last = start + piece.len();
                total += piece.len();
            }
            assert_eq!(last, text.len(), "{letter}: the tail is read");
            assert!((2500..3200).contains(&total), "{letter}: {total}");
        }
    }

    #[test]
    fn cuts_fall_between_letters_at_every_length() {
        let text = "añ译😀 ".repeat(3000);
        for length in (3000..4200).filter(|at| text.is_char_boundary(*at)) {
            assert!(pieces(&text[..length], Window::MAIN).count() >= 1);
            assert!(pieces(&text[..length], Window::CONTEXT).count() == 2);
        }
    }
}
