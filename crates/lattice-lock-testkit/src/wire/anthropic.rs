//! Anthropic's messages and listing.
//!
//! A stream says the prompt's usage with `message_start`, where the reply's is 1, and all of it with
//! `message_delta`, as the provider does: who adds the two counts the reply's first token twice. Thoughts are
//! signed. `anthropic-version` and `max_tokens` must be there.
//!
//! Source: <https://docs.anthropic.com/en/api/messages>, its pages of streaming and of errors. `input_tokens`
//! contains neither what was read from a cache nor what was written to one; `output_tokens` contains the thoughts
//! and does not tell them apart. Errors are `{"type": "error", "error": {"type", "message"}, "request_id"}`, with
//! the type that belongs to the status.
//!
//! What is refused, in this order: no `anthropic-version` in the headers, no JSON, no `model`, no `messages` or
//! none in them, no `max_tokens` that is a whole number; each is a 400 with the provider's words. A stream is
//! `message_start`, `ping`, for each block its start, its pieces and its stop, then `message_delta` and
//! `message_stop`.

use hyper::HeaderMap;
use serde_json::{Value, json};

use super::{Asked, Failure, Said, content, event, halves, texts};
use crate::{Usage, models};

pub(super) fn refused_key(shown: Option<&str>) -> Failure {
    let message = if shown.is_some() {
        "invalid x-api-key"
    } else {
        "x-api-key header is required"
    };
    Failure::saying(401, message)
}

pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Asked, Failure> {
    let refused = |message: &str| Failure::saying(400, message);
    if !headers.contains_key("anthropic-version") {
        return Err(refused("anthropic-version: header is required"));
    }
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| refused("The request body is not valid JSON: it could not be parsed"))?;
    let model = request["model"]
        .as_str()
        .ok_or_else(|| refused("model: Field required"))?;
    let messages = request["messages"]
        .as_array()
        .ok_or_else(|| refused("messages: Field required"))?;
    if messages.is_empty() {
        return Err(refused("messages: at least one message is required"));
    }
    if !request["max_tokens"].is_u64() {
        return Err(refused("max_tokens: Field required"));
    }
    let system = content(&request["system"]).join("\n");
    let prompt = [system, texts(messages)].join("\n").trim().to_owned();
    Ok(Asked {
        model: model.to_owned(),
        prompt,
        streams: request["stream"] == true,
        wants_usage: true,
        ..Asked::default()
    })
}

/// `input_tokens` contains neither cache bucket; thinking is inside `output_tokens`.
pub(super) fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write(),
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.completion(),
        "service_tier": "standard",
    })
}

fn content_of(said: &Said<'_>) -> Vec<Value> {
    let mut content = Vec::new();
    if let Some(thinking) = said.reasoning {
        content.push(json!({
            "type": "thinking",
            "thinking": thinking,
            "signature": format!("sig{:029}==", said.number),
        }));
    }
    if !said.text.is_empty() {
        content.push(json!({ "type": "text", "text": said.text }));
    }
    for (at, (name, input)) in said.calls.iter().enumerate() {
        let id = format!("toolu_{:020}{at:02}", said.number);
        content.push(json!({ "type": "tool_use", "id": id, "name": name, "input": input }));
    }
    content
}

fn stop_reason<'a>(said: &Said<'a>) -> &'a str {
    said.finish.unwrap_or(match (said.is_refusal, said.calls) {
        (true, _) => "refusal",
        (false, []) => "end_turn",
        (false, _) => "tool_use",
    })
}

fn message(said: &Said<'_>) -> Value {
    json!({
        "id": format!("msg_{:024}", said.number),
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    })
}

pub(super) fn reply(said: &Said<'_>) -> Value {
    let mut reply = message(said);
    reply["content"] = content_of(said).into();
    reply["stop_reason"] = stop_reason(said).into();
    if let Some(usage) = &said.usage {
        reply["usage"] = usage.clone();
    }
    reply
}

pub(super) fn pieces(said: &Said<'_>) -> Vec<String> {
    let mut start = message(said);
    // The provider counts the prompt at once, and the reply as far as it has come.
    if let Some(usage) = said.early.as_ref().or(said.usage.as_ref()) {
        start["usage"] = usage.clone();
        if said.early.is_none() && usage["output_tokens"].is_u64() {
            start["usage"]["output_tokens"] = 1.into();
        }
    }
    let mut pieces = vec![
        event(&json!({ "type": "message_start", "message": start })),
        event(&json!({ "type": "ping" })),
    ];
    for (index, block) in content_of(said).iter().enumerate() {
        let (start, deltas) = in_pieces(block, said);
        pieces.push(event(&json!({
            "type": "content_block_start", "index": index, "content_block": start,
        })));
        for delta in deltas {
            pieces.push(event(&json!({
                "type": "content_block_delta", "index": index, "delta": delta,
            })));
        }
        pieces.push(event(
            &json!({ "type": "content_block_stop", "index": index }),
        ));
    }
    let mut last = json!({
        "type": "message_delta",
        "delta": { "stop_reason": stop_reason(said), "stop_sequence": null },
    });
    if let Some(usage) = &said.usage {
        last["usage"] = usage.clone();
    }
    pieces.push(event(&last));
    pieces.push(event(&json!({ "type": "message_stop" })));
    pieces
}

/// A block as it begins, and what comes after that.
fn in_pieces(block: &Value, said: &Said<'_>) -> (Value, Vec<Value>) {
    let mut start = block.clone();
    let deltas = match block["type"].as_str() {
        Some("text") => {
            start["text"] = "".into();
            let delta = |text| json!({ "type": "text_delta", "text": text });
            said.words().map(delta).collect()
        }
        Some("thinking") => {
            (start["thinking"], start["signature"]) = ("".into(), "".into());
            let delta = |text| json!({ "type": "thinking_delta", "thinking": text });
            let thoughts = halves(said.reasoning.unwrap_or_default()).map(delta);
            let sealed = json!({ "type": "signature_delta", "signature": block["signature"] });
            thoughts.into_iter().chain([sealed]).collect()
        }
        _ => {
            start["input"] = json!({});
            let input = block["input"].to_string();
            let delta = |json| json!({ "type": "input_json_delta", "partial_json": json });
            std::iter::once("")
                .chain(halves(&input))
                .map(delta)
                .collect()
        }
    };
    (start, deltas)
}

pub(super) fn failure(failure: &Failure, request_id: &str) -> Value {
    let (kind, message) = match failure.status {
        401 => ("authentication_error", "invalid x-api-key"),
        403 => (
            "permission_error",
            "Your API key does not have permission to use the specified resource",
        ),
        404 => ("not_found_error", "Not found"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => (
            "rate_limit_error",
            "This request would exceed your organization's rate limit. Please try again later.",
        ),
        529 => ("overloaded_error", "Overloaded"),
        500.. => ("api_error", "Internal server error"),
        _ => ("invalid_request_error", "The request is not valid"),
    };
    json!({
        "type": "error",
        "error": { "type": kind, "message": failure.message.as_deref().unwrap_or(message) },
        "request_id": request_id,
    })
}

pub(super) fn models() -> Value {
    let names: Vec<&str> = models::names(&["claude-"]).collect();
    let model = |id: &&str| json!({ "type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z" });
    json!({
        "data": names.iter().map(model).collect::<Vec<_>>(),
        "has_more": false,
        "first_id": names.first(),
        "last_id": names.last(),
    })
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers() -> HeaderMap {
        let version = HeaderValue::from_static("2023-06-01");
        [("anthropic-version".parse().unwrap(), version)]
            .into_iter()
            .collect()
    }

    #[test]
    fn the_input_contains_neither_cache_bucket() {
        let charged = Usage::new()
            .input(7)
            .cache_read(20)
            .cache_write_5m(30)
            .cache_write_1h(40)
            .output(5)
            .reasoning(6);
        let usage = usage(&charged);
        assert_eq!(usage["input_tokens"], 7);
        assert_eq!(usage["cache_read_input_tokens"], 20);
        assert_eq!(usage["cache_creation_input_tokens"], 70);
        assert_eq!(usage["cache_creation"]["ephemeral_1h_input_tokens"], 40);
        assert_eq!(usage["output_tokens"], 11);
    }

    #[test]
    fn the_system_prompt_is_part_of_the_prompt() {
        let body = br#"{"model":"m","max_tokens":9,"system":[{"type":"text","text":"Be brief."}],
            "messages":[{"role":"user","content":[{"type":"text","text":"Hi."}]}]}"#;
        assert_eq!(
            parse(&headers(), body).ok().unwrap().prompt,
            "Be brief.\nHi."
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let check = |headers: &HeaderMap, body: &str, start: &str| {
            let failure = parse(headers, body.as_bytes()).err().unwrap();
            assert_eq!(failure.status, 400);
            assert!(failure.message.unwrap().starts_with(start), "{body}");
        };
        check(&HeaderMap::new(), "{}", "anthropic-version");
        check(&headers(), "", "The request body");
        check(&headers(), "{}", "model");
        check(&headers(), r#"{"model":"m"}"#, "messages");
        check(&headers(), r#"{"model":"m","messages":[]}"#, "messages");
        check(&headers(), r#"{"model":"m","messages":[{}]}"#, "max_tokens");
    }
}
