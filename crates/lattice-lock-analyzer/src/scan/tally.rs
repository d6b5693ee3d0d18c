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

/// The signals that spoke, without allocation and whatever their number.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    slots: [u8; MOST_SIGNALS],
    hits: [Hit; MOST_HITS],
    len: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            slots: [0; MOST_SIGNALS],
            hits: [Hit::default(); MOST_HITS],
            len: 0,
        }
    }
}

impl Tally {
    /// Counts one occurrence. The best strength wins; saying it again does not add more than `score` allows.
    pub(crate) fn add(&mut self, signal: u16, strength: i8) {
        let slot = &mut self.slots[signal as usize % MOST_SIGNALS];
        if *slot == 0 {
            if self.len == MOST_HITS {
                return;
            }
            self.hits[self.len] = Hit {
                signal,
                count: 1,
                strength,
            };
            self.len += 1;
            // There are at most 64 hits, so the number fits.
            *slot = u8::try_from(self.len).unwrap_or(u8::MAX);
            return;
        }
        let hit = &mut self.hits[*slot as usize - 1];
        hit.count = hit.count.saturating_add(1);
        hit.strength = hit.strength.max(strength);
    }

    pub(crate) fn hits(&self) -> &[Hit] {
        &self.hits[..self.len]
    }
}

impl Hit {
    /// The vote of `points` that this hit casts, in sixteenths of a point: repetition adds at most a half.
    pub(crate) fn vote(self, points: i16) -> i32 {
        let repeats = i32::from(self.count.clamp(1, 5) - 1);
        i32::from(points) * i32::from(self.strength) * (8 + repeats) / 2
    }
}
