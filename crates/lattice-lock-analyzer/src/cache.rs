use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::TaskAnalysis;

/// The most shards; each is locked alone.
const MOST_SHARDS: usize = 16;
/// A shard for every so many entries: a small cache has one, and drops exactly the entry that was unused longest.
const ENTRIES_PER_SHARD: usize = 64;

/// How the cache is doing, since the analyzer was made or [reset](crate::Analyzer::reset_cache).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct CacheStats {
    /// How many entries it may hold.
    pub capacity: usize,
    /// How many it holds.
    pub entries: usize,
    /// How many analyses were answered from it.
    pub hits: u64,
    /// How many were not.
    pub misses: u64,
    /// How many entries made room for others.
    pub evictions: u64,
}

/// A bounded map from the hash of an input to its analysis.
///
/// The key is a keyed hash, so its bits can be used as they are.
pub(crate) struct Cache {
    shards: Box<[Mutex<Shard>]>,
    capacity: usize,
}

#[derive(Default)]
struct Shard {
    places: HashMap<u128, usize, BuildHasherDefault<AsIs>>,
    slots: Vec<Slot>,
    capacity: usize,
    hand: usize,
    hits: u64,
    misses: u64,
    evictions: u64,
}

struct Slot {
    key: u128,
    value: Arc<TaskAnalysis>,
    /// Used since the hand passed: it is spared once.
    used: bool,
}

/// Takes the low half of a key for its hash.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(low) = bytes.first_chunk::<8>() {
            self.0 = u64::from_ne_bytes(*low);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half of a keyed hash is as good as the whole"
    )]
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

impl Cache {
    /// A cache of at most `capacity` entries; without any if it is 0.
    pub(crate) fn new(capacity: usize) -> Self {
        let count = (capacity / ENTRIES_PER_SHARD).clamp(1, MOST_SHARDS);
        let portion = |at: usize| capacity / count + usize::from(at < capacity % count);
        let shard = |at| {
            Mutex::new(Shard {
                capacity: portion(at),
                ..Shard::default()
            })
        };
        Self {
            shards: (0..count).map(shard).collect(),
            capacity,
        }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.capacity == 0
    }

    pub(crate) fn get(&self, key: u128) -> Option<Arc<TaskAnalysis>> {
        self.shard(key).get(key)
    }

    pub(crate) fn put(&self, key: u128, value: &Arc<TaskAnalysis>) {
        self.shard(key).put(key, value);
    }

    /// Forgets everything, the statistics too.
    pub(crate) fn reset(&self) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            *shard = Shard {
                capacity: shard.capacity,
                ..Shard::default()
            };
        }
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let mut stats = CacheStats {
            capacity: self.capacity,
            ..CacheStats::default()
        };
        for shard in &self.shards {
            let shard = lock(shard);
            stats.entries += shard.slots.len();
            stats.hits += shard.hits;
            stats.misses += shard.misses;
            stats.evictions += shard.evictions;
        }
        stats
    }

    fn shard(&self, key: u128) -> MutexGuard<'_, Shard> {
        let bits = (key >> 64) % self.shards.len() as u128;
        lock(&self.shards[usize::try_from(bits).unwrap_or(0)])
    }
}

/// A panic while a shard was locked cannot have left it half changed in a way that matters: a cache may forget.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn get(&mut self, key: u128) -> Option<Arc<TaskAnalysis>> {
        let slot = self.places.get(&key).and_then(|at| self.slots.get_mut(*at));
        if let Some(slot) = slot {
            slot.used = true;
            self.hits += 1;
            return Some(Arc::clone(&slot.value));
        }
        self.misses += 1;
        None
    }

    fn put(&mut self, key: u128, value: &Arc<TaskAnalysis>) {
        if self.capacity == 0 || self.places.contains_key(&key) {
            return;
        }
        let slot = Slot {
            key,
            value: Arc::clone(value),
            used: false,
        };
        if self.slots.len() < self.capacity {
            self.places.insert(key, self.slots.len());
            self.slots.push(slot);
            return;
        }
        let at = self.victim();
        self.evictions += 1;
        self.places.remove(&self.slots[at].key);
        self.places.insert(key, at);
        self.slots[at] = slot;
    }

    /// The first slot from the hand on that was not used since the hand passed it.
    fn victim(&mut self) -> usize {
        loop {
            let at = self.hand % self.slots.len();
            self.hand = at + 1;
            if !std::mem::take(&mut self.slots[at].used) {
                return at;
            }
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stats().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use crate::Analyzer;
    use std::sync::Arc;

    #[test]
    fn the_same_input_gives_the_same_shared_result() {
        let analyzer = Analyzer::builder().cache_size(8).build();
        let first = analyzer.analyze("hello");
        assert!(Arc::ptr_eq(&first, &analyzer.analyze("hello")));
        assert!(!Arc::ptr_eq(&first, &analyzer.analyze("hello ")));
        let stats = analyzer.cache_stats();
        assert_eq!((stats.hits, stats.misses, stats.entries), (1, 2, 2));
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let analyzer = Analyzer::builder().cache_size(3).build();
        let kept = analyzer.analyze("kept");
        for n in 0..100 {
            assert!(Arc::ptr_eq(&kept, &analyzer.analyze("kept")));
            let _ = analyzer.analyze(&format!("other {n}"));
        }
        let stats = analyzer.cache_stats();
        assert_eq!((stats.entries, stats.hits), (3, 100));
        assert_eq!(stats.evictions, 98);
    }

    #[test]
    fn a_large_cache_never_exceeds_its_capacity() {
        let analyzer = Analyzer::builder().cache_size(1000).build();
        for n in 0..5000 {
            let _ = analyzer.analyze(&format!("prompt {n}"));
        }
        let stats = analyzer.cache_stats();
        assert!(stats.entries <= 1000 && stats.entries > 950, "{stats:?}");
        assert_eq!(stats.evictions, 5000 - stats.entries as u64);
    }

    #[test]
    fn size_zero_is_off() {
        let analyzer = Analyzer::builder().cache_size(0).build();
        let first = analyzer.analyze("hello");
        assert!(!Arc::ptr_eq(&first, &analyzer.analyze("hello")));
        assert_eq!(analyzer.cache_stats(), crate::CacheStats::default());
    }

    #[test]
    fn reset_forgets_entries_and_statistics() {
        let analyzer = Analyzer::builder().cache_size(8).build();
        let first = analyzer.analyze("hello");
        analyzer.reset_cache();
        assert_eq!(analyzer.cache_stats().entries, 0);
        assert!(!Arc::ptr_eq(&first, &analyzer.analyze("hello")));
    }

    #[test]
    fn many_threads_share_it() {
        let analyzer = Analyzer::builder().cache_size(64).build();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..500 {
                        let text = format!("translate number {} into French", n % 50);
                        assert_eq!(
                            analyzer.analyze(&text).primary(),
                            crate::TaskType::Translation
                        );
                    }
                });
            }
        });
        let stats = analyzer.cache_stats();
        assert_eq!(stats.hits + stats.misses, 2000);
        assert_eq!(stats.entries, 50);
    }
}
