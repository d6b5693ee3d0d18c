//! Many writers at once, each waiting for its acknowledgement before it goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lattice_lock::billing::{AttemptId, Booking, Entry, Ledger, OperationId, Outcome};
use lattice_lock::providers::{Bucket, ModelName, Price, PriceList, PriceVersion, TokenUsage};
use lattice_lock::{Database, Error, Principal, Result};
use lattice_lock_examples::unusable;
use serde_json::json;

use crate::{Arguments, bare};

/// Rounds of each, in turns; the best counts.
const ROUNDS: usize = 3;

pub(crate) async fn run(database: &Database, arguments: &Arguments) -> Result<()> {
    let entry: Arc<Template> = Arc::from(template()?);
    let bare = bare::Bare::open(database, &arguments.url);
    let (mut ours, mut theirs) = (Figures::worst(), Figures::worst());
    for _ in 0..ROUNDS {
        let ledger = Ledger::new(database);
        let made = Arc::clone(&entry);
        let write: Write = Arc::new(move || {
            let (ledger, entry) = (ledger.clone(), made(OperationId::generate()));
            Box::pin(async move {
                let recorded = ledger.record(entry?, None).await?;
                if recorded.booking != Booking::Durable {
                    return Err(not_durable());
                }
                Ok(())
            })
        });
        ours = ours.better(measure(arguments, write).await?);
        let round = measure(arguments, bare.write());
        theirs = theirs.better(round.await?);
    }
    bare.close().await?;
    anstream::println!(
        "{}",
        json!({
            "engine": database.engine(),
            "writers": arguments.writers,
            "entries": arguments.entries,
            "ours": ours.json(),
            "bare_sqlx": theirs.json(),
            "ratio": (ours.per_second / theirs.per_second * 1000.0).round() / 1000.0,
        })
    );
    Ok(())
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
    let (version, served): (_, ModelName) = (
        PriceVersion::new("load@2026-11-01"),
        "gpt-5-mini-2025-08-07".parse()?,
    );
    Ok(Box::new(move |operation| {
        let entry = Entry::new(
            AttemptId::first(operation),
            &who,
            "openai/gpt-5-mini".parse()?,
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

impl Figures {
    fn worst() -> Self {
        Self {
            per_second: 0.0,
            p50: Duration::MAX,
            p99: Duration::MAX,
        }
    }

    fn better(self, other: Self) -> Self {
        if other.per_second > self.per_second {
            other
        } else {
            self
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "per_second": self.per_second.round(),
            "p50_ms": self.p50.as_secs_f64() * 1000.0,
            "p99_ms": self.p99.as_secs_f64() * 1000.0,
        })
    }
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
