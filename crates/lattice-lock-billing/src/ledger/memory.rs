use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lattice_lock_errors::Result;

use super::{Booking, LedgerTotal, Recorded, Store, replay};
use crate::{AttemptId, Entry, EntryId, Intent, MoneySum, OperationId};

/// Entries in memory: as many as were booked, until the process ends.
#[derive(Debug, Default)]
pub(super) struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<AttemptId, Entry>,
    keys: BTreeMap<EntryId, AttemptId>,
    intents: BTreeMap<AttemptId, Intent>,
}

impl MemoryStore {
    // Nothing between two changes of the state can panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn intend(&mut self, intent: Intent) {
        if !self.entries.contains_key(&intent.attempt()) {
            self.intents.entry(intent.attempt()).or_insert(intent);
        }
    }

    fn put(&mut self, entry: Entry) -> Entry {
        self.intents.remove(&entry.attempt());
        self.keys.insert(entry.id(), entry.attempt());
        self.entries.insert(entry.attempt(), entry.clone());
        entry
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn booking(&self) -> Booking {
        Booking::Memory
    }

    async fn intend(&self, intent: Intent) -> Result<()> {
        self.state().intend(intent);
        Ok(())
    }

    async fn record(&self, entry: Entry, next: Option<Intent>) -> Result<Recorded> {
        let mut state = self.state();
        let recorded = match state.entries.get(&entry.attempt()) {
            Some(kept) => replay(kept.clone(), &entry, Booking::Memory)?,
            None => Recorded {
                entry: state.put(entry),
                booking: Booking::Memory,
                replayed: false,
            },
        };
        if let Some(next) = next {
            state.intend(next);
        }
        Ok(recorded)
    }

    async fn withdraw(&self, attempt: AttemptId, next: Option<Intent>) -> Result<()> {
        let mut state = self.state();
        state.intents.remove(&attempt);
        if let Some(next) = next {
            state.intend(next);
        }
        Ok(())
    }

    async fn of_operation(&self, operation: OperationId) -> Result<Vec<Entry>> {
        let (first, last) = (
            AttemptId::new(operation, 0, 0),
            AttemptId::new(operation, u16::MAX, u16::MAX),
        );
        Ok(self
            .state()
            .entries
            .range(first..=last)
            .map(|(_, entry)| entry.clone())
            .collect())
    }

    async fn list(&self, after: Option<EntryId>, limit: usize) -> Result<Vec<Entry>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let attempts = state.keys.range((from, Bound::Unbounded)).take(limit);
        Ok(attempts
            .filter_map(|(_, attempt)| state.entries.get(attempt).cloned())
            .collect())
    }

    async fn total(&self) -> Result<LedgerTotal> {
        let state = self.state();
        let amounts = || state.entries.values().map(|entry| entry.cost().amount());
        Ok(LedgerTotal {
            entries: state.entries.len() as u64,
            unpriced: amounts().filter(Option::is_none).count() as u64,
            total_usd: amounts().flatten().sum::<MoneySum>(),
        })
    }

    async fn open_intents(&self) -> Result<Vec<Intent>> {
        Ok(self.state().intents.values().cloned().collect())
    }

    async fn flush(&self) {}
}
