//! OpenAI's responses.
//!
//! A reply has one item for the thoughts, one for the words and one for each call. A stream tells them in the
//! provider's order: `response.created`, for each item its beginning, its pieces and its end, and the whole
//! response once more with `response.completed`. Thoughts carry a sealed form, which a caller is to send back.
//!
//! Source: <https://platform.openai.com/docs/api-reference/responses> and its reference of streaming events.
//! `input_tokens` contains what was cached and written, `output_tokens` the reasoning. What has no end of its own
//! here, such as a response that failed after it was accepted, is for [`Exchange::raw`](crate::Exchange::raw).
//!
//! What is refused: no JSON, no `model`, no `input`. Items have ids made from the request's number. A stream's
//! events have a `sequence_number`, and the type of each stands in it and in the event's name.

use serde_json::{Value, json};

use super::{Asked, Failure, Said, content, event, halves};
use crate::Usage;

/// When every reply says that it was made; a fixed time makes replies comparable.
const CREATED: u64 = 1_767_225_600;

pub(super) fn parse(body: &[u8]) -> Result<Asked, Failure> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| Failure::saying(400, "We could not parse the JSON body of your request."))?;
    let Some(model) = request["model"].as_str() else {
        let message = "Missing required parameter: 'model'.";
        return Err(Failure::saying(400, message).about("model"));
    };
    let said = match &request["input"] {
        Value::String(text) => vec![text.as_str()],
        Value::Array(items) => items
            .iter()
            .flat_map(|item| content(&item["content"]))
            .collect(),
        _ => Vec::new(),
    };
    if request["input"].is_null() {
        let message = "Missing required parameter: 'input'.";
        return Err(Failure::saying(400, message).about("input"));
    }
    let system = request["instructions"].as_str();
    let prompt: Vec<&str> = system.into_iter().chain(said).collect();
    Ok(Asked {
        model: model.to_owned(),
        prompt: prompt.join("\n"),
        streams: request["stream"] == true,
        wants_usage: true,
        ..Asked::default()
    })
}

/// What was written to a cache for half an hour stands in the bucket of five minutes, for twelve hours in that of
/// an hour.
pub(super) fn usage(usage: &Usage) -> Value {
    let mut input = json!({ "cached_tokens": usage.cache_read });
    if usage.cache_write() > 0 {
        input["cache_write_tokens"] = usage.cache_write().into();
        input["cache_write_tokens_details"] = json!({
            "ttl_30m_tokens": usage.cache_write_5m,
            "ttl_12h_tokens": usage.cache_write_1h,
        });
    }
    json!({
        "input_tokens": usage.prompt(),
        "input_tokens_details": input,
        "output_tokens": usage.completion(),
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.total(),
    })
}

fn output(said: &Said<'_>) -> Vec<Value> {
    let mut output = Vec::new();
    if let Some(reasoning) = said.reasoning {
        output.push(json!({
            "type": "reasoning",
            "id": format!("rs_{:029}", said.number),
            "summary": [{ "type": "summary_text", "text": reasoning }],
            "encrypted_content": format!("gAAAAA{:029}", said.number),
        }));
    }
    if !said.text.is_empty() {
        let part = if said.is_refusal {
            json!({ "type": "refusal", "refusal": said.text })
        } else {
            json!({ "type": "output_text", "text": said.text, "annotations": [] })
        };
        output.push(json!({
            "type": "message",
            "id": format!("msg_{:029}", said.number),
            "status": "completed",
            "role": "assistant",
            "content": [part],
        }));
    }
    for (at, (name, arguments)) in said.calls.iter().enumerate() {
        output.push(json!({
            "type": "function_call",
            "id": format!("fc_{:020}{at:02}", said.number),
            "call_id": said.call_id(at),
            "name": name,
            "arguments": arguments.to_string(),
            "status": "completed",
        }));
    }
    output
}

fn response(said: &Said<'_>, output: &[Value], usage: Option<&Value>) -> Value {
    let (status, reason) = match said.finish {
        None | Some("completed") => ("completed", None),
        Some(reason) => ("incomplete", Some(reason)),
    };
    let mut response = json!({
        "id": format!("resp_{:029}", said.number),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": null,
        "incomplete_details": reason.map(|reason| json!({ "reason": reason })),
        "model": said.model,
        "output": output,
        "service_tier": "default",
    });
    if let Some(usage) = usage {
        response["usage"] = usage.clone();
    }
    response
}

pub(super) fn reply(said: &Said<'_>) -> Value {
    response(said, &output(said), said.usage.as_ref())
}

pub(super) fn pieces(said: &Said<'_>) -> Vec<String> {
    let mut number = 0;
    let mut pieces = Vec::new();
    let mut tell = |kind: &str, mut fields: Value| {
        fields["type"] = kind.into();
        fields["sequence_number"] = number.into();
        number += 1;
        pieces.push(event(&fields));
    };
    let mut begun = response(said, &[], said.early.as_ref());
    begun["status"] = "in_progress".into();
    tell("response.created", json!({ "response": begun }));
    for (at, item) in output(said).into_iter().enumerate() {
        let mut start = item.clone();
        let empty = match item["type"].as_str() {
            Some("message") => "content",
            Some("reasoning") => "summary",
            _ => "arguments",
        };
        start[empty] = if empty == "arguments" {
            "".into()
        } else {
            json!([])
        };
        if empty == "summary" {
            start["encrypted_content"] = Value::Null;
        }
        tell(
            "response.output_item.added",
            json!({ "output_index": at, "item": start }),
        );
        let (kind, words): (_, Vec<&str>) = match empty {
            "content" if said.is_refusal => ("response.refusal.delta", said.words().collect()),
            "content" => ("response.output_text.delta", said.words().collect()),
            "summary" => (
                "response.reasoning_summary_text.delta",
                halves(said.reasoning.unwrap_or_default()).to_vec(),
            ),
            _ => (
                "response.function_call_arguments.delta",
                halves(item["arguments"].as_str().unwrap_or_default()).to_vec(),
            ),
        };
        for word in words {
            tell(
                kind,
                json!({ "output_index": at, "content_index": 0, "delta": word }),
            );
        }
        tell(
            "response.output_item.done",
            json!({ "output_index": at, "item": item }),
        );
    }
    let done = response(said, &output(said), said.usage.as_ref());
    let kind = match done["status"].as_str() {
        Some("completed") => "response.completed",
        _ => "response.incomplete",
    };
    tell(kind, json!({ "response": done }));
    pieces
}
