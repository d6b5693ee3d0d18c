use lattice_lock_errors::Secret;
use lattice_lock_providers::{
    Bucket, FailureClass, ModelName, Provider, ReasoningCount, TokenUsage,
};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;

use super::counts::{Counts, rest};
use super::usage::{ReportedUsage, Sorted, against_total};
use super::{Problem, Protocol, Said, Unreadable, json, to_json};
use crate::{ChatRequest, FinishReason, Role};

/// OpenAI's chat completions, as <https://platform.openai.com/docs/api-reference/chat> has them.
#[derive(Debug)]
pub(super) struct OpenAiChat;

impl Protocol for OpenAiChat {
    fn chat_path(&self) -> &'static str {
        "/chat/completions"
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn request_id_header(&self) -> &'static str {
        "x-request-id"
    }

    fn version(&self) -> Option<(HeaderName, HeaderValue)> {
        None
    }

    fn credential(&self, key: &str) -> (HeaderName, Secret<String>) {
        (AUTHORIZATION, Secret::new(format!("Bearer {key}")))
    }

    fn body(&self, provider: &Provider, model: &ModelName, request: &ChatRequest) -> Vec<u8> {
        let preamble = request.preamble();
        let preamble = preamble.as_deref().map(|text| (Role::System, text));
        // OpenAI's reasoning models refuse `max_tokens`, and many compatible servers know nothing else.
        let limit = request.token_limit();
        let (max_completion_tokens, max_tokens) = match provider.id().as_str() {
            "openai" => (limit, None),
            _ => (None, limit),
        };
        to_json(&Body {
            model: model.as_str(),
            messages: preamble
                .into_iter()
                .chain(request.messages())
                .map(Message::from)
                .collect(),
            max_tokens,
            max_completion_tokens,
            temperature: request.sampling_temperature(),
            response_format: request.is_json().then_some(JSON_OBJECT),
        })
    }

    fn said(&self, provider: &Provider, body: &[u8]) -> Result<Said, Unreadable> {
        let wanted = ["id", "model", "choices", "usage", "error"];
        let [id, model, choices, usage, error] =
            json::fields(body, wanted).map_err(|error| Unreadable::new(body, &error))?;
        let choices: Vec<&RawValue> = json::read(choices).unwrap_or_default();
        let Some(first) = choices.first() else {
            return Err(match error {
                Some(_) => Unreadable::Problem(Problem::read(body)),
                None => Unreadable::Malformed("the reply has no choice"),
            });
        };
        let [message, finish] = json::inner(Some(first), ["message", "finish_reason"]);
        if message.is_none() {
            return Err(Unreadable::Malformed("the choice has no message"));
        }
        let [content, refusal] = json::inner(message, ["content", "refusal"]);
        let refusal = json::text(refusal).filter(|text| !text.is_empty());
        let finish = match refusal {
            Some(_) => FinishReason::Refused,
            None => finish_of(json::text(finish).as_deref()),
        };
        Ok(Said {
            id: json::text(id),
            model: json::text(model),
            text: json::content(content).or(refusal).unwrap_or_default(),
            finish,
            usage: ReportedUsage::read(usage, |counts| sorted(counts, provider.reasoning_count())),
        })
    }

    fn class(&self, problem: &Problem) -> Option<FailureClass> {
        problem.words().find_map(class_of)
    }
}

fn finish_of(word: Option<&str>) -> FinishReason {
    match word {
        Some("stop") => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        Some("tool_calls" | "function_call") => FinishReason::ToolCalls,
        Some("content_filter") => FinishReason::ContentFiltered,
        _ => FinishReason::Other,
    }
}

/// What an error's code or type says beyond its status.
fn class_of(word: &str) -> Option<FailureClass> {
    Some(match word {
        "invalid_api_key" => FailureClass::InvalidKey,
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => {
            FailureClass::QuotaExhausted
        }
        "rate_limit_exceeded" => FailureClass::RateLimited,
        "context_length_exceeded" => FailureClass::ContextTooLong,
        "model_not_found" => FailureClass::ModelNotFound,
        "content_filter" | "content_policy_violation" | "moderation_blocked" => {
            FailureClass::ContentFiltered
        }
        _ => return None,
    })
}

/// `prompt_tokens` contains the cached and the audio tokens, `completion_tokens` the audio ones and, unless the
/// provider is known to count them beside, the reasoning ones.
///
/// | bucket | of the wire |
/// |---|---|
/// | input | `prompt_tokens` less the next two |
/// | cache read | `prompt_tokens_details.cached_tokens` |
/// | input audio | `prompt_tokens_details.audio_tokens` |
/// | output | `completion_tokens` less the next two |
/// | reasoning | `completion_tokens_details.reasoning_tokens` |
/// | output audio | `completion_tokens_details.audio_tokens` |
/// | total | `total_tokens` |
///
/// Tokens of a prediction stay in the output, whether it was accepted or not: they are priced as such.
fn sorted(counts: Counts<'_>, reasoning_count: ReasoningCount) -> Sorted {
    let prompt = counts.within("prompt_tokens_details")?;
    let completion = counts.within("completion_tokens_details")?;
    let (cached, audio_in) = (
        prompt.count("cached_tokens")?,
        prompt.count("audio_tokens")?,
    );
    let reasoning = completion.count("reasoning_tokens")?;
    let audio_out = completion.count("audio_tokens")?;
    let contained = match reasoning_count {
        ReasoningCount::BesideOutput => None,
        _ => reasoning,
    };
    let input = counts.count("prompt_tokens")?;
    let input = rest("prompt_tokens", input, [cached, audio_in])?;
    let output = counts.count("completion_tokens")?;
    let output = rest("completion_tokens", output, [contained, audio_out])?;
    let usage = TokenUsage::new()
        .with(Bucket::Input, input)
        .with(Bucket::CacheRead, cached)
        .with(Bucket::InputAudio, audio_in)
        .with(Bucket::Output, output)
        .with(Bucket::Reasoning, reasoning)
        .with(Bucket::OutputAudio, audio_out)
        .with_total(counts.count("total_tokens")?);
    Ok((usage, against_total(&usage, "total_tokens")))
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct Format {
    r#type: &'static str,
}

/// Takes effect only when a message speaks of JSON, which the request's own instruction does.
const JSON_OBJECT: Format = Format {
    r#type: "json_object",
};

impl<'a> From<(Role, &'a str)> for Message<'a> {
    fn from((role, content): (Role, &'a str)) -> Self {
        let role = match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Self { role, content }
    }
}

#[cfg(test)]
mod tests;
