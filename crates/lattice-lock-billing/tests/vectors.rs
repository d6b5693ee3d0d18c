//! Costs agree, to the last digit before rounding, with an independent calculation: see `vectors/README.md`.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use lattice_lock_billing::{Cost, CostBreakdown, Tariff};
use lattice_lock_providers::{Catalogue, Import, ModelRef, ProviderId, ServiceTier, TokenUsage};
use lattice_lock_repository::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

/// One line, with the names that its list uses.
#[derive(Deserialize)]
struct Vector {
    list: String,
    provider: String,
    model: String,
    #[serde(default)]
    service_tier: ServiceTier,
    at: Option<jiff::Timestamp>,
    usage: TokenUsage,
    usd: String,
    nanos: i64,
}

/// 2026-11-01.
const DAY: Timestamp = Timestamp::from_micros(1_793_491_200_000_000);

impl Vector {
    /// What the importers call it.
    fn model(&self) -> ModelRef {
        let provider = match self.provider.as_str() {
            "gemini" => "google",
            "bedrock_converse" | "aws" => "bedrock",
            "ollama" => "local",
            "text-completion-openai" => "openai",
            "x-ai" => "xai",
            other => other,
        };
        let spelled = match self.provider.as_str() {
            "bedrock_converse" => "bedrock",
            other => other,
        };
        let prefix = self.model.split_once('/');
        let name = match prefix {
            Some((prefix, name)) if self.list == "litellm" && prefix == spelled => name,
            _ => &self.model,
        };
        ModelRef::new(
            provider.parse::<ProviderId>().unwrap(),
            name.parse().unwrap(),
        )
    }

    fn at(&self) -> Timestamp {
        self.at
            .map_or(DAY, |at| Timestamp::from_micros(at.as_microsecond()))
    }
}

fn check(vector: &Vector, catalogue: &Catalogue) {
    let (model, tier) = (vector.model(), vector.service_tier);
    let place = format!("{model} {tier} {:?}", vector.usage);
    let tariff = Tariff::find(catalogue, &model, None, vector.at(), tier);
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
        let import = match vector.list.as_str() {
            "litellm" => &litellm,
            "genai-prices" => &genai,
            other => panic!("no such list: {other}"),
        };
        check(&vector, import.catalogue());
        count += 1;
    }
    assert_eq!(count, 3000);
}
