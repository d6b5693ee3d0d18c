//! A scripted language-model provider on loopback, which keeps its own account of what it charged.
//!
//! [`ScriptedServer`] is a real HTTP/1.1 server that speaks every [`Wire`], whole and streaming, in the providers'
//! own shapes. Each request takes the next [`Exchange`] of the script, or gets a plausible answer derived from its
//! prompt. Faults are scripted the same way: errors with the real bodies, delays, slow drips, silence, resets
//! at any byte, truncated bodies, bytes that are no UTF-8, usage that is missing, lying, early, doubled or
//! corrected. The server runs on a thread and a runtime of its own, so
//! that its [`Account`] survives whatever happens to the application under test, and this crate depends on none
//! of Lattice Lock's crates: the account is a second one, with its own arithmetic.
//!
//! ```
//! use lattice_lock_testkit::{Exchange, PriceList, Rates, ScriptedServer, Usage};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
//! let server = ScriptedServer::start().await?;
//! server.script(Exchange::reply("Hello.").usage(Usage::new().input(1_000).output(200)));
//! // … point the application at `server.url()` and let it work …
//! # ask(server.url());
//! let prices = PriceList::new().model("gpt-5-mini-2025-08-07", Rates::per_million("0.25", "2.00")?);
//! let bill = server.account().bill(&prices)?;
//! assert_eq!(bill.nano_usd(), 650_000); // 1000 × 0.25 µ$ + 200 × 2 µ$
//! server.stop().await;
//! # Ok(())
//! # }
//! # fn ask(url: &str) {
//! #     use std::io::{Read as _, Write as _};
//! #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
//! #     let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
//! #     write!(stream, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
//! #         content-length: {}\r\n\r\n{body}", body.len()).unwrap();
//! #     stream.read_to_string(&mut String::new()).unwrap();
//! # }
//! ```
//!
//! # What it speaks
//!
//! | wire | addresses below [`url`](ScriptedServer::url) | key in |
//! |---|---|---|
//! | OpenAI | `/v1/chat/completions`, `/v1/embeddings`, `/v1/models` | `Authorization: Bearer` |
//! | OpenAI's responses | `/v1/responses` | `Authorization: Bearer` |
//! | Azure | `/openai/deployments/NAME/chat/completions`, `…/embeddings`, `/openai/models` | `api-key` |
//! | Anthropic | `/v1/messages`, `/v1/models` with `anthropic-version` | `x-api-key` |
//! | Gemini | `/v1beta/models/NAME:generateContent`, `:streamGenerateContent`, `:batchEmbedContents`, `/v1beta/models` | `x-goog-api-key` |
//! | Ollama | `/api/chat`, `/api/tags` | `Authorization: Bearer`, if any is required |
//! | Bedrock | `/model/NAME/converse`, `/converse-stream`, `/foundation-models` | a signature's key id, or `Bearer` |
//!
//! The address tells the wire, and where two have the same, the headers do. A request that the provider would
//! refuse is refused in its words, with its status: no JSON, no model, no message, Anthropic's missing `max_tokens`
//! or version, an address or a method that is not there, a body beyond 32 MiB. Nothing of these is charged, and
//! none takes an exchange of the script.
//!
//! # What can go wrong on purpose
//!
//! | fault | scripted with |
//! |---|---|
//! | an error of the provider's, with its real body | [`Exchange::error`], [`Exchange::message`] |
//! | to be asked to stay away | [`Exchange::retry_after`], or a date by [`Exchange::header`] |
//! | any bytes, any status, any type | [`Exchange::raw`], with [`aws_event`] for Bedrock's streams |
//! | slowness | [`Exchange::delay`], [`Exchange::drip`], [`Exchange::stall_at`] |
//! | a held reply, without a clock | [`Exchange::gate`] |
//! | a broken connection | [`Exchange::reset`], [`Exchange::reset_at`], [`Exchange::then_reset`] |
//! | a body that ends too early | [`Exchange::truncate_at`], [`Exchange::then_truncate`], [`Exchange::cut_json`] |
//! | bytes that are no text, a line without end | [`Exchange::invalid_utf8`], [`Exchange::long_line`] |
//! | usage that is missing or untrue | [`Exchange::without_usage`], [`Exchange::reporting`] |
//! | usage in an odd place of a stream | [`Exchange::usage_early`], [`Exchange::usage_twice`], [`Exchange::usage_corrected`] |
//!
//! # What it charges
//!
//! A request that takes an exchange is charged when it is taken, before anything is sent: a caller who hangs up, a
//! connection that breaks and a reply without usage cost what the exchange says. Errors and raw bytes cost nothing
//! unless a [usage](Exchange::usage) is given to them. The [`Account`] is priced with decimals of its own, exactly,
//! and each line is rounded once, half to even, as a ledger must.
//!
//! # Which model answers
//!
//! A provider that is asked for an alias answers with a dated name and bills by it, and so does the server. It
//! knows these; any other name is served as it is, and [`Exchange::served_model`] replaces either.
//!
//! | asked for | served and priced as |
//! |---|---|
//! | `claude-haiku-4-5` | `claude-haiku-4-5-20251001` |
//! | `claude-opus-4-1` | `claude-opus-4-1-20250805` |
//! | `claude-sonnet-4-5` | `claude-sonnet-4-5-20250929` |
//! | `gemini-2.5-flash` | `gemini-2.5-flash-001` |
//! | `gemini-2.5-flash-lite` | `gemini-2.5-flash-lite-001` |
//! | `gemini-2.5-pro` | `gemini-2.5-pro-001` |
//! | `gpt-4.1` | `gpt-4.1-2025-04-14` |
//! | `gpt-4o` | `gpt-4o-2024-08-06` |
//! | `gpt-4o-mini` | `gpt-4o-mini-2024-07-18` |
//! | `gpt-5` | `gpt-5-2025-08-07` |
//! | `gpt-5-mini` | `gpt-5-mini-2025-08-07` |
//! | `gpt-5-nano` | `gpt-5-nano-2025-08-07` |
//! | `llama3.1` | `llama3.1:8b` |
//! | `llama3.3` | `llama3.3:70b` |
//! | `o4-mini` | `o4-mini-2025-04-16` |
//!
//! A listing has the names of its wire's models, dated ones included.
//!
//! # What is the same in every run
//!
//! Replies are made from the prompt and the script, ids from the number of the request, and times are fixed: two
//! runs of one test get the same bodies, but for the order in which concurrent requests come in. Keep an exchange
//! [for a model](Exchange::only_model) where that order matters.

mod account;
mod body;
mod desk;
mod error;
mod exchange;
mod gate;
mod models;
mod prices;
mod received;
mod server;
mod usage;
mod wire;

pub use account::{Account, Bill, BillLine, Charge};
pub use error::Error;
pub use exchange::Exchange;
pub use gate::Gate;
pub use prices::{PriceList, Rates};
pub use received::Received;
pub use server::ScriptedServer;
pub use usage::Usage;
pub use wire::{Wire, aws_event};
