//! The smallest context window that holds an input and its answer.

use crate::{Attachment, Set, TokenEstimate};

/// The sizes that models are offered with, in tokens.
const USUAL: [u64; 11] = [
    4_096, 8_192, 16_384, 32_768, 65_536, 128_000, 200_000, 262_144, 400_000, 1_000_000, 2_000_000,
];

/// Roughly what one attachment takes at most, in tokens: an image in high resolution, some pages of a document.
const PER_KIND: u64 = 2_000;

/// The smallest usual window for the input's upper estimate, `answer` tokens and the attachments.
///
/// Beyond the largest usual window it is the sum itself.
pub(crate) fn smallest(tokens: TokenEstimate, answer: u64, attachments: Set<Attachment>) -> u64 {
    let attached = attachments.len() as u64 * PER_KIND;
    let needed = tokens
        .upper()
        .saturating_add(answer)
        .saturating_add(attached);
    USUAL
        .into_iter()
        .find(|size| *size >= needed)
        .unwrap_or(needed)
}

#[cfg(test)]
mod tests {
    use crate::{Analyzer, Attachment, Input};

    #[test]
    fn the_window_grows_with_the_input_the_answer_and_attachments() {
        let analyzer = Analyzer::new();
        let of = |input: Input<'_>| analyzer.analyze(input).min_context_window();
        assert_eq!(of(Input::prompt("hello")), 4_096);
        assert_eq!(of(Input::prompt("hello").max_output(6_000)), 8_192);
        assert_eq!(
            of(Input::prompt("hello")
                .max_output(2_000)
                .attach(Attachment::Image)
                .attach(Attachment::Data)),
            8_192
        );
        let long = "word ".repeat(100_000);
        assert!(of(Input::prompt(&long)) >= 128_000);
        let longest = "word ".repeat(2_000_000);
        assert!(of(Input::prompt(&longest)) > 2_000_000);
    }
}
