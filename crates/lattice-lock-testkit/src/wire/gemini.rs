//! Google's `generateContent`, embeddings and listing.
//!
//! Every piece of a stream is a reply of its own; the usage is on the last one, and there is no last word. Calls
//! have no id. A wrong key is a 400 with the reason `API_KEY_INVALID`.
//!
//! Source: <https://ai.google.dev/api/generate-content> and Google's guide to errors. `promptTokenCount` contains
//! what was cached, `candidatesTokenCount` does not contain the thoughts, and the total contains both. The model
//! stands in the address, and the reply has it as `modelVersion`.
//!
//! What is refused: no JSON, no `contents` or none in them. The first piece of a stream has no part and the last
//! one an empty text with `finishReason`, so that a client that takes a piece for a word is found out. Each call is
//! sealed with a `thoughtSignature`, the same for all.

use serde_json::{Value, json};

use super::{Asked, Failure, Route, Said, content, data, halves};
use crate::{Usage, models};

pub(super) fn refused_key() -> Failure {
    Failure::saying(400, "API key not valid. Please pass a valid API key.").about("API_KEY_INVALID")
}

fn json_of(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|_| Failure::saying(400, "Invalid JSON payload received. Unknown name"))
}

pub(super) fn parse(route: &Route<'_>, body: &[u8]) -> Result<Asked, Failure> {
    let request = json_of(body)?;
    let Some(contents) = request["contents"].as_array().filter(|it| !it.is_empty()) else {
        let message = "* GenerateContentRequest.contents: contents is not specified";
        return Err(Failure::saying(400, message));
    };
    let system = content(&request["systemInstruction"]["parts"]);
    let said = contents.iter().flat_map(|turn| content(&turn["parts"]));
    let prompt: Vec<&str> = system.into_iter().chain(said).collect();
    Ok(Asked {
        model: route.model.unwrap_or_default().to_owned(),
        prompt: prompt.join("\n"),
        streams: route.streams,
        wants_usage: true,
        ..Asked::default()
    })
}

pub(super) fn parse_texts(route: &Route<'_>, body: &[u8]) -> Result<Asked, Failure> {
    let request = json_of(body)?;
    let requests = request["requests"].as_array();
    let texts: Vec<String> = requests
        .into_iter()
        .flatten()
        .map(|request| content(&request["content"]["parts"]).concat())
        .collect();
    if texts.is_empty() {
        return Err(Failure::saying(
            400,
            "* BatchEmbedContentsRequest.requests: is empty",
        ));
    }
    Ok(Asked {
        model: route.model.unwrap_or_default().to_owned(),
        prompt: texts.join("\n"),
        texts,
        ..Asked::default()
    })
}

pub(super) fn vectors(vectors: &[[f32; 3]], usage: Option<Value>) -> Value {
    let one = |values: &[f32; 3]| json!({ "values": values });
    let mut reply = json!({ "embeddings": vectors.iter().map(one).collect::<Vec<_>>() });
    if let Some(usage) = usage {
        reply["usageMetadata"] = usage;
    }
    reply
}

/// The prompt contains what was cached, and the candidates do not contain the thoughts.
pub(super) fn usage(usage: &Usage) -> Value {
    json!({
        "promptTokenCount": usage.prompt(),
        "cachedContentTokenCount": usage.cache_read,
        "candidatesTokenCount": usage.output,
        "thoughtsTokenCount": usage.reasoning,
        "totalTokenCount": usage.total(),
    })
}

fn chunk(said: &Said<'_>, parts: &[Value], finish: Option<&str>, usage: Option<&Value>) -> Value {
    let mut chunk = json!({
        "candidates": [{ "content": { "role": "model", "parts": parts }, "index": 0 }],
        "modelVersion": said.model,
        "responseId": format!("resp{:018}", said.number),
    });
    if let Some(finish) = finish {
        chunk["candidates"][0]["finishReason"] = finish.into();
    }
    if let Some(usage) = usage {
        chunk["usageMetadata"] = usage.clone();
    }
    chunk
}

fn finish<'a>(said: &Said<'a>) -> &'a str {
    let usual = if said.is_refusal { "SAFETY" } else { "STOP" };
    said.finish.unwrap_or(usual)
}

fn called(said: &Said<'_>) -> Vec<Value> {
    let call = |(name, args): &(String, Value)| json!({ "functionCall": { "name": name, "args": args }, "thoughtSignature": "c2VhbGVk" });
    said.calls.iter().map(call).collect()
}

pub(super) fn reply(said: &Said<'_>) -> Value {
    let mut parts = Vec::new();
    if let Some(thought) = said.reasoning {
        parts.push(json!({ "text": thought, "thought": true }));
    }
    if !said.text.is_empty() {
        parts.push(json!({ "text": said.text }));
    }
    parts.extend(called(said));
    chunk(said, &parts, Some(finish(said)), said.usage.as_ref())
}

pub(super) fn pieces(said: &Said<'_>) -> Vec<String> {
    let mut parts = Vec::new();
    for thought in said.reasoning.map(halves).into_iter().flatten() {
        parts.push(json!({ "text": thought, "thought": true }));
    }
    parts.extend(said.words().map(|word| json!({ "text": word })));
    parts.extend(called(said));
    let mut pieces = vec![data(&chunk(said, &[], None, said.early.as_ref()))];
    for part in parts {
        pieces.push(data(&chunk(said, &[part], None, None)));
    }
    let last = [json!({ "text": "" })];
    pieces.push(data(&chunk(
        said,
        &last,
        Some(finish(said)),
        said.usage.as_ref(),
    )));
    pieces
}

pub(super) fn failure(failure: &Failure) -> Value {
    let (message, status) = match failure.status {
        401 => (
            "Request had invalid authentication credentials.",
            "UNAUTHENTICATED",
        ),
        403 => (
            "Permission denied on resource project.",
            "PERMISSION_DENIED",
        ),
        404 => ("models/x is not found for API version v1beta.", "NOT_FOUND"),
        429 => ("You exceeded your current quota.", "RESOURCE_EXHAUSTED"),
        503 => (
            "The model is overloaded. Please try again later.",
            "UNAVAILABLE",
        ),
        504 => ("The request timed out.", "DEADLINE_EXCEEDED"),
        500.. => ("An internal error has occurred.", "INTERNAL"),
        _ => ("Request contains an invalid argument.", "INVALID_ARGUMENT"),
    };
    let mut error = json!({
        "code": failure.status,
        "message": failure.message.as_deref().unwrap_or(message),
        "status": status,
    });
    if let Some(reason) = failure.param {
        error["details"] = json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
        }]);
    }
    json!({ "error": error })
}

pub(super) fn models() -> Value {
    let model = |name| {
        json!({
            "name": format!("models/{name}"),
            "displayName": name,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        })
    };
    let names = models::names(&["gemini-"]);
    json!({ "models": names.map(model).collect::<Vec<_>>() })
}
