//! Random histories, on which the model and the stores must agree. `LATTICE_TEST_HISTORIES` says how many.
//!
//! Many run side by side in a world: each has its own operation, all share the processes, the clock, and so the expiries,
//! recoveries and crashes. What they do in one round goes into the same transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lattice_lock_billing::{
    AttemptId, Entry, InstanceId, Intent, Ledger, OperationId, Outcome, Position, Resolution,
    UsageAccumulator, codes,
};
use lattice_lock_providers::{Bucket, PriceVersion, TokenUsage};
use lattice_lock_repository::{Database, DatabaseOptions, Engine, Timestamp};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::contract::{Random, intent};
use crate::model::{Event, Fate, LEASE, Model, Says, Told};
use crate::{entry, list};

/// How many attempts a history is about, how many rounds it has, how many are in a world, and how many processes.
const ATTEMPTS: usize = 4;
const ROUNDS: usize = 24;
const HISTORIES: u64 = 100;
const PROCESSES: usize = 3;

const LONG: Duration = Duration::from_mins(1);

/// Intents, settlements, expiries, duplicates, conflicting duplicates, late events, corrections and crashes.
pub(crate) async fn a_reference_model_agrees(database: Database, url: String) {
    let most = match database.engine() {
        Engine::Memory => 1000,
        Engine::Sqlite => 200,
        _ => 100,
    };
    let histories = std::env::var("LATTICE_TEST_HISTORIES");
    let histories = histories.map_or(most, |number| number.parse().unwrap());
    for seed in 0..u64::div_ceil(histories, HISTORIES) {
        let mut world = World::new(&database, &url, seed).await;
        for _ in 0..ROUNDS {
            world.round().await;
        }
        world.end().await;
    }
}

/// A process that opens the ledger: its tasks and connections die with it.
struct Process {
    number: u64,
    ledger: Ledger,
    runtime: Option<Runtime>,
}

impl Process {
    fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        match &self.runtime {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }

    fn end(self) {
        if let Some(runtime) = self.runtime {
            tokio::task::block_in_place(|| runtime.shutdown_timeout(LONG));
        }
    }
}

type Entries = BTreeMap<OperationId, Vec<Entry>>;

struct World {
    url: String,
    /// Who looks on: no process of the world.
    observer: Ledger,
    engine: Engine,
    model: Model,
    random: Random,
    place: String,
    operations: Vec<OperationId>,
    processes: Vec<Process>,
    begun: u64,
    micros: Arc<AtomicI64>,
    before: (Option<Position>, u64, i64, i128),
}

impl World {
    async fn new(database: &Database, url: &str, seed: u64) -> Self {
        let micros = Arc::new(AtomicI64::new(1_000_000_000));
        let observer = open(database, &micros);
        let mut world = Self {
            url: url.to_owned(),
            engine: database.engine(),
            model: Model::default(),
            random: Random(seed),
            place: format!("seed {seed}"),
            operations: (0..HISTORIES).map(|_| OperationId::generate()).collect(),
            processes: Vec::new(),
            begun: 0,
            before: figures(&observer).await,
            micros,
            observer,
        };
        world.model.now = 1_000_000_000;
        for _ in 0..PROCESSES {
            let process = world.begin().await;
            world.processes.push(process);
        }
        world
    }

    async fn begin(&mut self) -> Process {
        self.begun += 1;
        let number = self.begun;
        if self.engine == Engine::Memory {
            let ledger = self.observer.as_instance(InstanceId::generate());
            let runtime = None;
            return Process {
                number,
                ledger,
                runtime,
            };
        }
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let (url, micros) = (self.url.clone(), Arc::clone(&self.micros));
        let options = DatabaseOptions::default().pool_size(2).max_overflow(0);
        let opened = runtime.spawn(async move {
            let database = Database::open_with(&url, options).await.unwrap();
            open(&database, &micros)
        });
        Process {
            number,
            ledger: opened.await.unwrap(),
            runtime: Some(runtime),
        }
    }

    async fn round(&mut self) {
        let at = self.random.below(PROCESSES);
        match self.random.below(10) {
            0 | 1 => {
                let seconds = i64::try_from(self.random.below(50) + 1).unwrap();
                self.model.now += seconds * 1_000_000;
                self.micros.store(self.model.now, Ordering::Relaxed);
            }
            2 | 3 => self.recover(at).await,
            4 => self.crash(at).await,
            _ => self.write().await,
        }
    }

    fn event(&mut self, operation: OperationId) -> (AttemptId, Event) {
        let mut attempt = || {
            let number = u16::try_from(self.random.below(ATTEMPTS) + 1).unwrap();
            AttemptId::new(operation, 1, number)
        };
        let (attempt, next) = (attempt(), attempt());
        let tokens = self.random.below(2) as u64;
        let event = match self.random.below(12) {
            0..=2 => Event::Intend,
            3..=4 => Event::Record(tokens, None),
            5..=7 => Event::Record(tokens, Some(next)),
            8 => Event::Withdraw,
            9 => Event::Abandon,
            10 => Event::Correct(Some(tokens * 7)),
            _ => Event::Correct(None),
        };
        (attempt, event)
    }

    /// Each history does something, in whichever process.
    async fn write(&mut self) {
        let mut begun = Vec::new();
        for operation in self.operations.clone() {
            let ((attempt, event), at) = (self.event(operation), self.random.below(PROCESSES));
            let process = &self.processes[at];
            let task = process.spawn(perform(process.ledger.clone(), attempt, event));
            begun.push((process.number, attempt, event, task));
        }
        for (process, attempt, event, task) in begun {
            let told = task.await.unwrap();
            let expected = self.model.apply(process, attempt, event);
            assert_eq!(told, expected, "{}, {attempt}: {event:?}", self.place);
            self.heard(process, told);
        }
        // What was refused is given up a moment later, which is a sign of life too.
        for process in &self.processes {
            let ledger = process.ledger.clone();
            let flushed = process.spawn(async move { ledger.flush(LONG).await });
            flushed.await.unwrap().unwrap();
        }
    }

    /// Whoever only looks gives no sign of life.
    fn heard(&mut self, process: u64, told: Told) {
        if told != Told::NothingThere {
            self.model.is_alive(process);
        }
    }

    /// A process ends while it writes. What it was told is so; the rest happened or did not.
    async fn crash(&mut self, at: usize) {
        let process = self.begin().await;
        let process = std::mem::replace(&mut self.processes[at], process);
        let mut begun = Vec::new();
        for operation in self.operations.clone() {
            let (attempt, event) = self.event(operation);
            let task = process.spawn(perform(process.ledger.clone(), attempt, event));
            begun.push((attempt, event, task));
        }
        for _ in 0..self.random.below(400) {
            tokio::task::yield_now().await;
        }
        let number = process.number;
        process.end();
        // Whoever writes waits for what the dead one had begun.
        let nobody = AttemptId::first(OperationId::generate());
        self.observer.withdraw(nobody, None).await.unwrap();
        let seen = self.seen().await;
        for (attempt, event, task) in begun {
            task.abort();
            let mut after = self.model.clone();
            let expected = after.apply(number, attempt, event);
            let is_done = if let Ok(told) = task.await {
                assert_eq!(told, expected, "{}, {attempt}: {event:?}", self.place);
                self.heard(number, told);
                true
            } else {
                self.model.may_be_alive(number);
                seen.is(&after, attempt.operation())
            };
            if is_done {
                self.model.apply(number, attempt, event);
            }
        }
    }

    async fn recover(&mut self, at: usize) {
        let process = &self.processes[at];
        let (over, perhaps) = self.model.expired(process.number);
        let ledger = process.ledger.clone();
        let decide = |intent: &Intent| match Fate::of(intent.attempt()) {
            Fate::Hold => Resolution::Hold,
            Fate::Withdraw => Resolution::Withdraw,
            Fate::Settle => Resolution::Settle(Box::new(intent.unknown())),
        };
        let done = process.spawn(async move { ledger.recover(decide).await.unwrap() });
        let done = done.await.unwrap();
        let found = [&done.settled, &done.held, &done.withdrawn].into_iter();
        let found: BTreeSet<_> = found.flatten().map(Intent::attempt).collect();
        let (missing, others) = (&over - &found, &found - &perhaps);
        assert!(missing.is_empty(), "{}: not found {missing:?}", self.place);
        assert!(others.is_empty(), "{}: found {others:?}", self.place);
        for attempt in found {
            self.model.recover(attempt);
        }
    }

    /// All of it at once: nobody writes.
    async fn seen(&self) -> Seen {
        let open = self.observer.open_intents().await.unwrap();
        let open = open.iter().map(|intent| {
            let is = (intent.instance().is_none(), intent.is_held());
            (intent.attempt(), is)
        });
        Seen {
            entries: self.entries().await,
            open: open.collect(),
        }
    }

    async fn end(self) {
        let (seen, place) = (self.seen().await, &self.place);
        let mut keys = BTreeSet::new();
        for operation in &self.operations {
            let entries = seen.of(*operation);
            let is_so = seen.is(&self.model, *operation);
            assert!(is_so, "{place}: {entries:?} and {:?}", seen.open);
            let effects = entries.iter().map(|it| i128::from(it.effect().nanos()));
            let sum = UsageAccumulator::of_entries(entries).unwrap();
            // The sum of the entries is the aggregate of what they say at last.
            assert_eq!(effects.sum::<i128>(), sum.cost().nanos(), "{place}");
            for key in entries.iter().map(Entry::idempotency_key) {
                assert!(keys.insert(key), "{place}: a key stands twice");
            }
        }
        let (_, entries, unpriced, nanos) = figures(&self.observer).await;
        let (before, tokens) = (self.before, self.model.total().2);
        let figures = (entries - before.1, unpriced - before.2, nanos - before.3);
        let (entries, unpriced, _) = self.model.total();
        let expected = (entries, unpriced, i128::from(tokens) * 1000);
        assert_eq!(figures, expected, "{place}");
        self.leave().await;
    }

    /// The next world need not look at what this one left.
    async fn leave(mut self) {
        let withdrawn = self.model.open.keys().map(|attempt| {
            let (observer, attempt) = (self.observer.clone(), *attempt);
            tokio::spawn(async move { observer.withdraw(attempt, None).await })
        });
        for withdrawn in withdrawn.collect::<Vec<_>>() {
            withdrawn.await.unwrap().unwrap();
        }
        for process in self.processes.drain(..) {
            process.end();
        }
    }

    /// The entries of the world, as a reader finds them who follows the order of commits.
    async fn entries(&self) -> Entries {
        let (mut entries, mut after) = (Entries::new(), self.before.0);
        loop {
            let page = self.observer.list(after, 1000).await.unwrap();
            let Some(last) = page.last() else {
                return entries;
            };
            after = last.position();
            for entry in page {
                let operation = entry.attempt().unwrap().operation();
                entries.entry(operation).or_default().push(entry);
            }
        }
    }
}

/// What is there.
struct Seen {
    entries: Entries,
    /// Whether it is nobody's, and whether it is held.
    open: BTreeMap<AttemptId, (bool, bool)>,
}

impl Seen {
    fn of(&self, operation: OperationId) -> &[Entry] {
        self.entries.get(&operation).map_or(&[], Vec::as_slice)
    }

    /// Whether an operation is as a model says.
    fn is(&self, model: &Model, operation: OperationId) -> bool {
        let of_it = |attempt: &AttemptId| attempt.operation() == operation;
        let mut revisions = BTreeMap::<_, Vec<_>>::new();
        for entry in self.of(operation) {
            let known = revisions.entry(entry.attempt().unwrap()).or_default();
            assert_eq!(usize::from(entry.revision()), known.len());
            known.push(says(entry));
        }
        let expected = model.revisions.iter();
        let expected = expected.filter(|(it, says)| of_it(it) && !says.is_empty());
        let expected_open = model.open.iter().filter(|(it, _)| of_it(it));
        let expected_open =
            expected_open.map(|(it, (whose, held))| (*it, (whose.is_none(), *held)));
        let open = self.open.iter().filter(|(it, _)| of_it(it));
        revisions.iter().eq(expected) && open.map(|(it, is)| (*it, *is)).eq(expected_open)
    }
}

fn open(database: &Database, micros: &Arc<AtomicI64>) -> Ledger {
    let micros = Arc::clone(micros);
    let now = move || Timestamp::from_micros(micros.load(Ordering::Relaxed));
    let lease = Duration::from_micros(LEASE.unsigned_abs());
    let builder = Ledger::builder(database).clock(now).lease(lease);
    builder.build().unwrap()
}

/// The last position, and the total.
async fn figures(ledger: &Ledger) -> (Option<Position>, u64, i64, i128) {
    let nowhere = Timestamp::from_micros(0);
    let mut nothing = Vec::new();
    let head = ledger.export((nowhere..nowhere).into(), &mut nothing);
    let head = head.await.unwrap().up_to;
    let total = ledger.total().await.unwrap();
    (
        Some(head),
        total.entries,
        total.unpriced,
        total.total_usd.nanos(),
    )
}

fn says(entry: &Entry) -> Says {
    let tokens = entry
        .cost()
        .amount()
        .map(|it| it.nanos().unsigned_abs() / 1000);
    Says {
        tokens,
        is_known: entry.outcome() != Outcome::Unknown,
        is_void: entry.is_void(),
    }
}

async fn perform(ledger: Ledger, attempt: AttemptId, event: Event) -> Told {
    let booked = match event {
        Event::Intend => {
            ledger.intend(intent(attempt)).await.unwrap();
            return Told::Done;
        }
        Event::Withdraw => {
            ledger.withdraw(attempt, None).await.unwrap();
            return Told::Done;
        }
        Event::Abandon => {
            ledger.abandon(attempt).await.unwrap();
            return Told::Done;
        }
        Event::Record(tokens, next) => {
            let next = next.map(intent);
            ledger.record(entry(attempt, tokens), next).await
        }
        Event::Correct(tokens) => {
            let entries = ledger.of_operation(attempt.operation()).await.unwrap();
            let mut of_it = entries.iter().filter(|it| it.attempt() == Some(attempt));
            let Some(last) = of_it.next_back() else {
                return Told::NothingThere;
            };
            let draft = corrected(last, tokens);
            let booked = ledger.record(draft.clone(), None).await;
            assert!(ledger.record(draft, None).await.unwrap().replayed);
            booked
        }
    };
    match booked {
        Ok(kept) if kept.replayed => Told::Replayed,
        Ok(_) => Told::Booked,
        Err(error) => {
            assert_eq!(error.code(), codes::ENTRY_CONFLICT);
            Told::Conflict
        }
    }
}

fn corrected(last: &Entry, tokens: Option<u64>) -> Entry {
    let Some(tokens) = tokens else {
        return last.voided("never");
    };
    let usage = TokenUsage::new().with(Bucket::Input, tokens);
    let (version, prices) = (PriceVersion::new("test"), list("1"));
    last.corrected("fixed")
        .used(usage, Some((&version, &prices)))
}
