//! One call as Prometheus and OpenTelemetry see it.
//!
//! The library only calls the `metrics` and `tracing` facades. What is installed here is the application's choice: a
//! Prometheus recorder, and spans sent by OTLP over HTTP to `OTEL_EXPORTER_OTLP_ENDPOINT`, or to a collector on
//! loopback that shows what it got.

use std::process::ExitCode;
use std::time::Duration;

use lattice_lock::providers::Provider;
use lattice_lock::runtime::describe_metrics;
use lattice_lock::{LatticeLock, Principal, Providers, Result};
use lattice_lock_examples::{failed, heading, note, row, unusable};
use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::Value;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What OpenTelemetry advises for the duration of an inference, in seconds.
const BUCKETS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn run() -> Result<()> {
    let collector = Collector::start().await?;
    let prometheus = prometheus()?;
    let spans = spans(&collector.endpoint)?;

    call().await?;

    // Exporting blocks, so it is kept off the threads that run tasks.
    let exported = tokio::task::spawn_blocking(move || spans.shutdown()).await;
    exported
        .map_err(|error| unusable("the exporter stopped", &error))?
        .map_err(|error| unusable("the spans were not exported", &error))?;
    heading("Prometheus would scrape");
    let scraped = prometheus.render();
    let shown =
        |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.contains("_bucket{");
    for line in scraped.lines().filter(shown) {
        note(line);
    }
    note("… and the buckets of each histogram");
    heading("OpenTelemetry got");
    row("endpoint", &collector.endpoint);
    collector.show().await;
    Ok(())
}

/// A call whose first candidate fails, so that there is something to see.
async fn call() -> Result<()> {
    let server = server().await?;
    server.script(Exchange::error(503));
    server.script(Exchange::reply("Goethe.").usage(Usage::new().input(1000).output(200)));
    let url = format!("{}/v1", server.url());
    let scripted = |provider: Provider| provider.api_key("scripted".to_string()).at(&url);
    let providers = Providers::new()
        .with(scripted(Provider::openai())?)
        .with(scripted(Provider::anthropic())?);
    let llm = LatticeLock::builder().providers(providers).build().await?;
    let who = Principal::external("user-17")?;
    let out = llm.chat("Who wrote Faust?").by(&who).send().await?;
    heading("Called");
    row("answer", out.text());
    row("cost", out.cost());
    llm.shutdown(Duration::from_secs(5)).await;
    server.stop().await;
    Ok(())
}

fn prometheus() -> Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| unusable("no recorder", &error))?;
    describe_metrics();
    Ok(handle)
}

fn spans(endpoint: &str) -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpJson)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .build()
        .map_err(|error| unusable("no exporter", &error))?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(
            Resource::builder()
                .with_service_name("telemetry-example")
                .build(),
        )
        .build();
    // Only spans of ours: those of the HTTP client would tell of their own export.
    let ours = filter_fn(|span| span.target().starts_with("lattice_lock"));
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("lattice-lock"));
    tracing_subscriber::registry()
        .with(layer.with_filter(ours))
        .try_init()
        .map_err(|error| unusable("no subscriber", &error))?;
    Ok(provider)
}

/// Where spans go: to the configured collector, or to one of our own.
struct Collector {
    endpoint: String,
    own: Option<ScriptedServer>,
}

impl Collector {
    async fn start() -> Result<Self> {
        if let Ok(endpoint) = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT") {
            let endpoint = endpoint.trim_end_matches('/').to_owned();
            return Ok(Self {
                endpoint,
                own: None,
            });
        }
        let server = server().await?;
        for _ in 0..8 {
            server.script(Exchange::raw(200, "application/json", "{}"));
        }
        Ok(Self {
            endpoint: server.url().to_owned(),
            own: Some(server),
        })
    }

    /// Prints what was received, if it was received here.
    async fn show(self) {
        let Some(server) = self.own else {
            return note("look at your collector for the spans of service telemetry-example");
        };
        for received in server.received() {
            for span in members(&received.json(), &["resourceSpans", "scopeSpans", "spans"]) {
                show(&span);
            }
        }
        server.stop().await;
    }
}

/// All members of nested lists.
fn members(value: &Value, path: &[&str]) -> Vec<Value> {
    let Some((name, rest)) = path.split_first() else {
        return vec![value.clone()];
    };
    let list = value[name].as_array().into_iter().flatten();
    list.flat_map(|member| members(member, rest)).collect()
}

fn show(span: &Value) {
    row("span", span["name"].as_str().unwrap_or_default());
    for attribute in members(span, &["attributes"]) {
        let key = attribute["key"].as_str().unwrap_or_default();
        let value = attribute["value"]
            .as_object()
            .and_then(|value| value.values().next());
        if key.starts_with("gen_ai.") || key.ends_with("_id") || key == "error.type" {
            note(format!("  {key} = {}", value.unwrap_or(&Value::Null)));
        }
    }
}

async fn server() -> Result<ScriptedServer> {
    let started = ScriptedServer::start().await;
    started.map_err(|error| unusable("no server on loopback", &error))
}
