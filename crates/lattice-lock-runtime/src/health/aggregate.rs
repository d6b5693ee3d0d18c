use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{Component, ComponentHealth, HealthReport, HealthStatus};

/// Puts together how well the components of a process are. Cloning it gives another handle on the same ones.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use lattice_lock_runtime::{Component, Health, HealthStatus, Vitals};
///
/// let health = Health::new();
/// health.register(Component::new("ledger", async || Ok(Vitals::healthy())).critical());
/// health.register(Component::new("cache", async || Ok(Vitals::degraded("cold"))));
///
/// let report = health.check().await;
/// assert_eq!(report.status, HealthStatus::Degraded);
/// assert!(report.ready);
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Health {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    components: Vec<Arc<Component>>,
    closing: Option<CancellationToken>,
}

impl Health {
    /// Without components: healthy, ready and live.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a component; one of the same name is replaced. What is not configured is not registered.
    pub fn register(&self, component: Component) {
        let mut inner = self.lock();
        let same = inner
            .components
            .iter_mut()
            .find(|other| other.name() == component.name());
        match same {
            Some(other) => *other = Arc::new(component),
            None => inner.components.push(Arc::new(component)),
        }
    }

    /// Lets readiness fall as soon as `closing` is cancelled:
    /// [`Shutdown::begun`](crate::Shutdown::begun), say.
    pub fn follow(&self, closing: CancellationToken) {
        self.lock().closing = Some(closing);
    }

    /// Probes all components at the same time. Ready within the longest of their deadlines, whatever they do.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers.
    pub async fn check(&self) -> HealthReport {
        let components = self.check_those(|_| true).await;
        let down = |health: &&ComponentHealth| health.status == HealthStatus::Unhealthy;
        HealthReport {
            status: overall(&components),
            ready: !self.is_closing() && !components.iter().filter(down).any(|it| it.critical),
            live: !components.iter().filter(down).any(|it| it.vital),
            components,
        }
    }

    /// Whether requests should be sent here. Once a shutdown has begun, the answer is no without any probe.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers.
    pub async fn is_ready(&self) -> bool {
        !self.is_closing() && self.are_up(Component::is_critical).await && !self.is_closing()
    }

    /// Whether the process should be left alive. A shutdown changes nothing about that.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers.
    pub async fn is_live(&self) -> bool {
        self.are_up(Component::is_vital).await
    }

    async fn are_up(&self, which: impl Fn(&Component) -> bool) -> bool {
        let components = self.check_those(which).await;
        components
            .iter()
            .all(|health| health.status != HealthStatus::Unhealthy)
    }

    /// Each probe runs in a task of its own: one that blocks its thread holds up neither the others nor this.
    async fn check_those(&self, which: impl Fn(&Component) -> bool) -> Vec<ComponentHealth> {
        let components: Vec<_> = self
            .lock()
            .components
            .iter()
            .filter(|it| which(it))
            .cloned()
            .collect();
        let limit = components
            .iter()
            .map(|component| component.limit())
            .max()
            .unwrap_or_default();
        let mut probes = JoinSet::new();
        for (at, component) in components.iter().cloned().enumerate() {
            probes.spawn(async move { (at, component.check().await) });
        }
        let mut found: Vec<_> = components.iter().map(|_| None).collect();
        let deadline = Instant::now().checked_add(limit.saturating_add(SLACK));
        while let Some((at, health)) = next(&mut probes, deadline).await {
            found[at] = Some(health);
        }
        let all = components.iter().zip(found);
        let all = all.map(|(component, health)| health.unwrap_or_else(|| component.timed_out()));
        #[cfg(feature = "metrics")]
        let all = all.inspect(crate::telemetry::health_checked);
        all.collect()
    }

    fn is_closing(&self) -> bool {
        self.lock()
            .closing
            .as_ref()
            .is_some_and(CancellationToken::is_cancelled)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much longer than its deadline a probe's task is waited for, so that it can say itself that it timed out.
const SLACK: Duration = Duration::from_millis(10);

/// The next result, in whatever order; `None` when there is none or time is up. A probe's own panics are results.
async fn next<T: 'static>(probes: &mut JoinSet<T>, deadline: Option<Instant>) -> Option<T> {
    let joined = match deadline {
        Some(deadline) => timeout_at(deadline, probes.join_next()).await.ok()?,
        None => probes.join_next().await,
    };
    joined?.ok()
}

fn overall(components: &[ComponentHealth]) -> HealthStatus {
    let weight = |health: &ComponentHealth| match health.status {
        HealthStatus::Healthy => HealthStatus::Healthy,
        HealthStatus::Unhealthy if health.critical => HealthStatus::Unhealthy,
        HealthStatus::Degraded | HealthStatus::Unhealthy => HealthStatus::Degraded,
    };
    components
        .iter()
        .map(weight)
        .max()
        .unwrap_or(HealthStatus::Healthy)
}
