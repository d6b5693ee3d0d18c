//! Medians of short measurements: what other processes do in between falls on few of them.

use std::hint::black_box;
use std::time::Instant;

use lattice_lock::analyzer::{Analyzer, PatternSet};
use regex::{Regex, RegexSet, RegexSetBuilder};
use serde_json::{Value, json};

/// Something like what people write, with code in it; repeated to any length.
const TEXT: &str = include_str!("../../crates/lattice-lock-analyzer/benches/prompt.txt");

/// How many bytes are analysed, and how often in one measurement: the clock itself takes some ten nanoseconds.
const SIZES: [(usize, u32); 4] = [(100, 32), (1 << 10, 16), (10 << 10, 8), (1 << 20, 8)];
/// How often each measurement is repeated.
const ROUNDS: usize = 501;

/// Everything, as one JSON object; times in microseconds.
pub(crate) fn measure() -> Value {
    let plain = Analyzer::builder().cache_size(0).build();
    let cached = Analyzer::new();
    let uncached: serde_json::Map<String, Value> = SIZES
        .into_iter()
        .map(|(bytes, group)| {
            let text = text(bytes);
            let time = micros(group, || drop(black_box(plain.analyze(black_box(&text)))));
            (bytes.to_string(), json!(rounded(time)))
        })
        .collect();
    let text = text(1 << 10);
    let hit = micros(64, || drop(black_box(cached.analyze(black_box(&text)))));
    let whole = micros(16, || drop(black_box(plain.analyze(black_box(&text)))));
    json!({
        "unit": "microseconds",
        "uncached": uncached,
        "cached_1024": rounded(hit),
        "start_up": rounded(start_up()),
        "words_only_1024": others(&text, whole),
    })
}

fn text(bytes: usize) -> String {
    TEXT.chars().cycle().take(bytes).collect()
}

/// The median time of one call, measured in groups of `group` calls.
fn micros(group: u32, call: impl Fn()) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        for _ in 0..group {
            call();
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(group)
    });
    median(times.collect())
}

fn start_up() -> f64 {
    let times = (0..21).map(|_| {
        let start = Instant::now();
        drop(black_box(Analyzer::new()));
        start.elapsed().as_secs_f64() * 1e6
    });
    median(times.collect())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// Only finding the words, without scoring, by the usual means, and how many times as long as `whole` it takes.
fn others(text: &str, whole: f64) -> Value {
    let words = words();
    let set = RegexSetBuilder::new(&words).size_limit(1 << 28).build();
    let single: Vec<Regex> = words
        .iter()
        .take(200)
        .filter_map(|word| Regex::new(word).ok())
        .collect();
    let by_set = set
        .ok()
        .map(|set: RegexSet| micros(4, || drop(black_box(set.matches(black_box(text))))));
    let one_by_one = micros(1, || {
        black_box(
            single
                .iter()
                .filter(|regex| regex.is_match(black_box(text)))
                .count(),
        );
    });
    json!({
        "regex_set_words": words.len(),
        "regex_set": by_set.map(rounded),
        "regex_set_ratio": by_set.map(|time| rounded(time / whole)),
        "regexes": single.len(),
        "separate_regexes": rounded(one_by_one),
        "separate_regexes_ratio": rounded(one_by_one / whole),
    })
}

fn words() -> Vec<String> {
    let set = PatternSet::builtin();
    let plain = set
        .patterns()
        .filter(|pattern| pattern.is_ascii() && !pattern.contains(['{', '.']));
    plain
        .map(|pattern| {
            let word = regex::escape(pattern.trim_end_matches(['~', '^']));
            format!(r"(?i-u)\b{word}\b")
        })
        .collect()
}
