//! What one usage costs to price, and one attempt to add up. Run with `cargo bench -p lattice-lock-billing`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lattice_lock_billing::{Cost, Discount, Tariff, UsageAccumulator};
use lattice_lock_providers::{Bucket, ContextTier, Price, PriceList, PriceVersion, TokenUsage};

/// What replies say: a short one with a cached prompt and thoughts, one that filled caches, a long prompt of the dearer
/// tier, one with sound, and one whose total has tokens that no bucket explains.
fn usages() -> [TokenUsage; 5] {
    let usage = |counts: &[(Bucket, u64)]| {
        let add = |usage: TokenUsage, &(bucket, count)| usage.with(bucket, count);
        counts.iter().fold(TokenUsage::new(), add)
    };
    [
        usage(&[
            (Bucket::Input, 1_203),
            (Bucket::CacheRead, 11_264),
            (Bucket::Output, 257),
            (Bucket::Reasoning, 1_088),
        ])
        .with_total(13_812),
        usage(&[
            (Bucket::Input, 14),
            (Bucket::CacheRead, 8_192),
            (Bucket::CacheWrite5m, 4_099),
            (Bucket::CacheWrite1h, 20_481),
            (Bucket::Output, 713),
        ]),
        usage(&[
            (Bucket::Input, 48_931),
            (Bucket::CacheRead, 180_224),
            (Bucket::Output, 2_419),
            (Bucket::Reasoning, 9_733),
        ])
        .with_total(241_307),
        usage(&[
            (Bucket::Input, 96),
            (Bucket::InputAudio, 1_871),
            (Bucket::Output, 88),
            (Bucket::OutputAudio, 1_402),
            (Bucket::WebSearches, 2),
            (Bucket::Requests, 1),
        ]),
        usage(&[(Bucket::Input, 640), (Bucket::Output, 122)]).with_total(799),
    ]
}

/// Prices of their own for nearly all buckets, and others above 200,000 tokens.
fn list() -> PriceList {
    let per_million = |usd: &str| Price::per_million(usd).expect("it is a price");
    let prices = |[input, cached, written, kept, output]: [&str; 5]| {
        [
            (Bucket::Input, per_million(input)),
            (Bucket::CacheRead, per_million(cached)),
            (Bucket::CacheWrite5m, per_million(written)),
            (Bucket::CacheWrite1h, per_million(kept)),
            (Bucket::Output, per_million(output)),
            (Bucket::InputAudio, per_million("40")),
            (Bucket::OutputAudio, per_million("80")),
            (Bucket::WebSearches, per_million("10000")),
            (Bucket::Requests, per_million("5000")),
        ]
    };
    let long = prices(["2.5", "0.625", "3.125", "5", "15"]);
    PriceList::new(prices(["1.25", "0.3125", "1.5625", "2.5", "10"])).with_tiers([ContextTier {
        above: 200_000,
        at_least: false,
        usd_per_million: long.into_iter().collect(),
    }])
}

fn billing(criterion: &mut Criterion) {
    let (usages, list, version) = (usages(), list(), PriceVersion::new("bench"));
    let tariff = Tariff::new(&version, &list);
    let discounted = tariff.discounted(Discount::percent("12.5").expect("it is a discount"));
    for (name, tariff) in [
        ("billing/cost", tariff),
        ("billing/cost, discounted", discounted),
    ] {
        criterion.bench_function(name, |bench| {
            let mut replies = usages.iter().cycle();
            bench.iter(|| Cost::of(black_box(replies.next().expect("endless")), Some(&tariff)));
        });
    }
    let costs = usages.map(|usage| Cost::of(&usage, Some(&tariff)).expect("they have costs"));
    criterion.bench_function("billing/aggregate", |bench| {
        let (mut sum, mut attempts) = (
            UsageAccumulator::default(),
            usages.iter().zip(&costs).cycle(),
        );
        bench.iter(|| {
            let (usage, cost) = attempts.next().expect("endless");
            sum.add(black_box(usage), black_box(cost))
        });
    });
}

criterion_group!(benches, billing);
criterion_main!(benches);
