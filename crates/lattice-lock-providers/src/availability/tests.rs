mod model;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Availability, BreakerPolicy, Heard, Permit, Subject};
use crate::{Catalogue, FailureClass, ModelRef, Provider, Registry};

const SECOND: i64 = 1_000_000;

fn registry(keys: usize) -> Registry {
    let keyed = (0..keys).fold(Provider::openai(), |provider, place| {
        provider.another_key(format!("key-{place}"))
    });
    Registry::new(Catalogue::default(), [keyed])
}

fn model(name: &str) -> ModelRef {
    format!("openai/{name}").parse().unwrap()
}

fn failed(class: FailureClass) -> Heard {
    let retry_after = None;
    Heard::Failed { class, retry_after }
}

fn permit(registry: &Registry, name: &str, now: i64) -> Permit {
    registry.admit(&model(name), now).unwrap()
}

#[test]
fn one_failure_of_one_is_no_outage() {
    let registry = registry(1);
    permit(&registry, "a", 0).failed(FailureClass::ServerError, None, 0);
    assert_eq!(
        registry.model_availability(&model("a"), 0),
        Availability::Available
    );
}

#[test]
fn a_model_that_fails_is_out_and_its_siblings_are_not() {
    let registry = registry(1);
    for at in 0..10 {
        permit(&registry, "a", at).failed(FailureClass::ServerError, None, at);
    }
    let until = 9 + 15 * SECOND;
    assert_eq!(
        registry.model_availability(&model("a"), 10),
        Availability::Open { until }
    );
    assert!(registry.admit(&model("a"), 10).is_err());
    assert!(registry.model_availability(&model("b"), 10).permits_call());
}

#[test]
fn a_provider_with_two_failing_models_or_no_connection_is_out() {
    let two_models = registry(1);
    for at in 0..10 {
        let name = if at % 2 == 0 { "a" } else { "b" };
        permit(&two_models, name, at).failed(FailureClass::Overloaded, None, at);
    }
    let unreachable = registry(1);
    for at in 0..10 {
        permit(&unreachable, "a", at).failed(FailureClass::Connect, None, at);
    }
    for registry in [two_models, unreachable] {
        let state = registry.availability(model("a").provider(), 10);
        assert!(matches!(state, Availability::Open { .. }), "{state:?}");
    }
}

#[test]
fn too_many_failures_degrade_before_they_open() {
    let registry = registry(1);
    for at in 0..20 {
        let heard = if at % 5 == 0 {
            failed(FailureClass::Timeout)
        } else {
            Heard::Answered
        };
        registry.observe(&model("a"), heard, at).unwrap();
    }
    let state = |now| registry.model_availability(&model("a"), now);
    assert_eq!(state(20), Availability::Degraded);
    assert_eq!(state(30 * SECOND + 20), Availability::Available);
}

#[test]
fn a_callers_mistake_changes_nothing() {
    let registry = registry(1);
    registry.observe(&model("a"), Heard::Answered, 0).unwrap();
    for class in FailureClass::ALL {
        if class.blame() == crate::Blame::Call {
            (0..50).for_each(|at| registry.observe(&model("a"), failed(class), at).unwrap());
            assert_eq!(
                registry.model_availability(&model("a"), 50),
                Availability::Available
            );
        }
    }
}

#[test]
fn whoever_asks_for_a_pause_gets_it_and_a_shorter_one_does_not_replace_it() {
    let registry = registry(1);
    let slow_down = |wait, at| {
        let (class, retry_after) = (FailureClass::RateLimited, Some(Duration::from_micros(wait)));
        registry
            .observe(&model("a"), Heard::Failed { class, retry_after }, at)
            .unwrap();
    };
    slow_down(50, 100);
    slow_down(20, 110);
    let state = |name: &str, now| registry.model_availability(&model(name), now);
    assert_eq!(state("a", 149), Availability::Cooling { until: 150 });
    assert_eq!(state("a", 150), Availability::Available);
    assert!(
        state("b", 149).permits_call(),
        "other models of the provider have limits of their own"
    );
    slow_down(u64::MAX, 150);
    assert!(matches!(
        state("a", i64::from(u32::MAX)),
        Availability::Cooling { .. }
    ));
}

#[test]
fn a_key_that_is_refused_exhausted_or_asked_to_slow_down_gives_way_to_the_next() {
    for class in [
        FailureClass::InvalidKey,
        FailureClass::QuotaExhausted,
        FailureClass::RateLimited,
    ] {
        let registry = registry(2);
        let first = permit(&registry, "a", 0);
        assert_eq!(first.key(), Some(0));
        first.failed(class, None, 0);
        assert_eq!(permit(&registry, "a", 1).key(), Some(1));
        assert!(
            registry
                .availability(model("a").provider(), 1)
                .permits_call()
        );
        permit(&registry, "a", 1).failed(class, None, 1);
        assert!(!registry.admit(&model("a"), 2).unwrap_err().permits_call());
    }
}

#[test]
fn a_refused_key_is_tried_again_by_a_few_calls() {
    let registry = registry(1);
    permit(&registry, "a", 0).failed(FailureClass::InvalidKey, None, 0);
    let later = 600 * SECOND;
    let trials = [permit(&registry, "a", later), permit(&registry, "b", later)];
    assert_eq!(
        registry.admit(&model("c"), later).unwrap_err(),
        Availability::HalfOpen
    );
    for trial in trials {
        trial.answered(later);
    }
    assert_eq!(
        registry.key_availability(model("a").provider(), 0, later),
        Availability::Available
    );
}

#[test]
fn a_trial_that_is_dropped_gives_its_place_back() {
    let registry = registry(1);
    permit(&registry, "a", 0).failed(FailureClass::InvalidKey, None, 0);
    let later = 600 * SECOND;
    for _ in 0..100 {
        drop(permit(&registry, "a", later));
    }
}

#[test]
fn a_late_answer_to_an_earlier_call_neither_opens_nor_closes() {
    let registry = registry(1);
    let (early, late) = (permit(&registry, "a", 0), permit(&registry, "a", 0));
    (0..10).for_each(|at| permit(&registry, "a", at).failed(FailureClass::Timeout, None, at));
    let state = |now| registry.model_availability(&model("a"), now);
    early.answered(10);
    assert!(matches!(state(10), Availability::Open { .. }));
    let trial = permit(&registry, "a", 20 * SECOND);
    late.failed(FailureClass::Timeout, None, 20 * SECOND);
    assert_eq!(state(20 * SECOND), Availability::HalfOpen);
    trial.failed(FailureClass::Timeout, None, 20 * SECOND);
    assert_eq!(
        state(20 * SECOND),
        Availability::Open { until: 50 * SECOND },
        "twice as long"
    );
}

#[test]
fn who_is_switched_off_is_not_called() {
    let registry = registry(1);
    let whole = Subject::Provider(model("a").provider().clone());
    for subject in [Subject::Model(model("a")), whole] {
        registry.set_enabled(&subject, false, 0).unwrap();
        assert_eq!(
            registry.admit(&model("a"), 0).unwrap_err(),
            Availability::Disabled
        );
        registry.set_enabled(&subject, true, 0).unwrap();
        assert!(registry.admit(&model("a"), 0).is_ok());
    }
    let nobody = Subject::Key("nobody".parse().unwrap(), 0);
    assert!(registry.set_enabled(&nobody, false, 0).is_err());
}

#[test]
fn every_change_is_told_once_and_in_order() {
    let registry = registry(1);
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let subscription = registry.subscribe(move |change| {
        let line = format!(
            "{}: {} to {}",
            change.subject,
            change.from.as_str(),
            change.to.as_str()
        );
        listener.lock().unwrap().push(line);
    });
    permit(&registry, "a", 0).failed(FailureClass::QuotaExhausted, None, 0);
    registry.tick(600 * SECOND);
    registry.tick(600 * SECOND);
    drop(subscription);
    permit(&registry, "a", 600 * SECOND).answered(600 * SECOND);
    let expected = [
        "openai: unknown to available",
        "openai/a: unknown to available",
        "key 0 of openai: unknown to open",
        "key 0 of openai: open to half_open",
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn a_listener_that_panics_harms_nobody() {
    let registry = registry(1);
    let _subscription = registry.subscribe(|_| panic!("listened"));
    permit(&registry, "a", 0).answered(0);
    assert_eq!(
        registry.model_availability(&model("a"), 0),
        Availability::Available
    );
}

#[test]
fn the_state_can_be_captured_restored_and_reset() {
    let registry = registry(1);
    registry
        .observe(&model("a"), failed(FailureClass::RateLimited), 0)
        .unwrap();
    let captured = registry.capture_availability();
    let state = || registry.model_availability(&model("a"), 1);
    registry.reset_availability(1);
    assert_eq!(state(), Availability::Unknown);
    registry.restore_availability(&captured, 1);
    assert_eq!(state(), Availability::Cooling { until: 5 * SECOND });
}

#[test]
fn callers_who_invent_models_do_not_fill_the_memory() {
    let registry = registry(1);
    let hold = Heard::Failed {
        class: FailureClass::RateLimited,
        retry_after: Some(Duration::from_mins(1)),
    };
    registry.observe(&model("real"), hold, 0).unwrap();
    for at in 0..5_000 {
        registry
            .observe(&model(&format!("m{at}")), Heard::Answered, at)
            .unwrap();
    }
    assert!(
        !registry
            .model_availability(&model("real"), 5_000)
            .permits_call()
    );
    let count =
        |captured: super::CapturedAvailability| format!("{captured:?}").matches("Model(").count();
    assert!(count(registry.capture_availability()) <= 2_048);
}

#[test]
fn a_moment_before_1970_or_a_clock_that_is_set_back_does_no_harm() {
    let registry = registry(1);
    for at in [5 * SECOND, -SECOND, i64::MIN, i64::MAX, 0] {
        for class in FailureClass::ALL {
            registry.observe(&model("a"), failed(class), at).unwrap();
            let _ = registry.admit(&model("a"), at);
        }
        registry.tick(at);
    }
}

#[test]
fn durations_that_make_no_sense_are_bounded() {
    let policy = BreakerPolicy::new()
        .window(Duration::ZERO)
        .minimum_volume(0)
        .open_percent(0)
        .degraded_percent(1_000)
        .open_for(Duration::MAX)
        .key_open_for(Duration::MAX)
        .cool_for(Duration::MAX)
        .probe_lease(Duration::MAX)
        .probes(0);
    let provider = Provider::openai().api_key("key".to_owned());
    let registry = Registry::with_policy(Catalogue::default(), [provider], policy);
    registry
        .observe(&model("a"), failed(FailureClass::Connect), 0)
        .unwrap();
    assert!(!registry.model_availability(&model("a"), 1).permits_call());
}
