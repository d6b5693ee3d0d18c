use std::fmt;

use crate::patterns::MOST_SIGNALS;

/// How many different signals one analysis keeps; what comes after them is not counted.
pub(crate) const MOST_HITS: usize = 64;

/// The strength of a signal that speaks plainly. Weaker ones are fractions of it.
pub(crate) const FULL: i8 = 4;

/// One signal that spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Hit {
    pub(crate) signal: u16,
    /// How often it spoke, up to 255.
    pub(crate) count: u8,
    /// Its best strength, up to [`FULL`]; negative if it was only denied.
    pub(crate) strength: i8,
}

/// The signals that spoke, in the order in which they were first met.
#[derive(Clone, Copy)]
pub(crate) struct Hits {
    hits: [Hit; MOST_HITS],
    len: usize,
}

impl fmt::Debug for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

impl Hits {
    pub(crate) fn all(&self) -> &[Hit] {
        &self.hits[..self.len.min(MOST_HITS)]
    }
}

/// Counts the signals that speak, without allocation and whatever their number.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    slots: [u8; MOST_SIGNALS],
    pub(crate) hits: Hits,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            slots: [0; MOST_SIGNALS],
            hits: Hits {
                hits: [Hit::default(); MOST_HITS],
                len: 0,
            },
        }
    }
}

impl Tally {
    /// Counts one occurrence: the best strength wins, and saying it again adds a little.
    /// Returns whether the signal speaks for the first time.
    pub(crate) fn add(&mut self, signal: u16, strength: i8) -> bool {
        let slot = &mut self.slots[signal as usize % MOST_SIGNALS];
        let hits = &mut self.hits;
        if *slot == 0 {
            if hits.len < MOST_HITS {
                hits.hits[hits.len] = Hit {
                    signal,
                    count: 1,
                    strength,
                };
                hits.len += 1;
                // There are at most 64 hits, so the number fits.
                *slot = u8::try_from(hits.len).unwrap_or(u8::MAX);
            }
            return true;
        }
        let hit = &mut hits.hits[(*slot as usize - 1) % MOST_HITS];
        hit.count = hit.count.saturating_add(1);
        hit.strength = hit.strength.max(strength);
        false
    }

    pub(crate) fn hits(&self) -> &[Hit] {
        self.hits.all()
    }
}

impl Hit {
    /// The vote of `points` that this hit casts, in sixteenths of a point: repetition adds at most a half.
    pub(crate) fn vote(self, points: i16) -> i32 {
        let repeats = i32::from(self.count.clamp(1, 5) - 1);
        i32::from(points) * i32::from(self.strength) * (8 + repeats) / 2
    }
}
