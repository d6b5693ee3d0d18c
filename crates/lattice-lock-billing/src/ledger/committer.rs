//! Puts what concurrent callers write into one transaction, and tells each what became of its part.

mod backlog;
mod outage;
mod queue;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::codes::{
    COMMIT_UNKNOWN, DATA_REFUSED, DATABASE_DISPOSED, DATABASE_FULL, DATABASE_REFUSED,
    DATABASE_UNREACHABLE, READ_ONLY, TRANSACTION_CONTENDED, UNIQUE_VIOLATION,
};
use lattice_lock_runtime::log_event;
use tokio::sync::{Mutex as AsyncMutex, Notify, Semaphore, oneshot};

use self::backlog::Backlog;
use self::queue::{Job, Queue};
use super::books::Item;
use super::spool::Spool;
use super::sql::Tables;
use super::store::{Ack, Caller, Expired, Settled, Store, Verdict};
use super::{Archive, LedgerStatus, LedgerTotal, Period};
use crate::codes::{FLUSH_INCOMPLETE, WRITE_INTERRUPTED};
use crate::{AttemptId, Entry, Intent, OperationId, Position};

/// The most writes of one transaction.
const BATCH: usize = 512;
/// How often others are let go first, as long as more of them come each time.
const MOST_TURNS: usize = 8;
/// How long a transaction may take before the database is taken for away, and the disk before the spool is: it may not
/// answer, or another process may have stopped while it had the lock. What was given up is rolled back, or found by its
/// keys.
const PATIENCE: Duration = Duration::from_secs(20);
/// Waits between attempts at a database that is away: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How often what was acknowledged is tried again where the database takes other writes, and says nothing of this one that
/// has to be believed: about twenty seconds with those pauses.
const TRIES: u32 = 16;

/// One writer for all callers of this process. It has a task only while there is something to write.
pub(super) struct Committer(Arc<Shared>);

struct Shared {
    tables: Tables,
    caller: Caller,
    is_spooling: bool,
    space: Arc<Semaphore>,
    queue: Mutex<Queue>,
    backlog: AsyncMutex<Backlog>,
    /// A write came, while those before it wait for the database.
    arrived: Notify,
    /// Something that [`Shared::settled`] looks at changed.
    changed: Notify,
}

/// What became of writes, as far as it is known: of the first ones, if the database went away in the middle.
struct Booked {
    outcomes: Vec<Result<Ack>>,
    /// Whether anything was committed.
    is_writable: bool,
    /// The first refusal that may pass, and where it is among the outcomes.
    doubt: Option<(usize, Error)>,
    away: Option<Away>,
}

/// Why nothing can be written now.
struct Away {
    error: Error,
    /// Whether what was tried may have been committed all the same.
    is_unsure: bool,
}

impl Committer {
    pub(super) fn new(
        tables: Tables,
        caller: Caller,
        capacity: usize,
        spool: Option<Spool>,
    ) -> Self {
        if let Some(torn) = spool.as_ref().map(|it| it.torn).filter(|torn| *torn > 0) {
            log_event!(
                Spooled,
                bytes = torn,
                "the spool ended with a write that was cut short"
            );
        }
        let mut queue = Queue::default();
        queue.status.spooled_bytes = spool.as_ref().map_or(0, Spool::bytes);
        Self(Arc::new(Shared {
            tables,
            caller,
            is_spooling: spool.is_some(),
            space: Arc::new(Semaphore::new(capacity)),
            queue: Mutex::new(queue),
            backlog: AsyncMutex::new(Backlog::new(spool, capacity, PATIENCE)),
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

    fn take(&self) -> Vec<Job> {
        let mut queue = self.queue();
        let most = queue.jobs.len().min(BATCH);
        queue.in_hand += most;
        queue.jobs.drain(..most).collect()
    }

    /// Writes until there is nothing left to write.
    async fn run(self: &Arc<Self>) {
        let mut backlog = self.backlog.lock().await;
        loop {
            if backlog.is_empty() {
                self.gather().await;
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
                return self.give_up(disposed, &mut backlog).await;
            }
            self.note(&backlog);
        }
    }

    /// Lets those come who are about to: whoever was just answered may be back at once, and then belongs to this group.
    async fn gather(&self) {
        let mut before = 0;
        for _ in 0..MOST_TURNS {
            tokio::task::yield_now().await;
            let now = self.queue().jobs.len();
            if now == before || now >= BATCH {
                return;
            }
            before = now;
        }
    }

    /// Ends the task, unless something came meanwhile.
    fn stop(&self) -> bool {
        let mut queue = self.queue();
        queue.running = !queue.jobs.is_empty();
        !queue.running
    }

    async fn commit(self: &Arc<Self>, jobs: Vec<Job>, backlog: &mut Backlog) {
        let items: Vec<_> = jobs.iter().map(|job| Arc::clone(&job.item)).collect();
        let Booked { outcomes, away, .. } = self.book(items).await;
        let mut jobs = jobs;
        let rest = jobs.split_off(outcomes.len().min(jobs.len()));
        for (job, outcome) in jobs.iter().zip(&outcomes) {
            let refused = job.item.books().filter(|_| outcome.is_err());
            // Whoever sent it cannot book it as it is. It is given up first, so that whoever has the answer and looks finds
            // that under way.
            if let Some(attempt) = refused.filter(|it| self.queue().open.contains(it)) {
                self.abandon(attempt);
            }
        }
        self.answer_all(jobs, outcomes);
        self.keep();
        match away {
            None => self.queue().status.away = None,
            Some(away) if is_disposed(&away.error) => {
                self.without_database(rest, &away, backlog).await;
            }
            Some(away) => {
                self.is_away(&away.error);
                self.put_off(rest, &away, backlog).await;
            }
        }
    }

    fn answer(&self, job: Job, outcome: Result<Ack>) {
        self.answer_all(vec![job], vec![outcome]);
    }

    /// All under one lock: whoever has its answer comes back for that lock.
    fn answer_all(&self, jobs: Vec<Job>, outcomes: Vec<Result<Ack>>) {
        let mut queue = self.queue();
        queue.in_hand = queue.in_hand.saturating_sub(jobs.len());
        for (job, outcome) in jobs.iter().zip(&outcomes) {
            if let Ok(ack) = outcome {
                queue.follow(&job.item, &ack.done, self.caller.instance);
            }
        }
        drop(queue);
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // A caller that went away needs no answer.
            let _ = job.answer.send(outcome);
        }
    }

    fn abandon(self: &Arc<Self>, attempt: AttemptId) {
        let instance = self.caller.instance;
        self.push(Job::own(Item::Abandon { attempt, instance }));
    }

    /// Does these writes. Where the database took none of them, it is ill unless it takes something else: then that is to
    /// blame, and not each of the writes.
    async fn book(&self, items: Vec<Arc<Item>>) -> Booked {
        let mut booked = self.book_each(items).await;
        if let (false, Some((at, error))) = (booked.is_writable, &booked.doubt) {
            if booked.away.is_none() {
                let probe = [Arc::new(Item::Renew)].into();
                let is_unsure = false;
                let ill = self.attempt(&probe).await.err();
                booked.away = ill.map(|_| Away {
                    error: error.clone(),
                    is_unsure,
                });
            }
            if booked.away.is_some() {
                booked.outcomes.truncate(*at);
            }
        }
        booked
    }

    /// Does these writes, each for itself if one of them makes the others fail.
    async fn book_each(&self, items: Vec<Arc<Item>>) -> Booked {
        let mut booked = Booked {
            outcomes: Vec::with_capacity(items.len()),
            is_writable: false,
            doubt: None,
            away: None,
        };
        let mut parts = vec![items];
        while let Some(part) = parts.pop() {
            let part: Arc<[Arc<Item>]> = part.into();
            match self.attempt(&part).await {
                Ok(done) => {
                    booked.outcomes.extend(done);
                    booked.is_writable = true;
                }
                Err(away) if is_away(&away.error) || is_disposed(&away.error) => {
                    booked.away = Some(away);
                    break;
                }
                Err(refused) if part.len() == 1 => booked.refused(refused.error),
                Err(_) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second.to_vec(), first.to_vec()]);
                }
            }
        }
        booked
    }

    /// [Books](Self::book) what was put off. It was acknowledged, so that a refusal that may pass is an error for a number
    /// of times, and an outcome only then.
    async fn book_late(&self, items: Vec<Arc<Item>>) -> Result<Vec<Result<Ack>>> {
        let booked = self.book(items).await;
        if let Some(away) = booked.away {
            return Err(away.error);
        }
        let mut queue = self.queue();
        if let Some((_, error)) = booked.doubt.filter(|_| queue.doubted < TRIES) {
            queue.doubted += 1;
            return Err(error);
        }
        queue.doubted = 0;
        Ok(booked.outcomes)
    }

    /// Where nobody knows whether it was committed, it is done once more: every write bears that. So it is where something
    /// was there already, with a look for that; each time waits anew, because others may have had their turn.
    async fn attempt(&self, items: &Arc<[Arc<Item>]>) -> Result<Vec<Result<Ack>>, Away> {
        let (mut was_unknown, mut was_double) = (false, false);
        loop {
            let away = match self.once(items).await {
                Ok(done) => return Ok(done),
                Err(away) => away,
            };
            if away.error.code() == COMMIT_UNKNOWN && !was_unknown {
                was_unknown = true;
            } else if away.error.code() == UNIQUE_VIOLATION && !was_double {
                was_double = true;
            } else {
                let is_unsure = was_unknown || away.is_unsure;
                return Err(Away { is_unsure, ..away });
            }
        }
    }

    async fn once(&self, items: &Arc<[Arc<Item>]>) -> Result<Vec<Result<Ack>>, Away> {
        let is_alive = !self.queue().open.is_empty();
        let booked = self.tables.book(&self.caller, items, is_alive);
        match tokio::time::timeout(PATIENCE, booked).await {
            Ok(done) => done.map_err(|error| Away {
                is_unsure: error.code() == COMMIT_UNKNOWN,
                error,
            }),
            Err(_) => Err(Away {
                error: Error::new(DATABASE_UNREACHABLE, "no answer in time"),
                is_unsure: true,
            }),
        }
    }

    fn note(self: &Arc<Self>, backlog: &Backlog) {
        let is_empty = backlog.is_empty();
        // Afterwards: what is not waiting any more may have been set aside.
        self.rejected(backlog);
        let mut queue = self.queue();
        if is_empty && queue.status.away.is_none() {
            (queue.keeping_fails, queue.replay_fails) = (None, None);
        }
        queue.status.waiting = backlog.waiting();
        queue.status.spooled_bytes = backlog.spooled_bytes();
        drop(queue);
        self.changed.notify_waiters();
    }

    async fn settled(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.queue().is_settled(self.is_spooling) {
                return;
            }
            changed.await;
        }
    }
}

impl Booked {
    /// What was said of the data itself has to be believed, and nothing else.
    fn refused(&mut self, error: Error) {
        if ![DATA_REFUSED, UNIQUE_VIOLATION].contains(&error.code()) {
            let at = self.outcomes.len();
            self.doubt.get_or_insert_with(|| (at, error.clone()));
        }
        self.outcomes.push(Err(error));
    }
}

/// Whether it may work later: the database is not there, is full, only reads, knows us no more, has too much to do, or
/// nobody knows.
fn is_away(error: &Error) -> bool {
    [
        DATABASE_UNREACHABLE,
        DATABASE_REFUSED,
        DATABASE_FULL,
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
        item.prepare();
        self.0.push(Job {
            item: Arc::new(item),
            answer,
            _space: Some(space.map_err(|_| interrupted())?),
        });
        answered.await.map_err(|_| interrupted())?
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

    async fn expired(&self, caller: &Caller, limit: usize) -> Result<Expired> {
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
        let status = self.status();
        if status.spooled_bytes > 0 || status.waiting > 0 {
            self.0.wake(None);
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
            spool: queue.spool_fails(),
            ..queue.status
        }
    }
}
