use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use lattice_lock_errors::ErrorRecord;
use serde::{Serialize, Serializer};

/// How well something is, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It works.
    Healthy,
    /// It works with restrictions, or something that one can do without does not.
    Degraded,
    /// It does not work.
    Unhealthy,
}

impl HealthStatus {
    /// The name used in logs and reports, such as `degraded`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How well all components are together.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HealthReport {
    /// Unhealthy if a critical component is; degraded if any component is not healthy.
    pub status: HealthStatus,
    /// Whether requests should be sent here: no critical component is unhealthy, and no shutdown has begun.
    pub ready: bool,
    /// Whether the process should be left alive: no component that is part of its life is unhealthy.
    pub live: bool,
    /// Each component, in the order of registration.
    pub components: Vec<ComponentHealth>,
}

/// How well one component is.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ComponentHealth {
    /// Its name.
    pub name: Cow<'static, str>,
    /// How well it is.
    pub status: HealthStatus,
    /// Whether the whole is unhealthy without it.
    pub critical: bool,
    /// Whether the process is not live without it.
    pub vital: bool,
    /// How long the probe took, in milliseconds when serialised.
    #[serde(rename = "latency_ms", serialize_with = "millis")]
    pub latency: Duration,
    /// How long ago the probe ended, in milliseconds when serialised; zero unless the result was cached.
    #[serde(rename = "age_ms", serialize_with = "millis")]
    pub age: Duration,
    /// What the probe found out, redacted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<&'static str, String>,
    /// Why it is unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord>,
}

fn millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64() * 1000.0)
}
