use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lattice_lock_errors::Error;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, Id};
use tokio_util::sync::CancellationToken;

use crate::arena::{Arena, Key};
use crate::panics;
use crate::tasks::TaskCounters;
use crate::tasks::counters::Outcome;
use crate::tasks::limits::Limits;
use crate::tasks::report::{Ending, LeftoverTask, joined};
use crate::tasks::ticket::Ticket;

/// Every task of one owner or scope, from its acceptance to its end.
///
/// Acceptance and registration are one critical section, and so are the end of acceptance and the look at who
/// is left: a task is either refused or waited for. `tokio_util`'s `TaskTracker` accepts after it was closed
/// and knows neither names nor outcomes; beside this list it would be a second count to keep in agreement.
///
/// Locks are taken from the owner to the scope, never upwards, and no code of the host's runs under one:
/// whatever may drop a task's output is moved out first.
pub(crate) struct Tracker {
    path: Cow<'static, str>,
    parent: Option<(Arc<Tracker>, u64)>,
    settings: Settings,
    limits: Option<Limits>,
    state: Mutex<State>,
    /// How many tasks are alive here and in all scopes below.
    live: AtomicUsize,
    changed: Notify,
    closing: CancellationToken,
}

type Hook = Arc<dyn Fn(&Error) + Send + Sync>;

/// What scopes inherit from their owner.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) timeout: Option<Duration>,
    pub(crate) hook: Option<Hook>,
}

struct State {
    accepting: bool,
    aborting: bool,
    /// The task that had the others cut.
    spared: Option<Id>,
    tasks: Arena<Entry>,
    queued: u64,
    ended: TaskCounters,
    /// How many came to their own end after acceptance ended.
    finished_late: u64,
    cut: Vec<LeftoverTask>,
    /// The errors of tasks that ended while their handle was there: for it to log if nobody awaits it.
    unheard: BTreeMap<Key, Error>,
    scopes: BTreeMap<u64, Arc<Tracker>>,
    next_scope: u64,
}

struct Entry {
    name: Cow<'static, str>,
    abort: Option<AbortHandle>,
    queued: bool,
    detached: bool,
    cut: bool,
}

impl Tracker {
    pub(crate) fn root(settings: Settings, limits: Option<Limits>) -> Arc<Self> {
        Arc::new(Self::new(
            Cow::Borrowed(""),
            None,
            settings,
            limits,
            CancellationToken::new(),
        ))
    }

    /// Opens a scope, unless the shutdown has begun. It has no limits of its own and takes no slot of its
    /// owner's: a task that waits for its own scope's would otherwise hold the slot that they wait for.
    pub(crate) fn scope(self: &Arc<Self>, name: Cow<'static, str>) -> Option<Arc<Self>> {
        let mut state = self.lock();
        if !state.accepting {
            return None;
        }
        let id = state.next_scope;
        state.next_scope += 1;
        let parent = Some((self.clone(), id));
        let path = joined(&self.path, name);
        let closing = self.closing.child_token();
        let scope = Arc::new(Self::new(
            path,
            parent,
            self.settings.clone(),
            None,
            closing,
        ));
        state.scopes.insert(id, scope.clone());
        Some(scope)
    }

    fn new(
        path: Cow<'static, str>,
        parent: Option<(Arc<Self>, u64)>,
        settings: Settings,
        limits: Option<Limits>,
        closing: CancellationToken,
    ) -> Self {
        Self {
            path,
            parent,
            settings,
            limits,
            state: Mutex::new(State::new()),
            live: AtomicUsize::new(0),
            changed: Notify::new(),
            closing,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn limits(&self) -> Option<&Limits> {
        self.limits.as_ref()
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Registers a task, unless the shutdown has begun.
    pub(crate) fn accept(
        self: &Arc<Self>,
        name: Cow<'static, str>,
        queued: bool,
    ) -> Option<Ticket> {
        let mut state = self.lock();
        if !state.accepting {
            return None;
        }
        let key = state.tasks.insert(Entry {
            name,
            abort: None,
            queued,
            detached: false,
            cut: false,
        });
        state.queued += u64::from(queued);
        // Still under the lock, so that whoever ended acceptance sees the task.
        for tracker in self.upwards() {
            tracker.live.fetch_add(1, Ordering::Relaxed);
        }
        drop(state);
        #[cfg(feature = "metrics")]
        crate::telemetry::task_started();
        Some(Ticket::new(self.clone(), key))
    }

    /// Notes that the task got its slot.
    pub(crate) fn admitted(&self, key: Key) {
        let mut state = self.lock();
        if let Some(entry) = state.tasks.get_mut(key)
            && std::mem::take(&mut entry.queued)
        {
            state.queued -= 1;
        }
    }

    /// Says how to cut a task that was accepted, and cuts it if that is overdue.
    pub(crate) fn spawned(&self, key: Key, abort: AbortHandle) {
        let mut state = self.lock();
        let overdue = state.aborting && state.spared != Some(abort.id());
        // A task that has ended already leaves the handle here, to be dropped without the lock.
        let mut unused = Some(abort);
        if let Some(entry) = state.tasks.get_mut(key) {
            entry.cut |= overdue;
            entry.abort = if overdue {
                unused.clone()
            } else {
                unused.take()
            };
        }
        let late = !state.accepting;
        drop(state);
        unused
            .iter()
            .filter(|_| overdue)
            .for_each(AbortHandle::abort);
        self.notify(late);
    }

    /// Notes that nobody awaits the task any more. If it has failed already, its error is now the caller's to log.
    pub(crate) fn detach(&self, key: Key) -> Option<Error> {
        let mut state = self.lock();
        if let Some(entry) = state.tasks.get_mut(key) {
            entry.detached = true;
            return None;
        }
        state.unheard.remove(&key)
    }

    /// Notes that the error of the task was given to whoever awaited it.
    pub(crate) fn heard(&self, key: Key) {
        let error = self.lock().unheard.remove(&key);
        drop(error);
    }

    /// The name of a task that is alive.
    pub(crate) fn name(&self, key: Key) -> Cow<'static, str> {
        self.lock()
            .tasks
            .get(key)
            .map(|entry| entry.name.clone())
            .unwrap_or_default()
    }

    /// Takes a task that ended from the list and counts it. Gives `error` back if nobody else will see it.
    pub(crate) fn settle(&self, key: Key, outcome: Outcome, error: Option<Error>) -> Option<Error> {
        let mut state = self.lock();
        let entry = state.tasks.remove(key)?;
        state.count(&entry, outcome, &self.path);
        let error = state.keep_for_handle(key, &entry, error);
        let (late, over) = (!state.accepting, state.is_over());
        // Under the lock: whoever ends acceptance after this sees one task less, and any other is notified.
        for tracker in self.upwards() {
            tracker.live.fetch_sub(1, Ordering::Release);
        }
        drop(state);
        #[cfg(feature = "metrics")]
        crate::telemetry::task_ended(outcome.as_str());
        self.notify(late);
        if over {
            self.fold();
        }
        error
    }

    /// Accepts nothing from here on, here and in all scopes.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.accepting = false;
        let over = state.is_over();
        let scopes: Vec<_> = state.scopes.values().cloned().collect();
        drop(state);
        self.closing.cancel();
        self.limits.iter().for_each(Limits::close);
        for scope in scopes {
            scope.close();
        }
        if over {
            self.fold();
        }
    }

    /// Cuts whatever is left, here and in all scopes, but the task that asks.
    pub(crate) fn abort_all(&self, asking: Option<Id>) {
        let mut state = self.lock();
        state.aborting = true;
        state.spared = asking;
        let others = state.tasks.iter_mut().filter(|entry| !entry.is(asking));
        let handles: Vec<_> = others.filter_map(Entry::condemned).collect();
        let scopes: Vec<_> = state.scopes.values().cloned().collect();
        drop(state);
        handles.iter().for_each(AbortHandle::abort);
        for scope in scopes {
            scope.abort_all(asking);
        }
    }

    /// Wakes whoever waits here or for an owner, which has closed its scopes before.
    fn notify(&self, late: bool) {
        for tracker in self.upwards().take_while(|_| late) {
            tracker.changed.notify_waiters();
        }
    }

    /// Waits until no task is left but the one that asks, if it is one of ours.
    pub(crate) async fn idle(&self, asking: Option<Id>) {
        loop {
            let changed = self.changed.notified();
            if self.is_idle(asking) {
                return;
            }
            changed.await;
        }
    }

    /// A task may ask before its id is known here, so that is looked at each time.
    pub(crate) fn is_idle(&self, asking: Option<Id>) -> bool {
        match self.live.load(Ordering::Acquire) {
            0 => true,
            1 => asking.is_some_and(|task| self.owns(task)),
            _ => false,
        }
    }

    /// Whether the task with this id is one of ours.
    fn owns(&self, task: Id) -> bool {
        let state = self.lock();
        state.tasks.iter().any(|entry| entry.is(Some(task)))
            || state.scopes.values().any(|scope| scope.owns(task))
    }

    pub(crate) fn counters(&self) -> TaskCounters {
        let state = self.lock();
        let mut counters = state.counters();
        for scope in state.scopes.values() {
            counters += scope.counters();
        }
        counters
    }

    /// The names of all tasks that are alive, the oldest of each scope first.
    pub(crate) fn names(&self) -> Vec<Cow<'static, str>> {
        let state = self.lock();
        let own = state
            .tasks
            .iter()
            .map(|entry| joined(&self.path, entry.name.clone()));
        own.chain(state.scopes.values().flat_map(|scope| scope.names()))
            .collect()
    }

    /// How many came to their own end after acceptance ended, and which did not.
    pub(crate) fn remains(&self, asking: Option<Id>) -> (u64, Vec<LeftoverTask>) {
        let state = self.lock();
        let mut finished = state.finished_late;
        let mut leftovers = state.cut.clone();
        let stuck = state.tasks.iter().filter(|entry| !entry.is(asking));
        leftovers.extend(stuck.map(|entry| entry.leftover(&self.path, Ending::Stuck)));
        for scope in state.scopes.values() {
            let (more, others) = scope.remains(asking);
            finished += more;
            leftovers.extend(others);
        }
        (finished, leftovers)
    }

    /// Tells the hook of a failure.
    pub(crate) fn failed(&self, error: &Error) {
        if let Some(hook) = &self.settings.hook {
            panics::hook("on_failure", || hook(error));
        }
    }

    /// Moves the figures of a scope that is over to its owner, which then forgets the scope.
    fn fold(&self) {
        let Some((parent, id)) = &self.parent else {
            return;
        };
        let mut owner = parent.lock();
        if owner.scopes.remove(id).is_none() {
            return;
        }
        owner.absorb(&self.lock());
        let over = owner.is_over();
        drop(owner);
        if over {
            parent.fold();
        }
    }

    /// This tracker and its owners.
    fn upwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |tracker| {
            tracker.parent.as_ref().map(|(parent, _)| &**parent)
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker")
            .field("path", &self.path)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

impl State {
    const fn new() -> Self {
        Self {
            accepting: true,
            aborting: false,
            spared: None,
            tasks: Arena::new(),
            queued: 0,
            ended: TaskCounters::ZERO,
            finished_late: 0,
            cut: Vec::new(),
            unheard: BTreeMap::new(),
            scopes: BTreeMap::new(),
            next_scope: 0,
        }
    }

    fn is_over(&self) -> bool {
        !self.accepting && self.tasks.is_empty() && self.scopes.is_empty()
    }

    fn counters(&self) -> TaskCounters {
        let live = u64::try_from(self.tasks.len()).unwrap_or(u64::MAX);
        TaskCounters {
            running: live - self.queued,
            queued: self.queued,
            ..self.ended
        }
    }

    fn count(&mut self, entry: &Entry, outcome: Outcome, path: &str) {
        *self.ended.of(outcome) += 1;
        self.queued -= u64::from(entry.queued);
        if self.accepting {
            return;
        }
        if entry.cut && outcome == Outcome::Cancelled {
            let ending = if entry.queued {
                Ending::NeverStarted
            } else {
                Ending::Cut
            };
            self.cut.push(entry.leftover(path, ending));
        } else {
            self.finished_late += 1;
        }
    }

    fn keep_for_handle(&mut self, key: Key, entry: &Entry, error: Option<Error>) -> Option<Error> {
        if entry.detached {
            return error;
        }
        error.and_then(|error| self.unheard.insert(key, error))
    }

    fn absorb(&mut self, scope: &Self) {
        self.ended += scope.ended;
        // What a scope cut for its own reasons is no leftover of a shutdown that has not begun.
        if !self.accepting {
            self.finished_late += scope.finished_late;
            self.cut.extend_from_slice(&scope.cut);
        }
    }
}

impl Entry {
    fn is(&self, task: Option<Id>) -> bool {
        task.is_some() && self.abort.as_ref().map(AbortHandle::id) == task
    }

    fn condemned(&mut self) -> Option<AbortHandle> {
        self.cut = true;
        self.abort.clone()
    }

    fn leftover(&self, path: &str, ending: Ending) -> LeftoverTask {
        LeftoverTask::new(path, self.name.clone(), ending)
    }
}
