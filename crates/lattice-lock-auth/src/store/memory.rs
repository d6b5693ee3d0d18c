use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::EntityId;

use super::{Ends, Session, Store};
use crate::audit::AuditEntry;
use crate::codes::{BOOTSTRAPPED, KEY_TAKEN, USERNAME_TAKEN};
use crate::keys::{ApiKey, KeyId};
use crate::lockout::{Attempt, GateState, Pseudonym, Settled};
use crate::tokens::Id;
use crate::{User, Username};

/// Everything in this process's memory: gone with it.
#[derive(Default)]
pub(super) struct MemoryStore {
    state: Mutex<State>,
    #[cfg(test)]
    lookups: std::sync::atomic::AtomicU64,
}

#[derive(Default)]
struct State {
    users: BTreeMap<EntityId, User>,
    names: HashMap<Username, EntityId>,
    bootstrapped: bool,
    sessions: HashMap<Id, Session>,
    revoked: HashMap<Id, u64>,
    revoked_before: u64,
    keys: HashMap<KeyId, ApiKey>,
    owners: HashMap<EntityId, HashSet<KeyId>>,
    gates: HashMap<Pseudonym, GateState>,
    audit: Vec<AuditEntry>,
}

impl MemoryStore {
    /// Each method changes it without anything in between that could panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryStore {
    #[cfg(test)]
    fn looked_up(&self) {
        self.lookups
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "counts in tests")]
    fn looked_up(&self) {}
}

impl State {
    fn gates(&self, keys: &[Pseudonym]) -> Vec<GateState> {
        keys.iter()
            .filter_map(|key| self.gates.get(key).cloned())
            .collect()
    }

    fn put(&mut self, gates: Vec<GateState>) {
        self.gates
            .extend(gates.into_iter().map(|gate| (gate.key.clone(), gate)));
    }

    fn end(&mut self, user: EntityId, ends: Ends, now: u64) {
        if ends.sessions {
            let sessions = self.sessions.values_mut();
            for session in sessions.filter(|session| session.user == user) {
                session.ended_at.get_or_insert(now);
            }
        }
        if ends.keys {
            for id in self.owners.get(&user).into_iter().flatten() {
                end(self.keys.get_mut(id), now);
            }
        }
    }
}

fn end(key: Option<&mut ApiKey>, at: u64) -> bool {
    let existed = key.is_some();
    if let Some(key) = key {
        key.expires_at = Some(key.expires_at.map_or(at, |end| end.min(at)));
    }
    existed
}

#[async_trait]
impl Store for MemoryStore {
    async fn add_user(&self, user: User, first: bool) -> Result<()> {
        let mut state = self.state();
        if first && state.bootstrapped {
            return Err(Error::new(BOOTSTRAPPED, "there was a first user already"));
        }
        if state.names.contains_key(&user.name) || state.users.contains_key(&user.id) {
            return Err(Error::new(USERNAME_TAKEN, "the user name is taken"));
        }
        state.bootstrapped |= first;
        state.names.insert(user.name.clone(), user.id);
        state.users.insert(user.id, user);
        Ok(())
    }

    async fn user(&self, id: EntityId) -> Result<Option<User>> {
        self.looked_up();
        Ok(self.state().users.get(&id).cloned())
    }

    async fn user_named(&self, name: &Username) -> Result<Option<User>> {
        let state = self.state();
        let id = state.names.get(name);
        Ok(id.and_then(|id| state.users.get(id)).cloned())
    }

    async fn users(&self, after: Option<EntityId>, limit: usize) -> Result<Vec<User>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let users = state.users.range((from, Bound::Unbounded));
        Ok(users.take(limit).map(|(_, user)| user.clone()).collect())
    }

    async fn change_user(&self, mut user: User, ends: Ends, now: u64) -> Result<bool> {
        let mut state = self.state();
        let Some(kept) = state
            .users
            .get(&user.id)
            .filter(|it| it.version == user.version)
        else {
            return Ok(false);
        };
        let old = kept.name.clone();
        if state
            .names
            .get(&user.name)
            .is_some_and(|owner| *owner != user.id)
        {
            return Err(Error::new(USERNAME_TAKEN, "the user name is taken"));
        }
        state.names.remove(&old);
        state.names.insert(user.name.clone(), user.id);
        user.version += 1;
        state.end(user.id, ends, now);
        state.users.insert(user.id, user);
        Ok(true)
    }

    async fn remove_user(&self, id: EntityId) -> Result<bool> {
        let mut state = self.state();
        let Some(user) = state.users.remove(&id) else {
            return Ok(false);
        };
        state.names.remove(&user.name);
        state.sessions.retain(|_, session| session.user != id);
        for key in state.owners.remove(&id).unwrap_or_default() {
            state.keys.remove(&key);
        }
        Ok(true)
    }

    async fn add_session(&self, session: Session) -> Result<()> {
        self.state().sessions.insert(session.id, session);
        Ok(())
    }

    async fn session(&self, id: Id) -> Result<Option<Session>> {
        Ok(self.state().sessions.get(&id).cloned())
    }

    async fn rotate(&self, session: &Session, next: Id, now: u64, expires_at: u64) -> Result<bool> {
        let mut state = self.state();
        let Some(kept) = state.sessions.get_mut(&session.id) else {
            return Ok(false);
        };
        let current = (kept.token, kept.generation) == (session.token, session.generation);
        if !current || kept.ended_at.is_some() {
            return Ok(false);
        }
        kept.token = next;
        kept.generation += 1;
        kept.rotated_at = now;
        kept.expires_at = expires_at;
        Ok(true)
    }

    async fn end_session(&self, id: Id, now: u64) -> Result<bool> {
        let mut state = self.state();
        let session = state.sessions.get_mut(&id);
        let open = session.filter(|session| session.ended_at.is_none());
        Ok(open.map(|session| session.ended_at = Some(now)).is_some())
    }

    async fn revoke_token(&self, id: Id, until: u64) -> Result<()> {
        self.state().revoked.insert(id, until);
        Ok(())
    }

    async fn is_revoked(&self, id: Id) -> Result<bool> {
        Ok(self.state().revoked.contains_key(&id))
    }

    async fn revoke_before(&self, at: u64) -> Result<()> {
        let mut state = self.state();
        state.revoked_before = state.revoked_before.max(at);
        Ok(())
    }

    async fn revoked_before(&self) -> Result<u64> {
        Ok(self.state().revoked_before)
    }

    async fn add_key(&self, key: ApiKey, replaces: Option<(KeyId, u64)>) -> Result<()> {
        let mut state = self.state();
        if state.keys.contains_key(&key.id) {
            return Err(Error::new(KEY_TAKEN, "another key has the same id"));
        }
        if let Some((old, at)) = replaces {
            end(state.keys.get_mut(&old), at);
        }
        state
            .owners
            .entry(key.owner)
            .or_default()
            .insert(key.id.clone());
        state.keys.insert(key.id.clone(), key);
        Ok(())
    }

    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>> {
        self.looked_up();
        Ok(self.state().keys.get(id).cloned())
    }

    async fn keys_of(&self, owner: EntityId) -> Result<Vec<ApiKey>> {
        let state = self.state();
        let ids = state.owners.get(&owner).into_iter().flatten();
        let mut keys: Vec<_> = ids.filter_map(|id| state.keys.get(id).cloned()).collect();
        keys.sort_by(|one, two| (one.created_at, &one.id).cmp(&(two.created_at, &two.id)));
        Ok(keys)
    }

    async fn end_key(&self, id: &KeyId, at: u64) -> Result<bool> {
        Ok(end(self.state().keys.get_mut(id), at))
    }

    async fn touch_keys(&self, used: &[(KeyId, u64)]) -> Result<()> {
        let mut state = self.state();
        for (id, at) in used {
            if let Some(key) = state.keys.get_mut(id) {
                key.last_used_at = key.last_used_at.max(Some(*at));
            }
        }
        Ok(())
    }

    async fn gates(&self, keys: &[Pseudonym]) -> Result<Vec<GateState>> {
        self.looked_up();
        Ok(self.state().gates(keys))
    }

    async fn admit(&self, attempt: &Attempt) -> Result<Option<u64>> {
        let mut state = self.state();
        let gates = state.gates(&attempt.keys());
        if let Some(until) = attempt.closed_until(&gates) {
            return Ok(Some(until));
        }
        state.put(attempt.counted(&gates));
        Ok(None)
    }

    async fn settle(&self, attempt: &Attempt, settled: Settled) -> Result<()> {
        let mut state = self.state();
        let keys = attempt.keys().into_iter();
        let gates: Vec<_> = keys
            .map(|key| {
                state
                    .gates
                    .get(&key)
                    .cloned()
                    .unwrap_or_else(|| GateState::new(key))
            })
            .collect();
        state.put(attempt.settled(&gates, settled));
        Ok(())
    }

    async fn sweep(&self, now: u64) -> Result<u64> {
        let mut state = self.state();
        let before = state.gates.len() + state.revoked.len() + state.sessions.len();
        state.gates.retain(|_, gate| !gate.is_over(now));
        state.revoked.retain(|_, until| *until >= now);
        state
            .sessions
            .retain(|_, session| session.expires_at >= now);
        let after = state.gates.len() + state.revoked.len() + state.sessions.len();
        Ok((before - after) as u64)
    }

    async fn append(&self, entry: &AuditEntry) -> Result<bool> {
        let mut state = self.state();
        let free = state.audit.len() as u64 + 1 == entry.sequence;
        if free {
            state.audit.push(entry.clone());
        }
        Ok(free)
    }

    async fn last_entry(&self) -> Result<Option<AuditEntry>> {
        Ok(self.state().audit.last().cloned())
    }

    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        let state = self.state();
        let first = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(state
            .audit
            .iter()
            .skip(first)
            .take(limit)
            .cloned()
            .collect())
    }

    #[cfg(test)]
    fn lookups(&self) -> u64 {
        self.lookups.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
