//! The analyzer's learned layer is trained from labelled prompts and measured by cross-validation.
//!
//! The same data, patterns and settings give the same bytes on every machine. Each line of a data file is a JSON
//! object with `prompt`, `expected_primary` and `source`; what comes before the first slash of the source is the
//! family that is left out as a whole.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use lattice_lock::Result;
use lattice_lock::analyzer::training::{
    Figures, Folds, Report, Sample, Settings, cross_validate, train, train_with_figures,
};
use lattice_lock::analyzer::{Model, PatternSet};
use lattice_lock_examples::{asked, failed, misused};
use serde_json::Value;

const USAGE: &str = "\
Usage: cargo run --release --example train_analyzer -- --data FILE… [--out FILE] [OPTIONS]

  --data FILE    labelled prompts, one JSON object per line; may be given several times
  --out FILE     write the model here
  --seed N       the seed; 1 by default
  --epochs N     how often every prompt is looked at
  --quick        skip cross-validation; the model has no figures
  --json         print the figures as JSON
  --expect HEX   fail unless the model has this fingerprint";

#[derive(Default)]
struct Arguments {
    data: Vec<PathBuf>,
    out: Option<PathBuf>,
    settings: Settings,
    quick: bool,
    json: bool,
    expect: Option<String>,
}

fn main() -> ExitCode {
    let arguments = match asked(parse(std::env::args().skip(1)), USAGE) {
        Ok(arguments) => arguments,
        Err(ended) => return ended,
    };
    let samples = match read(&arguments.data) {
        Ok(samples) => samples,
        Err(fault) => return misused(&fault, USAGE),
    };
    match run(&arguments, &samples) {
        Ok(model) => finish(&arguments, &model),
        Err(error) => failed(&error),
    }
}

/// What was asked for; nothing if it was help.
fn parse(
    mut arguments: impl Iterator<Item = String>,
) -> std::result::Result<Option<Arguments>, String> {
    let mut parsed = Arguments::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--data" => parsed.data.push(value()?.into()),
            "--out" => parsed.out = Some(value()?.into()),
            "--seed" => parsed.settings = parsed.settings.seed(number(&value()?)?),
            "--epochs" => parsed.settings = parsed.settings.epochs(number(&value()?)?),
            "--expect" => parsed.expect = Some(value()?),
            "--quick" => parsed.quick = true,
            "--json" => parsed.json = true,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    if parsed.data.is_empty() {
        return Err("--data is missing".to_owned());
    }
    Ok(Some(parsed))
}

fn number<T: std::str::FromStr>(text: &str) -> std::result::Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn read(files: &[PathBuf]) -> std::result::Result<Vec<Sample>, String> {
    let mut samples = Vec::new();
    for file in files {
        let text =
            fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        for (at, line) in text.lines().enumerate() {
            let sample = sample(line)
                .ok_or_else(|| format!("{}: line {} is no sample", file.display(), at + 1))?;
            samples.push(sample);
        }
    }
    Ok(samples)
}

fn sample(line: &str) -> Option<Sample> {
    let object: Value = serde_json::from_str(line).ok()?;
    let task = object["expected_primary"].as_str()?.parse().ok()?;
    let family = object["source"].as_str()?.split('/').next()?;
    Some(Sample::new(object["prompt"].as_str()?, task, family))
}

fn run(arguments: &Arguments, samples: &[Sample]) -> Result<Model> {
    let patterns = PatternSet::builtin();
    if arguments.quick {
        return train(samples, &patterns, &arguments.settings);
    }
    let plain = cross_validate(samples, &patterns, &arguments.settings, Folds::Plain(5))?;
    show(arguments, "plain five-fold", &plain);
    let families = cross_validate(samples, &patterns, &arguments.settings, Folds::Families)?;
    show(arguments, "leave one family out", &families);
    let figures = Figures {
        plain: &plain,
        families: &families,
    };
    train_with_figures(samples, &patterns, &arguments.settings, &figures)
}

fn show(arguments: &Arguments, name: &str, report: &Report) {
    if arguments.json {
        anstream::println!("{}", serde_json::json!({ "folds": name, "report": report }));
    } else {
        anstream::println!("{name}: {report}");
    }
}

fn finish(arguments: &Arguments, model: &Model) -> ExitCode {
    let fingerprint = format!("{:016x}", model.fingerprint());
    anstream::println!(
        "{} bytes, fingerprint {fingerprint}",
        model.as_bytes().len()
    );
    if let Some(out) = &arguments.out
        && let Err(error) = fs::write(out, model.as_bytes())
    {
        return misused(&format!("{}: {error}", out.display()), USAGE);
    }
    match &arguments.expect {
        Some(expected) if *expected != fingerprint => {
            anstream::eprintln!("expected {expected}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
