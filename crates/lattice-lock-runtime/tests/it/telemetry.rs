//! Names of spans and metrics, and that nothing is recorded for nobody.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_runtime::{
    BackgroundTasks, Component, ErrorMetrics, Health, InferenceMetrics, InferenceSpan,
    InferenceUsage, Jitter, RetryPolicy, Shutdown, Vitals, agent_span, describe_metrics, names,
    retry, tool_span,
};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use crate::support::{busy, capture, panics, secs};

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

struct Metric(Seen, String);

impl Seen {
    fn metric(&self, key: &Key) -> Arc<Metric> {
        let labels: Vec<_> = key
            .labels()
            .map(|it| format!("{}={}", it.key(), it.value()))
            .collect();
        Arc::new(Metric(
            self.clone(),
            format!("{}{{{}}}", key.name(), labels.join(",")),
        ))
    }

    fn push(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn has(&self, line: &str) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|seen| *seen == line)
            .count()
    }
}

impl CounterFn for Metric {
    fn increment(&self, value: u64) {
        self.0.push(format!("{} +{value}", self.1));
    }

    fn absolute(&self, _: u64) {}
}

impl GaugeFn for Metric {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.0.push(format!("{} ={value}", self.1));
    }
}

impl HistogramFn for Metric {
    fn record(&self, value: f64) {
        self.0.push(format!("{} ~{value}", self.1));
    }
}

impl Recorder for Seen {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.push(format!("describe {}", name.as_str()));
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.push(format!("describe {}", name.as_str()));
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.push(format!("describe {}", name.as_str()));
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.metric(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.metric(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.metric(key))
    }
}

/// Runs `work` under a paused clock and with a recorder of this thread alone.
fn recorded(work: impl Future<Output = ()>) -> Seen {
    let seen = Seen::default();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    metrics::with_local_recorder(&seen, || runtime.block_on(work));
    seen
}

#[test]
fn tasks_retries_errors_and_phases_are_recorded() {
    let seen = recorded(async {
        let tasks = BackgroundTasks::new();
        tasks
            .spawn("works", async { Ok(()) })
            .unwrap()
            .await
            .unwrap();
        tasks
            .spawn("panics", async { panics::<Result<()>>("no") })
            .unwrap()
            .await
            .unwrap_err();
        let policy = RetryPolicy::new().jitter(Jitter::None);
        let error = retry(&policy, async || Err::<(), _>(busy()))
            .await
            .unwrap_err();
        ErrorMetrics::new().record(&error);
        Shutdown::builder()
            .tasks("stop tasks", secs(5), tasks)
            .build()
            .shutdown(secs(5))
            .await;
        let health = Health::new();
        health.register(Component::new("cache", async || {
            Ok(Vitals::degraded("cold"))
        }));
        health.check().await;
    });
    assert_eq!(seen.has("lattice_lock.tasks.accepted{} +1"), 2);
    assert_eq!(
        seen.has("lattice_lock.tasks.ended{outcome=completed} +1"),
        1
    );
    assert_eq!(seen.has("lattice_lock.tasks.ended{outcome=panicked} +1"), 1);
    assert_eq!(seen.has("lattice_lock.retries{code=LL-TSK-998} +1"), 2);
    let error = "lattice_lock.errors{code=LL-TSK-998,kind=busy,severity=warning} +1";
    assert_eq!(seen.has(error), 1);
    let phase = "lattice_lock.shutdown.phase.duration{phase=stop tasks,outcome=finished} ~0";
    assert_eq!(seen.has(phase), 1);
    assert_eq!(
        seen.has("lattice_lock.component.health{component=cache} =1"),
        1
    );
}

#[test]
fn model_calls_are_recorded_and_what_is_unknown_is_not() {
    let seen = recorded(async {
        describe_metrics();
        let metrics = InferenceMetrics::new("chat", "openai", "gpt-5");
        metrics.ended(secs(2), Some(&busy()));
        metrics.first_chunk(Duration::from_millis(500));
        metrics.next_chunk(Duration::from_millis(250));
        metrics.used(
            "text",
            &InferenceUsage {
                input: Some(12),
                ..InferenceUsage::default()
            },
        );
    });
    let call = "gen_ai.operation.name=chat,gen_ai.provider.name=openai,gen_ai.request.model=gpt-5";
    let inference = "gen_ai.client.inference";
    assert_eq!(
        seen.has(&format!(
            "{inference}.duration{{{call},error.type=LL-TSK-998}} ~2"
        )),
        1
    );
    assert_eq!(
        seen.has(&format!("{inference}.time_to_first_chunk{{{call}}} ~0.5")),
        1
    );
    assert_eq!(
        seen.has(&format!(
            "{inference}.time_per_output_chunk{{{call}}} ~0.25"
        )),
        1
    );
    let tokens = format!("{inference}.usage.input_tokens{{{call},gen_ai.token.modality=text}} +12");
    assert_eq!(seen.has(&tokens), 1);
    assert_eq!(
        seen.has(&format!("describe {}", names::INFERENCE_OUTPUT_TOKENS)),
        1
    );
    assert_eq!(
        seen.0
            .lock()
            .unwrap()
            .iter()
            .filter(|line| line.contains("output_tokens"))
            .count(),
        1
    );
}

#[test]
fn spans_carry_the_names_of_the_conventions() {
    let (lines, _guard) = capture();
    let usage = InferenceUsage {
        input: Some(12),
        output: Some(0),
        ..InferenceUsage::default()
    };
    let span = InferenceSpan::new("chat", "openai", "gpt-5")
        .stream(true)
        .max_tokens(100)
        .temperature(0.5)
        .top_p(0.9)
        .conversation("c-1")
        .responded("r-1", "gpt-5-mini")
        .finished("stop")
        .first_chunk(Duration::from_millis(250))
        .used(&usage)
        .failed(&busy());
    span.span().in_scope(|| tracing::info!("in the call"));
    agent_span("support", "c-1").in_scope(|| {
        tool_span("search", "t-1").in_scope(|| tracing::info!("in the tool"));
    });
    let text = lines.text();
    let (call, tool) = text.split_once('\n').unwrap();
    for part in [
        r#"gen_ai.client.inference{otel.name="chat gpt-5" otel.kind="client""#,
        r#"gen_ai.operation.name="chat" gen_ai.provider.name="openai" gen_ai.request.model="gpt-5""#,
        "gen_ai.request.stream=true gen_ai.request.max_tokens=100",
        r#"gen_ai.response.finish_reasons="stop" gen_ai.response.time_to_first_chunk=0.25"#,
        "gen_ai.usage.input_tokens=12 gen_ai.usage.output_tokens=0",
        r#"error.type="LL-TSK-998" otel.status_code="ERROR""#,
    ] {
        assert!(call.contains(part), "{part} is not in {call}");
    }
    assert!(
        !call.contains("cache_read"),
        "what is unknown is not zero: {call}"
    );
    assert!(
        tool.contains(r#"invoke_agent{otel.name="invoke_agent support""#),
        "{tool}"
    );
    assert!(
        tool.contains(r#"execute_tool{otel.name="execute_tool search""#),
        "{tool}"
    );
}
