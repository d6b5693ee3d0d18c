//! Every wire against every fault, whole and piece by piece: a typed error or a right reply in time, and the key
//! nowhere.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lattice_lock_clients::{ChatReply, ChatRequest, HttpClients};
use lattice_lock_errors::Result;
use lattice_lock_providers::{FailureClass, Provider};
use lattice_lock_testkit::{Exchange, Usage};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{KEY, Pair, assert_hidden, class, clients, model, printed, wires};

/// What a cell comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// The text and the usage are right.
    Right,
    /// The text is right, and the usage is absent or a finding stands beside it.
    WithoutUsage,
    Failed(FailureClass),
}

use Cell::{Failed, Right, WithoutUsage};

/// One fault: what is played, and what it comes to whole and in pieces.
struct Fault {
    name: &'static str,
    exchange: fn() -> Exchange,
    whole: &'static [Cell],
    pieces: &'static [Cell],
    is_silent: bool,
}

const TEXT: &str = "Faust was written by Goethe, over sixty years.";

fn usage() -> Usage {
    Usage::new().input(80).cache_read(20).output(30)
}

fn reply() -> Exchange {
    Exchange::reply(TEXT).usage(usage())
}

/// A usage in which each wire finds its own fields.
fn reported(count: &Value) -> Value {
    json!({
        "prompt_tokens": count, "completion_tokens": count, "input_tokens": count, "output_tokens": count,
        "promptTokenCount": count, "candidatesTokenCount": count, "prompt_eval_count": count,
        "eval_count": count, "inputTokens": count, "outputTokens": count,
    })
}

const fn fault(
    name: &'static str,
    exchange: fn() -> Exchange,
    whole: &'static [Cell],
    pieces: &'static [Cell],
) -> Fault {
    Fault {
        name,
        exchange,
        whole,
        pieces,
        is_silent: false,
    }
}

const fn same(name: &'static str, exchange: fn() -> Exchange, cells: &'static [Cell]) -> Fault {
    fault(name, exchange, cells, cells)
}

const CUT: Cell = Failed(FailureClass::CutStream);
const MALFORMED: Cell = Failed(FailureClass::MalformedReply);
const LATE: Cell = Failed(FailureClass::Timeout);
const BAD: Cell = Failed(FailureClass::BadRequest);
const SERVER: Cell = Failed(FailureClass::ServerError);
const BUSY: Cell = Failed(FailureClass::Overloaded);
const LIMITED: Cell = Failed(FailureClass::RateLimited);

/// Where the first of several comes from depends on where in the reply the fault strikes.
const FAULTS: [Fault; 41] = [
    same("none", reply, &[Right]),
    same(
        "delay",
        || reply().delay(Duration::from_millis(20)),
        &[Right],
    ),
    same(
        "slow drip",
        || reply().drip(97, Duration::from_millis(1)),
        &[Right],
    ),
    same("byte by byte", || reply().drip(1, Duration::ZERO), &[Right]),
    same("reset before the work", Exchange::reset, &[CUT]),
    same("reset after the work", || reply().then_reset(), &[CUT]),
    same("reset at byte 1", || reply().reset_at(1), &[CUT]),
    same("reset at byte 150", || reply().reset_at(150), &[CUT]),
    same("end at byte 0", || reply().truncate_at(0), &[CUT]),
    same("end at byte 150", || reply().truncate_at(150), &[CUT]),
    same("end in the middle", || reply().then_truncate(), &[CUT]),
    same("truncated JSON", || reply().cut_json(), &[CUT]),
    same(
        "invalid UTF-8",
        || reply().invalid_utf8(),
        &[MALFORMED, CUT],
    ),
    same(
        "a line of 1 GiB",
        || reply().long_line(1 << 30),
        &[MALFORMED],
    ),
    same(
        "wrong content type",
        || reply().header("content-type", "text/html"),
        &[Right],
    ),
    same(
        "a page",
        || Exchange::raw(200, "text/html", "<html>\n<p>Sign in</p>\n\n</html>"),
        &[MALFORMED],
    ),
    same(
        "empty body",
        || Exchange::raw(200, "application/json", ""),
        &[MALFORMED, CUT],
    ),
    same(
        "empty stream",
        || Exchange::raw(200, "text/event-stream", ""),
        &[MALFORMED, CUT],
    ),
    same(
        "null",
        || Exchange::raw(200, "application/json", "null"),
        &[MALFORMED],
    ),
    same(
        "an empty object",
        || Exchange::raw(200, "application/json", "{}"),
        &[MALFORMED, CUT],
    ),
    same(
        "another's object",
        || Exchange::raw(200, "application/json", r#"{"detail":"Not authenticated"}"#),
        &[MALFORMED, CUT],
    ),
    same(
        "redirect",
        || Exchange::raw(307, "text/plain", "").header("location", "http://127.0.0.1:1/"),
        &[MALFORMED],
    ),
    same("400", || Exchange::error(400), &[BAD]),
    same(
        "401",
        || Exchange::error(401),
        &[Failed(FailureClass::InvalidKey)],
    ),
    same(
        "403",
        || Exchange::error(403),
        &[Failed(FailureClass::Forbidden)],
    ),
    same(
        "404",
        || Exchange::error(404),
        &[Failed(FailureClass::ModelNotFound)],
    ),
    // Gemini's own word for it is INVALID_ARGUMENT.
    same(
        "413",
        || Exchange::error(413),
        &[Failed(FailureClass::ContextTooLong), BAD],
    ),
    same(
        "429, seconds",
        || Exchange::error(429).retry_after(20),
        &[LIMITED],
    ),
    same(
        "429, a date",
        || {
            Exchange::error(429)
                .header("date", "Sun, 22 Nov 2026 12:00:00 GMT")
                .header("retry-after", "Sun, 22 Nov 2026 12:00:20 GMT")
        },
        &[LIMITED],
    ),
    same("500", || Exchange::error(500), &[SERVER]),
    // Anthropic's own word for it is `api_error`.
    same("503", || Exchange::error(503), &[BUSY, SERVER]),
    same("529", || Exchange::error(529), &[BUSY, SERVER]),
    same(
        "400 that quotes the key",
        || Exchange::error(400).message(KEY),
        &[BAD],
    ),
    same("usage missing", || reply().without_usage(), &[WithoutUsage]),
    same(
        "usage null",
        || reply().reporting(Value::Null),
        &[WithoutUsage],
    ),
    same("usage early", || reply().usage_early(), &[Right]),
    same("usage twice", || reply().usage_twice(), &[Right]),
    same(
        "usage corrected",
        || reply().usage_corrected(Usage::new().input(900).output(900)),
        &[Right],
    ),
    same(
        "usage negative",
        || reply().reporting(reported(&json!(-5))),
        &[WithoutUsage],
    ),
    same(
        "usage huge",
        || reply().reporting(reported(&json!(u64::MAX))),
        &[WithoutUsage],
    ),
    same(
        "usage no number",
        || reply().reporting(reported(&json!("many"))),
        &[WithoutUsage],
    ),
];

const SILENT: [Fault; 2] = [
    Fault {
        is_silent: true,
        ..same("silence from the start", || reply().stall_at(0), &[LATE])
    },
    Fault {
        is_silent: true,
        ..same("silence in the middle", || reply().stall_at(200), &[LATE])
    },
];

/// Longer than any cell takes on a busy machine.
const DEADLINE: Duration = Duration::from_mins(1);

fn judged(outcome: &Result<ChatReply>, name: &str) -> Cell {
    match outcome {
        Err(error) => {
            assert_hidden(&printed(error));
            if name.starts_with("429") {
                let wait = Some(Duration::from_secs(20));
                assert_eq!(error.retry_after(), wait, "{name}");
            }
            Failed(class(error))
        }
        Ok(reply) => {
            assert_hidden(&format!("{reply:?}"));
            assert_eq!(reply.text(), TEXT, "{name}");
            let tokens = reply.usage().tokens();
            match (tokens, reply.usage_finding()) {
                (Some(130), None) => Right,
                (None, _) => WithoutUsage,
                (tokens, finding) => panic!("{name}: {tokens:?}, {finding:?}"),
            }
        }
    }
}

async fn cell(
    fault: &'static Fault,
    provider: Provider,
    base: &'static str,
    streams: bool,
    clients: HttpClients,
) -> Cell {
    let pair = Pair::at(provider, base, &clients).await;
    pair.server.script((fault.exchange)());
    let request = ChatRequest::new("Who wrote Faust?");
    let asked = model();
    let ask = async {
        if !streams {
            return pair.client.chat(&asked, &request).await;
        }
        let stream = pair.client.stream(&asked, &request).await?;
        assert_hidden(&format!("{stream:?}"));
        stream.reply().await
    };
    let outcome = timeout(DEADLINE, ask).await.expect("a cell without an end");
    assert_hidden(&format!("{:?}", pair.client));
    judged(&outcome, fault.name)
}

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn word(cell: Cell) -> &'static str {
    match cell {
        Right => "right",
        WithoutUsage => "no usage",
        Failed(class) => class.as_str(),
    }
}

/// Plays one fault to every wire at once, and gives back its line of the table.
async fn line(fault: &'static Fault, clients: &HttpClients) -> String {
    let mut cells = JoinSet::new();
    for (at, (name, provider, base)) in wires().into_iter().enumerate() {
        for streams in [false, true] {
            let cell = cell(fault, provider.clone(), base, streams, clients.clone());
            cells.spawn(async move { (at, streams, name, cell.await) });
        }
    }
    let mut found = cells.join_all().await;
    found.sort_by_key(|(at, streams, ..)| (*at, *streams));
    let mut line = format!("| {} |", fault.name);
    for (_, streams, name, cell) in found {
        let expected = if streams { fault.pieces } else { fault.whole };
        assert!(
            expected.contains(&cell),
            "{}, {name}, {}: {cell:?} and not {expected:?}",
            fault.name,
            if streams { "in pieces" } else { "whole" },
        );
        let _ = write!(line, " {} |", word(cell));
    }
    line
}

#[tokio::test]
async fn every_fault_on_every_wire_is_a_typed_error_or_a_right_reply() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let patient = clients();
    let impatient = HttpClients::builder()
        .timeout(Duration::from_secs(2))
        .idle_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    let heads: Vec<_> = wires()
        .iter()
        .map(|(name, ..)| format!(" {name} | in pieces |"))
        .collect();
    let rule = "---|".repeat(1 + 2 * heads.len());
    let mut table = format!("| fault |{}\n|{rule}", heads.concat());
    for fault in FAULTS.iter().chain(&SILENT) {
        let clients = if fault.is_silent {
            &impatient
        } else {
            &patient
        };
        let line = line(fault, clients).await;
        let _ = write!(table, "\n{line}");
    }
    println!("{table}");
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert_hidden(&log);
}
