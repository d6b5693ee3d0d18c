//! How fast text without secrets is passed on, and what hostile text costs.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use lattice_lock_errors::redact;

/// Lines as services write them, with many words that begin like a credential and are none.
const LOG: &[&str] = &[
    "2026-03-04T05:06:07.891234Z  INFO request{method=POST path=/v1/chat/completions id=018f3c2e-7b1a}: accepted",
    "2026-03-04T05:06:07.902881Z DEBUG analyzer: task=code_generation confidence=0.93 tokens=1841 cached_tokens=1024",
    "2026-03-04T05:06:07.903007Z TRACE cache lookup key=analysis:7f3a hit=true keyspace=prompts ttl=300s",
    "2026-03-04T05:06:08.114209Z  INFO selected model=anthropic/claude-sonnet-5 score=0.871 reason=\"capability and price\"",
    "2026-03-04T05:06:08.120004Z DEBUG http: connecting to https://api.example.com:443/v1/messages timeout=30s",
    "2026-03-04T05:06:09.770131Z  INFO stream finished: token count 512, time to first token 412ms, tokens per second 83",
    "2026-03-04T05:06:09.770560Z  WARN task-queue depth 118 above task-force threshold, risk-adjusted limit is 100",
    "2026-03-04T05:06:09.781002Z  INFO {\"event\":\"usage\",\"prompt_tokens\":1841,\"completion_tokens\":512,\"cost_nano_usd\":13203000}",
    "2026-03-04T05:06:09.790417Z ERROR disk-usage at 91 %, the primary key index of ledger_entries is 3.2 GiB",
    "2026-03-04T05:06:09.801733Z DEBUG sql: SELECT id, amount FROM lattice_entries WHERE operation_key = $1 AND revision = $2",
    "Der Schlüssel liegt unter der Fußmatte; 東京の天気は晴れです。 The basic plan passes every check, said the bearer.",
    "   at lattice_lock_orchestrator::conversation::turn (crates/lattice-lock-orchestrator/src/conversation/turn.rs:118)",
];

fn repeated(pieces: &[&str], separator: &str, length: usize) -> String {
    let mut text = String::with_capacity(length + 256);
    for piece in pieces.iter().cycle() {
        if text.len() >= length {
            break;
        }
        text.push_str(piece);
        text.push_str(separator);
    }
    text
}

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, text: &str) {
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function(name, |bencher| bencher.iter(|| redact(black_box(text))));
}

fn without_secrets(criterion: &mut Criterion) {
    let log = repeated(LOG, "\n", 1 << 20);
    assert_eq!(redact(&log), log, "the log has nothing to hide");
    let prose = repeated(
        &["the quick brown fox jumps over the lazy dog,"],
        " ",
        1 << 20,
    );
    let mut group = criterion.benchmark_group("without secrets");
    bench(&mut group, "log", &log);
    bench(&mut group, "prose", &prose);
    bench(&mut group, "one line", LOG[0]);
    group.finish();
}

fn with_secrets(criterion: &mut Criterion) {
    let secret = "connecting to postgres://app:hunter2@db:5432/app with password=4711";
    let text = repeated(&[LOG[0], LOG[1], secret], "\n", 1 << 20);
    let mut group = criterion.benchmark_group("with secrets");
    bench(&mut group, "every third line", &text);
    group.finish();
}

fn hostile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hostile");
    for piece in [
        "token",
        "key=",
        "://a:b",
        "sk-a-",
        "eyJ-",
        "password: ",
        "secret='",
        "-----BEGIN",
    ] {
        bench(&mut group, piece, &repeated(&[piece], "", 1 << 20));
    }
    group.finish();
}

criterion_group!(benches, without_secrets, with_secrets, hostile);
criterion_main!(benches);
