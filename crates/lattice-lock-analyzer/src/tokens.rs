//! Tokens without a tokenizer: what words of each kind usually cost, fitted to a real vocabulary.

use serde::Serialize;

use crate::PromptLanguage;
use crate::scan::{Counts, Kind};

/// How many tokens a prompt has, estimated without a tokenizer.
///
/// `expected` is what a current vocabulary of 200,000 tokens makes of the text: half of all texts in English, Chinese
/// or Arabic and of all code are within 10 % of it. `upper` is meant for hard limits: vocabularies of 100,000 tokens,
/// which cut other scripts much finer, stay below it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
pub struct TokenEstimate {
    pub(crate) expected: u64,
    pub(crate) upper: u64,
}

/// What a word costs: in thousandths of a token, per word and per byte of it.
#[derive(Clone, Copy)]
struct Cost {
    word: u64,
    byte: u64,
}

const fn cost(word: u64, byte: u64) -> Cost {
    Cost { word, byte }
}

/// One row per kind of word: the expected cost, and the most that it usually is.
const WORDS: [(Cost, Cost); 18] = [
    // ASCII of at most four, eight, twelve and more bytes.
    (cost(998, 0), cost(1300, 0)),
    (cost(1110, 0), cost(1500, 0)),
    (cost(1256, 14), cost(600, 160)),
    (cost(0, 161), cost(0, 750)),
    // In camel case, and digits.
    (cost(1861, 71), cost(1000, 400)),
    (cost(1338, 449), cost(1000, 1000)),
    // Alphabets: Latin, Cyrillic, Greek, Hebrew, Arabic, Devanagari, others.
    (cost(0, 305), cost(500, 500)),
    (cost(1768, 28), cost(500, 400)),
    (cost(28, 208), cost(500, 600)),
    (cost(0, 257), cost(500, 550)),
    (cost(241, 166), cost(500, 550)),
    (cost(96, 126), cost(500, 500)),
    (cost(300, 300), cost(500, 900)),
    // Signs: Thai, Hangul, Kana, Han, others.
    (cost(442, 0), cost(1300, 0)),
    (cost(777, 0), cost(1700, 0)),
    (cost(640, 0), cost(1500, 0)),
    (cost(780, 0), cost(1600, 0)),
    (cost(300, 300), cost(500, 900)),
];

/// One mark, symbol, line and indentation, and a byte of space that is none of these.
const MARK: (u64, u64) = (549, 900);
const SYMBOL: (u64, u64) = (844, 3000);
const LINE: (u64, u64) = (474, 900);
const INDENT: (u64, u64) = (924, 1500);
const SPACE: (u64, u64) = (60, 250);

/// What wraps each message of a conversation.
const MESSAGE: u64 = 4;
/// What the upper estimate adds to every text.
const SPARE: u64 = 12;

impl TokenEstimate {
    /// The likely number.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// A number that is rarely exceeded.
    #[must_use]
    pub fn upper(&self) -> u64 {
        self.upper
    }

    /// The estimate for a text of `total` bytes, of which `counts` were read.
    pub(crate) fn of(
        counts: &Counts,
        total: u64,
        messages: usize,
        language: PromptLanguage,
    ) -> Self {
        let (mut expected, mut upper) = sums(counts);
        expected = expected * share(language) / 1000;
        let read = u64::from(counts.read).max(1);
        if total > read {
            // A sample may lie: what was not read costs a sixth more at the upper end.
            expected = scaled(expected, total, read);
            upper = scaled(upper, total, read).saturating_mul(7) / 6;
        }
        let wraps = (messages as u64).saturating_sub(1) * MESSAGE;
        let expected = expected.div_ceil(1000) + wraps;
        Self {
            expected,
            upper: upper.div_ceil(1000).max(expected) + wraps + SPARE,
        }
    }
}

fn scaled(sum: u64, total: u64, read: u64) -> u64 {
    let whole = u128::from(sum) * u128::from(total) / u128::from(read);
    u64::try_from(whole).unwrap_or(u64::MAX)
}

/// The expected and the upper cost of what was counted, in thousandths of a token.
fn sums(counts: &Counts) -> (u64, u64) {
    let (mut expected, mut upper, mut bytes) = (0, 0, 0);
    for ((words, length), (likely, most)) in counts.words.iter().zip(&counts.bytes).zip(WORDS) {
        let (words, length) = (u64::from(*words), u64::from(*length));
        expected += words * likely.word + length * likely.byte;
        upper += words * most.word + length * most.byte;
        bytes += length;
    }
    let words = u64::from(counts.all_words());
    let indented = u64::from(counts.indented);
    let marks = u64::from(counts.marks);
    let lines = u64::from(counts.lines.saturating_sub(1));
    let symbols = u64::from(counts.symbols);
    // A space between two words costs nothing, and an indentation of some spaces is one token.
    let spaces = u64::from(counts.read)
        .saturating_sub(bytes + words + marks + lines + 3 * symbols + 8 * indented);
    for (count, (likely, most)) in [
        (marks, MARK),
        (symbols, SYMBOL),
        (lines, LINE),
        (indented, INDENT),
        (spaces, SPACE),
    ] {
        expected += count * likely;
        upper += count * most;
    }
    (expected, upper)
}

/// How a language's words compare with what their letters say, in thousandths.
const fn share(language: PromptLanguage) -> u64 {
    match language {
        PromptLanguage::Italian | PromptLanguage::Polish => 1280,
        PromptLanguage::Dutch | PromptLanguage::Swedish => 1210,
        PromptLanguage::Czech => 1180,
        PromptLanguage::German => 1130,
        PromptLanguage::Turkish | PromptLanguage::Ukrainian => 1100,
        PromptLanguage::Russian | PromptLanguage::Vietnamese => 900,
        _ => 1000,
    }
}

const _: () = assert!(WORDS.len() == Kind::USED, "every kind of word has its cost");
