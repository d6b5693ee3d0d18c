//! The logging standard, and the subscriber that keeps to it.

use lattice_lock_errors::{Code, Error, Kind, Result};
use lattice_lock_runtime::{
    BackgroundTasks, Correlation, LogConfig, LogEvent, LogFormat, Redacting, codes, init_tracing,
    log_error, log_event,
};
use tracing::Level;

use crate::support::{Lines, busy, capture, hear_all};

/// Assembled here, so that no scanner takes this file for a leak.
fn key() -> String {
    format!("sk-{}", "Ab3dEf6hIj9lMn2pQr5tUv8x".repeat(2))
}

#[test]
fn events_have_the_levels_of_the_standard() {
    let levels = |level| {
        LogEvent::ALL
            .into_iter()
            .filter(move |event| event.level() == level)
    };
    assert!(levels(Level::DEBUG).eq([LogEvent::CacheHit]));
    assert!(levels(Level::INFO).any(|event| event == LogEvent::Selection));
    assert!(levels(Level::WARN).any(|event| event == LogEvent::Failover));
    let critical = LogEvent::ALL
        .into_iter()
        .filter(|event| event.is_critical());
    assert!(
        critical
            .clone()
            .eq([LogEvent::Security, LogEvent::BillingIntegrity])
    );
    assert!(critical.clone().all(|event| event.level() == Level::ERROR));
}

#[test]
fn an_event_is_written_at_its_level_with_its_fields() {
    let (lines, _guard) = capture();
    let model = "gpt-5";
    log_event!(CacheHit, model, "found");
    log_event!(BillingIntegrity, expected = 3, found = 2, "totals differ");
    let text = lines.text();
    let (hit, integrity) = text.split_once('\n').unwrap();
    assert!(
        hit.contains("DEBUG") && hit.contains(r#"event="cache_hit" critical=false model="gpt-5""#),
        "{hit}"
    );
    assert!(
        integrity.contains("ERROR") && integrity.contains("critical=true expected=3 found=2"),
        "{integrity}"
    );
}

#[test]
fn an_error_is_written_at_the_level_of_its_severity() {
    let check = |kind, expected: &str| {
        let (lines, _guard) = capture();
        log_error(&Error::new(
            Code::new("LL-TSK-900", kind, "meaning", "remedy"),
            "message",
        ));
        assert!(
            lines.text().contains(expected),
            "{} lacks {expected}",
            lines.text()
        );
    };
    check(Kind::Cancelled, " INFO ");
    check(Kind::Busy, " WARN ");
    check(Kind::Internal, "ERROR ");
    check(Kind::Integrity, "critical=true");
    check(Kind::Internal, "critical=false");
}

#[test]
fn an_error_is_written_with_its_causes_and_trace() {
    let (lines, _guard) = capture();
    let operation = Correlation::new("op-7");
    let cause = Error::new(codes::TOO_BUSY, "deep").with_source(busy());
    log_error(&operation.tag(Error::new(codes::DEADLINE_EXCEEDED, "late").with_source(cause)));
    let text = lines.text();
    assert!(
        text.contains(&format!("trace_id={}", operation.trace_id())),
        "{text}"
    );
    assert!(
        text.contains("causes=LL-TSK-012: deep: LL-TSK-998: busy"),
        "{text}"
    );
    assert!(text.contains("operation_id: op-7"), "{text}");
}

#[test]
fn whatever_is_logged_in_an_operation_carries_its_ids_as_json() {
    hear_all();
    let lines = Lines::default();
    let writer = lines.clone();
    let config = LogConfig::new()
        .format(LogFormat::Json)
        .filter("info,noisy=off");
    let subscriber = config.subscriber(move || writer.clone()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let operation = Correlation::new("op-7");
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(operation.run(async {
            let child = BackgroundTasks::new().spawn("child", async {
                tracing::info!(answer = 42, "in the child");
                tracing::info!(target: "noisy", "not this");
                tracing::debug!("nor this");
                Ok(())
            });
            child?.await
        }))
    })
    .unwrap();
    let text = lines.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&line["message"], &line["answer"]),
        (&"in the child".into(), &42.into())
    );
    assert_eq!(line["span"]["operation_id"], "op-7");
    assert_eq!(line["span"]["trace_id"], operation.trace_id().to_string());
}

fn logged(config: &LogConfig, log: impl FnOnce()) -> String {
    hear_all();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = config.subscriber(move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, log);
    lines.text()
}

#[test]
fn a_key_that_was_logged_by_mistake_does_not_get_through() {
    let key = key();
    let log = || {
        tracing::info_span!("call", header = %format!("Bearer {key}")).in_scope(|| {
            tracing::info!(key, "using {key}");
            tracing::warn!(debug = ?Some(&key), "and {}", key);
        });
    };
    let human = logged(&LogConfig::new(), log);
    assert!(!human.contains(&key), "{human}");
    assert_eq!(human.lines().count(), 2);
    let json = logged(&LogConfig::new().format(LogFormat::Json), log);
    assert!(!json.contains(&key), "{json}");
    for line in json.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["span"]["name"], "call");
    }
}

#[test]
fn a_host_s_own_subscriber_can_redact_too() {
    hear_all();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(Redacting::new(move || writer.clone()))
        .finish();
    tracing::subscriber::with_default(subscriber, || tracing::info!("key {}", key()));
    assert!(
        lines.text().contains("key ") && !lines.text().contains(&key()),
        "{}",
        lines.text()
    );
}

#[test]
fn a_filter_that_cannot_be_parsed_is_refused_before_anything_is_installed() {
    let config = LogConfig::new().filter("info,=what=");
    let refused: Result<()> = init_tracing(&config);
    assert_eq!(refused.unwrap_err().code(), codes::INVALID_FILTER);
}
