use std::fmt;
use std::time::Duration;

use lattice_lock_providers::{ModelName, TokenUsage};
use serde_json::Value;

use crate::UsageFinding;

/// Why a model stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// It had said everything, or came to a stop sequence.
    Stop,
    /// It came to the limit of tokens, or to the end of its context window.
    Length,
    /// It wants tools to be called.
    ToolCalls,
    /// It refused to answer.
    Refused,
    /// The provider's filter took the reply, or a part of it.
    ContentFiltered,
    /// The provider gave another reason, or none.
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
    text: String,
    served_model: ModelName,
    request_id: Option<String>,
    finish_reason: FinishReason,
    usage: TokenUsage,
    raw_usage: Option<Value>,
    usage_finding: Option<UsageFinding>,
    latency: Duration,
}

impl ChatReply {
    /// A reply of which nothing but the model and the text is known.
    #[must_use]
    pub fn new(served_model: ModelName, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            served_model,
            request_id: None,
            finish_reason: FinishReason::Other,
            usage: TokenUsage::new(),
            raw_usage: None,
            usage_finding: None,
            latency: Duration::ZERO,
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
        self.raw_usage = usage.into();
        self
    }

    /// Sets what is wrong with the usage; nothing by default.
    #[must_use]
    pub fn with_usage_finding(mut self, finding: impl Into<Option<UsageFinding>>) -> Self {
        self.usage_finding = finding.into();
        self
    }

    /// Sets how long the attempt took; zero by default.
    #[must_use]
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// What the model said; where it refused in words of their own field, those.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text without a copy.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// The model that answered, often the dated name of the one asked; the one asked, if the reply names none.
    #[must_use]
    pub fn served_model(&self) -> &ModelName {
        &self.served_model
    }

    /// The provider's id of the request: from the header, else of the reply itself.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Why the model stopped.
    #[must_use]
    pub fn finish_reason(&self) -> FinishReason {
        self.finish_reason
    }

    /// What was used, in buckets that never overlap.
    #[must_use]
    pub fn usage(&self) -> &TokenUsage {
        &self.usage
    }

    /// The usage as the provider wrote it; `None` if it wrote none, or nothing that can be kept.
    #[must_use]
    pub fn raw_usage(&self) -> Option<&Value> {
        self.raw_usage.as_ref()
    }

    /// What is wrong with the usage, if anything is.
    #[must_use]
    pub fn usage_finding(&self) -> Option<UsageFinding> {
        self.usage_finding
    }

    /// From the moment the request was sent until the last byte of the reply was there.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.latency
    }
}
