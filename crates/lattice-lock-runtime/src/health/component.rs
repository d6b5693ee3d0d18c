use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use lattice_lock_errors::{Error, Result, redact};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::codes::{PROBE_PANICKED, PROBE_TIMED_OUT};
use crate::panics::Contained;
use crate::{ComponentHealth, HealthStatus};

/// What a probe that got an answer found out.
///
/// ```
/// use lattice_lock_runtime::Vitals;
///
/// let vitals = Vitals::degraded("replica lags").with("lag_seconds", 12);
/// # let _ = vitals;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Vitals {
    status: HealthStatus,
    details: BTreeMap<&'static str, String>,
}

impl Vitals {
    /// It works.
    pub const fn healthy() -> Self {
        Self {
            status: HealthStatus::Healthy,
            details: BTreeMap::new(),
        }
    }

    /// It works with restrictions, for this reason.
    pub fn degraded(reason: impl fmt::Display) -> Self {
        Self {
            status: HealthStatus::Degraded,
            details: BTreeMap::new(),
        }
        .with("reason", reason)
    }

    /// Adds a detail, such as a version or a number of connections. Secrets in it are redacted.
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.details
            .insert(key, redact(&value.to_string()).into_owned());
        self
    }
}

type Probe = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Vitals>> + Send>> + Send + Sync>;

/// A part of the process whose health is probed: its name, its probe, and what depends on it.
pub struct Component {
    name: Cow<'static, str>,
    probe: Probe,
    critical: bool,
    vital: bool,
    deadline: Duration,
    cache: Duration,
    /// Held while probing, so that callers at the same time share one probe.
    last: Mutex<Option<(Instant, ComponentHealth)>>,
}

impl Component {
    /// A component with this probe. An error of the probe means that the component is unhealthy.
    #[must_use]
    pub fn new<Fut>(
        name: impl Into<Cow<'static, str>>,
        probe: impl Fn() -> Fut + Send + Sync + 'static,
    ) -> Self
    where
        Fut: Future<Output = Result<Vitals>> + Send + 'static,
    {
        Self {
            name: name.into(),
            probe: Box::new(move || Box::pin(probe())),
            critical: false,
            vital: false,
            deadline: Duration::from_secs(1),
            cache: Duration::from_secs(1),
            last: Mutex::const_new(None),
        }
    }

    /// Without it, the process is unhealthy and not ready. Otherwise the process is only degraded.
    #[must_use]
    pub fn critical(mut self) -> Self {
        self.critical = true;
        self
    }

    /// Without it, the process is better restarted: it is not live. No component is, unless it says so.
    #[must_use]
    pub fn vital(mut self) -> Self {
        self.vital = true;
        self
    }

    /// How long a probe may take; one second unless set. One that takes longer means unhealthy.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long a result is used again; one second unless set, zero for never.
    #[must_use]
    pub fn cache_for(mut self, time: Duration) -> Self {
        self.cache = time;
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_critical(&self) -> bool {
        self.critical
    }

    pub(crate) fn is_vital(&self) -> bool {
        self.vital
    }

    pub(crate) fn limit(&self) -> Duration {
        self.deadline
    }

    /// The result of a probe, or of the last one if it is recent enough. Ready within the deadline.
    pub(crate) async fn check(&self) -> ComponentHealth {
        if let Ok(health) = timeout(self.deadline, self.cached_or_probed()).await {
            return health;
        }
        let health = self.timed_out();
        // The lock is free unless somebody else probes already.
        if let Ok(mut last) = self.last.try_lock() {
            *last = Some((Instant::now(), health.clone()));
        }
        health
    }

    /// What is said of a component that did not answer.
    pub(crate) fn timed_out(&self) -> ComponentHealth {
        let error = Error::new(PROBE_TIMED_OUT, "no answer in time").with("component", &self.name);
        self.health(self.deadline, Err(error))
    }

    async fn cached_or_probed(&self) -> ComponentHealth {
        let mut last = self.last.lock().await;
        if let Some((at, health)) = &*last
            && at.elapsed() < self.cache
        {
            return ComponentHealth {
                age: at.elapsed(),
                ..health.clone()
            };
        }
        let start = Instant::now();
        let probed = Contained::new(async { (self.probe)().await }).await;
        let probed = probed.unwrap_or_else(|panic| {
            let error = Error::new(PROBE_PANICKED, "the probe panicked");
            Err(error.with("component", &self.name).with("panic", panic))
        });
        let health = self.health(start.elapsed(), probed);
        *last = Some((Instant::now(), health.clone()));
        health
    }

    fn health(&self, latency: Duration, probed: Result<Vitals>) -> ComponentHealth {
        let (status, details, error) = match probed {
            Ok(vitals) => (vitals.status, vitals.details, None),
            Err(error) => (
                HealthStatus::Unhealthy,
                BTreeMap::new(),
                Some(error.record()),
            ),
        };
        let (name, critical, vital) = (self.name.clone(), self.critical, self.vital);
        ComponentHealth {
            name,
            status,
            critical,
            vital,
            latency,
            age: Duration::ZERO,
            details,
            error,
        }
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("name", &self.name)
            .field("critical", &self.critical)
            .field("vital", &self.vital)
            .field("deadline", &self.deadline)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}
