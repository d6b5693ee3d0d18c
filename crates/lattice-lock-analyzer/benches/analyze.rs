//! A whole analysis, with and without the cache, beside what only finds the words by the usual means.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lattice_lock_analyzer::{Analyzer, PatternSet};
use regex::{Regex, RegexSet, RegexSetBuilder};

/// Something like what people write, with code in it; repeated to any length.
const TEXT: &str = include_str!("prompt.txt");

fn text(bytes: usize) -> String {
    TEXT.chars().cycle().take(bytes).collect()
}

fn analyses(criterion: &mut Criterion) {
    let plain = Analyzer::builder().cache_size(0).build();
    let cached = Analyzer::new();
    let mut group = criterion.benchmark_group("analyze");
    for (name, bytes) in [
        ("100 B", 100),
        ("1 KiB", 1 << 10),
        ("10 KiB", 10 << 10),
        ("1 MiB", 1 << 20),
    ] {
        let text = text(bytes);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| plain.analyze(black_box(text.as_str())));
        });
    }
    let text = text(1 << 10);
    group.bench_function("1 KiB, cached", |bencher| {
        bencher.iter(|| cached.analyze(black_box(text.as_str())));
    });
    group.finish();
    criterion.bench_function("start-up", |bencher| bencher.iter(Analyzer::new));
}

/// The single words and fixed phrases of the built-in signals.
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

fn others(criterion: &mut Criterion) {
    let words = words();
    let text = text(1 << 10);
    let set: RegexSet = RegexSetBuilder::new(&words)
        .size_limit(1 << 28)
        .build()
        .expect("escaped words are expressions");
    let single: Vec<Regex> = words
        .iter()
        .take(200)
        .map(|word| Regex::new(word).expect("escaped words are expressions"))
        .collect();
    let mut group = criterion.benchmark_group("words only");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("one RegexSet, 1 KiB", |bencher| {
        bencher.iter(|| set.matches(black_box(text.as_str())));
    });
    group.bench_function("200 regexes, 1 KiB", |bencher| {
        bencher.iter(|| {
            let text = black_box(text.as_str());
            single.iter().filter(|regex| regex.is_match(text)).count()
        });
    });
    group.finish();
}

criterion_group!(benches, analyses, others);
criterion_main!(benches);
