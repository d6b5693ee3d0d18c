//! Health put together from components.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use lattice_lock_runtime::{Component, Health, HealthStatus, Shutdown, Vitals, codes};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{busy, panics, secs};

fn healthy(name: &'static str) -> Component {
    Component::new(name, async || Ok(Vitals::healthy()))
}

fn unhealthy(name: &'static str) -> Component {
    Component::new(name, async || Err(busy()))
}

async fn check(components: Vec<Component>, status: HealthStatus, ready: bool, live: bool) {
    let health = Health::new();
    for component in components {
        health.register(component);
    }
    let report = health.check().await;
    assert_eq!(
        (report.status, report.ready, report.live),
        (status, ready, live)
    );
    assert_eq!(
        (health.is_ready().await, health.is_live().await),
        (ready, live)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_critical_decides_and_the_rest_degrades() {
    use HealthStatus::{Degraded, Healthy, Unhealthy};
    check(vec![], Healthy, true, true).await;
    check(
        vec![healthy("a"), healthy("b").critical()],
        Healthy,
        true,
        true,
    )
    .await;
    check(
        vec![unhealthy("a"), healthy("b").critical()],
        Degraded,
        true,
        true,
    )
    .await;
    check(
        vec![healthy("a"), unhealthy("b").critical()],
        Unhealthy,
        false,
        true,
    )
    .await;
    check(
        vec![unhealthy("a").vital(), healthy("b")],
        Degraded,
        true,
        false,
    )
    .await;
    let lame = Component::new("lame", async || Ok(Vitals::degraded("slow")))
        .critical()
        .vital();
    check(vec![lame], Degraded, true, true).await;
}

#[tokio::test(start_paused = true)]
async fn probes_run_at_the_same_time_each_within_its_deadline() {
    let health = Health::new();
    for (name, naps) in [("one", 2), ("two", 2), ("three", 100)] {
        let probe = move || async move {
            sleep(secs(naps)).await;
            Ok(Vitals::healthy().with("naps", naps))
        };
        health.register(Component::new(name, probe).deadline(secs(3)));
    }
    let start = Instant::now();
    let report = health.check().await;
    assert_eq!(start.elapsed(), secs(3));
    let statuses: Vec<_> = report
        .components
        .iter()
        .map(|it| (&*it.name, it.status, it.latency))
        .collect();
    let (up, down) = (HealthStatus::Healthy, HealthStatus::Unhealthy);
    assert_eq!(
        statuses,
        [
            ("one", up, secs(2)),
            ("two", up, secs(2)),
            ("three", down, secs(3))
        ]
    );
    assert_eq!(
        report.components[0].details,
        [("naps", "2".to_string())].into()
    );
    let error = report.components[2].error.as_ref().unwrap();
    assert_eq!(error.code, codes::PROBE_TIMED_OUT.as_str());
}

fn counting(calls: &Arc<AtomicU32>, nap: Duration) -> Component {
    let calls = calls.clone();
    Component::new("counted", move || {
        calls.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(nap).await;
            Ok(Vitals::healthy())
        }
    })
    .deadline(secs(5))
    .cache_for(secs(10))
}

#[tokio::test(start_paused = true)]
async fn results_are_cached_and_probes_are_shared() {
    let calls = Arc::new(AtomicU32::new(0));
    let health = Health::new();
    health.register(counting(&calls, secs(1)));
    tokio::join!(health.check(), health.check(), health.is_ready());
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    sleep(secs(9)).await;
    let cached = health.check().await;
    assert_eq!(
        (calls.load(Ordering::Relaxed), cached.components[0].age),
        (1, secs(9))
    );
    sleep(secs(1)).await;
    assert_eq!(health.check().await.components[0].age, Duration::ZERO);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_probe_is_not_started_again_for_each_caller() {
    let calls = Arc::new(AtomicU32::new(0));
    let health = Health::new();
    health.register(counting(&calls, Duration::MAX));
    for _ in 0..3 {
        let report = health.check().await;
        assert_eq!(report.components[0].status, HealthStatus::Unhealthy);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_block_the_next() {
    let health = Health::new();
    let probe = || pending::<Result<Vitals>>();
    health.register(
        Component::new("hangs", probe)
            .deadline(secs(5))
            .cache_for(Duration::ZERO),
    );
    assert!(timeout(secs(1), health.check()).await.is_err());
    let start = Instant::now();
    assert_eq!(
        health.check().await.components[0].status,
        HealthStatus::Unhealthy
    );
    assert_eq!(start.elapsed(), secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_is_unhealthy_and_no_more() {
    let health = Health::new();
    health.register(Component::new("bomb", async || panics("in the probe")));
    health.register(Component::new("early", || {
        panics::<std::future::Ready<Result<Vitals>>>("early")
    }));
    health.register(healthy("fine"));
    let report = health.check().await;
    for at in [0, 1] {
        let error = report.components[at].error.as_ref().unwrap();
        assert_eq!(error.code, codes::PROBE_PANICKED.as_str());
    }
    assert_eq!(report.components[2].status, HealthStatus::Healthy);
}

#[test]
fn a_probe_that_blocks_its_thread_does_not_hold_up_the_report() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    let health = Health::new();
    let probe = move || {
        let released = released.clone();
        async move {
            let _ = released.lock().unwrap().recv();
            Ok(Vitals::healthy())
        }
    };
    health.register(Component::new("blocks", probe).deadline(Duration::from_millis(50)));
    let report = runtime.block_on(health.check());
    assert_eq!(report.components[0].status, HealthStatus::Unhealthy);
    release.send(()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn readiness_follows_the_shutdown_and_liveness_does_not() {
    let health = Health::new();
    health.register(healthy("ledger").critical().vital());
    let shutdown = Shutdown::builder()
        .phase("slow", secs(10), async |_| {
            sleep(secs(5)).await;
            Ok(())
        })
        .build();
    health.follow(shutdown.begun());
    assert!(health.is_ready().await);
    let running = shutdown.clone();
    let running = tokio::spawn(async move { running.shutdown(secs(10)).await });
    tokio::task::yield_now().await;
    assert!(!health.is_ready().await);
    let report = health.check().await;
    assert_eq!(
        (report.ready, report.live, report.status),
        (false, true, HealthStatus::Healthy)
    );
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_component_of_the_same_name_is_replaced() {
    let health = Health::new();
    health.register(unhealthy("database").critical());
    health.register(healthy("database").critical());
    assert_eq!(health.check().await.components.len(), 1);
    assert!(health.is_ready().await);
}

#[tokio::test(start_paused = true)]
async fn an_endless_deadline_does_not_overflow_and_a_zero_one_asks_once() {
    let health = Health::new();
    health.register(
        healthy("patient")
            .deadline(Duration::MAX)
            .cache_for(Duration::MAX),
    );
    health.register(healthy("hasty").deadline(Duration::ZERO));
    assert_eq!(health.check().await.status, HealthStatus::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_report_is_plain_data() {
    let health = Health::new();
    let vitals = async || Ok(Vitals::healthy().with("engine", "postgres"));
    health.register(Component::new("database", vitals).critical());
    let failing = async || Err(Error::new(codes::TOO_BUSY, "too busy"));
    health.register(Component::new("provider", failing));
    let json = serde_json::to_value(health.check().await).unwrap();
    assert_eq!(json["status"], "degraded");
    assert_eq!(json["components"][0]["details"]["engine"], "postgres");
    assert_eq!(json["components"][1]["error"]["code"], "LL-TSK-012");
    assert_eq!(json["components"][1]["latency_ms"], 0.0);
}
