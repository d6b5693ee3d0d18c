use std::ops::Range;
use std::time::Duration;

use lattice_lock_errors::{Code, Severity};

/// How finely a window slides: it moves by a sixtieth of its length.
const SLOTS: usize = 60;

/// How many codes are told apart; further ones are counted together. All crates have fewer.
pub(crate) const MAX_CODES: usize = 512;

/// How many windows there may be, which bounds the memory.
pub(crate) const MAX_WINDOWS: usize = 4;

/// Counts errors for the threads that share it.
#[derive(Debug)]
pub(crate) struct Shard {
    /// Sorted by key.
    codes: Vec<Counter>,
    windows: Vec<Clock>,
    /// The counter that was used last: errors come in bursts.
    last: usize,
    /// How many errors of each severity with a counter the first window holds.
    within: BySeverity,
    /// How many more may come before the alerts are looked at.
    credits: BySeverity,
    /// Errors whose codes came when all counters were taken.
    other: Counter,
}

/// What is known of one code.
#[derive(Debug)]
struct Counter {
    key: u64,
    code: Option<Code>,
    total: u64,
    rings: Box<[Ring]>,
    keep_next: u64,
}

#[derive(Clone, Debug)]
struct Ring {
    slots: [u32; SLOTS],
    sum: u64,
}

/// Where a window stands.
#[derive(Clone, Copy, Debug)]
struct Clock {
    slot_nanos: u64,
    /// The number of the current slot since the start.
    head: u64,
    /// When the next slot begins.
    next: u64,
}

/// One number for each severity, the least first.
pub(crate) type BySeverity = [u64; Severity::ALL.len()];

/// What one error did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Whether the occurrence is to be kept.
    pub(crate) keep: bool,
    /// Whether the alerts are to be looked at.
    pub(crate) due: bool,
}

/// How long after an occurrence of a code was kept the next one is, in nanoseconds.
const KEEP_EVERY: u64 = 10_000_000;

impl Shard {
    pub(crate) fn new(windows: &[Duration]) -> Self {
        let windows: Vec<_> = windows.iter().map(|window| Clock::new(*window)).collect();
        let other = Counter::new(0, None, windows.len());
        Self {
            codes: Vec::new(),
            windows,
            last: 0,
            within: BySeverity::default(),
            credits: BySeverity::default(),
            other,
        }
    }

    /// Counts an error at `now`, in nanoseconds since the start.
    pub(crate) fn record(&mut self, code: Code, now: u64) -> Recorded {
        let slid = self.slide(now);
        let heads = self.heads();
        let counter = self.counter(code);
        counter.count(heads);
        let keep = counter.is_to_be_kept(now);
        let due = counter.code.is_some() && self.spend(rank(code.severity()));
        Recorded {
            keep,
            due: due || slid,
        }
    }

    /// Counts one more within the first window; says whether the alerts are to be looked at for it.
    fn spend(&mut self, level: usize) -> bool {
        self.within[level] += 1;
        let due = self.credits[level] == 0;
        self.credits[level] = self.credits[level].saturating_sub(1);
        due
    }

    /// How many errors of each severity the first window holds at `now`.
    pub(crate) fn within(&mut self, now: u64) -> BySeverity {
        self.slide(now);
        self.within
    }

    /// Lets so many errors of each severity pass before the alerts are looked at again.
    pub(crate) fn credit(&mut self, credits: BySeverity) {
        self.credits = credits;
    }

    /// Lets go of what left the windows until `now`. Says whether the first window moved.
    fn slide(&mut self, now: u64) -> bool {
        let mut slid = false;
        for at in 0..self.windows.len() {
            // Another thread may have been here with a later clock.
            if now >= self.windows[at].next {
                let head = self.windows[at].head;
                self.windows[at].advance(now);
                self.expire(at, head + 1..self.windows[at].head + 1);
                slid |= at == 0;
            }
        }
        slid
    }

    fn expire(&mut self, window: usize, slots: Range<u64>) {
        let slots = slots.start..slots.end.min(slots.start.saturating_add(SLOTS as u64));
        for counter in self.codes.iter_mut().chain([&mut self.other]) {
            let gone = counter.rings[window].clear(slots.clone());
            if let (0, Some(code)) = (window, counter.code) {
                self.within[rank(code.severity())] -= gone;
            }
        }
    }

    /// Adds up what is known to `add(code, total, sums)`, with one sum for each window.
    pub(crate) fn visit(
        &self,
        mut add: impl FnMut(Option<Code>, u64, &mut dyn Iterator<Item = u64>),
    ) {
        for counter in self.codes.iter().chain([&self.other]) {
            add(
                counter.code,
                counter.total,
                &mut counter.rings.iter().map(|ring| ring.sum),
            );
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.codes.clear();
        self.other = Counter::new(0, None, self.windows.len());
        self.within = BySeverity::default();
    }

    fn heads(&self) -> [usize; MAX_WINDOWS] {
        let mut heads = [0; MAX_WINDOWS];
        for (head, clock) in heads.iter_mut().zip(&self.windows) {
            *head = slot(clock.head);
        }
        heads
    }

    fn counter(&mut self, code: Code) -> &mut Counter {
        if !self
            .codes
            .get(self.last)
            .is_some_and(|counter| counter.is_of(code))
        {
            let key = key(code);
            match self.codes.binary_search_by_key(&key, |counter| counter.key) {
                Ok(at) => self.last = at,
                Err(at) if self.codes.len() < MAX_CODES => {
                    self.codes
                        .insert(at, Counter::new(key, Some(code), self.windows.len()));
                    self.last = at;
                }
                Err(_) => return &mut self.other,
            }
        }
        &mut self.codes[self.last]
    }
}

impl Clock {
    fn new(window: Duration) -> Self {
        let nanos = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        let slot_nanos = (nanos / SLOTS as u64).max(1);
        Self {
            slot_nanos,
            head: 0,
            next: slot_nanos,
        }
    }

    fn advance(&mut self, now: u64) {
        self.head = now / self.slot_nanos;
        self.next = (self.head + 1).saturating_mul(self.slot_nanos);
    }
}

impl Counter {
    fn new(key: u64, code: Option<Code>, windows: usize) -> Self {
        let rings = vec![
            Ring {
                slots: [0; SLOTS],
                sum: 0
            };
            windows
        ]
        .into();
        Self {
            key,
            code,
            total: 0,
            rings,
            keep_next: 0,
        }
    }

    fn count(&mut self, heads: [usize; MAX_WINDOWS]) {
        self.total += 1;
        for (ring, head) in self.rings.iter_mut().zip(heads) {
            ring.slots[head] = ring.slots[head].saturating_add(1);
            ring.sum += 1;
        }
    }

    fn is_to_be_kept(&mut self, now: u64) -> bool {
        let keep = now >= self.keep_next;
        if keep {
            self.keep_next = now.saturating_add(KEEP_EVERY);
        }
        keep
    }

    /// The same constant, not only an equal one: a shortcut that may miss.
    fn is_of(&self, code: Code) -> bool {
        self.code
            .is_some_and(|own| std::ptr::eq(own.as_str(), code.as_str()))
    }
}

impl Ring {
    fn clear(&mut self, slots: Range<u64>) -> u64 {
        let gone = slots
            .map(|at| u64::from(std::mem::take(&mut self.slots[slot(at)])))
            .sum();
        self.sum -= gone;
        gone
    }
}

fn slot(number: u64) -> usize {
    // The remainder of a division by 60 fits.
    usize::try_from(number % SLOTS as u64).unwrap_or(0)
}

/// The letters and digits of a code that differ, as a number: quicker to compare than a text.
fn key(code: Code) -> u64 {
    code.as_str()
        .bytes()
        .fold(0, |key, byte| key << 8 | u64::from(byte))
}

/// Where a severity is among all, from the least.
pub(crate) fn rank(severity: Severity) -> usize {
    Severity::ALL
        .iter()
        .position(|other| *other == severity)
        .unwrap_or(0)
}
