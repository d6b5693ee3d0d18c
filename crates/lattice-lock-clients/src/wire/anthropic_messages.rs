use lattice_lock_errors::Secret;
use lattice_lock_providers::{Bucket, FailureClass, ModelName, Provider, TokenUsage};
use reqwest::header::{HeaderName, HeaderValue};
use serde::Serialize;

use super::counts::Counts;
use super::usage::{ReportedUsage, Sorted};
use super::{Problem, Protocol, Said, Unreadable, json, to_json};
use crate::{ChatRequest, FinishReason, Role, UsageFinding};

/// What a request without a limit is given.
pub(crate) const DEFAULT_MAX_TOKENS: u32 = 4096;

/// Anthropic's messages, as <https://docs.anthropic.com/en/api/messages> has them.
#[derive(Debug)]
pub(super) struct AnthropicMessages;

impl Protocol for AnthropicMessages {
    fn chat_path(&self) -> &'static str {
        "/messages"
    }

    /// In the largest pages that there are: the first is all.
    fn models_path(&self) -> &'static str {
        "/models?limit=1000"
    }

    fn request_id_header(&self) -> &'static str {
        "request-id"
    }

    fn version(&self) -> Option<(HeaderName, HeaderValue)> {
        let name = HeaderName::from_static("anthropic-version");
        Some((name, HeaderValue::from_static("2023-06-01")))
    }

    fn credential(&self, key: &str) -> (HeaderName, Secret<String>) {
        let name = HeaderName::from_static("x-api-key");
        (name, Secret::new(key.to_owned()))
    }

    fn body(&self, _: &Provider, model: &ModelName, request: &ChatRequest) -> Vec<u8> {
        let conversation = request
            .messages()
            .filter(|(role, _)| *role != Role::System)
            .map(Message::from);
        to_json(&Body {
            model: model.as_str(),
            max_tokens: request.token_limit().unwrap_or(DEFAULT_MAX_TOKENS),
            system: system(request),
            messages: conversation.collect(),
            temperature: request.sampling_temperature(),
        })
    }

    fn said(&self, _: &Provider, body: &[u8]) -> Result<Said, Unreadable> {
        let wanted = ["id", "model", "content", "stop_reason", "usage", "error"];
        let [id, model, content, stop, usage, error] =
            json::fields(body, wanted).map_err(|error| Unreadable::new(body, &error))?;
        let Some(text) = json::content(content) else {
            return Err(match error {
                Some(_) => Unreadable::Problem(Problem::read(body)),
                None => Unreadable::Malformed("the reply has no content"),
            });
        };
        Ok(Said {
            id: json::text(id),
            model: json::text(model),
            text,
            finish: finish_of(json::text(stop).as_deref()),
            usage: ReportedUsage::read(usage, sorted),
        })
    }

    fn class(&self, problem: &Problem) -> Option<FailureClass> {
        problem.words().find_map(class_of)
    }
}

/// The system prompt and, after it, every system message.
fn system(request: &ChatRequest) -> Option<String> {
    let preamble = request.preamble();
    let messages = request
        .messages()
        .filter(|(role, _)| *role == Role::System)
        .map(|(_, text)| text);
    let parts: Vec<&str> = preamble.as_deref().into_iter().chain(messages).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

fn finish_of(word: Option<&str>) -> FinishReason {
    match word {
        Some("end_turn" | "stop_sequence") => FinishReason::Stop,
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("tool_use") => FinishReason::ToolCalls,
        Some("refusal") => FinishReason::Refused,
        _ => FinishReason::Other,
    }
}

/// What an error's type says beyond its status.
///
/// A prompt that is too long is an `invalid_request_error` like any other here: only its text tells, and texts
/// change.
fn class_of(word: &str) -> Option<FailureClass> {
    Some(match word {
        "authentication_error" => FailureClass::InvalidKey,
        "billing_error" => FailureClass::QuotaExhausted,
        "permission_error" => FailureClass::Forbidden,
        "not_found_error" => FailureClass::ModelNotFound,
        "request_too_large" => FailureClass::ContextTooLong,
        "rate_limit_error" => FailureClass::RateLimited,
        "overloaded_error" => FailureClass::Overloaded,
        "timeout_error" => FailureClass::Timeout,
        "api_error" => FailureClass::ServerError,
        "invalid_request_error" => FailureClass::BadRequest,
        _ => return None,
    })
}

/// `input_tokens` contains neither what was read from a cache nor what was written to one, `output_tokens`
/// contains the thinking, and there is no total. What was written is told apart by its lifetime; where it is
/// not, it lives the five minutes that are the default.
///
/// | bucket | of the wire |
/// |---|---|
/// | input | `input_tokens` |
/// | cache read | `cache_read_input_tokens` |
/// | cache write, 5 minutes | `cache_creation.ephemeral_5m_input_tokens`, else `cache_creation_input_tokens` |
/// | cache write, 1 hour | `cache_creation.ephemeral_1h_input_tokens` |
/// | output | `output_tokens` |
/// | web searches | `server_tool_use.web_search_requests` |
fn sorted(counts: Counts<'_>) -> Sorted {
    let lifetimes = counts.within("cache_creation")?;
    let five_minutes = lifetimes.count("ephemeral_5m_input_tokens")?;
    let an_hour = lifetimes.count("ephemeral_1h_input_tokens")?;
    let written = counts.count("cache_creation_input_tokens")?;
    let (five_minutes, finding) = match (written, five_minutes, an_hour) {
        (written, None, None) => (written, None),
        (Some(written), short, long) => (short, against_lifetimes(written, [short, long])),
        (None, short, _) => (short, None),
    };
    let tools = counts.within("server_tool_use")?;
    let usage = TokenUsage::new()
        .with(Bucket::Input, counts.count("input_tokens")?)
        .with(Bucket::CacheRead, counts.count("cache_read_input_tokens")?)
        .with(Bucket::CacheWrite5m, five_minutes)
        .with(Bucket::CacheWrite1h, an_hour)
        .with(Bucket::Output, counts.count("output_tokens")?)
        .with(Bucket::WebSearches, tools.count("web_search_requests")?);
    Ok((usage, finding))
}

fn against_lifetimes(written: u64, parts: [Option<u64>; 2]) -> Option<UsageFinding> {
    let sum: i128 = parts.into_iter().flatten().map(i128::from).sum();
    let residual = i128::from(written) - sum;
    (residual != 0).then_some(UsageFinding::Mismatch {
        whole: "cache_creation_input_tokens",
        residual,
    })
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> From<(Role, &'a str)> for Message<'a> {
    fn from((role, content): (Role, &'a str)) -> Self {
        let role = match role {
            Role::Assistant => "assistant",
            Role::User | Role::System => "user",
        };
        Self { role, content }
    }
}

#[cfg(test)]
mod tests;
