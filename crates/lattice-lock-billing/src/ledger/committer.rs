//! Puts what concurrent callers write into one transaction, and tells each what became of its part.

use std::collections::{HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::codes::{
    COMMIT_UNKNOWN, DATABASE_DISPOSED, DATABASE_REFUSED, DATABASE_UNREACHABLE, READ_ONLY,
    TRANSACTION_CONTENDED,
};
use lattice_lock_runtime::{log_error, log_event};
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::books::{Done, Item};
use super::spool::{Spool, full};
use super::sql::Tables;
use super::store::{Ack, Caller, Settled, Store, Verdict};
use super::{Archive, Booking, LedgerStatus, LedgerTotal, Period};
use crate::codes::{FLUSH_INCOMPLETE, LEDGER_UNAVAILABLE, WRITE_INTERRUPTED};
use crate::{AttemptId, Entry, Intent, OperationId, Position};

/// The most writes of one transaction.
const BATCH: usize = 512;
/// How long a transaction may take before the database is taken for away: it may not answer, or another process may have
/// stopped while it had the lock. What was given up is rolled back, or found by its keys.
const PATIENCE: Duration = Duration::from_secs(20);
/// Waits between attempts at a database that is away: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// One writer for all callers of this process. It has a task only while there is something to write.
pub(super) struct Committer(Arc<Shared>);

struct Shared {
    tables: Tables,
    caller: Caller,
    capacity: usize,
    space: Arc<Semaphore>,
    queue: Mutex<Queue>,
    backlog: AsyncMutex<Backlog>,
    /// A write came, while those before it wait for the database.
    arrived: Notify,
    /// Something that [`Shared::settled`] looks at changed.
    changed: Notify,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// How many were taken and have no answer yet.
    in_hand: usize,
    /// Whether there is a task.
    running: bool,
    /// Whether there is a task that renews the lease.
    keeping: bool,
    /// Attempts that are under way here.
    open: HashSet<AttemptId>,
    status: LedgerStatus,
    spools: bool,
}

struct Job {
    item: Arc<Item>,
    answer: oneshot::Sender<Result<Ack>>,
    _space: Option<OwnedSemaphorePermit>,
}

/// Acknowledged writes that are not in the database yet, the oldest first.
enum Backlog {
    Memory(VecDeque<Item>),
    Spool(Option<Box<Spool>>),
}

impl Committer {
    pub(super) fn new(
        tables: Tables,
        caller: Caller,
        capacity: usize,
        spool: Option<Spool>,
    ) -> Self {
        let mut queue = Queue {
            spools: spool.is_some(),
            ..Queue::default()
        };
        queue.status.spooled_bytes = spool.as_ref().map_or(0, Spool::bytes);
        if let Some(torn) = spool.as_ref().map(|it| it.torn).filter(|torn| *torn > 0) {
            log_event!(
                Spooled,
                bytes = torn,
                "the spool ended with a write that was cut short"
            );
        }
        let backlog = match spool {
            Some(spool) => Backlog::Spool(Some(Box::new(spool))),
            None => Backlog::Memory(VecDeque::new()),
        };
        Self(Arc::new(Shared {
            tables,
            caller,
            capacity,
            space: Arc::new(Semaphore::new(capacity)),
            queue: Mutex::new(queue),
            backlog: AsyncMutex::new(backlog),
            arrived: Notify::new(),
            changed: Notify::new(),
        }))
    }
}

impl Shared {
    // Nothing between two changes of the queue can panic.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(self: &Arc<Self>, job: Job) {
        self.queue().jobs.push_back(job);
        self.wake();
    }

    /// Makes sure that there is a task.
    fn wake(self: &Arc<Self>) {
        if std::mem::replace(&mut self.queue().running, true) {
            self.arrived.notify_one();
            return;
        }
        let (shared, running) = (Arc::clone(self), Running(Some(Arc::clone(self))));
        tokio::spawn(async move {
            shared.run().await;
            running.ended();
        });
    }

    fn take(&self) -> Vec<Job> {
        let mut queue = self.queue();
        let most = queue.jobs.len().min(BATCH);
        queue.in_hand += most;
        queue.jobs.drain(..most).collect()
    }

    /// Writes until there is nothing left to write.
    async fn run(&self) {
        let mut backlog = self.backlog.lock().await;
        loop {
            if backlog.is_empty() {
                let jobs = self.take();
                if jobs.is_empty() {
                    if self.stop() {
                        self.changed.notify_waiters();
                        return;
                    }
                    continue;
                }
                self.commit(jobs, &mut backlog).await;
            } else if let Err(disposed) = self.catch_up(&mut backlog).await {
                self.give_up(&disposed);
                return;
            }
            self.note(&backlog);
        }
    }

    /// Ends the task, unless something came meanwhile.
    fn stop(&self) -> bool {
        let mut queue = self.queue();
        queue.running = !queue.jobs.is_empty();
        !queue.running
    }

    /// Ends the task where the database was closed by this process. What was put off stays where it is.
    fn give_up(&self, disposed: &Error) {
        let mut queue = self.queue();
        let jobs = std::mem::take(&mut queue.jobs);
        queue.in_hand += jobs.len();
        queue.running = false;
        drop(queue);
        for job in jobs {
            self.answer(job, Err(disposed.clone()));
        }
        self.changed.notify_waiters();
    }

    async fn commit(&self, jobs: Vec<Job>, backlog: &mut Backlog) {
        let items: Vec<_> = jobs.iter().map(|job| Arc::clone(&job.item)).collect();
        match self.book(items).await {
            Ok(Booked { outcomes, .. }) => {
                for (job, outcome) in jobs.into_iter().zip(outcomes) {
                    self.answer(job, outcome);
                }
            }
            // Memory would be no better place than the caller's.
            Err(disposed) if is_disposed(&disposed) && matches!(backlog, Backlog::Memory(_)) => {
                for job in jobs {
                    self.answer(job, Err(disposed.clone()));
                }
            }
            Err(away) => self.put_off(jobs, &away, backlog).await,
        }
    }

    fn answer(&self, job: Job, outcome: Result<Ack>) {
        let mut queue = self.queue();
        queue.in_hand = queue.in_hand.saturating_sub(1);
        if outcome.is_ok() {
            queue.follow(&job.item, self.caller.instance);
        }
        drop(queue);
        // A caller that went away needs no answer.
        let _ = job.answer.send(outcome);
    }

    /// Does these writes, each for itself if one of them makes the others fail; an error only when the database is away,
    /// and then none, some or all of them are done: to do them again changes nothing.
    async fn book(&self, items: Vec<Arc<Item>>) -> Result<Booked> {
        let mut outcomes = Vec::with_capacity(items.len());
        let mut is_writable = false;
        let mut parts = vec![items];
        while let Some(part) = parts.pop() {
            let part: Arc<[Arc<Item>]> = part.into();
            match self.attempt(&part).await {
                Ok(done) => {
                    outcomes.extend(done);
                    is_writable = true;
                }
                Err(error) if is_away(&error) || is_disposed(&error) => return Err(error),
                Err(error) if part.len() == 1 => outcomes.push(Err(error)),
                Err(_) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second.to_vec(), first.to_vec()]);
                }
            }
        }
        Ok(Booked {
            outcomes,
            is_writable,
        })
    }

    /// Where nobody knows whether it was committed, it is done once more: every write bears that.
    async fn attempt(&self, items: &Arc<[Arc<Item>]>) -> Result<Vec<Result<Ack>>> {
        let is_alive = !self.queue().open.is_empty();
        let book = || {
            let booked = self.tables.book(&self.caller, items, is_alive);
            tokio::time::timeout(PATIENCE, booked)
        };
        let silence = |_| Err(Error::new(DATABASE_UNREACHABLE, "no answer in time"));
        match book().await.unwrap_or_else(silence) {
            Err(unknown) if unknown.code() == COMMIT_UNKNOWN => {
                book().await.unwrap_or_else(silence)
            }
            done => done,
        }
    }

    /// Keeps for later what may wait, and refuses the rest.
    async fn put_off(&self, jobs: Vec<Job>, away: &Error, backlog: &mut Backlog) {
        if self.queue().status.away.is_none() {
            log_event!(Spooled, code = %away.code(), "the database is away");
        }
        self.queue().status.away = Some(away.code().as_str());
        let (mut kept, mut items) = (Vec::new(), Vec::new());
        for job in jobs {
            match backlog.for_later(&job.item) {
                Some(item) => {
                    items.push(item);
                    kept.push(job);
                }
                None => self.answer(job, Err(unavailable(away))),
            }
        }
        let (booking, fit) = (
            backlog.booking(),
            backlog.keep(items.clone(), self.capacity).await,
        );
        // The status says so before whoever asked knows it.
        self.note(backlog);
        for (at, (job, item)) in kept.into_iter().zip(items).enumerate() {
            let outcome = match &fit {
                Ok(fit) if at >= *fit => Err(full().with_source(away.clone())),
                // What is to be sent next was not noted, and the caller has to know.
                Ok(_) if item != *job.item => Err(unavailable(away)),
                Ok(_) => Ok(item.put_off(booking)),
                Err(error) => Err(error.clone()),
            };
            self.answer(job, outcome);
        }
        self.changed.notify_waiters();
    }

    /// Brings what was put off into the database. As long as that does not work, what comes meanwhile is put off too; as
    /// soon as it does, it waits for its turn, so that it cannot come faster than it goes. An error only when the database
    /// was closed by this process.
    async fn catch_up(&self, backlog: &mut Backlog) -> Result<()> {
        let mut pause = PAUSES.0;
        loop {
            let (items, place) = match backlog.peek().await {
                Ok(oldest) => oldest,
                Err(error) => {
                    log_error(&error);
                    tokio::time::sleep(PAUSES.1).await;
                    return Ok(());
                }
            };
            if items.is_empty() {
                return Ok(());
            }
            let is_away = self.queue().status.away.is_some();
            let attempt = self.book(items.iter().cloned().map(Arc::new).collect());
            let booked = if is_away {
                self.meanwhile(attempt, backlog).await
            } else {
                attempt.await
            };
            match booked.and_then(Booked::believed) {
                Ok(outcomes) => {
                    self.queue().status.away = None;
                    let rejected = self.rejected(items, outcomes);
                    if let Err(error) = backlog.drop_oldest(place, rejected).await {
                        log_error(&error);
                        tokio::time::sleep(PAUSES.1).await;
                    }
                    self.note(backlog);
                    pause = PAUSES.0;
                }
                Err(disposed) if is_disposed(&disposed) => return Err(disposed),
                Err(away) => {
                    self.queue().status.away = Some(away.code().as_str());
                    self.meanwhile(tokio::time::sleep(pause), backlog).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    /// Puts off what comes while something takes its time.
    async fn meanwhile<T>(&self, work: impl Future<Output = T>, backlog: &mut Backlog) -> T {
        tokio::pin!(work);
        loop {
            // In every round: writers who come back at once must not keep it from going on.
            if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
                return done;
            }
            let jobs = self.take();
            if !jobs.is_empty() {
                let away = Error::new(DATABASE_UNREACHABLE, "the database is away");
                self.put_off(jobs, &away, backlog).await;
                continue;
            }
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.arrived.notified() => {}
            }
        }
    }

    /// What was acknowledged and then refused. Nobody waits for the answer, so that it is logged and kept.
    fn rejected(&self, items: Vec<Item>, outcomes: Vec<Result<Ack>>) -> Vec<(Item, String)> {
        let mut rejected = Vec::new();
        for (item, outcome) in items.into_iter().zip(outcomes) {
            match outcome {
                Ok(_) => self.queue().follow(&item, self.caller.instance),
                Err(error) => {
                    log_error(&error);
                    log_event!(BillingIntegrity, code = %error.code(), "a write that was put off was refused");
                    rejected.push((item, error.code().as_str().to_owned()));
                }
            }
        }
        self.queue().status.rejected += rejected.len() as u64;
        rejected
    }

    fn note(&self, backlog: &Backlog) {
        let mut queue = self.queue();
        match backlog {
            Backlog::Memory(items) => queue.status.waiting = items.len(),
            Backlog::Spool(spool) => {
                let bytes = spool.as_ref().map(|spool| spool.bytes());
                queue.status.spooled_bytes = bytes.unwrap_or(queue.status.spooled_bytes);
            }
        }
        drop(queue);
        self.changed.notify_waiters();
    }

    /// Whether everything that was begun is where it is safe.
    fn is_settled(&self) -> bool {
        let queue = self.queue();
        let is_spooled = queue.spools && queue.jobs.is_empty() && queue.in_hand == 0;
        !queue.running || (is_spooled && queue.status.away.is_some())
    }

    async fn settled(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_settled() {
                return;
            }
            changed.await;
        }
    }

    /// Sees to it that the lease is renewed for as long as attempts are under way.
    fn keep(self: &Arc<Self>) {
        let mut queue = self.queue();
        if queue.keeping || queue.open.is_empty() {
            return;
        }
        queue.keeping = true;
        drop(queue);
        let (weak, every) = (Arc::downgrade(self), self.caller.lease / 3);
        tokio::spawn(async move { keep(Keeping(weak), every).await });
    }
}

async fn keep(mut keeping: Keeping, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(shared) = keeping.0.upgrade() else {
            return;
        };
        let mut queue = shared.queue();
        if queue.open.is_empty() {
            // Together with looking: what is opened from now on starts another task.
            queue.keeping = false;
            keeping.0 = Weak::new();
            return;
        }
        drop(queue);
        let (answer, _) = oneshot::channel();
        shared.push(Job {
            item: Arc::new(Item::Renew),
            answer,
            _space: None,
        });
    }
}

/// A task that writes. If it is ended from outside, such as by a runtime that stops, those who wait are told so, and the
/// next write starts another one.
struct Running(Option<Arc<Shared>>);

impl Running {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(shared) = &self.0 else {
            return;
        };
        let mut queue = shared.queue();
        let unanswered = std::mem::take(&mut queue.jobs);
        queue.in_hand = 0;
        queue.running = false;
        drop((queue, unanswered));
        shared.changed.notify_waiters();
    }
}

/// A task that renews the lease; whatever ends it, the next intent starts another one.
struct Keeping(Weak<Shared>);

impl Drop for Keeping {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.queue().keeping = false;
        }
    }
}

impl Queue {
    /// Remembers which attempts are under way here.
    fn follow(&mut self, item: &Item, instance: crate::InstanceId) {
        let next = match item {
            Item::Renew => return,
            Item::Intend(intent) => Some(intent),
            Item::Record { entry, next } => {
                if let Some(attempt) = entry.attempt() {
                    self.open.remove(&attempt);
                }
                next.as_ref()
            }
            Item::Withdraw { attempt, next } => {
                self.open.remove(attempt);
                next.as_ref()
            }
        };
        let own = next.filter(|intent| intent.instance == Some(instance));
        self.open.extend(own.map(Intent::attempt));
    }
}

impl Item {
    /// The acknowledgement of a write that waits.
    fn put_off(&self, booking: Booking) -> Ack {
        let done = match self {
            Self::Record { entry, .. } => Done::Recorded {
                entry: entry.clone(),
                replayed: false,
            },
            Self::Intend(_) | Self::Withdraw { .. } | Self::Renew => Done::Noted,
        };
        Ack { done, booking }
    }

    /// Whether something is about to be sent because of it.
    fn begins(&self) -> bool {
        match self {
            Self::Intend(_) => true,
            Self::Record { next, .. } | Self::Withdraw { next, .. } => next.is_some(),
            Self::Renew => false,
        }
    }
}

impl Backlog {
    fn is_empty(&self) -> bool {
        match self {
            Self::Memory(items) => items.is_empty(),
            Self::Spool(spool) => spool.as_ref().is_none_or(|spool| spool.is_empty()),
        }
    }

    fn booking(&self) -> Booking {
        match self {
            Self::Memory(_) => Booking::Memory,
            Self::Spool(_) => Booking::Spooled,
        }
    }

    /// What of a write may wait. A lease cannot be renewed later, and without a spool nothing may be sent whose intent is
    /// only in memory; what was sent already may always wait.
    fn for_later(&self, item: &Item) -> Option<Item> {
        match (self, item) {
            (_, Item::Renew) | (Self::Memory(_), Item::Intend(_)) => None,
            (Self::Spool(_), item) => Some(item.clone()),
            (Self::Memory(_), Item::Record { entry, .. }) => Some(Item::Record {
                entry: entry.clone(),
                next: None,
            }),
            (Self::Memory(_), Item::Withdraw { attempt, .. }) => Some(Item::Withdraw {
                attempt: *attempt,
                next: None,
            }),
        }
    }

    /// Keeps as many of these as fit, and says how many.
    async fn keep(&mut self, mut items: Vec<Item>, capacity: usize) -> Result<usize> {
        match self {
            Self::Memory(kept) => {
                let fit = capacity.saturating_sub(kept.len()).min(items.len());
                kept.extend(items.drain(..fit));
                Ok(fit)
            }
            Self::Spool(_) => self.on_disk(move |spool| spool.append(&items)).await,
        }
    }

    /// The oldest writes, and the place behind them.
    async fn peek(&mut self) -> Result<(Vec<Item>, u64)> {
        match self {
            Self::Memory(items) => {
                let oldest: Vec<_> = items.iter().take(BATCH).cloned().collect();
                let place = oldest.len() as u64;
                Ok((oldest, place))
            }
            Self::Spool(_) => self.on_disk(|spool| spool.peek(BATCH)).await,
        }
    }

    /// Forgets the writes before a place. Those that were refused are kept apart first.
    async fn drop_oldest(&mut self, place: u64, rejected: Vec<(Item, String)>) -> Result<()> {
        match self {
            Self::Memory(items) => {
                let most = usize::try_from(place)
                    .unwrap_or(usize::MAX)
                    .min(items.len());
                items.drain(..most);
                Ok(())
            }
            Self::Spool(_) => {
                let forget = move |spool: &mut Spool| {
                    if !rejected.is_empty() {
                        spool.reject(&rejected)?;
                    }
                    spool.replayed(place)
                };
                self.on_disk(forget).await
            }
        }
    }

    /// Works with the file where that may take its time.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Spool) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let interrupted = || Error::new(WRITE_INTERRUPTED, "the spool was left in the middle");
        let Self::Spool(place) = self else {
            return Err(interrupted());
        };
        let mut spool = place.take().ok_or_else(interrupted)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&mut spool);
            (spool, done)
        });
        let (spool, done) = done.await.map_err(|_| interrupted())?;
        *place = Some(spool);
        done
    }
}

/// What became of writes.
struct Booked {
    outcomes: Vec<Result<Ack>>,
    /// Whether anything was committed.
    is_writable: bool,
}

impl Booked {
    /// The outcomes, unless nothing at all could be written: then it is the database that is ill, such as with a full
    /// disk, and not each of the writes.
    fn believed(self) -> Result<Vec<Result<Ack>>> {
        if self.is_writable {
            return Ok(self.outcomes);
        }
        let mut errors = self.outcomes.iter().filter_map(|it| it.as_ref().err());
        match errors.next().cloned() {
            Some(error) => Err(error),
            None => Ok(self.outcomes),
        }
    }
}

fn unavailable(away: &Error) -> Error {
    Error::new(LEDGER_UNAVAILABLE, "the database is away").with_source(away.clone())
}

/// Whether it may work later: the database is not there, only reads, knows us no more, has too much to do, or nobody
/// knows.
fn is_away(error: &Error) -> bool {
    [
        DATABASE_UNREACHABLE,
        DATABASE_REFUSED,
        READ_ONLY,
        TRANSACTION_CONTENDED,
        COMMIT_UNKNOWN,
    ]
    .contains(&error.code())
}

fn is_disposed(error: &Error) -> bool {
    error.code() == DATABASE_DISPOSED
}

#[async_trait]
impl Store for Committer {
    async fn submit(&self, _caller: &Caller, item: Item) -> Result<Ack> {
        let interrupted = || Error::new(WRITE_INTERRUPTED, "the runtime stopped");
        let space = Arc::clone(&self.0.space).acquire_owned().await;
        let (answer, answered) = oneshot::channel();
        let begins = item.begins();
        self.0.push(Job {
            item: Arc::new(item),
            answer,
            _space: Some(space.map_err(|_| interrupted())?),
        });
        let ack = answered.await.map_err(|_| interrupted())?;
        if begins {
            self.0.keep();
        }
        ack
    }

    async fn of_operation(&self, operation: OperationId) -> Result<Vec<Entry>> {
        self.0.tables.of_operation(operation).await
    }

    async fn list(&self, after: Position, limit: usize) -> Result<Vec<Entry>> {
        self.0.tables.list(after, limit).await
    }

    async fn within(&self, period: Period, after: Position, limit: usize) -> Result<Vec<Entry>> {
        self.0.tables.within(period, after, limit).await
    }

    async fn total(&self) -> Result<LedgerTotal> {
        self.0.tables.total().await
    }

    async fn open_intents(&self) -> Result<Vec<Intent>> {
        self.0.tables.open_intents().await
    }

    async fn expired(&self, caller: &Caller, limit: usize) -> Result<Vec<Intent>> {
        self.0.tables.expired(caller, limit).await
    }

    async fn settle(&self, caller: &Caller, verdicts: Vec<Verdict>) -> Result<Vec<Settled>> {
        self.0.tables.settle(caller, verdicts.into()).await
    }

    async fn archive(&self, archive: &Archive) -> Result<()> {
        self.0.tables.archive(archive).await
    }

    async fn archives(&self) -> Result<Vec<Archive>> {
        self.0.tables.archives().await
    }

    async fn head(&self) -> Result<Position> {
        self.0.tables.head().await
    }

    async fn flush(&self, deadline: Duration) -> Result<()> {
        if self.status().spooled_bytes > 0 {
            self.0.wake();
        }
        let settled = tokio::time::timeout(deadline, self.0.settled()).await;
        settled.map_err(|_| {
            let status = self.status();
            Error::new(FLUSH_INCOMPLETE, "not everything was written")
                .with("queued", status.queued)
                .with("waiting", status.waiting)
        })
    }

    fn status(&self) -> LedgerStatus {
        let queue = self.0.queue();
        LedgerStatus {
            queued: queue.jobs.len(),
            ..queue.status
        }
    }
}
