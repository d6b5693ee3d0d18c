//! The ledger from the command line: book an attempt, list what is booked, find what a crash left open, and load it
//! with many writers beside a loop of bare sqlx that does the same.

use std::process::ExitCode;
use std::time::Duration;

use lattice_lock::billing::{
    AttemptId, Entry, Ledger, OperationId, Outcome, Position, Resolution, Tariff,
};
use lattice_lock::providers::{Bucket, Catalogue, ModelRef, TokenUsage};
use lattice_lock::{Database, Principal, Result};
use lattice_lock_examples::{asked, failed};
use serde_json::json;

#[path = "ledger/bare.rs"]
mod bare;
#[path = "ledger/load.rs"]
mod load;

const USAGE: &str = "\
Usage: cargo run --example ledger -- COMMAND --url URL [OPTIONS]

  record              book an attempt, and print its entry as JSON
  list                print the entries, one a line, in the order of their commits
  recover             settle what processes left open whose leases are over, and print what was done
  load                book many entries with many writers, ours and bare sqlx in turns, and print JSON

  --url URL           sqlite:FILE, postgres://… or mysql://…; the tables are made if they are not there
  --model MODEL       of `record`: provider/model; openai/gpt-5-mini by default
  --input N           of `record`: tokens of the prompt; 1000 by default
  --output N          of `record`: tokens of the reply; 100 by default
  --operation UUID    of `record`: the operation, to book the same again; a new one by default
  --after N           of `list`: the position behind which to begin; 0 by default
  --writers N         of `load`: 256 by default
  --entries M         of `load`: in all, of each; 20000 by default";

#[derive(Clone)]
struct Arguments {
    command: String,
    url: String,
    model: String,
    operation: Option<OperationId>,
    input: u64,
    output: u64,
    after: i64,
    writers: usize,
    entries: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match asked(parse(std::env::args().skip(1)), USAGE) {
        Ok(arguments) => arguments,
        Err(ended) => return ended,
    };
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn parse(
    mut arguments: impl Iterator<Item = String>,
) -> std::result::Result<Option<Arguments>, String> {
    let mut parsed = Arguments {
        command: String::new(),
        url: String::new(),
        model: "openai/gpt-5-mini".into(),
        operation: None,
        input: 1000,
        output: 100,
        after: 0,
        writers: 256,
        entries: 20_000,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "record" | "list" | "recover" | "load" if parsed.command.is_empty() => {
                parsed.command = argument;
            }
            "--url" => parsed.url = value()?,
            "--model" => parsed.model = value()?,
            "--operation" => {
                let id: uuid::Uuid = number(&value()?)?;
                parsed.operation = Some(OperationId::from_uuid(id));
            }
            "--input" => parsed.input = number(&value()?)?,
            "--output" => parsed.output = number(&value()?)?,
            "--after" => parsed.after = number(&value()?)?,
            "--writers" => parsed.writers = number(&value()?)?,
            "--entries" => parsed.entries = number(&value()?)?,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("unknown option {other}")),
        }
    }
    if parsed.command.is_empty() {
        return Err("say what to do".into());
    }
    if parsed.url.is_empty() || parsed.writers == 0 {
        return Err("--url and at least one writer are needed".into());
    }
    Ok(Some(parsed))
}

fn number<N: std::str::FromStr>(text: &str) -> std::result::Result<N, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}

async fn run(arguments: &Arguments) -> Result<()> {
    let database = Database::open(&arguments.url).await?;
    database.migrate(Ledger::MIGRATIONS).await?;
    let ledger = Ledger::new(&database);
    match arguments.command.as_str() {
        "record" => record(&ledger, arguments).await?,
        "list" => list(&ledger, Position::new(arguments.after)).await?,
        "recover" => recover(&ledger).await?,
        _ => load::run(&database, arguments).await?,
    }
    ledger.flush(Duration::from_secs(30)).await?;
    database.dispose().await;
    Ok(())
}

async fn record(ledger: &Ledger, arguments: &Arguments) -> Result<()> {
    let (model, catalogue): (ModelRef, _) = (arguments.model.parse()?, Catalogue::shipped());
    let operation = arguments.operation.unwrap_or_else(OperationId::generate);
    let who = Principal::service("example")?;
    let entry = Entry::new(
        AttemptId::first(operation),
        &who,
        model.clone(),
        Outcome::Replied,
    )?;
    // Of an operation that was named, so that it is the same entry when it is booked again.
    let entry = match arguments.operation {
        Some(_) => entry.occurred_at(lattice_lock::repository::Timestamp::from_micros(0)),
        None => entry,
    };
    let tariff = Tariff::find(&catalogue, &model, None, entry.happened_at(), entry.tier());
    let usage = TokenUsage::new()
        .with(Bucket::Input, arguments.input)
        .with(Bucket::Output, arguments.output);
    let recorded = ledger
        .record(entry.rated(usage, tariff.as_ref()), None)
        .await?;
    anstream::println!(
        "{}",
        json!({"booking": recorded.booking, "replayed": recorded.replayed, "entry": recorded.entry})
    );
    Ok(())
}

async fn list(ledger: &Ledger, mut after: Position) -> Result<()> {
    loop {
        let page = ledger.list(Some(after), 500).await?;
        for entry in &page {
            anstream::println!("{}", json!(entry));
        }
        match page.last().and_then(Entry::position) {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

async fn recover(ledger: &Ledger) -> Result<()> {
    let done = ledger
        .recover(|intent| Resolution::Settle(Box::new(intent.unknown())))
        .await?;
    let open = ledger.open_intents().await?;
    anstream::println!("{}", json!({"recovered": done, "open": open}));
    Ok(())
}
