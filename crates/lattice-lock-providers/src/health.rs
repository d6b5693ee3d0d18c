use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Mutex as AsyncMutex;

use crate::{FailureClass, ProviderId};

/// What a probe of a provider found, and when.
///
/// Being configured is not being valid: only a probe can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// Why the probe failed; none if it did not.
    pub failure: Option<FailureClass>,
    /// When it ended: microseconds since 1970 (UTC).
    pub checked_at: i64,
}

impl Health {
    /// Whether the probe succeeded.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        self.failure.is_none()
    }

    /// Whether the provider took the key: unknown unless it answered so.
    #[must_use]
    pub const fn is_key_valid(&self) -> Option<bool> {
        match self.failure {
            None => Some(true),
            Some(FailureClass::InvalidKey) => Some(false),
            Some(_) => None,
        }
    }
}

/// The latest [`Health`] of each provider, not older than a minute. However many ask at once, one probe is made.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), lattice_lock_errors::Error> {
/// use lattice_lock_providers::HealthCache;
///
/// let (cache, openai) = (HealthCache::new(), "openai".parse()?);
/// let health = cache.get(&openai, || 0, async || None).await;
/// assert!(health.is_healthy());
/// assert_eq!(cache.last(&openai), Some(health));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HealthCache {
    lasting: i64,
    known: Mutex<BTreeMap<ProviderId, Arc<Entry>>>,
}

#[derive(Debug, Default)]
struct Entry {
    probing: AsyncMutex<()>,
    last: Mutex<Option<Health>>,
}

impl Entry {
    fn last(&self) -> Option<Health> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The longest that a result is believed.
const LONGEST: Duration = Duration::from_mins(1);

impl HealthCache {
    /// A cache whose results last 60 seconds.
    #[must_use]
    pub fn new() -> Self {
        Self::lasting(LONGEST)
    }

    /// A cache whose results last so long, at most 60 seconds.
    #[must_use]
    pub fn lasting(duration: Duration) -> Self {
        let lasting = duration.min(LONGEST).as_micros();
        Self {
            lasting: i64::try_from(lasting).unwrap_or(i64::MAX),
            known: Mutex::default(),
        }
    }

    /// The health of a provider: what is known if it is fresh, else what `probe` finds. `clock` says the time in
    /// microseconds since 1970 (UTC); `probe` returns why it failed, if it did.
    ///
    /// Others who ask meanwhile wait for the same probe. If the one who makes it is cancelled, the next one makes it.
    pub async fn get<F>(
        &self,
        provider: &ProviderId,
        clock: impl Fn() -> i64,
        probe: impl FnOnce() -> F,
    ) -> Health
    where
        F: Future<Output = Option<FailureClass>>,
    {
        let entry = self.entry(provider);
        if let Some(fresh) = self.fresh(&entry, clock()) {
            return fresh;
        }
        let _probing = entry.probing.lock().await;
        if let Some(fresh) = self.fresh(&entry, clock()) {
            return fresh;
        }
        let failure = probe().await;
        let health = Health {
            failure,
            checked_at: clock(),
        };
        *entry.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(health);
        health
    }

    /// What the last probe found, however long ago.
    #[must_use]
    pub fn last(&self, provider: &ProviderId) -> Option<Health> {
        self.entry(provider).last()
    }

    fn fresh(&self, entry: &Entry, now: i64) -> Option<Health> {
        let is_fresh =
            |health: &Health| (0..self.lasting).contains(&now.saturating_sub(health.checked_at));
        entry.last().filter(is_fresh)
    }

    fn entry(&self, provider: &ProviderId) -> Arc<Entry> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(provider) {
            return Arc::clone(entry);
        }
        Arc::clone(known.entry(provider.clone()).or_default())
    }
}

impl Default for HealthCache {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    fn openai() -> ProviderId {
        "openai".parse().unwrap()
    }

    #[tokio::test]
    async fn a_result_lasts_a_minute_at_most() {
        let (cache, now, probes) = (
            HealthCache::lasting(Duration::MAX),
            AtomicI64::new(0),
            AtomicUsize::new(0),
        );
        let clock = || now.load(Ordering::Relaxed);
        let probe = async || {
            probes.fetch_add(1, Ordering::Relaxed);
            Some(FailureClass::InvalidKey)
        };
        for (at, expected) in [(0, 1), (59_999_999, 1), (60_000_000, 2), (0, 3)] {
            now.store(at, Ordering::Relaxed);
            let health = cache.get(&openai(), clock, probe).await;
            assert_eq!(health.is_key_valid(), Some(false));
            assert_eq!(probes.load(Ordering::Relaxed), expected, "at {at}");
        }
    }

    #[tokio::test]
    async fn however_many_ask_one_probe_is_made() {
        let (cache, probes) = (HealthCache::new(), AtomicUsize::new(0));
        let id = openai();
        let ask = || {
            cache.get(
                &id,
                || 0,
                async || {
                    probes.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    None
                },
            )
        };
        tokio::join!(ask(), ask(), ask(), ask());
        assert_eq!(probes.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_probe_that_is_given_up_is_made_by_the_next() {
        let cache = HealthCache::new();
        let id = openai();
        tokio::select! {
            biased;
            _ = cache.get(&id, || 0, std::future::pending::<Option<FailureClass>>) => panic!("it never ends"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(cache.last(&id), None);
        assert!(cache.get(&id, || 0, async || None).await.is_healthy());
    }
}
