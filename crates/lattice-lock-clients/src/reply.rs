//! What comes back: one type for every wire, whole or read from a stream.
//!
//! A reply is delivered whatever is wrong with its usage, and a word that is not known here is never an error. What
//! was read and what was made up are kept apart: nothing in a reply is estimated.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use lattice_lock_providers::{ModelName, TokenUsage};
use serde_json::Value;

use crate::request::joined;
use crate::wire::RawUsage;
use crate::{Message, Part, RateLimits, Role, ToolCall, UsageFinding};

/// Why a model stopped.
///
/// | | `OpenAI`, Azure | responses | Anthropic | Gemini | Ollama | Bedrock |
/// |---|---|---|---|---|---|---|
/// | `Stop` | `stop` | `completed` | `end_turn`, `stop_sequence` | `STOP` | `stop` | `end_turn`, `stop_sequence` |
/// | `Length` | `length` | `max_output_tokens` | `max_tokens`, `model_context_window_exceeded` | `MAX_TOKENS` | `length` | as Anthropic |
/// | `ToolCalls` | `tool_calls` | calls in it | `tool_use` | calls in it | calls in it | `tool_use` |
/// | `Refused` | words in `refusal` | a part `refusal` | `refusal` | – | – | – |
/// | `ContentFiltered` | `content_filter` | `content_filter` | – | `SAFETY` and the like, a refused prompt | – | `content_filtered`, `guardrail_intervened` |
///
/// All else is `Other`, a word that this version does not know included: it is no error, and the reply is delivered. A
/// reply that was filtered or cut short is charged for what there is of it.
///
/// A reply is worth looking at before it is used:
///
/// ```
/// use lattice_lock_clients::{ChatReply, FinishReason};
///
/// fn advice(reply: &ChatReply) -> &'static str {
///     match reply.finish_reason() {
///         FinishReason::Stop => "use it",
///         FinishReason::Length => "raise the limit, or ask for less",
///         FinishReason::ToolCalls => "call the tools, and ask again",
///         FinishReason::Refused | FinishReason::ContentFiltered => "show what there is, and do not repeat it",
///         _ => "use it with care",
///     }
/// }
///
/// let reply = ChatReply::new("gpt-5-mini".parse()?, "Faust was wri").with_finish_reason(FinishReason::Length);
/// assert_eq!(advice(&reply), "raise the limit, or ask for less");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// It had said everything, or came to a stop sequence. The only reason with which JSON of a schema is sure to
    /// be whole.
    Stop,
    /// It came to the limit of tokens, or to the end of its context window. A model that thinks may have used up
    /// the limit before its first word; a call at the end may have half of its arguments.
    Length,
    /// It wants tools to be called.
    ToolCalls,
    /// It refused to answer.
    Refused,
    /// The provider's filter took the reply, or a part of it.
    ContentFiltered,
    /// The provider gave another reason, or none; Anthropic's `pause_turn` among them, where the reply is to be
    /// sent back for the model to go on.
    #[default]
    Other,
}

impl FinishReason {
    /// The name used in logs, such as `tool_calls`.
    ///
    /// It is this crate's own word and the same for every provider; `Display` writes it, too.
    ///
    /// ```
    /// use lattice_lock_clients::FinishReason;
    ///
    /// assert_eq!(FinishReason::Length.as_str(), "length");
    /// assert_eq!(FinishReason::default().to_string(), "other");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::Refused => "refused",
            Self::ContentFiltered => "content_filtered",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a model answered, and what the provider says it used.
///
/// A stream comes to the same reply as a whole one: the parts stand in the model's order, words that follow each
/// other are one part, empty ones are none, and a call without arguments has the empty object.
///
/// Clients make it; an implementation of [`Client`](crate::Client) in a test can, too:
///
/// ```
/// use lattice_lock_clients::{ChatReply, FinishReason};
/// use lattice_lock_providers::{Bucket, TokenUsage};
///
/// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.")
///     .with_finish_reason(FinishReason::Stop)
///     .with_usage(TokenUsage::new().with(Bucket::Input, 5).with(Bucket::Output, 2));
/// assert_eq!(reply.usage().tokens(), Some(7));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ChatReply {
    parts: Vec<Part>,
    /// The words, where they stand in several parts.
    joined: Option<String>,
    served_model: ModelName,
    request_id: Option<String>,
    finish_reason: FinishReason,
    usage: TokenUsage,
    raw_usage: Option<RawUsage>,
    usage_finding: Option<UsageFinding>,
    service_tier: Option<String>,
    rate_limits: RateLimits,
    latency: Duration,
    raw: Option<Raw>,
}

/// A body as it came, of which `Debug` says only how long it is: it is the model's, and none of it belongs into a log.
#[derive(Clone, PartialEq)]
struct Raw(Vec<u8>);

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl ChatReply {
    /// A reply of which nothing but the model and the text is known.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, FinishReason};
    ///
    /// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.");
    /// assert_eq!(reply.finish_reason(), FinishReason::Other);
    /// assert!(reply.usage().is_absent());
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn new(served_model: ModelName, text: impl Into<String>) -> Self {
        Self::of(served_model, vec![Part::Text(text.into())])
    }

    /// A reply of which nothing but the model and the parts is known.
    ///
    /// The parts stand as they are given: none is joined to another, and none is checked.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, Part, ToolCall};
    ///
    /// let parts = vec![
    ///     Part::Text("Let me look. ".to_string()),
    ///     Part::ToolCall(ToolCall::new("call_1", "weather", r#"{"city":"Rome"}"#)),
    ///     Part::Text("One moment.".to_string()),
    /// ];
    /// let reply = ChatReply::of("gpt-5-mini".parse()?, parts);
    /// assert_eq!(reply.text(), "Let me look. One moment.");
    /// assert_eq!(reply.tool_calls().count(), 1);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn of(served_model: ModelName, parts: Vec<Part>) -> Self {
        let joined = match joined(&parts) {
            Cow::Owned(text) => Some(text),
            Cow::Borrowed(_) => None,
        };
        Self {
            parts,
            joined,
            served_model,
            request_id: None,
            finish_reason: FinishReason::Other,
            usage: TokenUsage::new(),
            raw_usage: None,
            usage_finding: None,
            service_tier: None,
            rate_limits: RateLimits::default(),
            latency: Duration::ZERO,
            raw: None,
        }
    }

    /// Sets the provider's id of the request; none by default.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<Option<String>>) -> Self {
        self.request_id = id.into();
        self
    }

    /// Sets why the model stopped; [`FinishReason::Other`] by default.
    #[must_use]
    pub fn with_finish_reason(mut self, reason: FinishReason) -> Self {
        self.finish_reason = reason;
        self
    }

    /// Sets the usage; absent by default.
    ///
    /// An implementation of [`Client`](crate::Client) sets only what its provider said: a bucket that was estimated
    /// would be taken for a reported one.
    ///
    /// ```
    /// use lattice_lock_clients::ChatReply;
    /// use lattice_lock_providers::{Bucket, Count, TokenUsage};
    ///
    /// let usage = TokenUsage::new().with(Bucket::Input, 12).with(Bucket::Output, 2);
    /// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.").with_usage(usage);
    /// assert_eq!(reply.usage().get(Bucket::Reasoning), Count::Absent);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn with_usage(mut self, usage: TokenUsage) -> Self {
        self.usage = usage;
        self
    }

    /// Sets the usage as the provider wrote it; none by default.
    ///
    /// It is not sorted into buckets: those are set with [`with_usage`](Self::with_usage).
    ///
    /// ```
    /// use lattice_lock_clients::ChatReply;
    /// use serde_json::json;
    ///
    /// let written = json!({ "prompt_tokens": 12, "completion_tokens": 2, "cost_in_usd_ticks": 158_500 });
    /// let reply = ChatReply::new("grok-4".parse()?, "Goethe.").with_raw_usage(written);
    /// assert_eq!(reply.raw_usage().expect("it was set")["cost_in_usd_ticks"], 158_500);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn with_raw_usage(mut self, usage: impl Into<Option<Value>>) -> Self {
        self.raw_usage = usage.into().map(RawUsage::from);
        self
    }

    pub(crate) fn with_usage_as_written(mut self, usage: Option<RawUsage>) -> Self {
        self.raw_usage = usage;
        self
    }

    /// Sets what is wrong with the usage; nothing by default.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, UsageFinding};
    ///
    /// let finding = UsageFinding::NotACount { field: "prompt_tokens" };
    /// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.").with_usage_finding(finding);
    /// assert_eq!(reply.usage_finding(), Some(finding));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn with_usage_finding(mut self, finding: impl Into<Option<UsageFinding>>) -> Self {
        self.usage_finding = finding.into();
        self
    }

    /// Sets the tier that it was served in, in the provider's words; none by default.
    ///
    /// ```
    /// use lattice_lock_clients::ChatReply;
    ///
    /// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.").with_service_tier("flex".to_string());
    /// assert_eq!(reply.service_tier(), Some("flex"));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn with_service_tier(mut self, tier: impl Into<Option<String>>) -> Self {
        self.service_tier = tier.into();
        self
    }

    /// Sets what the provider said of its limits; nothing by default.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, RateLimits};
    ///
    /// let mut limits = RateLimits::default();
    /// limits.requests.remaining = Some(0);
    /// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.").with_rate_limits(limits);
    /// assert_eq!(reply.rate_limits().requests.remaining, Some(0));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn with_rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = limits;
        self
    }

    /// Sets how long the attempt took; zero by default.
    #[must_use]
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the body as it came; none by default.
    #[must_use]
    pub fn with_raw(mut self, body: impl Into<Option<Vec<u8>>>) -> Self {
        self.raw = body.into().map(Raw);
        self
    }

    /// What the model said, one part after the other; where it refused in words of their own field, those. Neither
    /// thoughts nor calls are in it, and it is empty where there is nothing else.
    ///
    /// It costs nothing to ask for it again. An empty one is no error: a model that only calls tools, one whose
    /// thoughts took up the limit, and one whose reply was filtered have said nothing.
    /// [`finish_reason`](Self::finish_reason) tells which.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, Part, ToolCall};
    ///
    /// let call = Part::ToolCall(ToolCall::new("call_1", "clock", "{}"));
    /// assert_eq!(ChatReply::of("gpt-5-mini".parse()?, vec![call]).text(), "");
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.joined {
            Some(text) => text,
            None => self.parts.iter().find_map(Part::as_text).unwrap_or(""),
        }
    }

    /// The text, without a copy.
    ///
    /// Where the words stand in several parts it is all of them, as of [`text`](Self::text).
    ///
    /// ```
    /// use lattice_lock_clients::ChatReply;
    ///
    /// let answer: String = ChatReply::new("gpt-5-mini".parse()?, "Goethe.").into_text();
    /// assert_eq!(answer, "Goethe.");
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn into_text(mut self) -> String {
        let one = self.parts.iter_mut().find_map(|part| match part {
            Part::Text(text) => Some(std::mem::take(text)),
            _ => None,
        });
        self.joined.or(one).unwrap_or_default()
    }

    /// Everything that the reply is made of, in the model's order.
    ///
    /// Here, and nowhere else, is what has no type of its own, such as a search that the provider made.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The tools that the model wants to be called, in its order. The reply may have words beside them.
    ///
    /// Each wants a result in the next message. Of a reply that came to its [limit](FinishReason::Length) the last
    /// one may be cut short: its arguments are then no JSON, or too few.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, Message, Part, Role, ToolCall, ToolResult};
    ///
    /// let calls = ["Rome", "Oslo"].map(|city| {
    ///     Part::ToolCall(ToolCall::new(city, "weather", format!(r#"{{"city":"{city}"}}"#)))
    /// });
    /// let reply = ChatReply::of("gpt-5-mini".parse()?, calls.to_vec());
    /// let answers = reply.tool_calls().map(|call| Part::ToolResult(ToolResult::new(call, "18 degrees")));
    /// let message = answers.fold(Message::new(Role::User), Message::part);
    /// assert_eq!(message.parts().len(), 2);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(Part::as_tool_call)
    }

    /// What the model thought, as far as the provider shows it: all of it, a summary, or nothing. How much it
    /// thought is in the usage.
    ///
    /// It is for people to look at; to send it back, take [`to_message`](Self::to_message), which keeps the signatures.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients, Thinking};
    /// # use lattice_lock_providers::{Bucket, Count, Provider};
    /// # use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let used = Usage::new().input(9).output(2).reasoning(30);
    /// # server.script(Exchange::reply("No.").reasoning("7 times 673.").usage(used));
    /// # let provider = Provider::google().api_key("AIza-4711".to_string()).at(&format!("{}/v1beta", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let request = ChatRequest::new("Is 4,711 a prime?").thinking(Thinking::Low);
    /// let reply = client.chat(&"gemini-2.5-flash".parse()?, &request).await?;
    /// assert_eq!(reply.reasoning(), "7 times 673.");
    /// assert_eq!(reply.usage().get(Bucket::Reasoning), Count::Reported(30));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn reasoning(&self) -> String {
        let thoughts = self.parts.iter().filter_map(|part| match part {
            Part::Reasoning(reasoning) => Some(reasoning.text()),
            _ => None,
        });
        thoughts.collect()
    }

    /// The reply as a message of the conversation, to be followed by the tools' results.
    ///
    /// Of a reply without any part it is a message without parts, which no request takes: leave it out.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, Role};
    ///
    /// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.");
    /// let message = reply.to_message();
    /// assert_eq!((message.role(), message.parts()), (Role::Assistant, reply.parts()));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn to_message(&self) -> Message {
        let message = Message::new(Role::Assistant);
        self.parts.iter().cloned().fold(message, Message::part)
    }

    /// The model that answered, often the dated name of the one asked; the one asked, if the reply names none
    /// (Bedrock's do not). It is the one to price by: a router or a deployment may have answered with another.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let reply = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Hi")).await?;
    /// assert_eq!(reply.served_model().as_str(), "gpt-5-mini-2025-08-07");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn served_model(&self) -> &ModelName {
        &self.served_model
    }

    /// The provider's id of the request, which its support asks for: from the header (`x-request-id`, `request-id`,
    /// `apim-request-id`, `x-amzn-requestid`), else of the reply itself. One that is long or odd is left out.
    ///
    /// It may be kept and shown: it tells nothing of what was said. One of up to 128 visible ASCII characters
    /// counts as an id.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Why the model stopped.
    #[must_use]
    pub fn finish_reason(&self) -> FinishReason {
        self.finish_reason
    }

    /// What was used, in buckets that never overlap. Empty where the provider said nothing, or nothing that can be
    /// trusted; the [finding](Self::usage_finding) tells these two apart.
    ///
    /// What each wire's figures become is in `docs/clients.md`. Absent is not 0: a provider that does not tell
    /// cached tokens apart says nothing of how many there were.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::{Bucket, Count, Provider};
    /// # use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # server.script(Exchange::reply("Goethe.").usage(Usage::new().input(80).cache_read(20).output(3)));
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// // The wire says `prompt_tokens: 100`, 20 of them cached; no token stands in two buckets.
    /// let reply = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Who wrote Faust?")).await?;
    /// let usage = reply.usage();
    /// assert_eq!(usage.get(Bucket::Input), Count::Reported(80));
    /// assert_eq!(usage.get(Bucket::CacheRead), Count::Reported(20));
    /// assert_eq!((usage.prompt_tokens(), usage.tokens()), (Some(100), Some(103)));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn usage(&self) -> &TokenUsage {
        &self.usage
    }

    /// The usage as the provider wrote it; `None` if it wrote none, or nothing that can be kept: more than 64 KiB,
    /// or no JSON. It has what no bucket is for, such as what xAI and `OpenRouter` say that the call cost. In a
    /// stream of Anthropic's it is what the first and the last report come to.
    ///
    /// It is read when it is asked for first, so that nobody pays for what nobody looks at.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # server.script(Exchange::reply("Goethe.").usage(Usage::new().input(80).cache_read(20).output(3)));
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let reply = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Who wrote Faust?")).await?;
    /// let written = reply.raw_usage().expect("the server writes it");
    /// assert_eq!(written["prompt_tokens"], 100);
    /// assert_eq!(written["prompt_tokens_details"]["cached_tokens"], 20);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn raw_usage(&self) -> Option<&Value> {
        self.raw_usage.as_ref().map(RawUsage::value)
    }

    /// What is wrong with the usage, if anything is.
    ///
    /// The first that was found, where there are several; `None` also where no usage came.
    #[must_use]
    pub fn usage_finding(&self) -> Option<UsageFinding> {
        self.usage_finding
    }

    /// The tier of service that the provider says it served, in its own words: `default`, `flex` or `priority` of
    /// `OpenAI`'s and Bedrock's, `standard`, `priority` or `batch` of Anthropic's, `standard`, `flex` or `priority`
    /// of Gemini's. It is the one that is charged, whichever was asked for.
    ///
    /// `None` where the provider says none, which is the usual one: Ollama has no tiers, Bedrock may leave its
    /// default out.
    #[must_use]
    pub fn service_tier(&self) -> Option<&str> {
        self.service_tier.as_deref()
    }

    /// What the provider said of its limits, at the time of this reply. Google, Ollama and Amazon say nothing.
    ///
    /// A failed call has no reply: there the error's `retry_after()` says how long to stay away.
    #[must_use]
    pub fn rate_limits(&self) -> &RateLimits {
        &self.rate_limits
    }

    /// From the moment the request was sent until the last byte of the reply was there.
    ///
    /// Of a stream that includes how long its reader took, since nothing is read ahead of it.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.latency
    }

    /// The body as it came, with the framing of a stream; `None` unless
    /// [`ChatRequest::keep_raw`](crate::ChatRequest::keep_raw) asked for it, and for a stream of more than 32 MiB.
    ///
    /// It is the model's and not for a log; `Debug` shows how long it is and nothing else.
    #[must_use]
    pub fn raw(&self) -> Option<&[u8]> {
        self.raw.as_ref().map(|raw| raw.0.as_slice())
    }
}
