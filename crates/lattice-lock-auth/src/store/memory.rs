use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::EntityId;

use super::{
    Change, Ends, KEPT_LONGER, Session, Step, Store, key_unknown, no_place, session_ended,
    superseded, user_changed,
};
use crate::audit::AuditEntry;
use crate::codes::{BOOTSTRAPPED, KEY_TAKEN, USERNAME_TAKEN};
use crate::keys::{ApiKey, KeyId};
use crate::lockout::{Attempt, GateState, Pseudonym, Settled};
use crate::tokens::Id;
use crate::{User, Username, users};

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
    imported: u64,
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

fn end(key: Option<&mut ApiKey>, at: u64) {
    if let Some(key) = key {
        key.expires_at = Some(key.expires_at.map_or(at, |end| end.min(at)));
    }
}

/// Each looks at everything before it changes anything.
impl State {
    fn make(&mut self, change: &Change, now: u64) -> Result<()> {
        match change {
            Change::Nothing => {}
            Change::AddUser { user, first } => self.add_user(user, *first)?,
            Change::ReplaceUser { user, ends } => self.change_user(user, *ends, now)?,
            Change::RemoveUser(id) => self.remove_user(*id)?,
            Change::AddSession(session) => {
                self.sessions.insert(session.id, session.clone());
            }
            Change::Rotate {
                session,
                next,
                expires_at,
            } => self.rotate(session, *next, now, *expires_at)?,
            Change::EndSession { id, .. } => {
                if let Some(session) = self.sessions.get_mut(id) {
                    session.ended_at.get_or_insert(now);
                }
            }
            Change::RevokeToken(id, until) => {
                self.revoked.insert(*id, *until);
            }
            Change::RevokeBefore(at) => self.revoked_before = self.revoked_before.max(*at),
            Change::AddKey { key, replaces } => self.add_key(key, replaces.as_ref(), now)?,
            Change::EndKey { id, .. } => end(self.keys.get_mut(id), now),
            Change::Open(gate) => self.put(vec![gate.clone()]),
        }
        Ok(())
    }

    fn add_user(&mut self, user: &User, first: bool) -> Result<()> {
        if first && self.bootstrapped {
            return Err(Error::new(BOOTSTRAPPED, "there was a first user already"));
        }
        if self.names.contains_key(&user.name) || self.users.contains_key(&user.id) {
            return Err(taken());
        }
        self.bootstrapped = true;
        self.imported += u64::from(user.password.bcrypt_cost().is_some());
        self.names.insert(user.name.clone(), user.id);
        self.users.insert(user.id, user.clone());
        Ok(())
    }

    fn change_user(&mut self, user: &User, ends: Ends, now: u64) -> Result<()> {
        let kept = self.users.get(&user.id);
        let kept = kept.filter(|kept| kept.version == user.version);
        let old = kept.ok_or_else(user_changed)?.name.clone();
        let owner = self.names.get(&user.name);
        if owner.is_some_and(|owner| *owner != user.id) {
            return Err(taken());
        }
        self.names.remove(&old);
        self.names.insert(user.name.clone(), user.id);
        self.end(user.id, ends, now);
        let version = user.version + 1;
        let user = user.clone();
        self.users.insert(user.id, User { version, ..user });
        Ok(())
    }

    fn remove_user(&mut self, id: EntityId) -> Result<()> {
        let user = self.users.remove(&id).ok_or_else(users::unknown)?;
        self.names.remove(&user.name);
        self.sessions.retain(|_, session| session.user != id);
        for key in self.owners.remove(&id).unwrap_or_default() {
            self.keys.remove(&key);
        }
        Ok(())
    }

    fn rotate(&mut self, session: &Session, next: Id, now: u64, expires_at: u64) -> Result<()> {
        let good = |kept: &&mut Session| {
            let current = (kept.token, kept.generation) == (session.token, session.generation);
            current && kept.ended_at.is_none()
        };
        let kept = self.sessions.get_mut(&session.id).filter(good);
        let kept = kept.ok_or_else(superseded)?;
        if kept.rotated_at < self.revoked_before {
            return Err(session_ended());
        }
        (kept.token, kept.rotated_at, kept.expires_at) = (next, now, expires_at);
        kept.generation += 1;
        Ok(())
    }

    fn add_key(&mut self, key: &ApiKey, replaces: Option<&(KeyId, u64)>, now: u64) -> Result<()> {
        if self.keys.contains_key(&key.id) {
            return Err(Error::new(KEY_TAKEN, "another key has the same id"));
        }
        if let Some((old, at)) = replaces {
            let old = self.keys.get_mut(old).filter(|old| !old.is_over(now));
            end(Some(old.ok_or_else(key_unknown)?), *at);
        }
        let keys = self.owners.entry(key.owner).or_default();
        keys.insert(key.id.clone());
        self.keys.insert(key.id.clone(), key.clone());
        Ok(())
    }
}

fn taken() -> Error {
    Error::new(USERNAME_TAKEN, "the user name is taken")
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, step: &Step, entry: &AuditEntry) -> Result<()> {
        let mut state = self.state();
        if state.audit.len() as u64 + 1 != entry.sequence {
            return Err(no_place());
        }
        for seen in &step.seen {
            seen.check(state.users.get(&seen.user))?;
        }
        state.make(&step.change, entry.at)?;
        state.audit.push(entry.clone());
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

    async fn costliest_bcrypt(&self, most: u32) -> Result<Option<u32>> {
        let state = self.state();
        let costs = state
            .users
            .values()
            .filter_map(|user| user.password.bcrypt_cost());
        Ok(costs.filter(|cost| *cost <= most).max())
    }

    async fn imported(&self) -> Result<u64> {
        Ok(self.state().imported)
    }

    async fn session(&self, id: Id) -> Result<Option<Session>> {
        Ok(self.state().sessions.get(&id).cloned())
    }

    async fn is_revoked(&self, id: Id) -> Result<bool> {
        Ok(self.state().revoked.contains_key(&id))
    }

    async fn revoked_before(&self) -> Result<u64> {
        Ok(self.state().revoked_before)
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
        let forgotten = now.saturating_sub(KEPT_LONGER);
        state.revoked.retain(|_, until| *until >= forgotten);
        state
            .sessions
            .retain(|_, session| session.expires_at >= now);
        let after = state.gates.len() + state.revoked.len() + state.sessions.len();
        Ok((before - after) as u64)
    }

    async fn last_entries(&self) -> Result<Vec<AuditEntry>> {
        let audit = &self.state().audit;
        Ok(audit[audit.len().saturating_sub(2)..].to_vec())
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
