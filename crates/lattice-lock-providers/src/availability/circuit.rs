use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::policy::{BreakerPolicy, SLOTS};
use super::state::{Availability, Published};
use super::window::Window;

/// One circuit breaker: what it says is read without a lock, what is learnt is written under one.
#[derive(Debug)]
pub(super) struct Circuit {
    /// Which of its provider's models it is of, counted as they came.
    pub(super) serial: usize,
    rules: Rules,
    published: AtomicU64,
    era: AtomicU64,
    memory: Mutex<Memory>,
}

/// By what a circuit decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) policy: BreakerPolicy,
    /// At how many different sources failures must be seen before it opens.
    pub(super) breadth: u32,
}

/// What a circuit remembers.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    phase: Phase,
    window: Window,
    cooling_until: i64,
    heard: bool,
    disabled: bool,
    /// How often in a row it was opened without being closed.
    openings: u32,
    /// Grows with each opening, so that an answer to an older trial is told apart.
    era: u64,
    /// What was last told to those who listen.
    announced: Availability,
}

#[derive(Clone, Debug)]
enum Phase {
    Closed,
    Open { until: i64 },
    HalfOpen { under_way: Vec<Trial>, good: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trial {
    number: u64,
    lapses: i64,
}

/// A place among the calls that a half-open circuit lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    era: u64,
    number: u64,
}

/// Whether a call may pass one circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Free { era: u64 },
    Probe(Probe),
    Refused(Availability),
}

/// What became of a call, as far as one circuit is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It works.
    Good,
    /// It failed by its own fault, at this source.
    Bad { source: u64 },
    /// The call says nothing about it.
    Neutral,
    /// It asks to be left alone until then.
    Cool { until: i64 },
    /// It is out at once, for so long.
    Out { lasting: i64 },
}

/// By which leave a call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// None was asked for: the result counts as that of a trial.
    None,
    Free {
        era: u64,
    },
    Probe(Probe),
}

/// A change of state worth telling.
pub(super) type Change = Option<(Availability, Availability)>;

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Closed,
            window: Window::default(),
            cooling_until: i64::MIN,
            heard: false,
            disabled: false,
            openings: 0,
            era: 0,
            announced: Availability::Unknown,
        }
    }

    fn published(&self, now: i64, rules: &Rules) -> Published {
        let cooling = self.cooling_until > now;
        match self.phase {
            _ if self.disabled => Published::Disabled,
            Phase::Open { until } => Published::Open { until },
            Phase::HalfOpen { .. } if cooling => Published::CoolingHalfOpen {
                until: self.cooling_until,
            },
            Phase::HalfOpen { .. } => Published::HalfOpen,
            Phase::Closed if cooling => Published::Cooling {
                until: self.cooling_until,
            },
            Phase::Closed if self.is_degraded(now, rules) => Published::Degraded {
                until: now.saturating_add(rules.policy.slot.saturating_mul(i64::from(SLOTS))),
            },
            Phase::Closed if self.heard => Published::Available,
            Phase::Closed => Published::Unknown,
        }
    }

    fn is_degraded(&self, now: i64, rules: &Rules) -> bool {
        let tally = self.window.tally(now, &rules.policy);
        tally.reaches(rules.policy.degraded_percent, 1, &rules.policy)
    }

    /// An open circuit whose time is over is half-open.
    fn lapse(&mut self, now: i64) {
        if matches!(self.phase, Phase::Open { until } if until <= now) {
            self.phase = Phase::HalfOpen {
                under_way: Vec::new(),
                good: 0,
            };
        }
    }

    fn open(&mut self, now: i64, lasting: i64, longest: i64) {
        let doubled = lasting.saturating_mul(1_i64 << self.openings.min(20));
        let lasting = doubled.min(longest.max(lasting));
        self.openings = self.openings.saturating_add(1);
        self.era += 1;
        self.window = Window::default();
        self.phase = Phase::Open {
            until: now.saturating_add(lasting),
        };
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.window = Window::default();
        self.openings = 0;
    }

    /// Takes the trial off the list, and says whether the result counts at all.
    fn counts(&mut self, leave: Leave) -> bool {
        let era = self.era;
        match (&mut self.phase, leave) {
            (Phase::HalfOpen { under_way, .. }, Leave::Probe(probe)) if probe.era == era => {
                let before = under_way.len();
                under_way.retain(|trial| trial.number != probe.number);
                under_way.len() < before
            }
            (Phase::Open { .. }, _)
            | (Phase::HalfOpen { .. }, Leave::Free { .. } | Leave::Probe(_)) => false,
            (Phase::HalfOpen { .. } | Phase::Closed, Leave::None) => true,
            (Phase::Closed, Leave::Free { era: then }) => then == era,
            (Phase::Closed, Leave::Probe(probe)) => probe.era == era,
        }
    }

    fn learn(&mut self, now: i64, verdict: Verdict, counts: bool, rules: &Rules) {
        match verdict {
            // Whoever asks for a pause gets it, whichever call it was that heard of it.
            Verdict::Cool { until } => self.cool(until),
            Verdict::Out { lasting } if counts => {
                self.open(now, lasting, lasting.max(rules.policy.open_for_at_most));
            }
            Verdict::Good if counts => self.good(now, &rules.policy),
            Verdict::Bad { source } if counts => self.bad(now, source, rules),
            Verdict::Good | Verdict::Bad { .. } | Verdict::Out { .. } | Verdict::Neutral => {}
        }
    }

    fn cool(&mut self, asked: i64) {
        self.cooling_until = self.cooling_until.max(asked);
        if let Phase::Open { until } = &mut self.phase {
            *until = asked.max(*until);
        }
    }

    fn good(&mut self, now: i64, policy: &BreakerPolicy) {
        match &mut self.phase {
            Phase::HalfOpen { good, .. } => {
                *good += 1;
                if *good >= policy.probes {
                    self.close();
                }
            }
            Phase::Closed | Phase::Open { .. } => self.window.count(now, None, policy),
        }
    }

    fn bad(&mut self, now: i64, source: u64, rules: &Rules) {
        let policy = &rules.policy;
        if matches!(self.phase, Phase::HalfOpen { .. }) {
            return self.open(now, policy.open_for, policy.open_for_at_most);
        }
        self.window.count(now, Some(source), policy);
        let tally = self.window.tally(now, policy);
        if tally.reaches(policy.open_percent, rules.breadth, policy) {
            self.open(now, policy.open_for, policy.open_for_at_most);
        }
    }

    fn try_out(&mut self, now: i64, policy: &BreakerPolicy, number: u64) -> Option<Probe> {
        let era = self.era;
        let Phase::HalfOpen { under_way, .. } = &mut self.phase else {
            return None;
        };
        under_way.retain(|trial| trial.lapses > now);
        let room = under_way.len() < policy.probes as usize;
        room.then(|| {
            let lapses = now.saturating_add(policy.probe_lease);
            under_way.push(Trial { number, lapses });
            Probe { era, number }
        })
    }
}

impl Circuit {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            serial: 0,
            rules,
            era: AtomicU64::new(0),
            published: AtomicU64::new(Published::Unknown.pack()),
            memory: Mutex::new(Memory::new()),
        }
    }

    pub(super) fn numbered(self, serial: usize) -> Self {
        Self { serial, ..self }
    }

    /// What it says now. Takes no lock.
    pub(super) fn read(&self, now: i64) -> Availability {
        Published::unpack(self.published.load(Ordering::Acquire), now)
    }

    /// Whether a call may pass. Takes a lock only where the answer is not simply yes or no.
    pub(super) fn admit(&self, now: i64, number: u64) -> (Admission, Change) {
        match self.read(now) {
            Availability::HalfOpen => {}
            state if !state.permits_call() => return (Admission::Refused(state), None),
            _ => {
                let era = self.era.load(Ordering::Acquire);
                return (Admission::Free { era }, None);
            }
        }
        self.change(now, |memory| match memory.phase {
            Phase::HalfOpen { .. } => memory
                .try_out(now, &self.rules.policy, number)
                .map_or(Admission::Refused(Availability::HalfOpen), Admission::Probe),
            Phase::Open { until } => Admission::Refused(Availability::Open { until }),
            Phase::Closed => Admission::Free { era: memory.era },
        })
    }

    /// Learns what became of a call.
    pub(super) fn learn(&self, now: i64, leave: Leave, verdict: Verdict) -> Change {
        let learn = |memory: &mut Memory| {
            memory.heard = true;
            let counts = memory.counts(leave);
            memory.learn(now, verdict, counts, &self.rules);
        };
        self.change(now, learn).1
    }

    /// Gives a trial's place back: the call was never made, or nobody waits for its end.
    pub(super) fn forget(&self, probe: Probe) {
        self.lock().counts(Leave::Probe(probe));
    }

    pub(super) fn disable(&self, disabled: bool, now: i64) -> Change {
        self.change(now, |memory| memory.disabled = disabled).1
    }

    /// Tells what time alone has changed.
    pub(super) fn tick(&self, now: i64) -> Change {
        self.change(now, |_| ()).1
    }

    /// Whether forgetting it would let calls through that it holds back.
    pub(super) fn is_of_note(&self) -> bool {
        let memory = self.lock();
        memory.disabled || memory.openings > 0 || memory.cooling_until > i64::MIN
    }

    pub(super) fn capture(&self) -> Memory {
        self.lock().clone()
    }

    pub(super) fn restore(&self, memory: Memory, now: i64) {
        let mut held = self.lock();
        self.publish(&memory, now);
        *held = memory;
    }

    fn change<T>(&self, now: i64, change: impl FnOnce(&mut Memory) -> T) -> (T, Change) {
        let mut memory = self.lock();
        memory.lapse(now);
        let outcome = change(&mut memory);
        self.publish(&memory, now);
        let (from, to) = (memory.announced, self.read(now));
        memory.announced = to;
        let changed = from.as_str() != to.as_str();
        (outcome, changed.then_some((from, to)))
    }

    fn publish(&self, memory: &Memory, now: i64) {
        let published = memory.published(now, &self.rules);
        self.era.store(memory.era, Ordering::Release);
        self.published.store(published.pack(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // What is kept is whole after each statement, so that a panic elsewhere spoils nothing.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
