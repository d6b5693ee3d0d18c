//! The token estimate beside a real tokenizer.

#![expect(
    clippy::unwrap_used,
    reason = "a vocabulary that is part of a crate can be read"
)]

use lattice_lock_analyzer::{Analyzer, TokenEstimate};
use tiktoken_rs::{CoreBPE, cl100k_base, o200k_base};

const CHINESE: &str = include_str!("chinese.txt");
const ARABIC: &str = include_str!("arabic.txt");
const PROMPTS: &str = include_str!("../../data/prompts.jsonl");
const CODE: [&str; 6] = [
    include_str!("../../src/scan/lexer.rs"),
    include_str!("../../src/scan/line.rs"),
    include_str!("../../src/patterns/compile.rs"),
    include_str!("../../src/cache.rs"),
    include_str!("../../src/training/descent.rs"),
    include_str!("../../src/conclude.rs"),
];

/// The largest median error, as a share of the real number.
const MEDIAN: f64 = 0.10;

/// Passages of three lines, each beginning with the next line.
fn passages(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(3).map(|lines| lines.join("\n")).collect()
}

fn english() -> Vec<String> {
    let prompts = PROMPTS.lines().filter_map(|line| {
        let object: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(object["prompt"].as_str()?.to_owned())
    });
    let prompts: Vec<String> = prompts.filter(|prompt| prompt.is_ascii()).collect();
    // Single prompts are short; a few of them together are as long as a usual one.
    prompts.chunks(4).map(|chunk| chunk.join("\n\n")).collect()
}

fn code() -> Vec<String> {
    let all: Vec<&str> = CODE.iter().flat_map(|file| file.lines()).collect();
    all.chunks(20).map(|chunk| chunk.join("\n")).collect()
}

fn check(name: &str, texts: &[String]) {
    let (current, older) = (o200k_base().unwrap(), cl100k_base().unwrap());
    let analyzer = Analyzer::builder().cache_size(0).build();
    let mut errors = Vec::new();
    let mut exceeded = 0;
    for text in texts {
        let estimate = analyzer.analyze(text).tokens();
        errors.push(error(&estimate, count(&current, text)));
        let most = count(&current, text).max(count(&older, text));
        exceeded += usize::from(most > estimate.upper());
    }
    errors.sort_by(f64::total_cmp);
    let median = errors[errors.len() / 2];
    assert!(texts.len() >= 13, "{name}");
    assert!(median <= MEDIAN, "{name}: {median}");
    assert!(exceeded * 50 <= texts.len(), "{name}: {exceeded} above");
}

fn count(tokenizer: &CoreBPE, text: &str) -> u64 {
    tokenizer.encode_ordinary(text).len() as u64
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn error(estimate: &TokenEstimate, real: u64) -> f64 {
    (estimate.expected() as f64 / real as f64 - 1.0).abs()
}

#[test]
fn english_is_within_a_tenth() {
    check("English", &english());
}

#[test]
fn code_is_within_a_tenth() {
    check("code", &code());
}

#[test]
fn chinese_is_within_a_tenth() {
    check("Chinese", &passages(CHINESE));
}

#[test]
fn arabic_is_within_a_tenth() {
    check("Arabic", &passages(ARABIC));
}

#[test]
fn long_texts_of_which_a_part_is_read_are_within_a_fifth() {
    let tokenizer = o200k_base().unwrap();
    let analyzer = Analyzer::builder().cache_size(0).build();
    for text in [
        english().join("\n\n"),
        code().join("\n"),
        CHINESE.repeat(20),
        ARABIC.repeat(20),
    ] {
        let estimate = analyzer.analyze(&text).tokens();
        let real = count(&tokenizer, &text);
        assert!(error(&estimate, real) <= 0.2, "{real}: {estimate:?}");
        assert!(estimate.upper() >= real, "{real}: {estimate:?}");
    }
}

#[test]
fn what_no_one_writes_stays_below_the_upper_estimate() {
    let tokenizer = o200k_base().unwrap();
    let analyzer = Analyzer::builder().cache_size(0).build();
    let base64 = "QmFzZTY0IGlzIG5vIHByb3NlIGFuZCB0b2tlbml6ZXJzIGhhdGUgaXQ".repeat(6);
    let digits = "31415926535897932384626433832795028841971".repeat(6);
    for text in [
        &*base64,
        &*digits,
        &"?!".repeat(200),
        &"🙂🦀".repeat(100),
        &" ".repeat(600),
        &"\n".repeat(300),
    ] {
        let upper = analyzer.analyze(text).tokens().upper();
        assert!(upper >= count(&tokenizer, text), "{text:.40}: {upper}");
    }
}
