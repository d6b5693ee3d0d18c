//! Background tasks that end well, ordered shutdown, retries and health.
//!
//! [`BackgroundTasks`] owns every task by name until it ended: nothing is accepted after a shutdown began, and
//! what did not finish by its deadline is named in the report. [`Shutdown`] runs a process's last phases in
//! order. [`retry`] makes a call again when its error says that this can help. This crate does not know what the
//! tasks and the phases do.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use std::time::Duration;
//!
//! use lattice_lock_runtime::BackgroundTasks;
//!
//! let tasks = BackgroundTasks::new();
//! let sum = tasks.spawn("sum", async { Ok(1 + 1) })?;
//! assert_eq!(sum.await?, 2);
//!
//! let report = tasks.shutdown(Duration::from_secs(5)).await;
//! assert!(report.is_clean());
//! # Ok::<(), lattice_lock_runtime::Error>(())
//! # }).unwrap();
//! ```

mod arena;
mod boundary;
pub mod codes;
mod health;
mod logging;
mod metrics;
mod panics;
mod shutdown;
mod tasks;
mod telemetry;

pub use boundary::{Attempt, ErrorBoundary, Jitter, Retry, RetryPolicy, retry, retry_blocking};
#[cfg(feature = "tower")]
pub use boundary::{BoundaryLayer, BoundaryService, FallbackLayer, FallbackService};
pub use health::{Component, ComponentHealth, Health, HealthReport, HealthStatus, Vitals};
pub use lattice_lock_errors::{Error, Result};
pub use logging::{Correlation, LogEvent, log_error};
#[cfg(feature = "tracing-init")]
pub use logging::{LogConfig, LogFormat, Redacting, RedactingWriter, init_tracing};
pub use metrics::{
    Alert, AlertRule, ErrorCounts, ErrorMetrics, ErrorMetricsBuilder, ErrorSnapshot, Occurrence,
};
pub use shutdown::{PhaseOutcome, PhaseReport, Shutdown, ShutdownBuilder, ShutdownReport};
pub use tasks::{
    BackgroundTaskError, BackgroundTasks, BackgroundTasksBuilder, Ending, LeftoverTask, Period,
    Restart, Task, TaskCounters, TaskFailure, TaskHandle, TaskScope,
};
#[cfg(feature = "metrics")]
pub use telemetry::{InferenceMetrics, describe_metrics};
pub use telemetry::{InferenceSpan, InferenceUsage, agent_span, names, tool_span};
#[doc(hidden)]
pub use tracing as __tracing;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
