//! Prices usages by the shipped catalogue: lines of JSON in, lines of JSON out. Nothing is sent and nothing booked.

use std::io::BufRead;
use std::process::ExitCode;

use lattice_lock::billing::{Cost, CostBreakdown, Tariff};
use lattice_lock::providers::{
    Catalogue, ModelName, ModelRef, ProviderId, ServiceTier, TokenUsage,
};
use lattice_lock::repository::Timestamp;
use lattice_lock::{Error, Result};
use lattice_lock_examples::misused;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const USAGE: &str = r#"Usage: cargo run --example price -- --jsonl < usages.jsonl

Reads one JSON object a line:
  {"provider": "openai", "model": "gpt-5", "service_tier": "batch", "usage": {"input": 10, "output": 5},
   "at": "2026-11-01T00:00:00Z"}
of which `service_tier` (standard) and `at` (now) may be left out, and writes one a line:
  {"cost_usd": "0.00003125", "breakdown": {…}, "state": "priced", "price_version": "…"}
where `cost_usd` is exact, or null if it is not known; `reason` then says why. A line that makes no sense has an
`error`, and the exit code is 1."#;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--jsonl"] => price_lines(),
        ["--help" | "-h"] => {
            anstream::println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => misused("say --jsonl", USAGE),
    }
}

fn price_lines() -> ExitCode {
    let (catalogue, mut code) = (Catalogue::shipped(), ExitCode::SUCCESS);
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else {
            return misused("the input is no text", USAGE);
        };
        if line.trim().is_empty() {
            continue;
        }
        let priced = match Question::read(&line) {
            Ok(question) => answer(&catalogue, &question).map_err(|error| error.to_string()),
            Err(fault) => Err(fault),
        };
        let priced = priced.unwrap_or_else(|fault| {
            code = ExitCode::FAILURE;
            json!({"cost_usd": null, "breakdown": null, "state": "error", "price_version": null, "error": fault})
        });
        anstream::println!("{priced}");
    }
    code
}

/// What is to be priced.
struct Question {
    model: ModelRef,
    tier: ServiceTier,
    usage: TokenUsage,
    at: Timestamp,
}

impl Question {
    fn read(line: &str) -> std::result::Result<Self, String> {
        let fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| error.to_string())?;
        let known = ["provider", "model", "service_tier", "usage", "at"];
        if let Some(unknown) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("unknown field {unknown}"));
        }
        let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let text = |name: &str| {
            let text = field(name).and_then(Value::as_str);
            text.ok_or_else(|| format!("no text in {name}"))
        };
        let invalid = |error: Error| error.to_string();
        let provider: ProviderId = text("provider")?.parse().map_err(invalid)?;
        let name: ModelName = text("model")?.parse().map_err(invalid)?;
        let tier = field("service_tier").map(ServiceTier::deserialize);
        let usage = field("usage").ok_or("no usage")?;
        Ok(Self {
            model: ModelRef::new(provider, name),
            tier: tier
                .transpose()
                .map_err(|error| error.to_string())?
                .unwrap_or_default(),
            usage: TokenUsage::deserialize(usage).map_err(|error| error.to_string())?,
            at: match field("at") {
                Some(_) => moment(text("at")?)?,
                None => Timestamp::now(),
            },
        })
    }
}

/// A moment, or a day in UTC.
fn moment(text: &str) -> std::result::Result<Timestamp, String> {
    let moment = text.parse::<jiff::Timestamp>().or_else(|_| {
        let day = text.parse::<jiff::civil::Date>()?;
        Ok::<_, jiff::Error>(day.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp())
    });
    let moment = moment.map_err(|error| format!("at: {error}"))?;
    Ok(Timestamp::from_micros(moment.as_microsecond()))
}

fn answer(catalogue: &Catalogue, question: &Question) -> Result<Value> {
    let Question {
        model,
        tier,
        usage,
        at,
    } = question;
    let tariff = Tariff::find(catalogue, model, None, *at, *tier);
    let cost = Cost::of(usage, tariff.as_ref())?;
    let breakdown = match &tariff {
        Some(tariff) => CostBreakdown::of(usage, tariff)?,
        None => None,
    };
    let (Some(breakdown), Some(_)) = (breakdown, cost.amount()) else {
        return Ok(json!({
            "cost_usd": null, "breakdown": null, "state": "unpriced", "price_version": null, "reason": cost.state(),
        }));
    };
    let lines: Map<_, _> = breakdown
        .lines()
        .iter()
        .map(|line| {
            let name = line.bucket.map_or("residual", |bucket| bucket.as_str());
            let (price, amount) = (line.price.normalize(), line.amount.normalize());
            let line = json!({"count": line.count, "usd_per_unit": price.to_string(), "usd": amount.to_string()});
            (name.to_owned(), line)
        })
        .collect();
    Ok(json!({
        "cost_usd": breakdown.exact_total()?.normalize().to_string(),
        "breakdown": lines,
        "state": cost.state(),
        "price_version": cost.version(),
    }))
}
