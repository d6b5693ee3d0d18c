//! What a registry costs on a request's path, and a catalogue at the start.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use criterion::{Criterion, criterion_group, criterion_main};
use lattice_lock_providers::{Catalogue, Heard, ModelRef, Provider, Registry};

const SHIPPED: &str = include_str!("../data/catalogue.json");

/// The shipped models and as many more under another provider, so that there are at least 1,500.
fn large() -> Catalogue {
    let (head, models) = SHIPPED
        .split_once("\"models\": [")
        .expect("a catalogue has models");
    let models = models
        .trim_end()
        .trim_end_matches('}')
        .trim_end()
        .trim_end_matches(']');
    let other = [
        "openai",
        "anthropic",
        "google",
        "xai",
        "azure",
        "bedrock",
        "local",
    ];
    let again = other.iter().fold(models.to_owned(), |text, id| {
        text.replace(
            &format!("\"provider\":\"{id}\""),
            &format!("\"provider\":\"my-{id}\""),
        )
    });
    let text = format!("{head}\"models\": [{models},{again}]}}");
    let large = Catalogue::from_json(&text).expect("twice a catalogue is one");
    assert!(large.models().len() >= 1_500, "{}", large.models().len());
    large
}

fn model(name: &str) -> ModelRef {
    name.parse().expect("a model's name")
}

fn look_up(criterion: &mut Criterion) {
    let catalogue = large();
    let mut group = criterion.benchmark_group("look up");
    for (what, name) in [
        ("exact", "openai/gpt-5-mini"),
        (
            "exact, long",
            "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        ("dated", "openai/gpt-5-mini-2031-01-01"),
        ("prefix", "anthropic/claude-3-opus-beta"),
        ("contains", "bedrock/xx.amazon.nova-pro-v9:0"),
        ("expression", "openai/gpt-5.6-luna-2026-31-01x"),
        ("region", "bedrock/jp.amazon.nova-micro-v9:0"),
        ("path", "google/models/gemini-2.5-pro"),
        ("nobody", "bedrock/nobody.knows-this-model-of-2026-v1:0"),
    ] {
        let wanted = model(name);
        group.bench_function(what, |bencher| {
            bencher.iter(|| catalogue.find(black_box(&wanted)).is_some());
        });
    }
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    group.bench_function("shipped catalogue", |bencher| {
        bencher.iter(|| Catalogue::from_json(black_box(SHIPPED)));
    });
    group.finish();
}

/// Two threads read while this one does: what is measured is one read of one of them.
fn availability(criterion: &mut Criterion) {
    let providers = [Provider::openai(), Provider::anthropic(), Provider::xai()];
    let keyed = providers.map(|provider| provider.api_key("key".to_owned()));
    let registry = Registry::new(Catalogue::default(), keyed);
    let wanted = model("openai/gpt-5-mini");
    registry
        .observe(&wanted, Heard::Answered, 0)
        .expect("a known provider");
    let mut group = criterion.benchmark_group("availability");
    group.bench_function("provider", |bencher| {
        bencher.iter(|| registry.availability(black_box(wanted.provider()), 1));
    });
    group.bench_function("model", |bencher| {
        bencher.iter(|| registry.model_availability(black_box(&wanted), 1));
    });
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                black_box(registry.model_availability(black_box(&wanted), 1));
            }
        });
        group.bench_function("model, another thread reads", |bencher| {
            bencher.iter(|| registry.model_availability(black_box(&wanted), 1));
        });
        done.store(true, Ordering::Relaxed);
    });
    group.bench_function("admit and answer", |bencher| {
        bencher.iter(|| {
            registry
                .admit(black_box(&wanted), 1)
                .map(|permit| permit.answered(1))
        });
    });
    group.finish();
}

criterion_group!(providers, look_up, read, availability);
criterion_main!(providers);
