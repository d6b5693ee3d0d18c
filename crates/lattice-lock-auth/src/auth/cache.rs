use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lattice_lock_principal::{Permissions, Principal};
use lattice_lock_repository::EntityId;

use crate::store::Affected;
use crate::tokens::Id;
use crate::{Clock, Source};

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
    clock: Arc<dyn Clock>,
    /// Where a request came from is part of the key, hashed with a key of this process, so that it takes no allocation.
    hasher: RandomState,
}

type Half = HashMap<(Credential, u64), (Begun, Arc<Standing>)>;

/// Into how many groups users are divided, so that what is remembered of one is forgotten without looking for it.
const GROUPS: usize = 1024;

struct Halves {
    young: Half,
    old: Half,
    /// How often something was forgotten; how often that was so when everybody was, and when one of a group was.
    forgotten: u64,
    everybody: u64,
    groups: Box<[u64]>,
    /// What the clock said last.
    now: u64,
}

impl Halves {
    fn new() -> Self {
        Self {
            young: Half::new(),
            old: Half::new(),
            forgotten: 0,
            everybody: 0,
            groups: vec![0; GROUPS].into(),
            now: 0,
        }
    }

    /// Whether nothing of it was forgotten since its look-up began.
    fn is_fresh(&self, begun: Begun, group: Option<usize>) -> bool {
        let last = group.map_or(0, |group| self.groups[group]);
        self.everybody.max(last) <= begun.forgotten
    }

    fn clear(&mut self) {
        self.forgotten += 1;
        self.everybody = self.forgotten;
        self.young.clear();
        self.old.clear();
    }
}

/// When a look-up began: what was forgotten meanwhile, it does not know of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    forgotten: u64,
    at: u64,
}

impl Cache {
    pub(super) fn new(most: usize, delay: u64, clock: Arc<dyn Clock>) -> Self {
        Self {
            halves: Mutex::new(Halves::new()),
            most: most.div_ceil(2),
            delay,
            clock,
            hasher: RandomState::new(),
        }
    }

    pub(super) fn get(&self, credential: Credential, source: &Source) -> Option<Arc<Standing>> {
        let key = self.key(credential, source);
        let halves = self.halves();
        let (begun, standing) = halves.young.get(&key).or_else(|| halves.old.get(&key))?;
        let is_young = halves.now - begun.at < self.delay;
        let is_fresh = halves.is_fresh(*begun, self.group(standing.owner));
        (is_young && is_fresh).then(|| Arc::clone(standing))
    }

    /// To be called before a look-up, for [`put`](Self::put).
    pub(super) fn begin(&self) -> Begun {
        let halves = self.halves();
        Begun {
            forgotten: halves.forgotten,
            at: halves.now,
        }
    }

    /// Remembers an answer, unless what it is about was forgotten since it was looked up.
    pub(super) fn put(
        &self,
        credential: Credential,
        source: &Source,
        begun: Begun,
        standing: &Arc<Standing>,
    ) {
        let key = self.key(credential, source);
        let mut halves = self.halves();
        if !halves.is_fresh(begun, self.group(standing.owner)) || self.delay == 0 {
            return;
        }
        if halves.young.len() >= self.most && !halves.young.contains_key(&key) {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(key, (begun, Arc::clone(standing)));
    }

    /// Forgets whose credentials a change affects, when what it returns is dropped: after the change, and also when
    /// whoever made it goes away in between.
    pub(super) fn forgetting(&self, affected: Affected) -> Forgetting<'_> {
        Forgetting {
            cache: self,
            affected,
        }
    }

    /// Forgets what these credentials are worth.
    pub(super) fn forget(&self, affected: Affected) {
        let mut halves = self.halves();
        match affected {
            Affected::Nobody => {}
            Affected::Everybody => halves.clear(),
            Affected::User(user) => {
                halves.forgotten += 1;
                let (now, group) = (halves.forgotten, self.group(Some(user)));
                halves.groups[group.unwrap_or(0)] = now;
            }
        }
    }

    fn group(&self, user: Option<EntityId>) -> Option<usize> {
        let group = |user| self.hasher.hash_one(user) % GROUPS as u64;
        user.map(|user| usize::try_from(group(user)).unwrap_or(0))
    }

    fn key(&self, credential: Credential, source: &Source) -> (Credential, u64) {
        (credential, self.hasher.hash_one(source))
    }

    /// What is remembered, as of now. The clock is read while nobody else has it, so that it can only go forward; if it
    /// goes back all the same, nobody knows how old an answer is, and none is believed.
    fn halves(&self) -> MutexGuard<'_, Halves> {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if now < halves.now {
            halves.clear();
        }
        halves.now = now;
        halves
    }
}

/// Forgets on its end.
#[must_use]
pub(super) struct Forgetting<'a> {
    cache: &'a Cache,
    affected: Affected,
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.cache.forget(self.affected);
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
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Clone, Debug)]
    struct Hand(Arc<AtomicU64>);

    impl Clock for Hand {
        fn now(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Hand {
        fn set(&self, now: u64) {
            self.0.store(now, Ordering::Relaxed);
        }
    }

    fn cache(delay: u64) -> (Cache, Hand) {
        let hand = Hand(Arc::new(AtomicU64::new(100)));
        (Cache::new(8, delay, Arc::new(hand.clone())), hand)
    }

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

    fn put(cache: &Cache, n: u8) {
        cache.put(key(n), &Source::unknown(), cache.begin(), &standing());
    }

    fn has(cache: &Cache, n: u8) -> bool {
        cache.get(key(n), &Source::unknown()).is_some()
    }

    #[test]
    fn an_answer_is_good_for_the_delay_and_no_longer() {
        let (cache, clock) = cache(5);
        put(&cache, 1);
        assert!(has(&cache, 1) && !has(&cache, 2));
        let elsewhere = "elsewhere".parse().unwrap();
        assert!(cache.get(key(1), &elsewhere).is_none());
        clock.set(104);
        assert!(has(&cache, 1));
        clock.set(105);
        assert!(!has(&cache, 1));
        let (off, _) = self::cache(0);
        put(&off, 1);
        assert!(!has(&off, 1));
    }

    #[test]
    fn an_answer_is_as_old_as_the_beginning_of_its_look_up() {
        let (cache, clock) = cache(5);
        let begun = cache.begin();
        clock.set(104);
        cache.put(key(1), &Source::unknown(), begun, &standing());
        assert!(has(&cache, 1));
        clock.set(105);
        assert!(!has(&cache, 1));
    }

    #[test]
    fn a_clock_that_went_back_makes_no_answer_good_for_longer() {
        let (cache, clock) = cache(5);
        put(&cache, 1);
        let begun = cache.begin();
        clock.set(99);
        assert!(!has(&cache, 1));
        cache.put(key(2), &Source::unknown(), begun, &standing());
        // It may have gone on for hours until it says the same again.
        clock.set(101);
        assert!(!has(&cache, 1) && !has(&cache, 2));
        put(&cache, 1);
        clock.set(98);
        put(&cache, 2);
        clock.set(102);
        assert!(!has(&cache, 1) && has(&cache, 2));
    }

    #[test]
    fn one_user_is_forgotten_and_the_others_are_not() {
        let (cache, _) = cache(5);
        // Two of one group are forgotten together.
        let one = EntityId::generate();
        let another = |user: &EntityId| cache.group(Some(*user)) != cache.group(Some(one));
        let other = std::iter::repeat_with(EntityId::generate).find(another);
        let users = [one, other.unwrap()];
        let owned = |user| {
            Arc::new(Standing {
                owner: Some(user),
                ..Standing::clone(&standing())
            })
        };
        for (n, user) in (1..).zip(users) {
            cache.put(key(n), &Source::unknown(), cache.begin(), &owned(user));
        }
        let begun = cache.begin();
        drop(cache.forgetting(Affected::Nobody));
        assert!(has(&cache, 1));
        drop(cache.forgetting(Affected::User(users[0])));
        assert!(!has(&cache, 1) && has(&cache, 2));
        for (n, user) in (3..).zip(users) {
            cache.put(key(n), &Source::unknown(), begun, &owned(user));
        }
        assert!(!has(&cache, 3), "looked up before");
        assert!(has(&cache, 4), "somebody else was forgotten");
        cache.forget(Affected::Everybody);
        assert!(!has(&cache, 2) && !has(&cache, 4));
    }

    #[test]
    fn it_is_bounded_and_keeps_the_younger_half() {
        let (cache, _) = cache(5);
        for n in 0..100 {
            put(&cache, n);
            let halves = cache.halves();
            assert!(halves.young.len() + halves.old.len() <= 8);
        }
        assert!(has(&cache, 99) && !has(&cache, 0));
    }
}
