//! Medians of short measurements: what other processes do in between falls on few of them.

use std::hint::black_box;
use std::time::Instant;

use lattice_lock::analyzer::{Analyzer, PatternSet};
use regex::{Regex, RegexSet};
use serde_json::{Value, json};

/// Something like what people write, with code in it; repeated to any length.
const TEXT: &str = "\
Hello, we have a small service in Rust that reads orders from a queue and writes them to a table. Since last week
some of them arrive twice, but only on Mondays. Could you look at the function below and tell me what is wrong?
Please don't rewrite everything, and keep the public names as they are.

fn take(queue: &mut Queue, table: &Table) -> Result<usize> {
    let mut count = 0;
    while let Some(order) = queue.next()? {
        table.insert(&order)?;
        count += 1;
    }
    Ok(count)
}

A short explanation for my colleagues would be nice too, with an example and a test that fails before the change.
";

/// How often each measurement is repeated.
const ROUNDS: usize = 2000;

/// Everything, as one JSON object; times in microseconds.
pub(crate) fn measure() -> Value {
    let plain = Analyzer::builder().cache_size(0).build();
    let cached = Analyzer::new();
    let of = |bytes: usize| micros(1, &text(bytes), |text| drop(black_box(plain.analyze(text))));
    json!({
        "unit": "microseconds",
        "uncached": { "100": of(100), "1024": of(1024), "10240": of(10 << 10), "1048576": of(1 << 20) },
        "cached_1024": micros(64, &text(1024), |text| drop(black_box(cached.analyze(text)))),
        "start_up": start_up(),
        "same_words_1024": others(),
    })
}

fn text(bytes: usize) -> String {
    TEXT.chars().cycle().take(bytes).collect()
}

/// The median time of one call, measured in groups of `group` calls.
fn micros(group: u32, text: &str, call: impl Fn(&str)) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..group {
                call(black_box(text));
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(group)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2] * 1000.0).round() / 1000.0
}

fn start_up() -> f64 {
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let start = Instant::now();
            drop(black_box(Analyzer::new()));
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2].round()
}

/// Only finding the words, without scoring, by the usual means.
fn others() -> Value {
    let words: Vec<String> = PatternSet::builtin()
        .patterns()
        .filter(|pattern| pattern.is_ascii() && !pattern.contains(['{', '.']))
        .map(|pattern| {
            format!(
                r"(?i-u)\b{}\b",
                regex::escape(pattern.trim_end_matches(['~', '^']))
            )
        })
        .collect();
    let text = text(1024);
    let set = RegexSet::new(&words).ok();
    let single: Vec<Regex> = words
        .iter()
        .take(200)
        .filter_map(|word| Regex::new(word).ok())
        .collect();
    json!({
        "regex_set_words": words.len(),
        "regex_set": set.map(|set| micros(1, &text, |text| drop(black_box(set.matches(text))))),
        "regexes": single.len(),
        "separate_regexes": micros(1, &text, |text| {
            black_box(single.iter().filter(|regex| regex.is_match(text)).count());
        }),
    })
}
