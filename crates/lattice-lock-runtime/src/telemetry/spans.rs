use std::time::Duration;

use lattice_lock_errors::Error;
use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::telemetry::names;

/// The span of one model call, by OpenTelemetry's names for generative AI.
///
/// What is not known when it begins is added as it becomes known. Contents of messages are not part of it.
/// Nothing is exported unless the host has a subscriber that does.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use lattice_lock_runtime::{InferenceSpan, InferenceUsage};
/// use tracing::Instrument;
///
/// let span = InferenceSpan::new("chat", "openai", "gpt-5").stream(false);
/// async { /* the call */ }.instrument(span.span().clone()).await;
/// span.responded("chatcmpl-1", "gpt-5-2025-08-07")
///     .used(&InferenceUsage { input: Some(12), output: Some(34), ..InferenceUsage::default() });
/// # });
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct InferenceSpan {
    span: Span,
}

/// The tokens of a call as OpenTelemetry counts them. What is unknown is `None`, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InferenceUsage {
    /// Input tokens, those read from and written to a cache included.
    pub input: Option<u64>,
    /// Output tokens, those of reasoning included.
    pub output: Option<u64>,
    /// Input tokens that were read from a cache.
    pub cache_read: Option<u64>,
    /// Input tokens that were written to a cache.
    pub cache_write: Option<u64>,
    /// Output tokens that were spent on reasoning.
    pub reasoning: Option<u64>,
}

impl InferenceSpan {
    /// Begins the span of `operation` (`chat`, say) on a provider's model, below the current one.
    pub fn new(operation: &str, provider: &str, model: &str) -> Self {
        let span = info_span!(
            "gen_ai.client.inference",
            { names::OTEL_NAME } = format!("{operation} {model}"),
            { names::OTEL_KIND } = "client",
            { names::OTEL_STATUS_CODE } = Empty,
            { names::OPERATION_NAME } = operation,
            { names::PROVIDER_NAME } = provider,
            { names::REQUEST_MODEL } = model,
            { names::REQUEST_STREAM } = Empty,
            { names::REQUEST_MAX_TOKENS } = Empty,
            { names::REQUEST_TEMPERATURE } = Empty,
            { names::REQUEST_TOP_P } = Empty,
            { names::CONVERSATION_ID } = Empty,
            { names::RESPONSE_ID } = Empty,
            { names::RESPONSE_MODEL } = Empty,
            { names::RESPONSE_FINISH_REASONS } = Empty,
            { names::RESPONSE_TIME_TO_FIRST_CHUNK } = Empty,
            { names::USAGE_INPUT_TOKENS } = Empty,
            { names::USAGE_OUTPUT_TOKENS } = Empty,
            { names::USAGE_CACHE_READ_TOKENS } = Empty,
            { names::USAGE_CACHE_WRITE_TOKENS } = Empty,
            { names::USAGE_REASONING_TOKENS } = Empty,
            { names::ERROR_TYPE } = Empty,
        );
        Self { span }
    }

    /// The span itself, to run the call in.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Whether the reply is streamed.
    pub fn stream(self, stream: bool) -> Self {
        self.span.record(names::REQUEST_STREAM, stream);
        self
    }

    /// The most tokens that the reply may have.
    pub fn max_tokens(self, tokens: u64) -> Self {
        self.span.record(names::REQUEST_MAX_TOKENS, tokens);
        self
    }

    /// The temperature that was asked for.
    pub fn temperature(self, temperature: f64) -> Self {
        self.span.record(names::REQUEST_TEMPERATURE, temperature);
        self
    }

    /// The top-p that was asked for.
    pub fn top_p(self, top_p: f64) -> Self {
        self.span.record(names::REQUEST_TOP_P, top_p);
        self
    }

    /// The conversation that the call is part of.
    pub fn conversation(self, id: &str) -> Self {
        self.span.record(names::CONVERSATION_ID, id);
        self
    }

    /// The provider's id of the reply, if it gave one, and the model that made it.
    pub fn responded<'a>(self, id: impl Into<Option<&'a str>>, model: &str) -> Self {
        self.span.record(names::RESPONSE_ID, id.into());
        self.span.record(names::RESPONSE_MODEL, model);
        self
    }

    /// Why the reply ended.
    pub fn finished(self, reason: &str) -> Self {
        self.span.record(names::RESPONSE_FINISH_REASONS, reason);
        self
    }

    /// How long the first chunk of a stream took.
    pub fn first_chunk(self, after: Duration) -> Self {
        self.span
            .record(names::RESPONSE_TIME_TO_FIRST_CHUNK, after.as_secs_f64());
        self
    }

    /// The tokens of the call; of those that are unknown, nothing is written.
    pub fn used(self, usage: &InferenceUsage) -> Self {
        let fields = [
            (names::USAGE_INPUT_TOKENS, usage.input),
            (names::USAGE_OUTPUT_TOKENS, usage.output),
            (names::USAGE_CACHE_READ_TOKENS, usage.cache_read),
            (names::USAGE_CACHE_WRITE_TOKENS, usage.cache_write),
            (names::USAGE_REASONING_TOKENS, usage.reasoning),
        ];
        for (name, tokens) in fields {
            self.span.record(name, tokens);
        }
        self
    }

    /// The call failed.
    pub fn failed(self, error: &Error) -> Self {
        self.span.record(names::ERROR_TYPE, error.code().as_str());
        self.span.record(names::OTEL_STATUS_CODE, "ERROR");
        self
    }
}

/// The span of one execution of a tool, below the current one.
#[must_use]
pub fn tool_span(tool: &str, call_id: &str) -> Span {
    info_span!(
        "execute_tool",
        { names::OTEL_NAME } = format!("execute_tool {tool}"),
        { names::OTEL_KIND } = "internal",
        { names::OPERATION_NAME } = "execute_tool",
        { names::TOOL_NAME } = tool,
        { names::TOOL_CALL_ID } = call_id,
        { names::ERROR_TYPE } = Empty,
    )
}

/// The span of one operation: the conversation with its turns, attempts and tools, below the current one.
#[must_use]
pub fn agent_span(agent: &str, conversation: &str) -> Span {
    info_span!(
        "invoke_agent",
        { names::OTEL_NAME } = format!("invoke_agent {agent}"),
        { names::OTEL_KIND } = "internal",
        { names::OPERATION_NAME } = "invoke_agent",
        { names::AGENT_NAME } = agent,
        { names::CONVERSATION_ID } = conversation,
        { names::ERROR_TYPE } = Empty,
    )
}
