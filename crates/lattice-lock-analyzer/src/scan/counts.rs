use super::lexer::{Kind, Word};

/// What was counted in the parts that were read: the basis of the token estimate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Bytes read.
    pub(crate) read: u32,
    /// Words of each kind.
    pub(crate) words: [u32; Kind::COUNT],
    /// Bytes of the words of each kind.
    pub(crate) bytes: [u32; Kind::COUNT],
    /// Marks of punctuation.
    pub(crate) marks: u32,
    /// Symbols beyond ASCII.
    pub(crate) symbols: u32,
    /// Line breaks.
    pub(crate) lines: u32,
    /// Lines that begin with spaces.
    pub(crate) indented: u32,
}

impl Counts {
    /// So many bytes are read.
    pub(crate) fn read(&mut self, bytes: usize) {
        self.read = self
            .read
            .saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    #[inline]
    pub(crate) fn word(&mut self, word: Word) {
        let kind = usize::from(word.kind().0) % Kind::COUNT;
        self.words[kind] += 1;
        self.bytes[kind] += word.len();
    }

    /// How many words of one kind there are.
    pub(crate) fn of(&self, kind: Kind) -> u32 {
        self.words[usize::from(kind.0) % Kind::COUNT]
    }

    /// The words of all kinds.
    pub(crate) fn all_words(&self) -> u32 {
        self.words.iter().sum()
    }
}
