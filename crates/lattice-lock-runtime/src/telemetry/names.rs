//! Every name that telemetry uses, in one place.
//!
//! Those that begin with `gen_ai` are OpenTelemetry's semantic conventions for generative AI (development status,
//! v0.1); they change there first and then here, and nowhere else.

/// What is done: `chat`, `embeddings`, `execute_tool`, `invoke_agent`.
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
/// Who serves the model, such as `openai`.
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The conversation that the call is part of.
pub const CONVERSATION_ID: &str = "gen_ai.conversation.id";
/// The model that was asked for.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// Whether the reply was streamed.
pub const REQUEST_STREAM: &str = "gen_ai.request.stream";
/// The most tokens that the reply may have.
pub const REQUEST_MAX_TOKENS: &str = "gen_ai.request.max_tokens";
/// The temperature that was asked for.
pub const REQUEST_TEMPERATURE: &str = "gen_ai.request.temperature";
/// The top-p that was asked for.
pub const REQUEST_TOP_P: &str = "gen_ai.request.top_p";
/// The provider's id of the reply.
pub const RESPONSE_ID: &str = "gen_ai.response.id";
/// The model that answered.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// Why the reply ended.
pub const RESPONSE_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// How long the first chunk of a stream took, in seconds.
pub const RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// Input tokens, those read from and written to a cache included.
pub const USAGE_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Output tokens, those of reasoning included.
pub const USAGE_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// Input tokens that were read from a cache.
pub const USAGE_CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
/// Input tokens that were written to a cache.
pub const USAGE_CACHE_WRITE_TOKENS: &str = "gen_ai.usage.cache_write.input_tokens";
/// Output tokens that were spent on reasoning.
pub const USAGE_REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
/// The tool that is executed.
pub const TOOL_NAME: &str = "gen_ai.tool.name";
/// The id of the tool call.
pub const TOOL_CALL_ID: &str = "gen_ai.tool.call.id";
/// The agent that is invoked.
pub const AGENT_NAME: &str = "gen_ai.agent.name";
/// What sort of tokens a counter is about: `text`, `image`, `audio`.
pub const TOKEN_MODALITY: &str = "gen_ai.token.modality";
/// The code of the error that ended the operation.
pub const ERROR_TYPE: &str = "error.type";
/// The name of a span as OpenTelemetry is to show it: `tracing`'s own names are static.
pub const OTEL_NAME: &str = "otel.name";
/// The kind of a span: `client` or `internal`.
pub const OTEL_KIND: &str = "otel.kind";
/// The status of a span: `ERROR` when it failed.
pub const OTEL_STATUS_CODE: &str = "otel.status_code";

/// OpenTelemetry's name for a provider of ours, where it has one of its own.
#[must_use]
pub fn provider(id: &str) -> &str {
    match id {
        "azure" => "azure.ai.openai",
        "bedrock" => "aws.bedrock",
        "google" => "gcp.gemini",
        "xai" => "x_ai",
        other => other,
    }
}

/// Histogram: how long an inference took, in seconds.
pub const INFERENCE_DURATION: &str = "gen_ai.client.inference.duration";
/// Histogram: how long the first chunk of a stream took, in seconds.
pub const INFERENCE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.client.inference.time_to_first_chunk";
/// Histogram: how long each further chunk of a stream took, in seconds.
pub const INFERENCE_TIME_PER_OUTPUT_CHUNK: &str = "gen_ai.client.inference.time_per_output_chunk";
/// Counter: input tokens.
pub const INFERENCE_INPUT_TOKENS: &str = "gen_ai.client.inference.usage.input_tokens";
/// Counter: output tokens.
pub const INFERENCE_OUTPUT_TOKENS: &str = "gen_ai.client.inference.usage.output_tokens";

/// Counter: background tasks that were accepted.
pub const TASKS_ACCEPTED: &str = "lattice_lock.tasks.accepted";
/// Counter: background tasks that ended, by `outcome`.
pub const TASKS_ENDED: &str = "lattice_lock.tasks.ended";
/// Counter: attempts that were made again, by `code` of the error before.
pub const RETRIES: &str = "lattice_lock.retries";
/// Counter: errors that were recorded, by `code`, `kind` and `severity`.
pub const ERRORS: &str = "lattice_lock.errors";
/// Histogram: how long a phase of the shutdown took, in seconds, by `phase` and `outcome`.
pub const SHUTDOWN_PHASE_DURATION: &str = "lattice_lock.shutdown.phase.duration";
/// Gauge: how well a component is, by `component`: 0 unhealthy, 1 degraded, 2 healthy.
pub const COMPONENT_HEALTH: &str = "lattice_lock.component.health";
