use super::SCRIPTS;
use super::lexer::{Shape, Word};

/// What was counted in the parts that were read: the basis of the token estimate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Bytes read.
    pub(crate) bytes: u32,
    /// Words of ASCII letters of at most 4, 8, 12 and more bytes.
    pub(crate) ascii: [u32; 4],
    /// Words such as `camelCase`.
    pub(crate) camel: u32,
    /// Bytes of words longer than 12 bytes.
    pub(crate) long_bytes: u32,
    /// Digits in numbers.
    pub(crate) digits: u32,
    /// Numbers.
    pub(crate) numbers: u32,
    /// Marks of punctuation.
    pub(crate) marks: u32,
    /// Marks of punctuation that directly follow another one.
    pub(crate) mark_runs: u32,
    /// Symbols beyond ASCII.
    pub(crate) symbols: u32,
    /// Line breaks.
    pub(crate) lines: u32,
    /// Lines that begin with spaces.
    pub(crate) indented: u32,
    /// Words of each script beyond ASCII.
    pub(crate) wide_words: [u32; SCRIPTS],
    /// Bytes of those words.
    pub(crate) wide_bytes: [u32; SCRIPTS],
}

impl Counts {
    pub(crate) fn word(&mut self, word: Word) {
        match word.shape {
            Shape::Ascii => self.ascii_word(word.len),
            Shape::Camel => {
                self.camel += 1;
                self.ascii_word(word.len);
            }
            Shape::Number => {
                self.numbers += 1;
                self.digits += word.len;
            }
            Shape::Wide(script) => {
                self.wide_words[script as usize] += 1;
                self.wide_bytes[script as usize] += word.len;
            }
        }
    }

    fn ascii_word(&mut self, len: u32) {
        let class = (len.saturating_sub(1) / 4).min(3);
        self.ascii[class as usize] += 1;
        if class == 3 {
            self.long_bytes += len;
        }
    }

    /// The words of all kinds.
    pub(crate) fn words(&self) -> u32 {
        self.ascii.iter().sum::<u32>() + self.numbers + self.wide_words.iter().sum::<u32>()
    }
}
