use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use lattice_lock_errors::Result;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Shared;
use crate::ledger::LedgerStatus;
use crate::ledger::books::{Done, Item};
use crate::ledger::store::Ack;
use crate::{AttemptId, InstanceId};

/// What waits for its turn, and what is known of the rest.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) jobs: VecDeque<Job>,
    /// How many were taken and have no answer yet.
    pub(super) in_hand: usize,
    /// Whether there is a task.
    pub(super) running: bool,
    /// Whether there is a task that renews the lease.
    pub(super) keeping: bool,
    /// Attempts that are under way here.
    pub(super) open: HashSet<AttemptId>,
    pub(super) status: LedgerStatus,
    /// How often in a row what was put off was refused in a way that may pass.
    pub(super) doubted: u32,
    /// Why the spool takes nothing, and why it cannot be replayed, while that is so.
    pub(super) keeping_fails: Option<&'static str>,
    pub(super) replay_fails: Option<&'static str>,
}

pub(super) struct Job {
    pub(super) item: Arc<Item>,
    pub(super) answer: oneshot::Sender<Result<Ack>>,
    pub(super) _space: Option<OwnedSemaphorePermit>,
}

impl Job {
    /// A write that nobody waits for.
    pub(super) fn own(item: Item) -> Self {
        let (answer, _) = oneshot::channel();
        Self {
            item: Arc::new(item),
            answer,
            _space: None,
        }
    }
}

impl Queue {
    /// Remembers which attempts are under way here.
    pub(super) fn follow(&mut self, item: &Item, done: &Done, instance: InstanceId) {
        if let Some(attempt) = item.ends() {
            self.open.remove(&attempt);
        }
        let Some(next) = item.begins() else { return };
        if done.is_over() {
            self.open.remove(&next.attempt);
        } else if next.instance == Some(instance) {
            self.open.insert(next.attempt);
        }
    }

    /// Whether everything that was begun is where it is safe.
    pub(super) fn is_settled(&self, is_spooling: bool) -> bool {
        let is_idle = self.jobs.is_empty() && self.in_hand == 0;
        let is_safe = !self.running || (is_spooling && self.is_ill());
        self.status.waiting == 0 && is_idle && is_safe
    }

    /// Whether the database or the spool is.
    pub(super) fn is_ill(&self) -> bool {
        self.status.away.is_some() || self.spool_fails().is_some()
    }

    pub(super) fn spool_fails(&self) -> Option<&'static str> {
        self.keeping_fails.or(self.replay_fails)
    }
}

impl Shared {
    pub(super) fn push(self: &Arc<Self>, job: Job) {
        self.wake(Some(job));
    }

    /// Makes sure that there is a task, and gives it this to do.
    pub(super) fn wake(self: &Arc<Self>, job: Option<Job>) {
        let mut queue = self.queue();
        queue.jobs.extend(job);
        let is_running = std::mem::replace(&mut queue.running, true);
        drop(queue);
        if is_running {
            self.arrived.notify_one();
            return;
        }
        let (shared, running) = (Arc::clone(self), Running(Some(Arc::clone(self))));
        tokio::spawn(async move {
            shared.run().await;
            running.ended();
        });
    }

    /// Sees to it that the lease is renewed for as long as attempts are under way.
    pub(super) fn keep(self: &Arc<Self>) {
        let mut queue = self.queue();
        if queue.keeping || queue.open.is_empty() {
            return;
        }
        queue.keeping = true;
        drop(queue);
        // Made here: a task that is dropped before it begins would not know that it has ended.
        let keeping = Keeping(Arc::downgrade(self));
        tokio::spawn(keep(keeping, self.caller.lease / 3));
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
        shared.push(Job::own(Item::Renew));
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

/// A task that renews the lease; whatever ends it, the next write starts another one.
struct Keeping(Weak<Shared>);

impl Drop for Keeping {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.queue().keeping = false;
        }
    }
}
