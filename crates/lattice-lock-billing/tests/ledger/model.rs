//! A reference model: all that a ledger is, in maps. What it says is held against every store on random histories.

use std::collections::{BTreeMap, BTreeSet};

use lattice_lock_billing::AttemptId;

/// Microseconds of a lease.
pub(crate) const LEASE: i64 = 60_000_000;

/// What is done to an attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Intend,
    /// It used so many tokens, and another one follows.
    Record(u64, Option<AttemptId>),
    Withdraw,
    Abandon,
    /// Its last revision should have said so many tokens, or that nothing is owed.
    Correct(Option<u64>),
}

/// What whoever did it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Done,
    Booked,
    Replayed,
    Conflict,
    NothingThere,
}

/// What a revision says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Says {
    /// None while it is not known.
    pub(crate) tokens: Option<u64>,
    /// Whether it is known how the attempt ended.
    pub(crate) is_known: bool,
    pub(crate) is_void: bool,
}

impl Says {
    const GIVEN_UP: Self = Self {
        tokens: None,
        is_known: false,
        is_void: false,
    };

    fn used(tokens: u64) -> Self {
        Self {
            tokens: Some(tokens),
            is_known: true,
            is_void: false,
        }
    }
}

/// An intent: which process's, if it was not abandoned, and whether it is held.
pub(crate) type Open = (Option<u64>, bool);

/// What is to become of the intents of the dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Settle,
    Hold,
    Withdraw,
}

impl Fate {
    pub(crate) fn of(attempt: AttemptId) -> Self {
        match attempt.attempt() % 4 {
            0 => Self::Withdraw,
            3 => Self::Hold,
            _ => Self::Settle,
        }
    }
}

#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) revisions: BTreeMap<AttemptId, Vec<Says>>,
    pub(crate) open: BTreeMap<AttemptId, Open>,
    /// Until when each process is alive at least and at most: a lease that was renewed within its last third need not be
    /// renewed again, and of one who died nobody knows the last renewal.
    leases: BTreeMap<u64, (i64, i64)>,
    pub(crate) now: i64,
}

impl Model {
    /// A process does something.
    pub(crate) fn apply(&mut self, process: u64, attempt: AttemptId, event: Event) -> Told {
        match event {
            Event::Intend => self.intend(process, attempt),
            Event::Withdraw => {
                self.open.remove(&attempt);
            }
            Event::Abandon => {
                let intent = self.open.get_mut(&attempt);
                if let Some((whose, _)) = intent.filter(|(whose, _)| *whose == Some(process)) {
                    *whose = None;
                }
            }
            Event::Record(tokens, next) => return self.record(process, attempt, tokens, next),
            Event::Correct(tokens) => return self.correct(attempt, tokens),
        }
        Told::Done
    }

    fn intend(&mut self, process: u64, attempt: AttemptId) {
        if !self.revisions.contains_key(&attempt) {
            self.open.entry(attempt).or_insert((Some(process), false));
        }
    }

    fn record(
        &mut self,
        process: u64,
        attempt: AttemptId,
        tokens: u64,
        next: Option<AttemptId>,
    ) -> Told {
        let revisions = self.revisions.entry(attempt).or_default();
        // What comes after it was given up is the next revision; once it came, it is what was said.
        let said = revisions.iter().find(|says| says.is_known);
        let told = match said {
            None => {
                revisions.push(Says::used(tokens));
                Told::Booked
            }
            Some(said) if said.tokens == Some(tokens) && !said.is_void => Told::Replayed,
            Some(_) => return Told::Conflict,
        };
        self.open.remove(&attempt);
        if let Some(next) = next {
            self.intend(process, next);
        }
        told
    }

    fn correct(&mut self, attempt: AttemptId, tokens: Option<u64>) -> Told {
        let Some(last) = self
            .revisions
            .get(&attempt)
            .and_then(|it| it.last().copied())
        else {
            return Told::NothingThere;
        };
        let says = Says {
            tokens: tokens.or(Some(0)),
            is_known: last.is_known,
            is_void: tokens.is_none(),
        };
        self.revisions.entry(attempt).or_default().push(says);
        self.open.remove(&attempt);
        Told::Booked
    }

    /// It was heard of.
    pub(crate) fn is_alive(&mut self, process: u64) {
        let until = (self.now + LEASE * 2 / 3, self.now + LEASE);
        self.leases.insert(process, until);
    }

    /// It may have been heard of.
    pub(crate) fn may_be_alive(&mut self, process: u64) {
        let lease = self.leases.entry(process).or_insert((i64::MIN, i64::MIN));
        lease.1 = self.now + LEASE;
    }

    /// What a recovery in this process finds: what it must, and what it may.
    pub(crate) fn expired(&self, finder: u64) -> (BTreeSet<AttemptId>, BTreeSet<AttemptId>) {
        let expired = |until: fn(&(i64, i64)) -> i64| {
            let is_over = |process: u64| {
                let lease = self.leases.get(&process).map(until);
                process != finder && lease.is_none_or(|until| until < self.now)
            };
            let open = self.open.iter();
            open.filter(|(_, (whose, held))| !held && whose.is_none_or(is_over))
                .map(|(attempt, _)| *attempt)
                .collect()
        };
        (expired(|lease| lease.1), expired(|lease| lease.0))
    }

    /// What a recovery does with what it found.
    pub(crate) fn recover(&mut self, attempt: AttemptId) {
        match Fate::of(attempt) {
            Fate::Hold => {
                let intent = self.open.entry(attempt);
                intent.and_modify(|(_, held)| *held = true);
            }
            Fate::Withdraw => {
                self.open.remove(&attempt);
            }
            Fate::Settle => {
                self.open.remove(&attempt);
                let revisions = self.revisions.entry(attempt).or_default();
                revisions.push(Says::GIVEN_UP);
            }
        }
    }

    /// Entries, attempts without a known cost, and tokens, as the last revisions say.
    pub(crate) fn total(&self) -> (u64, i64, u64) {
        let last = self.revisions.values().filter_map(|it| it.last());
        let entries = self.revisions.values().map(Vec::len).sum::<usize>();
        let unpriced = last.clone().filter(|says| says.tokens.is_none()).count();
        let tokens = last.filter_map(|says| says.tokens).sum();
        (entries as u64, i64::try_from(unpriced).unwrap(), tokens)
    }
}
