//! Speaks to language-model providers, and reports exactly what they said they used.
//!
//! A [`ChatRequest`] goes to a provider through a [`Client`] and comes back as a [`ChatReply`] with its
//! [`TokenUsage`](lattice_lock_providers::TokenUsage) in buckets that never overlap, whatever the wire counts
//! into what. Nothing said is absent and not zero, and figures that contradict each other are an
//! [`UsageFinding`] beside the reply. Each call is one attempt: retries, routing and money are for others. A
//! failed one is classified by its status and the typed fields of the provider's error, never by text, and the
//! key is in no error, no address and no `Debug`.
//!
//! | wire | spoken by | streams as |
//! |---|---|---|
//! | OpenAI's chat completions | OpenAI, xAI, every compatible server; Azure and DIAL under a deployment's address | events |
//! | OpenAI's responses | OpenAI | events |
//! | Anthropic's messages | Anthropic | events |
//! | Gemini's `generateContent` | Google | events |
//! | Ollama's chat | Ollama | lines |
//! | Bedrock's Converse (feature `bedrock`) | Amazon | AWS's framed messages |
//!
//! A provider speaks the wire that its [`Provider`](lattice_lock_providers::Provider) names, whole or
//! [piece by piece](ChatStream), and both ways come to the same reply.
//!
//! ```
//! use lattice_lock_clients::{ChatRequest, HttpClients};
//! use lattice_lock_providers::{Bucket, Count, Provider};
//! # use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
//! # let server = ScriptedServer::start().await.unwrap();
//! # server.script(Exchange::reply("Goethe.").usage(Usage::new().input(80).cache_read(20).output(3)));
//! # let address = format!("{}/v1", server.url());
//! let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&address)?;
//! let client = HttpClients::new()?.client(&provider);
//!
//! let request = ChatRequest::new("Who wrote Faust?").max_tokens(100);
//! let reply = client.chat(&"gpt-5-mini".parse()?, &request).await?;
//! assert_eq!(reply.text(), "Goethe.");
//! assert_eq!(reply.usage().get(Bucket::Input), Count::Reported(80));
//! assert_eq!(reply.usage().get(Bucket::CacheRead), Count::Reported(20));
//! # Ok(())
//! # }
//! ```

mod client;
pub mod codes;
mod embed;
mod finding;
#[cfg(feature = "__fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod http;
mod probe;
mod rate;
mod reply;
mod request;
mod scripted;
mod stream;
mod wire;

pub use client::{Client, Key};
pub use embed::{EmbedReply, EmbedRequest};
pub use finding::UsageFinding;
pub use http::{HttpClients, HttpClientsBuilder};
pub use probe::Probes;
pub use rate::{RateLimit, RateLimits};
pub use reply::{ChatReply, FinishReason};
pub use request::{
    CacheLife, ChatRequest, Format, Image, Message, Part, Reasoning, Role, Thinking, Tool,
    ToolCall, ToolChoice, ToolResult,
};
pub use scripted::ScriptedClient;
pub use stream::{ChatStream, Delta};

/// The limit of a reply in tokens on Anthropic's wire, which must have one, where the request sets none.
///
/// Every model on that wire takes it; some older ones take no more.
pub const DEFAULT_MAX_TOKENS: u32 = wire::DEFAULT_MAX_TOKENS;

/// The largest count of a usage that is taken for one: far beyond any exchange, and small enough that no sum
/// of a usage overflows.
pub const LARGEST_COUNT: u64 = wire::LARGEST_COUNT;
