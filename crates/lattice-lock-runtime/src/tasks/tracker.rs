use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::arena::{Arena, Key};
use crate::tasks::TaskCounters;
use crate::tasks::report::{Ending, LeftoverTask};

/// Every task of one owner, from its acceptance to its end.
///
/// Acceptance and registration are one critical section, and so are the end of acceptance and the look at who
/// is left: a task is either refused or waited for. `tokio_util`'s `TaskTracker` accepts after it was closed
/// and knows neither names nor outcomes, so it would be a second count to keep in agreement with this one.
///
/// No code of the host's runs under the lock: whatever may drop a task's output is moved out first.
#[derive(Debug)]
pub(crate) struct Tracker {
    state: Mutex<State>,
    changed: Notify,
    /// Cancelled when the shutdown begins.
    pub(crate) closing: CancellationToken,
}

#[derive(Debug)]
struct State {
    accepting: bool,
    aborting: bool,
    tasks: Arena<Entry>,
    ended: TaskCounters,
}

#[derive(Debug)]
struct Entry {
    name: Cow<'static, str>,
    abort: Option<AbortHandle>,
    detached: bool,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed,
    Failed,
    Panicked,
    TimedOut,
    Cancelled,
}

impl Tracker {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                accepting: true,
                aborting: false,
                tasks: Arena::new(),
                ended: TaskCounters::default(),
            }),
            changed: Notify::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Registers a task, unless the shutdown has begun.
    pub(crate) fn accept(self: &Arc<Self>, name: Cow<'static, str>) -> Option<Ticket> {
        let mut state = self.lock();
        if !state.accepting {
            return None;
        }
        let key = state.tasks.insert(Entry {
            name,
            abort: None,
            detached: false,
        });
        drop(state);
        Some(Ticket {
            tracker: self.clone(),
            key,
            settled: false,
        })
    }

    /// Says how to cut a task that was accepted, and cuts it if that is overdue.
    pub(crate) fn started(&self, key: Key, abort: AbortHandle) {
        let mut state = self.lock();
        let overdue = state.aborting;
        let over = match state.tasks.get_mut(key) {
            Some(entry) => entry.abort.replace(abort.clone()),
            None => None,
        };
        drop(state);
        drop(over);
        if overdue {
            abort.abort();
        }
    }

    /// Notes that nobody awaits the task any more.
    pub(crate) fn detach(&self, key: Key) {
        if let Some(entry) = self.lock().tasks.get_mut(key) {
            entry.detached = true;
        }
    }

    pub(crate) fn counters(&self) -> TaskCounters {
        let state = self.lock();
        let running = u64::try_from(state.tasks.len()).unwrap_or(u64::MAX);
        TaskCounters {
            running,
            ..state.ended
        }
    }

    pub(crate) fn names(&self) -> Vec<Cow<'static, str>> {
        self.lock()
            .tasks
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
    }

    /// Accepts nothing from here on.
    pub(crate) fn close(&self) {
        self.lock().accepting = false;
        self.closing.cancel();
        self.changed.notify_waiters();
    }

    /// Cuts whatever is left, and gives what was.
    pub(crate) fn abort_all(&self) -> Vec<LeftoverTask> {
        let mut state = self.lock();
        state.aborting = true;
        let (handles, leftovers): (Vec<_>, Vec<_>) = state
            .tasks
            .iter()
            .map(|entry| {
                (
                    entry.abort.clone(),
                    LeftoverTask {
                        name: entry.name.clone(),
                        ending: Ending::Cut,
                    },
                )
            })
            .unzip();
        drop(state);
        handles.iter().flatten().for_each(AbortHandle::abort);
        leftovers
    }

    /// Waits until no task is left.
    pub(crate) async fn idle(&self) {
        loop {
            let changed = self.changed.notified();
            if self.lock().tasks.is_empty() {
                return;
            }
            changed.await;
        }
    }

    fn settle(&self, key: Key, outcome: Outcome) -> bool {
        let mut state = self.lock();
        let entry = state.tasks.remove(key);
        *state.ended.of(outcome) += 1;
        let idle = state.tasks.is_empty() && !state.accepting;
        drop(state);
        if idle {
            self.changed.notify_waiters();
        }
        entry.is_some_and(|entry| entry.detached)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskCounters {
    fn of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Completed => &mut self.completed,
            Outcome::Failed => &mut self.failed,
            Outcome::Panicked => &mut self.panicked,
            Outcome::TimedOut => &mut self.timed_out,
            Outcome::Cancelled => &mut self.cancelled,
        }
    }
}

/// The place of one accepted task in its tracker. Dropping it before the task ended settles it as cancelled:
/// so does the runtime when it drops the task.
#[derive(Debug)]
pub(crate) struct Ticket {
    tracker: Arc<Tracker>,
    key: Key,
    settled: bool,
}

impl Ticket {
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Takes the task from the list and counts it; says whether nobody awaits it.
    pub(crate) fn settle(&mut self, outcome: Outcome) -> bool {
        self.settled = true;
        self.tracker.settle(self.key, outcome)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.settled {
            let outcome = if std::thread::panicking() {
                Outcome::Panicked
            } else {
                Outcome::Cancelled
            };
            self.settle(outcome);
        }
    }
}
