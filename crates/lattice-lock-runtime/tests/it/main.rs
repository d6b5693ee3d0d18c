//! What the parts of the crate promise, seen from outside and under a paused clock.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accept_race;
mod boundary;
mod error_metrics;
mod health;
#[cfg(feature = "tower")]
mod layers;
mod limits;
#[cfg(feature = "tracing-init")]
mod logging;
mod repeated;
mod scopes;
mod shutdown;
mod stopping;
mod support;
mod tasks;
#[cfg(feature = "metrics")]
mod telemetry;
