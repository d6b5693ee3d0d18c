//! What the client costs over bare reqwest: processor time and latency of the same exchange, whole and in pieces, at 1,
//! 16 and 64 callers, with the server in a process of its own.
//!
//! ```text
//! cargo run --release --example overhead            # JSON on standard output
//! cargo run --release --example overhead -- 4000    # calls of each round, 1,000 by default
//! ```
//!
//! The baseline shares the client's pool and timeouts, and parses into a minimal struct; both run on one thread, whose
//! own time is counted (Linux only). Rounds of both alternate, and the median of their ratios is what counts.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lattice_lock::clients::{ChatRequest, Client, HttpClients};
use lattice_lock::providers::{ModelName, Provider};
use lattice_lock_testkit::ScriptedServer;
use serde::{Deserialize, Serialize};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const PROMPT: &str =
    "Who wrote Faust, and how long did it take from the first scene to the last one?";
const MODEL: &str = "gpt-5-mini";
const KEY: &str = "sk-overhead-0123456789";
const ROUNDS: usize = 7;

/// The longest that any call may take, as the client's default.
const TIMEOUT: Duration = Duration::from_mins(10);

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match std::env::args().nth(1).as_deref() {
        Some("serve") => runtime.block_on(serve()),
        calls => {
            let calls = calls.map_or(Ok(1_000), str::parse)?;
            runtime.block_on(measure(calls))
        }
    }
}

/// Serves until standard input ends.
async fn serve() -> Result<()> {
    let server = ScriptedServer::start().await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The server's process, which ends with this one.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("the server has no output")?;
        let mut url = String::new();
        BufReader::new(out).read_line(&mut url)?;
        let url = url.trim().to_owned();
        Ok(Self { child, url })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Its input ends with the handle; an error means that it is gone already.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

async fn measure(calls: usize) -> Result<()> {
    let mut lines = Vec::new();
    for streams in [false, true] {
        for callers in [1, 16, 64] {
            lines.push(compare(streams, callers, calls).await?);
        }
    }
    let holds = lines
        .iter()
        .all(|line| line["cpu_ratio"].as_f64() <= Some(1.25));
    let report = json!({ "calls_per_round": calls, "rounds": ROUNDS, "bar": 1.25, "holds": holds, "lines": lines });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{report:#}")?;
    Ok(())
}

async fn compare(streams: bool, callers: usize, calls: usize) -> Result<serde_json::Value> {
    // A server of its own for each line: it keeps everything that it received.
    let served = Served::start()?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let bare = Arc::new(Bare {
        http: http.clone(),
        url: format!("{}/v1/chat/completions", served.url),
    });
    let provider = Provider::openai()
        .api_key(KEY.to_owned())
        .at(&format!("{}/v1", served.url))?;
    let clients = HttpClients::builder()
        .http_client(http)
        .timeout(TIMEOUT)
        .build()?;
    let client = clients.client(&provider);
    let model: ModelName = MODEL.parse()?;

    let ask_bare = || {
        let bare = Arc::clone(&bare);
        async move { bare.ask(streams).await }
    };
    let ask_client = || {
        let (client, model) = (Arc::clone(&client), model.clone());
        async move { ask(client.as_ref(), &model, streams).await }
    };
    // The first round of each opens the connections.
    round(callers, calls / 4, &ask_bare).await?;
    round(callers, calls / 4, &ask_client).await?;
    let (mut bares, mut clients) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bares.push(round(callers, calls, &ask_bare).await?);
        clients.push(round(callers, calls, &ask_client).await?);
    }
    let ratios = bares
        .iter()
        .zip(&clients)
        .map(|(bare, client)| client.cpu / bare.cpu);
    Ok(json!({
        "streams": streams,
        "callers": callers,
        "bare_cpu_us": median(bares.iter().map(|round| round.cpu)),
        "client_cpu_us": median(clients.iter().map(|round| round.cpu)),
        "cpu_ratio": median(ratios),
        "bare_p50_us": median(bares.iter().map(|round| round.latency)),
        "client_p50_us": median(clients.iter().map(|round| round.latency)),
    }))
}

/// What a call costs in one round, in microseconds: processor time on average, and the median of latencies.
struct Round {
    cpu: f64,
    latency: f64,
}

async fn round<F>(callers: usize, calls: usize, ask: &impl Fn() -> F) -> Result<Round>
where
    F: Future<Output = Result<usize>> + Send + 'static,
{
    let each = (calls / callers).max(1);
    let before = processor_time()?;
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let asked: Vec<_> = (0..each).map(|_| ask()).collect();
        tasks.push(tokio::spawn(async move {
            let mut latencies = Vec::with_capacity(asked.len());
            for call in asked {
                let started = Instant::now();
                let tokens = call.await?;
                if tokens == 0 {
                    return Err("a reply without usage".into());
                }
                latencies.push(started.elapsed().as_secs_f64() * 1e6);
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(latencies)
        }));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let spent = processor_time()?.saturating_sub(before);
    let count = u32::try_from(latencies.len())?;
    Ok(Round {
        cpu: spent.as_secs_f64() * 1e6 / f64::from(count),
        latency: median(latencies.into_iter()),
    })
}

/// What this thread has run until now, to the nanosecond.
fn processor_time() -> Result<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = told.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanos))
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn ask(client: &dyn Client, model: &ModelName, streams: bool) -> Result<usize> {
    let request = ChatRequest::new(PROMPT);
    let reply = if streams {
        client.stream(model, &request).await?.reply().await?
    } else {
        client.chat(model, &request).await?
    };
    let tokens = reply.usage().tokens().unwrap_or(0);
    Ok(usize::try_from(tokens)? * usize::from(!reply.text().is_empty()))
}

/// Bare reqwest, with no more than is needed to know text and usage.
struct Bare {
    http: reqwest::Client,
    url: String,
}

#[derive(Serialize)]
struct Asked<'a> {
    model: &'a str,
    messages: [Said<'a>; 1],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'a str,
    content: &'a str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(alias = "delta")]
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    total_tokens: usize,
}

impl Bare {
    async fn ask(&self, stream: bool) -> Result<usize> {
        let body = serde_json::to_vec(&Asked {
            model: MODEL,
            messages: [Said {
                role: "user",
                content: PROMPT,
            }],
            stream,
            stream_options: stream.then_some(StreamOptions {
                include_usage: true,
            }),
        })?;
        let call = self.http.post(&self.url).bearer_auth(KEY).timeout(TIMEOUT);
        let call = call.header("content-type", "application/json").body(body);
        let response = call.send().await?.error_for_status()?;
        let (mut text, mut tokens) = (String::new(), 0);
        let mut take = |json: &[u8]| -> Result<()> {
            let answered: Answered = serde_json::from_slice(json)?;
            let said = answered.choices.into_iter().next();
            text.extend(said.and_then(|choice| choice.message.content));
            tokens = answered.usage.map_or(tokens, |usage| usage.total_tokens);
            Ok(())
        };
        if stream {
            events(response, take).await?;
        } else {
            take(&response.bytes().await?)?;
        }
        Ok(tokens * usize::from(!text.is_empty()))
    }
}

/// The data of every event but the last word.
async fn events(
    mut response: reqwest::Response,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut waiting = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        waiting.extend_from_slice(&bytes);
        let mut start = 0;
        while let Some(end) = waiting[start..].iter().position(|byte| *byte == b'\n') {
            let line = &waiting[start..start + end];
            start += end + 1;
            match line.strip_prefix(b"data: ") {
                Some(b"[DONE]") | None => {}
                Some(data) => take(data)?,
            }
        }
        waiting.drain(..start);
    }
    Ok(())
}
