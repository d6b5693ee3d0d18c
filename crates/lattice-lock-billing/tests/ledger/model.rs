//! A reference model of the ledger, held against every store on random histories.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lattice_lock_billing::{
    AttemptId, Entry, InstanceId, Intent, Ledger, OperationId, Outcome, Position, Resolution,
    UsageAccumulator, codes,
};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{Bucket, TokenUsage};
use lattice_lock_repository::{Database, Engine, Timestamp};

use crate::contract::{Fact, Random};
use crate::{entry, list};

/// How many attempts and processes a history is about, and how many steps it has.
const ATTEMPTS: u16 = 5;
const PROCESSES: usize = 3;
const STEPS: usize = 24;

/// Seconds of a lease.
const LEASE: u64 = 60;

/// What an attempt's last revision says: tokens, or that it was given up or voided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Used(u64),
    GivenUp,
    Nothing,
}

/// All that a ledger is, in maps.
#[derive(Default)]
struct Model {
    revisions: BTreeMap<AttemptId, Vec<Says>>,
    /// Whose intents are open, and those that are held.
    open: BTreeMap<AttemptId, (usize, bool)>,
    /// Until when each process is known to be alive.
    leases: BTreeMap<usize, i64>,
    now: i64,
    entries: u64,
}

impl Model {
    fn intend(&mut self, process: usize, attempt: AttemptId) {
        if !self.revisions.contains_key(&attempt) && !self.open.contains_key(&attempt) {
            self.open.insert(attempt, (process, false));
        }
    }

    /// Whether it is refused, and whether it is a replay.
    fn record(&mut self, attempt: AttemptId, tokens: u64) -> Result<bool, ()> {
        let says = Says::Used(tokens);
        let known = self.revisions.entry(attempt).or_default();
        let replayed = match known.as_slice() {
            // What comes after it was given up corrects that.
            [] | [Says::GivenUp] => {
                known.push(says);
                false
            }
            [Says::GivenUp, late, ..] if *late == says => true,
            [first, ..] if *first == says => true,
            _ => return Err(()),
        };
        self.entries += u64::from(!replayed);
        self.open.remove(&attempt);
        Ok(replayed)
    }

    fn correct(&mut self, attempt: AttemptId, says: Says) {
        self.revisions.entry(attempt).or_default().push(says);
        self.entries += 1;
        self.open.remove(&attempt);
    }

    /// Whose leases are over, and whose may be: one that was renewed within a third of it need not be renewed again.
    fn expired(&self, finder: usize) -> (BTreeSet<AttemptId>, BTreeSet<AttemptId>) {
        let before = |slack: i64| {
            let is_over = |process: &usize| {
                let until = self.leases.get(process);
                *process != finder && until.is_none_or(|until| *until - slack < self.now)
            };
            let open = self.open.iter();
            let over = open.filter(|(_, (process, held))| !held && is_over(process));
            over.map(|(attempt, _)| *attempt).collect()
        };
        (before(0), before(seconds(LEASE) / 3))
    }

    fn tokens(&self) -> u64 {
        let last = self
            .revisions
            .values()
            .filter_map(|revisions| revisions.last());
        last.map(|says| match says {
            Says::Used(tokens) => *tokens,
            Says::GivenUp | Says::Nothing => 0,
        })
        .sum()
    }

    fn unpriced(&self) -> i64 {
        let last = self
            .revisions
            .values()
            .filter_map(|revisions| revisions.last());
        i64::try_from(last.filter(|says| **says == Says::GivenUp).count()).unwrap()
    }
}

fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap() * 1_000_000
}

fn usage(tokens: u64) -> TokenUsage {
    TokenUsage::new().with(Bucket::Input, tokens)
}

fn intent(attempt: AttemptId) -> Intent {
    let who = Principal::external("user-17").unwrap();
    Intent::new(attempt, &who, "openai/gpt-5-mini".parse().unwrap())
}

/// Random histories of intents, settlements, expiries, duplicates, conflicting duplicates, late events, corrections and
/// crashes: each as long as [`STEPS`], with processes of its own.
pub(crate) fn a_reference_model_agrees_on_random_histories(database: Database) -> Fact {
    Box::pin(async move {
        let most = match database.engine() {
            Engine::Memory => 1000,
            Engine::Sqlite => 150,
            _ => 25,
        };
        let histories = std::env::var("LATTICE_TEST_HISTORIES");
        let histories = histories.map_or(most, |number| number.parse().unwrap());
        for seed in 0..histories {
            History::new(&database, seed).run().await;
        }
    })
}

struct History {
    model: Model,
    random: Random,
    seed: u64,
    processes: Vec<Ledger>,
    operation: OperationId,
    micros: Arc<AtomicI64>,
    database: Database,
}

/// A process that opens the ledger. Of one in memory, that is another view.
fn process(database: &Database, micros: &Arc<AtomicI64>, first: Option<&Ledger>) -> Ledger {
    if let (Engine::Memory, Some(first)) = (database.engine(), first) {
        return first.as_instance(InstanceId::generate());
    }
    let micros = Arc::clone(micros);
    let now = move || Timestamp::from_micros(micros.load(Ordering::Relaxed));
    let builder = Ledger::builder(database).clock(now);
    builder.lease(Duration::from_secs(LEASE)).build().unwrap()
}

impl History {
    fn new(database: &Database, seed: u64) -> Self {
        let micros = Arc::new(AtomicI64::new(1_000_000_000));
        let first = process(database, &micros, None);
        let mut processes = vec![first.clone()];
        processes.extend((1..PROCESSES).map(|_| process(database, &micros, Some(&first))));
        Self {
            model: Model::default(),
            random: Random(seed),
            seed,
            processes,
            operation: OperationId::generate(),
            micros,
            database: database.clone(),
        }
    }

    async fn run(mut self) {
        self.model.now = self.micros.load(Ordering::Relaxed);
        for _ in 0..STEPS {
            self.step().await;
        }
        self.compare().await;
        // The next history in the same database need not look at what this one left.
        for attempt in self.model.open.keys() {
            self.processes[0].withdraw(*attempt, None).await.unwrap();
        }
    }

    fn attempt(&mut self) -> AttemptId {
        let number = self.random.below(ATTEMPTS.into());
        AttemptId::new(self.operation, 1, u16::try_from(number + 1).unwrap())
    }

    async fn step(&mut self) {
        let (at, attempt) = (self.random.below(PROCESSES), self.attempt());
        let (ledger, place) = (
            self.processes[at].clone(),
            format!("seed {}, {attempt}", self.seed),
        );
        match self.random.below(10) {
            0 | 1 => {
                self.alive(at);
                ledger.intend(intent(attempt)).await.unwrap();
                self.model.intend(at, attempt);
            }
            2..=4 => {
                let (tokens, next) = (self.random.below(2) as u64, self.attempt());
                let with_next = self.random.below(2) == 0;
                let following = with_next.then(|| intent(next));
                let booked = ledger.record(entry(attempt, tokens), following).await;
                let expected = self.model.record(attempt, tokens);
                match (booked, expected) {
                    (Ok(booked), Ok(replayed)) => {
                        assert_eq!(booked.replayed, replayed, "{place}");
                        self.alive(at);
                        if with_next {
                            self.model.intend(at, next);
                        }
                    }
                    (Err(error), Err(())) => {
                        assert_eq!(error.code(), codes::ENTRY_CONFLICT, "{place}");
                        self.alive(at);
                    }
                    (booked, expected) => panic!("{place}: {booked:?} and not {expected:?}"),
                }
            }
            5 => {
                self.alive(at);
                ledger.withdraw(attempt, None).await.unwrap();
                self.model.open.remove(&attempt);
            }
            6 => self.correct(&ledger, at, attempt).await,
            7 => {
                self.model.now += seconds(self.random.below(50) as u64 + 1);
                self.micros.store(self.model.now, Ordering::Relaxed);
            }
            8 => self.recover(&ledger, at, &place).await,
            _ => {
                // The process dies, and one with another name begins.
                if at > 0 {
                    let process = process(&self.database, &self.micros, Some(&self.processes[0]));
                    let dead = PROCESSES + self.seed_of_the_dead();
                    for (process, _) in self.model.open.values_mut().filter(|(it, _)| *it == at) {
                        *process = dead;
                    }
                    if let Some(until) = self.model.leases.remove(&at) {
                        self.model.leases.insert(dead, until);
                    }
                    self.processes[at] = process;
                }
            }
        }
    }

    fn seed_of_the_dead(&mut self) -> usize {
        self.random.below(1 << 30)
    }

    fn alive(&mut self, at: usize) {
        let until = self.model.now + seconds(LEASE);
        self.model.leases.insert(at, until);
    }

    async fn correct(&mut self, ledger: &Ledger, at: usize, attempt: AttemptId) {
        let entries = ledger.of_operation(self.operation).await.unwrap();
        let Some(last) = entries
            .iter()
            .rfind(|entry| entry.attempt() == Some(attempt))
        else {
            return;
        };
        let tokens = self.random.below(9) as u64;
        let version = lattice_lock_providers::PriceVersion::new("test");
        let (draft, says) = if self.random.below(3) == 0 {
            (last.voided("never"), Says::Nothing)
        } else {
            let fixed = last.corrected("fixed");
            let fixed = fixed.used(usage(tokens), Some((&version, &list("1"))));
            (fixed, Says::Used(tokens))
        };
        assert!(!ledger.record(draft.clone(), None).await.unwrap().replayed);
        assert!(ledger.record(draft, None).await.unwrap().replayed);
        self.alive(at);
        self.model.correct(attempt, says);
    }

    async fn recover(&mut self, ledger: &Ledger, at: usize, place: &str) {
        let (over, perhaps) = self.model.expired(at);
        let is_held = |attempt: AttemptId| attempt.attempt().is_multiple_of(2);
        let decide = |intent: &Intent| {
            if is_held(intent.attempt()) {
                return Resolution::Hold;
            }
            Resolution::Settle(Box::new(intent.unknown()))
        };
        let done = ledger.recover(decide).await.unwrap();
        let all = done.settled.iter().chain(&done.held).map(Intent::attempt);
        // Other histories in the same database left some open too.
        let found: BTreeSet<_> = all.filter(|it| it.operation() == self.operation).collect();
        assert!(
            found.is_superset(&over),
            "{place}: {found:?} without {over:?}"
        );
        assert!(
            found.is_subset(&perhaps),
            "{place}: {found:?} and not {perhaps:?}"
        );
        for attempt in found {
            if is_held(attempt) {
                self.model
                    .open
                    .entry(attempt)
                    .and_modify(|(_, held)| *held = true);
            } else {
                self.model.correct(attempt, Says::GivenUp);
            }
        }
    }

    async fn compare(&self) {
        let (ledger, seed) = (&self.processes[0], self.seed);
        let open = ledger.open_intents().await.unwrap();
        let open = open
            .iter()
            .filter(|intent| intent.attempt().operation() == self.operation);
        let open: BTreeMap<_, _> = open.map(|it| (it.attempt(), it.is_held())).collect();
        let expected = self
            .model
            .open
            .iter()
            .map(|(attempt, (_, held))| (*attempt, *held));
        assert_eq!(open, expected.collect(), "seed {seed}");
        let entries = ledger.of_operation(self.operation).await.unwrap();
        assert_eq!(entries.len() as u64, self.model.entries, "seed {seed}");
        let keys: BTreeSet<_> = entries.iter().map(Entry::idempotency_key).collect();
        assert_eq!(keys.len(), entries.len(), "seed {seed}: a key stands twice");
        let effects: i128 = entries
            .iter()
            .map(|entry| i128::from(entry.effect().nanos()))
            .sum();
        let sum = UsageAccumulator::of_entries(&entries).unwrap();
        // The sum of the entries is the aggregate of what they say at last.
        assert_eq!(effects, sum.cost().nanos(), "seed {seed}");
        assert_eq!(
            effects,
            i128::from(self.model.tokens()) * 1000,
            "seed {seed}"
        );
        let given_up = entries
            .iter()
            .filter(|entry| entry.outcome() == Outcome::Unknown);
        assert!(
            i64::try_from(given_up.count()).unwrap() >= self.model.unpriced(),
            "seed {seed}"
        );
        let before = entries.iter().filter_map(Entry::position).min();
        let before = before.map(|first| Position::new(first.get() - 1));
        let listed = self.listed(ledger, before).await;
        assert_eq!(listed, keys, "seed {seed}");
        if self.database.engine() == Engine::Memory {
            let total = ledger.total().await.unwrap();
            let figures = (total.entries, total.unpriced, total.total_usd.nanos());
            assert_eq!(
                figures,
                (self.model.entries, self.model.unpriced(), effects),
                "seed {seed}"
            );
        }
    }

    /// The keys of this operation as a reader finds them who follows the order of commits.
    async fn listed(&self, ledger: &Ledger, mut after: Option<Position>) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        loop {
            let page = ledger.list(after, 1000).await.unwrap();
            let Some(last) = page.last() else { return keys };
            after = last.position();
            let of_this =
                |entry: &&Entry| entry.attempt().map(|it| it.operation()) == Some(self.operation);
            keys.extend(page.iter().filter(of_this).map(Entry::idempotency_key));
        }
    }
}
