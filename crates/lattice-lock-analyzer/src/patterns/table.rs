//! Words and phrases by hash: a small bitmap that says "no" for almost every word, and an open table behind it.

use std::collections::BTreeMap;

/// The longest phrase, in words.
pub(crate) const LONGEST_PHRASE: usize = 8;

/// How many bits the bitmap has.
const BITMAP: usize = 1 << 16;

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

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u64,
    start: u32,
    len: u16,
    ends: u16,
}

/// What was found for a word or phrase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'t> {
    pub(crate) actions: &'t [Action],
    /// Bit n: a phrase of n words may end with this word.
    pub(crate) ends: u16,
}

/// All words and phrases of a pattern set.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    bitmap: Box<[u64; BITMAP / 64]>,
    slots: Box<[Slot]>,
    actions: Box<[Action]>,
}

/// What is to go into a [`Table`], ordered by hash so that the same patterns always give the same table.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    entries: BTreeMap<u64, (Vec<Action>, u16)>,
}

impl Draft {
    pub(crate) fn add(&mut self, hash: u64, action: Action) {
        let actions = &mut self.entries.entry(hash).or_default().0;
        if !actions.contains(&action) {
            actions.push(action);
        }
    }

    /// Says that a phrase of `words` words ends with the word of this hash.
    pub(crate) fn ends(&mut self, hash: u64, words: usize) {
        self.entries.entry(hash).or_default().1 |= 1 << words;
    }

    pub(crate) fn build(self) -> Table {
        let size = (self.entries.len() * 2).next_power_of_two().max(64);
        let mut table = Table {
            bitmap: Box::new([0; BITMAP / 64]),
            slots: vec![Slot::default(); size].into_boxed_slice(),
            actions: Box::default(),
        };
        let mut actions = Vec::new();
        for (hash, (acts, ends)) in self.entries {
            let slot = Slot {
                hash,
                start: u32::try_from(actions.len()).unwrap_or(u32::MAX),
                len: u16::try_from(acts.len()).unwrap_or(u16::MAX),
                ends,
            };
            actions.extend(acts);
            table.insert(slot);
        }
        table.actions = actions.into_boxed_slice();
        table
    }
}

impl Table {
    fn insert(&mut self, slot: Slot) {
        let bit = bit_of(slot.hash);
        self.bitmap[bit / 64] |= 1 << (bit % 64);
        let mask = self.slots.len() - 1;
        let mut at = slot_of(slot.hash) & mask;
        while self.slots[at].len != 0 || self.slots[at].ends != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }

    /// What the word or phrase of this hash does, if it is in the set.
    #[inline]
    pub(crate) fn find(&self, hash: u64) -> Option<Found<'_>> {
        let bit = bit_of(hash);
        if self.bitmap[bit / 64] & (1 << (bit % 64)) == 0 {
            return None;
        }
        self.probe(hash)
    }

    fn probe(&self, hash: u64) -> Option<Found<'_>> {
        let mask = self.slots.len() - 1;
        let mut at = slot_of(hash) & mask;
        loop {
            let slot = &self.slots[at];
            if slot.len == 0 && slot.ends == 0 {
                return None;
            }
            if slot.hash == hash {
                let start = slot.start as usize;
                let actions = self.actions.get(start..start + slot.len as usize)?;
                return Some(Found {
                    actions,
                    ends: slot.ends,
                });
            }
            at = (at + 1) & mask;
        }
    }
}

#[inline]
fn bit_of(hash: u64) -> usize {
    (hash >> 48) as usize % BITMAP
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only the low bits are used"
)]
fn slot_of(hash: u64) -> usize {
    hash as usize
}
