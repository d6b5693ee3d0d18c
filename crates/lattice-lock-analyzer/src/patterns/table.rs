//! Words and phrases by hash: a small bitmap that says "no" for almost every word, and an open table behind it.

use std::collections::BTreeMap;

/// The longest phrase, in words.
pub(crate) const LONGEST_PHRASE: usize = 8;

/// How many bits the bitmap has.
const BITMAP: usize = 1 << 16;

/// The most different sets of languages that words can be frequent in.
pub(crate) const LANGUAGE_SETS: usize = 128;

/// The most words and phrases of a set.
pub(crate) const MOST_ENTRIES: usize = 65_000;

/// What a word or phrase does when it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    /// It speaks for a signal; its phrase has so many words.
    Signal { signal: u16, words: u8 },
    /// It speaks for a signal if the first part of its phrase was met shortly before.
    After { signal: u16, gap: u8 },
    /// It is the first part of a phrase in two parts.
    Opens { gap: u8 },
    /// It may stand before the leading verb.
    Filler,
    /// It denies what follows.
    Negator,
    /// It is a frequent word of a natural language.
    Language(u8),
}

/// One word or phrase.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    hash: u64,
    start: u32,
    len: u8,
    languages: u8,
    ends: u16,
}

/// What was found for a word or phrase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'t> {
    pub(crate) actions: &'t [Action],
    /// Bit n, from 2 on: a phrase of n words may end with this word. Bit 0: it is a filler.
    pub(crate) ends: u16,
    /// Which set of natural languages it is a frequent word of; 0 for none.
    pub(crate) languages: u8,
}

impl Found<'_> {
    /// Whether it may stand before the leading verb.
    pub(crate) const fn is_filler(&self) -> bool {
        self.ends & 1 != 0
    }
}

/// All words and phrases of a pattern set.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// The sets of languages that some word is a frequent word of, as bits; the first is empty.
    language_sets: Vec<u32>,
    /// One bit per pair of words that some phrase ends with.
    pairs: Box<[u64; BITMAP / 64]>,
    bitmap: Box<[u64; BITMAP / 64]>,
    /// Places in `entries`, counted from 1; an open table.
    index: Box<[u16]>,
    entries: Box<[Entry]>,
    actions: Box<[Action]>,
}

/// What is to go into a [`Table`], ordered by hash so that the same patterns always give the same table.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    entries: BTreeMap<u64, Drafted>,
    pairs: Vec<u64>,
}

#[derive(Debug, Default)]
struct Drafted {
    actions: Vec<Action>,
    ends: u16,
    languages: u32,
}

impl Draft {
    pub(crate) fn add(&mut self, hash: u64, action: Action) {
        let drafted = self.entries.entry(hash).or_default();
        match action {
            Action::Filler => drafted.ends |= 1,
            Action::Language(language) => drafted.languages |= 1 << (language % 32),
            _ if drafted.actions.contains(&action) => {}
            _ => drafted.actions.push(action),
        }
    }

    /// Says that a phrase of `words` words ends with the word of this hash, which makes this pair with the one before.
    pub(crate) fn ends(&mut self, hash: u64, pair: u64, words: usize) {
        self.entries.entry(hash).or_default().ends |= 1 << words;
        self.pairs.push(pair);
    }

    /// How many words and phrases there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The table; the draft has at most [`MOST_ENTRIES`] entries.
    pub(crate) fn build(self) -> Table {
        let size = (self.entries.len() * 2).next_power_of_two().max(64);
        let mut bitmap = Box::new([0; BITMAP / 64]);
        let mut index = vec![0_u16; size].into_boxed_slice();
        let (mut entries, mut actions) = (Vec::new(), Vec::new());
        let mut language_sets = vec![0];
        // Frequent words lie close together: they are looked up all the time.
        let (frequent, other): (Vec<_>, Vec<_>) = self
            .entries
            .into_iter()
            .partition(|(_, drafted)| drafted.languages != 0);
        for (hash, drafted) in frequent.into_iter().chain(other) {
            entries.push(Entry {
                hash,
                start: u32::try_from(actions.len()).unwrap_or(u32::MAX),
                len: u8::try_from(drafted.actions.len()).unwrap_or(u8::MAX),
                languages: set_of(&mut language_sets, drafted.languages),
                ends: drafted.ends,
            });
            actions.extend(drafted.actions);
            let bit = bit_of(hash);
            bitmap[bit / 64] |= 1_u64 << (bit % 64);
            let mut at = place_of(hash) & (size - 1);
            while index[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            index[at] = u16::try_from(entries.len()).unwrap_or(0);
        }
        let mut pairs = Box::new([0; BITMAP / 64]);
        for pair in self.pairs {
            pairs[bit_of(pair) / 64] |= 1_u64 << (bit_of(pair) % 64);
        }
        Table {
            language_sets,
            pairs,
            bitmap,
            index,
            entries: entries.into_boxed_slice(),
            actions: actions.into_boxed_slice(),
        }
    }
}

/// The number of this set of languages. There is room for all that a sane file needs; others count for none.
fn set_of(sets: &mut Vec<u32>, languages: u32) -> u8 {
    let at = sets
        .iter()
        .position(|set| *set == languages)
        .unwrap_or(sets.len());
    if at == sets.len() && at < LANGUAGE_SETS {
        sets.push(languages);
    }
    u8::try_from(at % LANGUAGE_SETS).unwrap_or(0)
}

impl Table {
    /// The sets of languages, as bits.
    pub(crate) fn language_sets(&self) -> &[u32] {
        &self.language_sets
    }

    /// Whether a phrase may end with this pair of words.
    #[inline]
    pub(crate) fn may_end_phrase(&self, pair: u64) -> bool {
        let bit = bit_of(pair);
        self.pairs[bit / 64] & (1 << (bit % 64)) != 0
    }

    /// What the word or phrase of this hash does, if it is in the set.
    #[inline]
    pub(crate) fn find(&self, hash: u64) -> Option<Found<'_>> {
        let bit = bit_of(hash);
        if self.bitmap[bit / 64] & (1 << (bit % 64)) == 0 {
            return None;
        }
        let mask = self.index.len() - 1;
        let mut at = place_of(hash) & mask;
        loop {
            let entry = self
                .entries
                .get(usize::from(self.index[at & mask]).wrapping_sub(1))?;
            if entry.hash == hash {
                let start = entry.start as usize;
                return Some(Found {
                    actions: self.actions.get(start..start + usize::from(entry.len))?,
                    ends: entry.ends,
                    languages: entry.languages,
                });
            }
            at += 1;
        }
    }
}

#[inline]
fn bit_of(hash: u64) -> usize {
    (hash >> 48) as usize % BITMAP
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "only the low bits are used"
)]
fn place_of(hash: u64) -> usize {
    hash as usize
}
