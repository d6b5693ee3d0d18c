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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// It had said everything, or came to a stop sequence. The only reason with which JSON of a schema is sure to be whole.
    Stop,
    /// It came to the limit of tokens, or to the end of its context window. A model that thinks may have used up the limit
    /// before its first word; a call at the end may have half of its arguments.
    Length,
    /// It wants tools to be called.
    ToolCalls,
    /// It refused to answer.
    Refused,
    /// The provider's filter took the reply, or a part of it.
    ContentFiltered,
    /// The provider gave another reason, or none; Anthropic's `pause_turn` among them, where the reply is to be sent back
    /// for the model to go on.
    #[default]
    Other,
}

impl FinishReason {
    /// The name used in logs, such as `tool_calls`.
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
/// A stream comes to the same reply as a whole one: the parts stand in the model's order, words that follow each other are one
/// part, empty ones are none, and a call without arguments has the empty object.
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
    #[must_use]
    pub fn new(served_model: ModelName, text: impl Into<String>) -> Self {
        Self::of(served_model, vec![Part::Text(text.into())])
    }

    /// A reply of which nothing but the model and the parts is known.
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
    #[must_use]
    pub fn with_usage(mut self, usage: TokenUsage) -> Self {
        self.usage = usage;
        self
    }

    /// Sets the usage as the provider wrote it; none by default.
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
    #[must_use]
    pub fn with_usage_finding(mut self, finding: impl Into<Option<UsageFinding>>) -> Self {
        self.usage_finding = finding.into();
        self
    }

    /// Sets the tier that it was served in, in the provider's words; none by default.
    #[must_use]
    pub fn with_service_tier(mut self, tier: impl Into<Option<String>>) -> Self {
        self.service_tier = tier.into();
        self
    }

    /// Sets what the provider said of its limits; nothing by default.
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

    /// What the model said, one part after the other; where it refused in words of their own field, those. Neither thoughts
    /// nor calls are in it, and it is empty where there is nothing else.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.joined {
            Some(text) => text,
            None => self.parts.iter().find_map(Part::as_text).unwrap_or(""),
        }
    }

    /// The text, without a copy.
    #[must_use]
    pub fn into_text(mut self) -> String {
        let one = self.parts.iter_mut().find_map(|part| match part {
            Part::Text(text) => Some(std::mem::take(text)),
            _ => None,
        });
        self.joined.or(one).unwrap_or_default()
    }

    /// Everything that the reply is made of, in the model's order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The tools that the model wants to be called, in its order. The reply may have words beside them.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(Part::as_tool_call)
    }

    /// What the model thought, as far as the provider shows it: all of it, a summary, or nothing. How much it thought is in
    /// the usage.
    #[must_use]
    pub fn reasoning(&self) -> String {
        let thoughts = self.parts.iter().filter_map(|part| match part {
            Part::Reasoning(reasoning) => Some(reasoning.text()),
            _ => None,
        });
        thoughts.collect()
    }

    /// The reply as a message of the conversation, to be followed by the tools' results.
    #[must_use]
    pub fn to_message(&self) -> Message {
        let message = Message::new(Role::Assistant);
        self.parts.iter().cloned().fold(message, Message::part)
    }

    /// The model that answered, often the dated name of the one asked; the one asked, if the reply names none (Bedrock's
    /// do not). It is the one to price by: a router or a deployment may have answered with another.
    #[must_use]
    pub fn served_model(&self) -> &ModelName {
        &self.served_model
    }

    /// The provider's id of the request, which its support asks for: from the header (`x-request-id`, `request-id`,
    /// `apim-request-id`, `x-amzn-requestid`), else of the reply itself. One that is long or odd is left out.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Why the model stopped.
    #[must_use]
    pub fn finish_reason(&self) -> FinishReason {
        self.finish_reason
    }

    /// What was used, in buckets that never overlap. Empty where the provider said nothing, or nothing that can be trusted;
    /// the [finding](Self::usage_finding) tells these two apart.
    #[must_use]
    pub fn usage(&self) -> &TokenUsage {
        &self.usage
    }

    /// The usage as the provider wrote it; `None` if it wrote none, or nothing that can be kept: more than 64 KiB, or no
    /// JSON. It has what no bucket is for, such as what xAI and `OpenRouter` say that the call cost. In a stream of
    /// Anthropic's it is what the first and the last report come to.
    #[must_use]
    pub fn raw_usage(&self) -> Option<&Value> {
        self.raw_usage.as_ref().map(RawUsage::value)
    }

    /// What is wrong with the usage, if anything is.
    #[must_use]
    pub fn usage_finding(&self) -> Option<UsageFinding> {
        self.usage_finding
    }

    /// The tier of service that the provider says it served, in its own words: `default`, `flex` or `priority` of `OpenAI`'s
    /// and Bedrock's, `standard`, `priority` or `batch` of Anthropic's, `standard`, `flex` or `priority` of Gemini's. It is
    /// the one that is charged, whichever was asked for.
    #[must_use]
    pub fn service_tier(&self) -> Option<&str> {
        self.service_tier.as_deref()
    }

    /// What the provider said of its limits, at the time of this reply. Google, Ollama and Amazon say nothing.
    #[must_use]
    pub fn rate_limits(&self) -> &RateLimits {
        &self.rate_limits
    }

    /// From the moment the request was sent until the last byte of the reply was there.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.latency
    }

    /// The body as it came, with the framing of a stream; `None` unless [`ChatRequest::keep_raw`](crate::ChatRequest::keep_raw)
    /// asked for it, and for a stream of more than 32 MiB.
    #[must_use]
    pub fn raw(&self) -> Option<&[u8]> {
        self.raw.as_ref().map(|raw| raw.0.as_slice())
    }
}
