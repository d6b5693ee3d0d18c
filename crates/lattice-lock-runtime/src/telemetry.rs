pub mod names;
#[cfg(feature = "metrics")]
mod recorded;
mod spans;

#[cfg(feature = "metrics")]
pub use recorded::{InferenceMetrics, describe_metrics};
#[cfg(feature = "metrics")]
pub(crate) use recorded::{
    error_recorded, health_checked, phase_ended, retried, task_ended, task_started,
};
pub use spans::{InferenceSpan, InferenceUsage, agent_span, tool_span};
