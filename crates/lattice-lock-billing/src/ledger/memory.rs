use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lattice_lock_errors::Result;
use lattice_lock_repository::Timestamp;

use super::books::{Books, Item, Revision};
use super::store::{Ack, Caller, Expired, Settled, Store, Verdict};
use super::{Archive, Booking, LedgerStatus, LedgerTotal, Period};
use crate::entry::Subject;
use crate::{AttemptId, Entry, InstanceId, Intent, OperationId, Position};

/// Entries in memory: as many as were booked, until the process ends.
#[derive(Debug, Default)]
pub(super) struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    books: Books,
    log: BTreeMap<Position, Revision>,
    leases: HashMap<InstanceId, Timestamp>,
    archives: Vec<Archive>,
}

impl MemoryStore {
    // Nothing between two changes of the state can panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What was changed is here already: only the log follows.
    fn follow(&mut self) {
        let changes = std::mem::take(&mut self.books.changes);
        for (entry, _) in changes.fresh {
            let revision = (entry.fact.subject.clone(), entry.fact.revision);
            self.log.extend(entry.position.map(|at| (at, revision)));
        }
    }

    fn is_expired(&self, intent: &Intent, caller: &Caller) -> bool {
        let is_over = match intent.instance {
            None => true,
            Some(instance) if instance == caller.instance => false,
            Some(instance) => {
                let lease = self.leases.get(&instance);
                lease.is_none_or(|until| *until < caller.now())
            }
        };
        is_over && !intent.held
    }

    fn entries_after(&self, after: Position) -> impl Iterator<Item = &Entry> {
        let range = (Bound::Excluded(after), Bound::Unbounded);
        let revisions = self.log.range(range).map(|(_, revision)| revision);
        revisions.filter_map(|revision| self.books.entries.get(revision).map(AsRef::as_ref))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn submit(&self, caller: &Caller, item: Item) -> Result<Ack> {
        let mut state = self.state();
        let until = caller.now() + caller.lease;
        state.leases.insert(caller.instance, until);
        let done = state.books.apply(&item);
        if let (Err(_), Some(attempt)) = (&done, item.books()) {
            state.books.abandon(attempt, caller.instance);
        }
        state.follow();
        let done = done?;
        let booking = Booking::Memory;
        Ok(Ack { done, booking })
    }

    async fn of_operation(&self, operation: OperationId) -> Result<Vec<Entry>> {
        let first = Subject::Attempt(AttemptId::new(operation, 0, 0));
        let last = Subject::Attempt(AttemptId::new(operation, u16::MAX, u16::MAX));
        let state = self.state();
        let entries = state.books.entries.range((first, 0)..=(last, u16::MAX));
        Ok(entries.map(|(_, entry)| Entry::clone(entry)).collect())
    }

    async fn list(&self, after: Position, limit: usize) -> Result<Vec<Entry>> {
        let state = self.state();
        Ok(state.entries_after(after).take(limit).cloned().collect())
    }

    async fn within(&self, period: Period, after: Position, limit: usize) -> Result<Vec<Entry>> {
        let state = self.state();
        let entries = state.entries_after(after);
        let within = entries.filter(|entry| period.contains(entry.happened_at()));
        Ok(within.take(limit).cloned().collect())
    }

    async fn total(&self) -> Result<LedgerTotal> {
        let state = self.state();
        let live = LedgerTotal::of(state.books.entries.values().map(AsRef::as_ref));
        let archived = state.archives.iter().map(|archive| archive.total);
        Ok(archived.fold(live, LedgerTotal::plus))
    }

    async fn open_intents(&self) -> Result<Vec<Intent>> {
        Ok(self.state().books.intents.values().cloned().collect())
    }

    async fn expired(&self, caller: &Caller, limit: usize) -> Result<Expired> {
        let state = self.state();
        let open = state.books.intents.values();
        let expired = open.filter(|intent| state.is_expired(intent, caller));
        Ok(Expired {
            intents: expired.take(limit).cloned().collect(),
            foreign: 0,
        })
    }

    async fn settle(&self, caller: &Caller, verdicts: Vec<Verdict>) -> Result<Vec<Settled>> {
        let mut state = self.state();
        let mut settled = Vec::with_capacity(verdicts.len());
        for verdict in verdicts {
            let known = state.books.intents.get(&verdict.intent.attempt);
            let is_same = known == Some(&verdict.intent);
            if !is_same || !state.is_expired(&verdict.intent, caller) {
                settled.push(Settled::Elsewhere);
                continue;
            }
            if let Some(item) = &verdict.item {
                let done = state.books.apply(item);
                settled.push(Settled::of(done));
            } else {
                if let Some(intent) = state.books.intents.get_mut(&verdict.intent.attempt) {
                    intent.held = true;
                }
                settled.push(Settled::Done);
            }
            state.follow();
        }
        Ok(settled)
    }

    async fn archive(&self, archive: &Archive) -> Result<()> {
        let mut state = self.state();
        let state = &mut *state;
        if state.archives.contains(archive) {
            return Ok(());
        }
        let leaves = |entry: &Entry| {
            archive.period.contains(entry.happened_at()) && entry.position <= Some(archive.up_to)
        };
        let leaving = state.books.entries.values();
        let leaving = leaving.map(AsRef::as_ref).filter(|entry| leaves(entry));
        let total = LedgerTotal::of(leaving);
        let mut open = state.books.intents.values();
        let is_open = open.any(|intent| archive.period.begins_in(intent));
        let is_torn = state.books.entries.values().any(|entry| {
            let revisions = (entry.fact.subject.clone(), 0)..revision_of(entry);
            let mut before = state.books.entries.range(revisions);
            !leaves(entry) && before.any(|(_, entry)| leaves(entry))
        });
        archive.require_same(total, is_open || is_torn)?;
        let Books {
            entries, archived, ..
        } = &mut state.books;
        entries.retain(|_, entry| {
            let leaves = leaves(entry);
            if leaves {
                archived.insert(entry.idempotency_key(), entry.payload_hash());
            }
            !leaves
        });
        state
            .log
            .retain(|_, revision| entries.contains_key(revision));
        state.archives.push(archive.clone());
        Ok(())
    }

    async fn archives(&self) -> Result<Vec<Archive>> {
        Ok(self.state().archives.clone())
    }

    async fn head(&self) -> Result<Position> {
        Ok(self.state().books.position)
    }

    async fn flush(&self, _deadline: Duration) -> Result<()> {
        Ok(())
    }

    fn status(&self) -> LedgerStatus {
        LedgerStatus::default()
    }
}

fn revision_of(entry: &Entry) -> Revision {
    (entry.fact.subject.clone(), entry.fact.revision)
}

impl LedgerTotal {
    fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        entries.fold(Self::default(), |total, entry| {
            total.plus(Self::of_one(entry))
        })
    }
}
