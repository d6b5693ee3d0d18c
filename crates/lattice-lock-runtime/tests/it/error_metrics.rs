//! Errors counted over sliding windows.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use lattice_lock_errors::{Code, Error, Kind, Severity};
use lattice_lock_runtime::{Alert, AlertRule, ErrorMetrics, codes};
use tokio::time::advance;

use crate::support::{BUSY, INVALID, busy, invalid, secs};

const BROKEN: Code = Code::new("LL-TSK-996", Kind::Integrity, "broken", "look");

fn metrics() -> ErrorMetrics {
    ErrorMetrics::builder()
        .windows([secs(60), secs(600)])
        .build()
        .unwrap()
}

fn repeat(times: usize, metrics: &ErrorMetrics, error: &Error) {
    (0..times).for_each(|_| metrics.record(error));
}

fn assert_rate(rate: f64, expected: f64) {
    assert!((rate - expected).abs() < 1e-9, "{rate} is not {expected}");
}

#[tokio::test(start_paused = true)]
async fn errors_are_counted_by_code_kind_and_severity() {
    let metrics = metrics();
    repeat(3, &metrics, &busy());
    repeat(2, &metrics, &invalid());
    repeat(1, &metrics, &Error::new(BROKEN, "broken"));
    advance(secs(30)).await;
    let snapshot = metrics.snapshot();
    for counts in [
        &snapshot.total,
        &snapshot.windows[0].1,
        &snapshot.windows[1].1,
    ] {
        assert_eq!(counts.all(), 6);
        assert_eq!((counts.of_code(BUSY), counts.of_code(INVALID)), (3, 2));
        assert_eq!(
            (counts.of_kind(Kind::Busy), counts.of_kind(Kind::Timeout)),
            (3, 0)
        );
        assert_eq!(counts.of_severity(Severity::Warning), 5);
        assert_eq!(counts.of_severity(Severity::Critical), 1);
        assert_rate(counts.per_second(3), 0.1);
        let codes: Vec<_> = counts
            .iter()
            .map(|(code, count)| (code.as_str(), count))
            .collect();
        assert_eq!(
            codes,
            [("LL-TSK-996", 1), ("LL-TSK-997", 2), ("LL-TSK-998", 3)]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn windows_slide_each_at_its_own_pace() {
    let metrics = metrics();
    for _ in 0..6 {
        metrics.record(&busy());
        advance(secs(20)).await;
    }
    // Recorded 120, 100, …, 20 seconds ago.
    let snapshot = metrics.snapshot();
    let counts: Vec<_> = snapshot
        .windows
        .iter()
        .map(|(_, counts)| counts.all())
        .collect();
    assert_eq!((counts, snapshot.total.all()), (vec![2, 6], 6));
    advance(secs(39)).await;
    assert_eq!(metrics.snapshot().windows[0].1.all(), 1);
    advance(secs(1)).await;
    assert_eq!(metrics.snapshot().windows[0].1.all(), 0);
    advance(secs(100_000)).await;
    let snapshot = metrics.snapshot();
    assert_eq!((snapshot.windows[1].1.all(), snapshot.total.all()), (0, 6));
}

#[tokio::test(start_paused = true)]
async fn rates_do_not_wait_for_the_window_to_fill() {
    let metrics = metrics();
    repeat(10, &metrics, &busy());
    assert_rate(metrics.snapshot().windows[0].1.per_second(10), 0.0);
    advance(secs(5)).await;
    let (_, counts) = metrics.snapshot().windows[0].clone();
    assert_eq!(counts.span(), secs(5));
    assert_rate(counts.per_second(10), 2.0);
}

fn alerting(raise_at: u64, clear_at: u64) -> (Arc<ErrorMetrics>, Arc<Mutex<Vec<Alert>>>) {
    let alerts = Arc::new(Mutex::new(Vec::new()));
    let heard = alerts.clone();
    let metrics = ErrorMetrics::builder()
        .windows([secs(60)])
        .alert(AlertRule::new(Severity::Warning, 1, 0).unwrap())
        .alert(AlertRule::new(Severity::Warning, raise_at, clear_at).unwrap())
        .on_alert(move |alert| {
            heard.lock().unwrap().push(*alert);
            panic!("in the hook");
        })
        .build()
        .unwrap();
    (Arc::new(metrics), alerts)
}

fn heard(alerts: &Mutex<Vec<Alert>>) -> Vec<(bool, u64)> {
    alerts
        .lock()
        .unwrap()
        .iter()
        .map(|alert| (alert.raised, alert.count))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_raised_at_once_and_does_not_flicker() {
    let (metrics, alerts) = alerting(4, 2);
    repeat(3, &metrics, &busy());
    assert_eq!(heard(&alerts), []);
    metrics.record(&busy());
    assert_eq!(heard(&alerts), [(true, 4)]);
    repeat(10, &metrics, &busy());
    assert_eq!(metrics.snapshot().raised, [Severity::Warning]);
    // The burst leaves the window but for three: above where it clears, below where it was raised.
    advance(secs(30)).await;
    repeat(3, &metrics, &busy());
    advance(secs(30)).await;
    metrics.check_alerts();
    assert_eq!(heard(&alerts).len(), 1);
    advance(secs(30)).await;
    metrics.check_alerts();
    assert_eq!(heard(&alerts), [(true, 4), (false, 0)]);
    assert_eq!(metrics.snapshot().raised, []);
}

#[tokio::test(start_paused = true)]
async fn the_next_error_clears_an_alert_whose_burst_has_passed() {
    let (metrics, alerts) = alerting(4, 2);
    repeat(4, &metrics, &busy());
    advance(secs(61)).await;
    metrics.record(&busy());
    assert_eq!(heard(&alerts), [(true, 4), (false, 1)]);
}

#[tokio::test(start_paused = true)]
async fn errors_of_other_severities_raise_nothing() {
    let (metrics, alerts) = alerting(2, 0);
    repeat(10, &metrics, &Error::new(BROKEN, "broken"));
    assert_eq!(heard(&alerts), []);
}

#[tokio::test(start_paused = true)]
async fn a_reset_forgets_everything_and_clears_alerts() {
    let (metrics, alerts) = alerting(2, 0);
    repeat(5, &metrics, &busy());
    advance(secs(1)).await;
    metrics.reset();
    let snapshot = metrics.snapshot();
    assert_eq!((snapshot.total.all(), snapshot.recent.len()), (0, 0));
    assert_eq!(heard(&alerts), [(true, 2), (false, 0)]);
    metrics.record(&busy());
    advance(secs(1)).await;
    assert_rate(metrics.snapshot().total.per_second(1), 1.0);
    assert_eq!(heard(&alerts).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_record_errors_itself() {
    let slot = Arc::new(Mutex::new(None::<Arc<ErrorMetrics>>));
    let own = slot.clone();
    let metrics = ErrorMetrics::builder()
        .alert(AlertRule::new(Severity::Warning, 2, 0).unwrap())
        .on_alert(move |_| own.lock().unwrap().as_ref().unwrap().record(&busy()))
        .build()
        .unwrap();
    let metrics = Arc::new(metrics);
    *slot.lock().unwrap() = Some(metrics.clone());
    repeat(2, &metrics, &busy());
    assert_eq!(metrics.snapshot().total.all(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_last_occurrences_are_kept_redacted_and_bounded() {
    let metrics = ErrorMetrics::builder().recent(3).build().unwrap();
    for number in 0..5 {
        metrics.record(&busy().with("number", number));
        advance(secs(1)).await;
    }
    repeat(1_000, &metrics, &invalid());
    let recent = metrics.snapshot().recent;
    let codes: Vec<_> = recent.iter().map(|it| it.error.code.to_string()).collect();
    assert_eq!(codes, ["LL-TSK-998", "LL-TSK-998", "LL-TSK-997"]);
    assert_eq!(recent[0].error.context["number"], "3");
    let none = ErrorMetrics::builder().recent(0).build().unwrap();
    none.record(&busy());
    assert_eq!(none.snapshot().recent, []);
}

#[tokio::test(start_paused = true)]
async fn windows_that_make_no_sense_are_refused() {
    let check = |windows: &[u64], fits: bool| {
        let windows = windows.iter().map(|window| secs(*window));
        let built = ErrorMetrics::builder().windows(windows).build();
        assert_eq!(built.is_ok(), fits);
    };
    check(&[], false);
    check(&[0], false);
    check(&[60, 60], false);
    check(&[60, 30], false);
    check(&[1, 2, 3, 4, 5], false);
    check(&[1, 2, 3, u64::MAX], true);
    let rule = AlertRule::new(Severity::Error, 0, 0);
    assert_eq!(rule.unwrap_err().code(), codes::INVALID_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_a_nanosecond_does_not_divide_by_zero() {
    let metrics = ErrorMetrics::builder()
        .windows([Duration::from_nanos(1)])
        .build()
        .unwrap();
    metrics.record(&busy());
    advance(Duration::from_hours(8_760)).await;
    metrics.record(&busy());
    assert_eq!(metrics.snapshot().total.all(), 2);
}

#[test]
fn nothing_is_lost_between_threads_and_an_alert_is_raised_once() {
    let (metrics, alerts) = alerting(20_000, 0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| repeat(5_000, &metrics, &busy()));
        }
    });
    assert_eq!(metrics.snapshot().total.of_code(BUSY), 40_000);
    assert_eq!(heard(&alerts).len(), 1);
}
