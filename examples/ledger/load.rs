//! Many writers at once, each waiting for its acknowledgement before it goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lattice_lock::billing::{AttemptId, Booking, Entry, Ledger, OperationId, Outcome};
use lattice_lock::providers::{
    Bucket, ModelName, ModelRef, Price, PriceList, PriceVersion, TokenUsage,
};
use lattice_lock::{Database, Error, Principal, Result};
use lattice_lock_examples::unusable;
use serde_json::json;

use crate::{Arguments, bare};

/// Rounds of each, in turns, so that a drift of the machine meets both; medians count. One more before them warms up.
const ROUNDS: usize = 7;

pub(crate) async fn run(database: &Database, arguments: &Arguments) -> Result<()> {
    let entry = template()?;
    let before = Ledger::new(database).total().await?.entries;
    let write = write(database, entry);
    let bare = bare::Bare::open(database, &arguments.url).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let pair = if round % 2 == 0 {
            let first = measure(arguments, Arc::clone(&write)).await?;
            (first, measure(arguments, bare.write()).await?)
        } else {
            let first = measure(arguments, bare.write()).await?;
            (measure(arguments, Arc::clone(&write)).await?, first)
        };
        if round > 0 {
            ours.push(pair.0);
            theirs.push(pair.1);
        }
    }
    bare.close().await?;
    let pairs = ours.iter().zip(&theirs);
    let ratios = pairs.map(|(ours, theirs)| ours.per_second / theirs.per_second);
    anstream::println!(
        "{}",
        json!({
            "engine": database.engine(),
            "writers": arguments.writers,
            "entries_a_round": arguments.entries,
            "rounds": ROUNDS,
            "rows_before": before,
            "ours": medians(&ours),
            "bare_sqlx": medians(&theirs),
            "ratio": rounded(median(ratios)),
        })
    );
    Ok(())
}

/// Books an entry, and sees to it that it is durable.
fn write(database: &Database, made: Box<Template>) -> Write {
    let ledger = Ledger::new(database);
    Arc::new(move || {
        let (ledger, entry) = (ledger.clone(), made(OperationId::generate()));
        Box::pin(async move {
            let recorded = ledger.record(entry?, None).await?;
            if recorded.booking != Booking::Durable {
                return Err(not_durable());
            }
            Ok(())
        })
    })
}

pub(crate) type Template = dyn Fn(OperationId) -> Result<Entry> + Send + Sync;

fn not_durable() -> Error {
    unusable(
        "the server's settings allow it to lose what it commits",
        &std::fmt::Error,
    )
}

/// What every entry says, but for its operation.
fn template() -> Result<Box<Template>> {
    let who = Principal::external("user-17")?
        .team("search")
        .project("mail")
        .tag("cost_center", "4711");
    let list = PriceList::new([
        (Bucket::Input, Price::per_million("0.25")?),
        (Bucket::Output, Price::per_million("2")?),
    ]);
    let version = PriceVersion::new("load@2026-11-01");
    let model: ModelRef = "openai/gpt-5-mini".parse()?;
    let served: ModelName = "gpt-5-mini-2025-08-07".parse()?;
    Ok(Box::new(move |operation| {
        let entry = Entry::new(
            AttemptId::first(operation),
            &who,
            model.clone(),
            Outcome::Replied,
        )?;
        let usage = TokenUsage::new()
            .with(Bucket::Input, 1200)
            .with(Bucket::CacheRead, 300)
            .with(Bucket::Output, 250)
            .with(Bucket::Reasoning, 64)
            .with_total(1814);
        Ok(entry
            .used(usage, Some((&version, &list)))
            .served(served.clone())
            .provider_request_id("req_0123456789abcdef")
            .task_type("translation")
            .latency(Duration::from_millis(812)))
    }))
}

struct Figures {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

/// The median of each figure over the rounds.
fn medians(rounds: &[Figures]) -> serde_json::Value {
    let of = |figure: fn(&Figures) -> f64| median(rounds.iter().map(figure));
    json!({
        "per_second": of(|it| it.per_second).round(),
        "p50_ms": rounded(of(|it| it.p50.as_secs_f64() * 1000.0)),
        "p99_ms": rounded(of(|it| it.p99.as_secs_f64() * 1000.0)),
    })
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

pub(crate) type Write =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync>;

async fn measure(arguments: &Arguments, write: Write) -> Result<Figures> {
    let (began, taken) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let (entries, mut writers) = (arguments.entries, Vec::new());
    for _ in 0..arguments.writers {
        let (write, taken) = (Arc::clone(&write), Arc::clone(&taken));
        writers.push(tokio::spawn(async move {
            let mut waits = Vec::new();
            while taken.fetch_add(1, Ordering::Relaxed) < entries {
                let asked = Instant::now();
                write().await?;
                waits.push(asked.elapsed());
            }
            Ok::<_, Error>(waits)
        }));
    }
    let mut waits = Vec::with_capacity(entries);
    for writer in writers {
        waits.extend(
            writer
                .await
                .map_err(|error| unusable("a writer stopped", &error))??,
        );
    }
    let took = began.elapsed();
    waits.sort_unstable();
    let at = |percent: usize| {
        waits
            .get(waits.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok(Figures {
        per_second: count(waits.len()) / took.as_secs_f64(),
        p50: at(50),
        p99: at(99),
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures are for reading")]
fn count(number: usize) -> f64 {
    number as f64
}
