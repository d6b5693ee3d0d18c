use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lattice_lock_principal::{Permissions, Principal};
use lattice_lock_repository::EntityId;

use crate::Source;
use crate::tokens::Id;

/// What a credential was worth when it was looked up.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// What its user may at most.
    pub(super) permissions: Arc<Permissions>,
    /// When it ends by itself; a token's end is in the token.
    pub(super) ends_at: Option<u64>,
    pub(super) owner: Option<EntityId>,
    /// Who presents it, of an API key: the same each time.
    pub(super) principal: Option<Principal>,
}

/// The whole of a credential, and where it came from: never a part that two credentials could share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Credential {
    /// A token is verified before it is looked up, so that its id stands for all of it.
    Token(Id),
    /// SHA-256 of an API key.
    Key([u8; 32]),
}

/// Remembers for a moment what credentials are worth. Bounded: when the younger half is full, the older one goes.
pub(super) struct Cache {
    halves: Mutex<Halves>,
    most: usize,
    /// For how many seconds an answer is good.
    delay: u64,
    /// Where a request came from is part of the key, hashed with a key of this process, so that it takes no allocation.
    hasher: RandomState,
}

type Half = HashMap<(Credential, u64), (u64, Arc<Standing>)>;

#[derive(Default)]
struct Halves {
    young: Half,
    old: Half,
    /// How often everything was forgotten.
    cleared: u64,
}

impl Cache {
    pub(super) fn new(most: usize, delay: u64) -> Self {
        Self {
            halves: Mutex::default(),
            most: most.div_ceil(2),
            delay,
            hasher: RandomState::new(),
        }
    }

    pub(super) fn get(
        &self,
        credential: Credential,
        source: &Source,
        now: u64,
    ) -> Option<Arc<Standing>> {
        let key = self.key(credential, source);
        let halves = self.halves();
        let (at, standing) = halves.young.get(&key).or_else(|| halves.old.get(&key))?;
        // A clock that went back is no reason to believe an answer for longer.
        let fresh = now.checked_sub(*at).is_some_and(|age| age < self.delay);
        fresh.then(|| Arc::clone(standing))
    }

    /// What [`put`](Self::put) has to be told: whatever was looked up before something was forgotten is not kept.
    pub(super) fn generation(&self) -> u64 {
        self.halves().cleared
    }

    pub(super) fn put(
        &self,
        credential: Credential,
        source: &Source,
        now: u64,
        generation: u64,
        standing: &Arc<Standing>,
    ) {
        let key = self.key(credential, source);
        let mut halves = self.halves();
        if halves.cleared != generation || self.delay == 0 {
            return;
        }
        if halves.young.len() >= self.most && !halves.young.contains_key(&key) {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(key, (now, Arc::clone(standing)));
    }

    /// Forgets what this user's credentials are worth.
    pub(super) fn forget(&self, user: EntityId) {
        let mut halves = self.halves();
        halves.cleared += 1;
        let others = |standing: &Arc<Standing>| standing.owner != Some(user);
        halves.young.retain(|_, (_, standing)| others(standing));
        halves.old.retain(|_, (_, standing)| others(standing));
    }

    pub(super) fn clear(&self) {
        let mut halves = self.halves();
        halves.cleared += 1;
        halves.young.clear();
        halves.old.clear();
    }

    fn key(&self, credential: Credential, source: &Source) -> (Credential, u64) {
        (credential, self.hasher.hash_one(source))
    }

    fn halves(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("most", &self.most)
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Arc<Standing> {
        Arc::new(Standing {
            permissions: Arc::default(),
            ends_at: None,
            owner: None,
            principal: None,
        })
    }

    fn key(n: u8) -> Credential {
        Credential::Key([n; 32])
    }

    #[test]
    fn an_answer_is_good_for_the_delay_and_no_longer() {
        let (cache, nowhere) = (Cache::new(8, 5), Source::unknown());
        cache.put(key(1), &nowhere, 100, 0, &standing());
        assert!(cache.get(key(1), &nowhere, 104).is_some());
        assert!(cache.get(key(1), &nowhere, 105).is_none());
        assert!(
            cache.get(key(1), &nowhere, 99).is_none(),
            "the clock went back"
        );
        assert!(cache.get(key(2), &nowhere, 100).is_none());
        assert!(
            cache
                .get(key(1), &"elsewhere".parse().unwrap(), 100)
                .is_none()
        );
        let off = Cache::new(8, 0);
        off.put(key(1), &nowhere, 100, 0, &standing());
        assert!(off.get(key(1), &nowhere, 100).is_none());
    }

    #[test]
    fn one_user_is_forgotten_and_the_others_are_not() {
        let (cache, nowhere) = (Cache::new(8, 5), Source::unknown());
        let users = [EntityId::generate(), EntityId::generate()];
        for (n, user) in (1..).zip(users) {
            let owned = Standing {
                owner: Some(user),
                ..Standing::clone(&standing())
            };
            cache.put(key(n), &nowhere, 100, 0, &Arc::new(owned));
        }
        cache.forget(users[0]);
        assert!(cache.get(key(1), &nowhere, 100).is_none());
        assert!(cache.get(key(2), &nowhere, 100).is_some());
        cache.put(key(3), &nowhere, 100, 0, &standing());
        assert!(
            cache.get(key(3), &nowhere, 100).is_none(),
            "looked up before"
        );
    }

    #[test]
    fn it_is_bounded_and_keeps_the_younger_half() {
        let (cache, nowhere) = (Cache::new(8, 5), Source::unknown());
        for n in 0..100 {
            cache.put(key(n), &nowhere, 100, 0, &standing());
            let halves = cache.halves();
            assert!(halves.young.len() + halves.old.len() <= 8);
        }
        assert!(cache.get(key(99), &nowhere, 100).is_some());
        assert!(cache.get(key(0), &nowhere, 100).is_none());
    }

    #[test]
    fn what_was_looked_up_before_something_was_forgotten_is_not_kept() {
        let (cache, nowhere) = (Cache::new(8, 5), Source::unknown());
        let before = cache.generation();
        cache.clear();
        cache.put(key(1), &nowhere, 100, before, &standing());
        assert!(cache.get(key(1), &nowhere, 100).is_none());
        cache.put(key(1), &nowhere, 100, cache.generation(), &standing());
        assert!(cache.get(key(1), &nowhere, 100).is_some());
    }
}
