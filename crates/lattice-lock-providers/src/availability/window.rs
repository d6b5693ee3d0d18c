use super::policy::{BreakerPolicy, SLOTS};

/// Results of the recent past, in slots that are forgotten one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    slots: [Slot; SLOTS as usize],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Which slot since 1970 this is.
    number: i64,
    good: u32,
    bad: u32,
    /// One bit per source of failures, by hash.
    sources: u64,
}

/// What a window adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) good: u32,
    pub(super) bad: u32,
    sources: u64,
}

impl Window {
    /// Counts one result; a good one has no source.
    pub(super) fn count(&mut self, now: i64, failed_at: Option<u64>, policy: &BreakerPolicy) {
        let number = now.div_euclid(policy.slot);
        let place = usize::try_from(number.rem_euclid(i64::from(SLOTS))).unwrap_or(0);
        let slot = &mut self.slots[place];
        if slot.number != number {
            *slot = Slot {
                number,
                ..Slot::default()
            };
        }
        match failed_at {
            None => slot.good = slot.good.saturating_add(1),
            Some(source) => {
                slot.bad = slot.bad.saturating_add(1);
                slot.sources |= source;
            }
        }
    }

    pub(super) fn tally(&self, now: i64, policy: &BreakerPolicy) -> Tally {
        let last = now.div_euclid(policy.slot);
        let recent = last.saturating_sub(i64::from(SLOTS) - 1)..=last;
        let slots = self
            .slots
            .iter()
            .filter(|slot| recent.contains(&slot.number));
        slots.fold(Tally::default(), |sum, slot| Tally {
            good: sum.good.saturating_add(slot.good),
            bad: sum.bad.saturating_add(slot.bad),
            sources: sum.sources | slot.sources,
        })
    }
}

impl Tally {
    /// Whether at least this share failed, of at least the minimum volume, at this many different sources.
    pub(super) fn reaches(self, percent: u32, breadth: u32, policy: &BreakerPolicy) -> bool {
        let volume = u64::from(self.good) + u64::from(self.bad);
        volume >= u64::from(policy.minimum_volume)
            && u64::from(self.bad) * 100 >= volume * u64::from(percent)
            && self.sources.count_ones() >= breadth
    }
}
