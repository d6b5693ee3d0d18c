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
//!
//! # Tools
//!
//! A model that wants tools called says so in its [`tool_calls`](ChatReply::tool_calls). The application calls
//! them, puts the reply and the results into the conversation, and asks again. What else the model said goes back
//! with it, thoughts and their signatures included: [`to_message`](ChatReply::to_message) leaves nothing out.
//!
//! ```
//! use lattice_lock_clients::{ChatReply, ChatRequest, Client, Message, Part, ScriptedClient, Tool, ToolCall};
//! use serde_json::{Value, json};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let client = ScriptedClient::new("openai".parse()?);
//! # let call = Part::ToolCall(ToolCall::new("call_1", "weather", r#"{"city":"Rome"}"#));
//! # client.reply(ChatReply::of("gpt-5-mini".parse()?, vec![call]));
//! # client.reply(ChatReply::new("gpt-5-mini".parse()?, "It is mild."));
//! let model = "gpt-5-mini".parse()?;
//! let city = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
//! let mut request = ChatRequest::new("How is the weather in Rome?").tool(Tool::new("weather", city));
//! let mut reply = client.chat(&model, &request).await?;
//! while reply.tool_calls().next().is_some() {
//!     request = request.push(reply.to_message());
//!     for call in reply.tool_calls() {
//!         let arguments: Value = call.parse()?;
//!         assert_eq!(arguments["city"], "Rome");
//!         request = request.push(Message::tool(call, "18 degrees"));
//!     }
//!     reply = client.chat(&model, &request).await?;
//! }
//! assert_eq!(reply.text(), "It is mild.");
//! # Ok(())
//! # }
//! ```
//!
//! # Usage
//!
//! | it says | and is found in |
//! |---|---|
//! | what to price: tokens in buckets that never overlap, and web searches | [`ChatReply::usage`] |
//! | what the provider wrote, to prove it by | [`ChatReply::raw_usage`] |
//! | that the two do not fit | [`ChatReply::usage_finding`] |
//! | at which model's and which tier's prices | [`ChatReply::served_model`], [`ChatReply::service_tier`] |
//! | what a stream had used when it failed | [`ChatStream::so_far`] |
//!
//! A figure that the provider did not give is absent, which is not 0: an absent output of a reply that was read to
//! its end is to be estimated, or booked as unknown. What each wire counts into what is in `docs/clients.md`.
//!
//! # Errors
//!
//! An error of this crate's [`codes`] says that nothing was sent, and nothing charged. An attempt that failed has
//! the code of its [`FailureClass`](lattice_lock_providers::FailureClass) and carries a
//! [`ProviderUnavailableError`](lattice_lock_providers::ProviderUnavailableError); it may have been charged. How
//! long a provider asks to stay away is the error's `retry_after()`, a day at most.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `bedrock` | Amazon's wire, with AWS's signing and credentials |
//! | `http-client` | a host's own `reqwest::Client`, and proxies, in this crate's interface |

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
///
/// A request that wants more sets [`max_tokens`](ChatRequest::max_tokens): a reply that comes to this limit ends in
/// the middle, with [`Length`](FinishReason::Length).
///
/// ```
/// # use lattice_lock_clients::{ChatRequest, Client, DEFAULT_MAX_TOKENS, HttpClients};
/// # use lattice_lock_providers::Provider;
/// # use lattice_lock_testkit::ScriptedServer;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// # let server = ScriptedServer::start().await.unwrap();
/// # let provider = Provider::anthropic().api_key("sk-ant-4711".to_string()).at(&format!("{}/v1", server.url()))?;
/// # let client = HttpClients::new()?.client(&provider);
/// client.chat(&"claude-haiku-4-5".parse()?, &ChatRequest::new("Hi")).await?;
/// assert_eq!(server.received()[0].json()["max_tokens"], DEFAULT_MAX_TOKENS);
/// # Ok(())
/// # }
/// ```
pub const DEFAULT_MAX_TOKENS: u32 = wire::DEFAULT_MAX_TOKENS;

/// The largest count of a usage that is taken for one: far beyond any exchange, and small enough that no sum
/// of a usage overflows.
///
/// A larger one is [`UsageFinding::NotACount`], and the usage absent: it is a fault of the server's and would be a
/// fault of the ledger's.
///
/// ```
/// use lattice_lock_clients::LARGEST_COUNT;
///
/// assert_eq!(LARGEST_COUNT, 1_000_000_000_000);
/// ```
pub const LARGEST_COUNT: u64 = wire::LARGEST_COUNT;
