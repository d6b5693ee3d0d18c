//! What one usage costs to price, and one attempt to add up. Run with `cargo bench -p lattice-lock-billing`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lattice_lock_billing::{Cost, Discount, Money, Tariff, UsageAccumulator};
use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};

fn usage() -> TokenUsage {
    TokenUsage::new()
        .with(Bucket::Input, 1200)
        .with(Bucket::CacheRead, 300)
        .with(Bucket::Output, 250)
        .with(Bucket::Reasoning, 64)
        .with_total(1814)
}

fn list() -> PriceList {
    let prices = [
        (Bucket::Input, "0.25"),
        (Bucket::CacheRead, "0.025"),
        (Bucket::Output, "2"),
    ];
    PriceList::new(prices.map(|(bucket, usd)| {
        let price = Price::per_million(usd);
        (bucket, price.expect("it is a price"))
    }))
}

fn billing(criterion: &mut Criterion) {
    let (usage, list, version) = (usage(), list(), PriceVersion::new("bench"));
    let tariff = Tariff::new(&version, &list);
    criterion.bench_function("billing/cost", |bench| {
        bench.iter(|| Cost::of(black_box(&usage), Some(black_box(&tariff))));
    });
    let discounted = tariff.discounted(Discount::percent("12.5").expect("it is a discount"));
    criterion.bench_function("billing/cost, discounted", |bench| {
        bench.iter(|| Cost::of(black_box(&usage), Some(black_box(&discounted))));
    });
    let cost = Cost::ProviderReported {
        amount: Money::from_nanos(436_500),
    };
    criterion.bench_function("billing/aggregate", |bench| {
        let mut sum = UsageAccumulator::default();
        bench.iter(|| sum.add(black_box(&usage), black_box(&cost)));
    });
}

criterion_group!(benches, billing);
criterion_main!(benches);
