//! A prompt is analysed: what it asks for, what it needs, how complex it is, and why the analyzer thinks so.

use std::fs;
use std::io::{BufRead, stdin};
use std::process::ExitCode;

use lattice_lock::Result;
use lattice_lock::analyzer::{Analyzer, PatternSet, TaskAnalysis};
use lattice_lock_examples::{asked, failed, heading, misused, row};
use serde_json::Value;

#[path = "analyze/bench.rs"]
mod bench;

const USAGE: &str = "\
Usage: cargo run --release --example analyze -- [--jsonl | --explain | --bench] [--patterns FILE] [TEXT…]

  --jsonl          read prompts from standard input, one per line (text, or an object with `prompt`),
                   and print one JSON object per line; with TEXT, print one for it
  --explain        print which signals spoke, and with which weight
  --bench          measure the analyzer and print the medians as JSON
  --patterns FILE  extend the signals from a pattern file
  TEXT             the prompt; one of our own by default";

const DEFAULT_PROMPT: &str =
    "Why does this loop never end? Please fix it, and write a test that proves it.";

#[derive(Clone, Copy, Default, PartialEq)]
enum Mode {
    #[default]
    Table,
    Jsonl,
    Explain,
    Bench,
}

#[derive(Default)]
struct Arguments {
    mode: Mode,
    patterns: Option<String>,
    text: Option<String>,
}

fn main() -> ExitCode {
    let arguments = match asked(parse(std::env::args().skip(1)), USAGE) {
        Ok(arguments) => arguments,
        Err(ended) => return ended,
    };
    match analyzer(arguments.patterns.as_deref()) {
        Ok(analyzer) => run(&arguments, &analyzer),
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
            "--jsonl" => parsed.mode = Mode::Jsonl,
            "--explain" => parsed.mode = Mode::Explain,
            "--bench" => parsed.mode = Mode::Bench,
            "--patterns" => {
                let file = arguments.next().ok_or("--patterns needs a file")?;
                let text = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
                parsed.patterns = Some(text);
            }
            "--help" | "-h" => return Ok(None),
            option if option.starts_with("--") => return Err(format!("unknown option {option}")),
            _ => words.push(argument),
        }
    }
    parsed.text = (!words.is_empty()).then(|| words.join(" "));
    Ok(Some(parsed))
}

fn analyzer(patterns: Option<&str>) -> Result<Analyzer> {
    let mut set = PatternSet::builtin();
    if let Some(text) = patterns {
        set = set.extended(text)?;
    }
    Ok(Analyzer::builder().patterns(set).build())
}

fn run(arguments: &Arguments, analyzer: &Analyzer) -> ExitCode {
    let text = arguments.text.as_deref();
    match (arguments.mode, text) {
        (Mode::Bench, _) => anstream::println!("{}", bench::measure()),
        (Mode::Jsonl, None) => return lines(analyzer),
        (Mode::Jsonl, Some(text)) => anstream::println!("{}", json(&analyzer.analyze(text))),
        (Mode::Explain, _) => {
            anstream::println!(
                "{}",
                analyzer.analyze(text.unwrap_or(DEFAULT_PROMPT)).explain()
            );
        }
        (Mode::Table, _) => table(text.unwrap_or(DEFAULT_PROMPT), analyzer),
    }
    ExitCode::SUCCESS
}

fn lines(analyzer: &Analyzer) -> ExitCode {
    for line in stdin().lock().lines() {
        match line {
            Ok(line) => anstream::println!("{}", json(&analyzer.analyze(&prompt(line)))),
            Err(error) => return misused(&format!("standard input: {error}"), USAGE),
        }
    }
    ExitCode::SUCCESS
}

/// The prompt that a line holds: the `prompt` of an object, or the line itself.
fn prompt(line: String) -> String {
    let object = serde_json::from_str::<Value>(&line).ok();
    let prompt = object
        .as_ref()
        .and_then(|object| object.get("prompt"))
        .and_then(Value::as_str);
    prompt.map(str::to_owned).unwrap_or(line)
}

fn json(analysis: &TaskAnalysis) -> String {
    serde_json::to_string(analysis).unwrap_or_else(|error| error.to_string())
}

fn table(text: &str, analyzer: &Analyzer) {
    let analysis = analyzer.analyze(text);
    heading("Analysis");
    row("prompt", text.chars().take(200).collect::<String>());
    row(
        "task",
        format!(
            "{} ({:.0} %)",
            analysis.primary(),
            analysis.confidence() * 100.0
        ),
    );
    let also: Vec<&str> = analysis
        .secondary()
        .iter()
        .map(|task| task.as_str())
        .collect();
    row("also", also.join(", "));
    row("needs", analysis.needs());
    row("priority", analysis.priority());
    row(
        "complexity",
        format!(
            "{} ({})",
            analysis.complexity(),
            analysis.complexity_reasons()
        ),
    );
    let tokens = analysis.tokens();
    row(
        "tokens",
        format!("{} expected, at most {}", tokens.expected(), tokens.upper()),
    );
    row("context window", analysis.min_context_window());
    row("language", analysis.features().language());
    row("structure", analysis.features().marks());
    heading("Scores");
    for (task, score) in analysis.scores().iter() {
        row(task.as_str(), format!("{score:.3}"));
    }
    heading("Why");
    for spoken in analysis.explain().spoken() {
        let votes: Vec<String> = spoken
            .votes
            .iter()
            .map(|(task, points)| format!("{task} {points:+.1}"))
            .collect();
        row(spoken.signal, votes.join(", "));
    }
}
