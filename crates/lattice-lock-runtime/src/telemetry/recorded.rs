use std::time::Duration;

use lattice_lock_errors::Error;
use metrics::{
    Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::telemetry::names;
use crate::{ComponentHealth, HealthStatus, InferenceUsage};

/// Tells the host's recorder what each metric is about and its unit. Without a recorder, nothing happens.
pub fn describe_metrics() {
    describe_histogram!(
        names::INFERENCE_DURATION,
        Unit::Seconds,
        "Duration of an inference."
    );
    describe_histogram!(
        names::INFERENCE_TIME_TO_FIRST_CHUNK,
        Unit::Seconds,
        "Time to the first chunk of a stream."
    );
    describe_histogram!(
        names::INFERENCE_TIME_PER_OUTPUT_CHUNK,
        Unit::Seconds,
        "Time of each further chunk of a stream."
    );
    describe_counter!(names::INFERENCE_INPUT_TOKENS, Unit::Count, "Input tokens.");
    describe_counter!(
        names::INFERENCE_OUTPUT_TOKENS,
        Unit::Count,
        "Output tokens."
    );
    describe_counter!(
        names::TASKS_ACCEPTED,
        Unit::Count,
        "Background tasks accepted."
    );
    describe_counter!(
        names::TASKS_ENDED,
        Unit::Count,
        "Background tasks ended, by outcome."
    );
    describe_counter!(
        names::RETRIES,
        Unit::Count,
        "Attempts made again, by the code before."
    );
    describe_counter!(names::ERRORS, Unit::Count, "Errors recorded, by code.");
    describe_histogram!(
        names::SHUTDOWN_PHASE_DURATION,
        Unit::Seconds,
        "Duration of a phase of the shutdown."
    );
    describe_gauge!(
        names::COMPONENT_HEALTH,
        Unit::Count,
        "Health of a component: 0 unhealthy, 1 degraded, 2 healthy."
    );
}

/// Records model calls with the host's recorder, by OpenTelemetry's names for generative AI.
///
/// ```
/// use std::time::Duration;
///
/// use lattice_lock_runtime::{InferenceMetrics, InferenceUsage};
///
/// let metrics = InferenceMetrics::new("chat", "openai", "gpt-5");
/// metrics.ended(Duration::from_secs(2), None);
/// metrics.used("text", &InferenceUsage { input: Some(12), ..InferenceUsage::default() });
/// ```
#[derive(Clone, Debug)]
pub struct InferenceMetrics {
    labels: Vec<Label>,
}

impl InferenceMetrics {
    /// Metrics of an operation on a provider's model.
    #[must_use]
    pub fn new(operation: &str, provider: &str, model: &str) -> Self {
        let label = |name, value: &str| Label::new(name, value.to_string());
        let operation = label(names::OPERATION_NAME, operation);
        let provider = label(names::PROVIDER_NAME, provider);
        Self {
            labels: vec![operation, provider, label(names::REQUEST_MODEL, model)],
        }
    }

    /// The call ended after this time, with this error if it failed.
    pub fn ended(&self, after: Duration, error: Option<&Error>) {
        let mut labels = self.labels.clone();
        labels.extend(error.map(|error| Label::new(names::ERROR_TYPE, error.code().as_str())));
        histogram!(names::INFERENCE_DURATION, labels).record(after);
    }

    /// The first chunk of a stream came after this time.
    pub fn first_chunk(&self, after: Duration) {
        histogram!(names::INFERENCE_TIME_TO_FIRST_CHUNK, self.labels.clone()).record(after);
    }

    /// A further chunk of a stream came this long after the one before.
    pub fn next_chunk(&self, after: Duration) {
        histogram!(names::INFERENCE_TIME_PER_OUTPUT_CHUNK, self.labels.clone()).record(after);
    }

    /// Tokens of one modality: `text`, `image` or `audio`. What is unknown is not counted.
    pub fn used(&self, modality: &'static str, usage: &InferenceUsage) {
        let mut labels = self.labels.clone();
        labels.push(Label::new(names::TOKEN_MODALITY, modality));
        if let Some(tokens) = usage.input {
            counter!(names::INFERENCE_INPUT_TOKENS, labels.clone()).increment(tokens);
        }
        if let Some(tokens) = usage.output {
            counter!(names::INFERENCE_OUTPUT_TOKENS, labels).increment(tokens);
        }
    }
}

pub(crate) fn task_started() {
    counter!(names::TASKS_ACCEPTED).increment(1);
}

pub(crate) fn task_ended(outcome: &'static str) {
    counter!(names::TASKS_ENDED, "outcome" => outcome).increment(1);
}

pub(crate) fn retried(error: &Error) {
    counter!(names::RETRIES, "code" => error.code().as_str()).increment(1);
}

pub(crate) fn error_recorded(error: &Error) {
    let (code, kind) = (error.code().as_str(), error.kind().as_str());
    let severity = error.severity().as_str();
    counter!(names::ERRORS, "code" => code, "kind" => kind, "severity" => severity).increment(1);
}

pub(crate) fn phase_ended(phase: &'static str, outcome: &'static str, took: Duration) {
    histogram!(names::SHUTDOWN_PHASE_DURATION, "phase" => phase, "outcome" => outcome).record(took);
}

pub(crate) fn health_checked(component: &ComponentHealth) {
    let health = match component.status {
        HealthStatus::Unhealthy => 0.0,
        HealthStatus::Degraded => 1.0,
        HealthStatus::Healthy => 2.0,
    };
    gauge!(names::COMPONENT_HEALTH, "component" => component.name.to_string()).set(health);
}
