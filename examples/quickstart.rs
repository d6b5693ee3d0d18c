//! A prompt is analyzed, routed, answered, priced and booked in a database, and the ledger is read back.
//!
//! Without keys and network it talks to a scripted provider on loopback; with `OPENAI_API_KEY`,
//! `ANTHROPIC_API_KEY`, `XAI_API_KEY` or `OLLAMA_HOST` set it uses that provider, and says so.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lattice_lock::billing::{Cost, LedgerTotal};
use lattice_lock::providers::{Bucket, ModelRef, PriceList, Provider};
use lattice_lock::{AppConfig, ChatOutcome, Database, LatticeLock, Principal, Providers, Result};
use lattice_lock_examples::{asked, failed, heading, note, proved, row, unusable};
use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
use serde_json::{Map, Value, json};

const USAGE: &str = "\
Usage: cargo run --example quickstart -- [--json] [--prompt-file FILE | PROMPT…]

  --json              print one JSON object
  --prompt-file FILE  read the prompt from a file
  PROMPT…             the prompt; one of our own by default";

const DEFAULT_PROMPT: &str =
    "Explain step by step why the sum of two odd numbers is always even, then prove it.";

/// How many candidates are shown.
const SHOWN: usize = 5;

#[derive(Default)]
struct Arguments {
    json: bool,
    prompt: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match asked(parse(std::env::args().skip(1)), USAGE) {
        Ok(arguments) => arguments,
        Err(ended) => return ended,
    };
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// What was asked for; nothing if it was help.
fn parse(
    mut arguments: impl Iterator<Item = String>,
) -> std::result::Result<Option<Arguments>, String> {
    let mut parsed = Arguments::default();
    let mut words = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => parsed.json = true,
            "--help" | "-h" => return Ok(None),
            "--prompt-file" => {
                let file = arguments.next().ok_or("--prompt-file needs a file")?;
                parsed.prompt = Some(read(&PathBuf::from(file))?);
            }
            "--" => words.extend(arguments.by_ref()),
            option if option.starts_with("--") => return Err(format!("unknown option {option}")),
            _ => words.push(argument),
        }
    }
    if !words.is_empty() {
        if parsed.prompt.is_some() {
            return Err("give either a prompt or --prompt-file".into());
        }
        parsed.prompt = Some(words.join(" "));
    }
    Ok(Some(parsed))
}

fn read(file: &std::path::Path) -> std::result::Result<String, String> {
    std::fs::read_to_string(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))
}

async fn run(arguments: Arguments) -> Result<()> {
    // First of all: an insecure production is refused before anything opens.
    let config = AppConfig::from_env()?;
    let prompt = arguments.prompt.unwrap_or_else(|| DEFAULT_PROMPT.into());
    let (providers, scripted) = providers(&config, &prompt).await?;
    let folder = tempfile::tempdir().map_err(|error| unusable("no temporary folder", &error))?;
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let database = Database::open(&url).await?;

    let origin = origin(&providers, scripted.as_ref());
    let llm = LatticeLock::builder()
        .config(config)
        .database(database.clone())
        .providers(providers)
        .migrate()
        .build()
        .await?;
    let who = Principal::external("user-17")?.team("quickstart");
    let mut chat = llm.chat(prompt.as_str()).by(&who);
    if let Some(model) = local_model(&llm).await? {
        chat = chat.model(&model);
    }
    let outcome = chat.send().await?;
    let total = llm.ledger().total().await?;
    if arguments.json {
        anstream::println!("{}", object(&llm, &outcome, &total));
    } else {
        print(&llm, &origin, &prompt, &outcome, &total);
    }
    llm.shutdown(Duration::from_secs(5)).await;
    database.dispose().await;
    if let Some(server) = scripted {
        server.stop().await;
    }
    Ok(())
}

/// The configured providers, or the scripted one, which speaks for two of them.
async fn providers(
    config: &AppConfig,
    prompt: &str,
) -> Result<(Providers, Option<ScriptedServer>)> {
    let configured = Providers::from_config(config)?;
    if configured.iter().next().is_some() {
        return Ok((configured, None));
    }
    let server = ScriptedServer::start()
        .await
        .map_err(|error| unusable("no scripted provider", &error))?;
    server.script(Exchange::derived().usage(scripted_usage(prompt)));
    let url = format!("{}/v1", server.url());
    let scripted = |provider: Provider| provider.api_key("scripted".to_string()).at(&url);
    let both = Providers::new()
        .with(scripted(Provider::openai())?)
        .with(scripted(Provider::anthropic())?);
    Ok((both, Some(server)))
}

/// What the scripted provider says it used: the prompt after a long preamble that it had in its cache, and a reply
/// that it thought about.
fn scripted_usage(prompt: &str) -> Usage {
    let tokens = u32::try_from(prompt.len() / 4).unwrap_or(u32::MAX / 2);
    Usage::new()
        .input(tokens + 8)
        .cache_read(1024)
        .output(22)
        .reasoning(64)
}

fn origin(providers: &Providers, scripted: Option<&ScriptedServer>) -> String {
    let names: Vec<_> = providers
        .iter()
        .map(|provider| provider.id().as_str())
        .collect();
    let mut origin = match scripted {
        Some(server) => format!("a scripted provider at {} (no keys are set)", server.url()),
        None => format!("{}, as the environment says", names.join(", ")),
    };
    for name in providers.unserved() {
        origin.push('\n');
        origin.push_str(name);
        origin.push_str(" is configured and cannot be called by this version yet");
    }
    origin
}

/// A local server's models are in no catalogue: where nobody else is configured, its first one is named.
async fn local_model(llm: &LatticeLock) -> Result<Option<String>> {
    let mut providers = llm.registry().providers();
    let (Some(only), None) = (providers.next(), providers.next()) else {
        return Ok(None);
    };
    if only.id() != Provider::local().id() {
        return Ok(None);
    }
    let models = llm.orchestrator().client(only.id())?.models().await?;
    Ok(models.first().map(|model| format!("{}/{model}", only.id())))
}

fn print(
    llm: &LatticeLock,
    origin: &str,
    prompt: &str,
    outcome: &ChatOutcome,
    total: &LedgerTotal,
) {
    row("provider", origin);
    row("prompt", shortened(prompt));
    print_analysis(outcome);
    print_candidates(outcome);
    heading("Answer");
    row(
        "served by",
        format_args!("{} as {}", outcome.model(), outcome.served_model()),
    );
    row("text", outcome.text());
    print_cost(llm, outcome);
    heading("Ledger");
    for entry in outcome.entries() {
        row(
            "entry",
            format_args!(
                "{}  {}  {}",
                entry.id(),
                entry.outcome().as_str(),
                entry.cost()
            ),
        );
    }
    row(
        "booking",
        format_args!("{:?}", outcome.booking())
            .to_string()
            .to_lowercase(),
    );
    row(
        "total",
        format_args!(
            "{:#} in {} of {}",
            total.total_usd,
            plural(total.entries, "entry", "entries"),
            llm.database().engine().as_str()
        ),
    );
    proved("the entries read back add up to what the replies said");
}

fn print_analysis(outcome: &ChatOutcome) {
    let analysis = outcome.analysis();
    let needs: Vec<_> = analysis
        .needs()
        .iter()
        .map(lattice_lock::analyzer::Need::as_str)
        .collect();
    heading("Analysis");
    row(
        "task",
        format_args!(
            "{} ({:.0} % sure)",
            analysis.primary().as_str(),
            analysis.confidence() * 100.0
        ),
    );
    row("complexity", analysis.complexity().as_str());
    row(
        "needs",
        if needs.is_empty() {
            "text".into()
        } else {
            needs.join(", ")
        },
    );
    row(
        "prompt tokens",
        format_args!(
            "about {}, at most {}",
            analysis.tokens().expected(),
            analysis.tokens().upper()
        ),
    );
}

fn print_candidates(outcome: &ChatOutcome) {
    let selection = outcome.selection();
    heading("Candidates");
    for (at, candidate) in selection.candidates.iter().take(SHOWN).enumerate() {
        let reasons: Vec<_> = candidate.reasons.iter().map(ToString::to_string).collect();
        row(
            &format!("{}.", at + 1),
            format_args!("{:28} {}", candidate.model.to_string(), reasons.join(", ")),
        );
    }
    let more = selection.candidates.len().saturating_sub(SHOWN);
    if more > 0 {
        note(format_args!(
            "and {} that may answer as well",
            plural(more as u64, "model", "models")
        ));
    }
    for (model, why) in selection.rejected.iter().take(SHOWN) {
        note(format_args!("not {model}: {why}"));
    }
}

fn print_cost(llm: &LatticeLock, outcome: &ChatOutcome) {
    heading("Usage and cost");
    let prices = prices(llm, outcome);
    for bucket in Bucket::ALL {
        // What was reported as nothing would only be noise here; `--json` has it.
        let Some(count) = outcome.total().count(bucket).filter(|count| *count > 0) else {
            continue;
        };
        let price = prices.as_ref().and_then(|prices| prices.price(bucket));
        let price = price.map_or("no price".into(), |price| {
            format!("× ${}", price.per_unit())
        });
        row(bucket.as_str(), format_args!("{count:>8} {price}"));
    }
    row(
        "cost",
        match outcome.cost() {
            Cost::Priced { amount, version } => format!("{amount:#} by prices {version}"),
            unpriced => unpriced.to_string(),
        },
    );
}

/// The prices in force today of the model that answered.
fn prices(llm: &LatticeLock, outcome: &ChatOutcome) -> Option<PriceList> {
    let served = ModelRef::new(
        outcome.model().provider().clone(),
        outcome.served_model().clone(),
    );
    let registry = llm.registry();
    let model = registry
        .model(&served)
        .or_else(|| registry.model(outcome.model()))?;
    model.prices().today().map(|(_, list)| list.clone())
}

fn object(llm: &LatticeLock, outcome: &ChatOutcome, total: &LedgerTotal) -> Value {
    let prices = prices(llm, outcome);
    let (mut usage, mut per_unit) = (Map::new(), Map::new());
    for bucket in Bucket::ALL {
        let Some(count) = outcome.total().count(bucket) else {
            continue;
        };
        usage.insert(bucket.as_str().into(), count.into());
        if let Some(price) = prices.as_ref().and_then(|prices| prices.price(bucket)) {
            per_unit.insert(bucket.as_str().into(), price.per_unit().to_string().into());
        }
    }
    json!({
        "provider": outcome.model().provider(),
        "model": outcome.model().name(),
        "task": outcome.analysis().primary().as_str(),
        "usage": usage,
        "price_usd": per_unit,
        "cost_usd": outcome.cost().amount(),
        "ledger": {"entries": total.entries, "total_usd": total.total_usd},
    })
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn shortened(prompt: &str) -> String {
    const LONGEST: usize = 200;
    match prompt.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &prompt[..end], prompt.len()),
        None => prompt.into(),
    }
}
