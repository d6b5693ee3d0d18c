//! Costs agree, to the last digit before rounding, with an independent calculation: see `vectors/README.md`.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use lattice_lock_billing::{Cost, CostBreakdown, Tariff};
use lattice_lock_providers::{Catalogue, Import, ModelRef, ServiceTier, TokenUsage};
use lattice_lock_repository::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    list: String,
    model: ModelRef,
    tier: ServiceTier,
    usage: TokenUsage,
    usd: String,
    nanos: i64,
}

/// 2026-11-01.
const DAY: Timestamp = Timestamp::from_micros(1_793_491_200_000_000);

fn check(vector: &Vector, catalogue: &Catalogue) {
    let place = format!("{} {} {:?}", vector.model, vector.tier, vector.usage);
    let tariff = Tariff::find(catalogue, &vector.model, None, DAY, vector.tier);
    let tariff = tariff.unwrap_or_else(|| panic!("no prices: {place}"));
    let breakdown = CostBreakdown::of(&vector.usage, &tariff).unwrap();
    let exact = breakdown.unwrap_or_else(|| panic!("unpriced: {place}"));
    let expected = Decimal::from_str_exact(&vector.usd).unwrap();
    assert_eq!(exact.exact_total().unwrap(), expected, "{place}");
    let cost = Cost::of(&vector.usage, Some(&tariff)).unwrap();
    assert_eq!(cost.amount().unwrap().nanos(), vector.nanos, "{place}");
}

#[test]
fn three_thousand_usages_cost_what_exact_fractions_say() {
    let litellm = Import::litellm(include_str!("vectors/litellm.json"), "v").unwrap();
    let genai = Import::genai_prices(include_str!("vectors/genai-prices.json"), "v").unwrap();
    let mut count = 0;
    for line in include_str!("vectors/usages.jsonl").lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let import = if vector.list == "litellm" {
            &litellm
        } else {
            &genai
        };
        check(&vector, import.catalogue());
        count += 1;
    }
    assert_eq!(count, 3000);
}
