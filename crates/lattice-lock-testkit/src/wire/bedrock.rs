//! Amazon's Converse and listing.
//!
//! A stream is framed as AWS frames it, with lengths and sums that are made here by hand: nothing of AWS's own
//! crates is in this one, so that a client that uses them is held against something else. The name of an error is
//! in a header.
//!
//! Sources: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html> and AWS's "Event
//! stream encoding". `inputTokens` contains neither cached bucket, `outputTokens` contains the thoughts, and
//! `totalTokens` is all of it. The model stands in the address and is not in the reply.
//!
//! What is refused: no JSON, no message. A stream is `messageStart`, for each block its pieces and its stop,
//! `messageStop` and `metadata`, as the reference has it; only calls have a `contentBlockStart`. The name of an
//! error is in `x-amzn-errortype` and its words in `message`.

use serde_json::{Value, json};

use super::{Asked, Failure, Route, Said, content, halves, texts};
use crate::{Usage, models};

pub(super) fn refused_key() -> Failure {
    Failure::saying(
        403,
        "The security token included in the request is invalid.",
    )
    .about("UnrecognizedClientException")
}

pub(super) fn parse(route: &Route<'_>, body: &[u8]) -> Result<Asked, Failure> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| Failure::saying(400, "Unexpected token in the request"))?;
    let Some(messages) = request["messages"].as_array().filter(|it| !it.is_empty()) else {
        return Err(Failure::saying(400, "The conversation has no message."));
    };
    let system = content(&request["system"]).join("\n");
    let prompt = [system, texts(messages)].join("\n").trim().to_owned();
    Ok(Asked {
        model: route.model.unwrap_or_default().replace("%3A", ":"),
        prompt,
        streams: route.streams,
        wants_usage: true,
        ..Asked::default()
    })
}

/// `inputTokens` contains neither cache bucket, and the total contains both.
pub(super) fn usage(usage: &Usage) -> Value {
    json!({
        "inputTokens": usage.input,
        "outputTokens": usage.completion(),
        "totalTokens": usage.total(),
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": usage.cache_write(),
        "cacheDetails": [
            { "ttl": "5m", "inputTokens": usage.cache_write_5m },
            { "ttl": "1h", "inputTokens": usage.cache_write_1h },
        ],
    })
}

fn content_of(said: &Said<'_>) -> Vec<Value> {
    let mut content = Vec::new();
    if let Some(text) = said.reasoning {
        let signature = format!("sig{:029}==", said.number);
        let thought = json!({ "text": text, "signature": signature });
        content.push(json!({ "reasoningContent": { "reasoningText": thought } }));
    }
    if !said.text.is_empty() {
        content.push(json!({ "text": said.text }));
    }
    for (at, (name, input)) in said.calls.iter().enumerate() {
        let id = format!("tooluse_{:020}{at:02}", said.number);
        content.push(json!({ "toolUse": { "toolUseId": id, "name": name, "input": input } }));
    }
    content
}

fn stop_reason<'a>(said: &Said<'a>) -> &'a str {
    let usual = if said.calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    };
    said.finish.unwrap_or(usual)
}

pub(super) fn reply(said: &Said<'_>) -> Value {
    let mut reply = json!({
        "output": { "message": { "role": "assistant", "content": content_of(said) } },
        "stopReason": stop_reason(said),
        "metrics": { "latencyMs": 1275 },
    });
    if let Some(usage) = &said.usage {
        reply["usage"] = usage.clone();
    }
    reply
}

pub(super) fn pieces(said: &Said<'_>) -> Vec<Vec<u8>> {
    let mut pieces = vec![frame("messageStart", &json!({ "role": "assistant" }))];
    let mut tell = |kind: &str, payload: Value| pieces.push(frame(kind, &payload));
    if let Some(usage) = &said.early {
        tell(
            "metadata",
            json!({ "usage": usage, "metrics": { "latencyMs": 1 } }),
        );
    }
    for (index, block) in content_of(said).iter().enumerate() {
        if let Some(call) = block.get("toolUse") {
            let start =
                json!({ "toolUse": { "toolUseId": call["toolUseId"], "name": call["name"] } });
            tell(
                "contentBlockStart",
                json!({ "contentBlockIndex": index, "start": start }),
            );
        }
        for delta in deltas(block, said) {
            tell(
                "contentBlockDelta",
                json!({ "contentBlockIndex": index, "delta": delta }),
            );
        }
        tell("contentBlockStop", json!({ "contentBlockIndex": index }));
    }
    tell("messageStop", json!({ "stopReason": stop_reason(said) }));
    if said.usage.is_some() || said.early.is_none() {
        let mut metadata = json!({ "metrics": { "latencyMs": 1275 } });
        if let Some(usage) = &said.usage {
            metadata["usage"] = usage.clone();
        }
        tell("metadata", metadata);
    }
    pieces
}

fn deltas(block: &Value, said: &Said<'_>) -> Vec<Value> {
    if let Some(call) = block.get("toolUse") {
        let input = call["input"].to_string();
        let delta = |input| json!({ "toolUse": { "input": input } });
        return halves(&input).map(delta).into();
    }
    if let Some(thought) = block.get("reasoningContent") {
        let thought = &thought["reasoningText"];
        let text = halves(thought["text"].as_str().unwrap_or_default());
        let delta = |text| json!({ "reasoningContent": { "text": text } });
        let sealed = json!({ "reasoningContent": { "signature": thought["signature"] } });
        return text.map(delta).into_iter().chain([sealed]).collect();
    }
    said.words().map(|word| json!({ "text": word })).collect()
}

/// An event as AWS frames it: lengths and a checksum, headers, the payload, and a checksum of it all.
pub(super) fn frame(kind: &str, payload: &Value) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, text) in [
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ] {
        const TEXT: u8 = 7;
        headers.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        headers.extend_from_slice(name.as_bytes());
        headers.push(TEXT);
        headers.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        headers.extend_from_slice(text.as_bytes());
    }
    let payload = payload.to_string();
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let whole = 12 + headers.len() + payload.len() + 4;
    let mut frame = [number(whole), number(headers.len())].concat();
    frame.extend_from_slice(&checksum(&frame).to_be_bytes());
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload.as_bytes());
    frame.extend_from_slice(&checksum(&frame).to_be_bytes());
    frame
}

/// CRC-32 as Ethernet has it. No table: what is framed here is short.
fn checksum(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let one = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let is_odd = sum & 1 == 1;
            (sum >> 1) ^ if is_odd { POLYNOMIAL } else { 0 }
        })
    };
    !bytes.iter().fold(!0, one)
}

pub(super) fn failure(failure: &Failure) -> Value {
    let message = match failure.status {
        403 => "User is not authorized to perform: bedrock:InvokeModel",
        404 => "The model is not found.",
        429 => "Too many requests, please wait before trying again.",
        503 => "Bedrock is unable to process your request.",
        500.. => "The system encountered an unexpected error during processing.",
        _ => "The request is not valid.",
    };
    json!({ "message": failure.message.as_deref().unwrap_or(message) })
}

/// The header that names what went wrong.
pub(super) fn failure_type(failure: &Failure) -> &'static str {
    failure.param.unwrap_or(match failure.status {
        401 => "MissingAuthenticationTokenException",
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        408 => "ModelTimeoutException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        500.. => "InternalServerException",
        _ => "ValidationException",
    })
}

pub(super) fn models() -> Value {
    let model = |name| json!({ "modelId": format!("anthropic.{name}-v1:0"), "modelName": name });
    let names = models::names(&["claude-"]);
    json!({ "modelSummaries": names.map(model).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn a_frame_says_how_long_it_is() {
        let frame = frame("messageStop", &json!({}));
        let length = u32::from_be_bytes(frame[..4].try_into().unwrap());
        assert_eq!(length as usize, frame.len());
        assert_eq!(checksum(&frame[..8]).to_be_bytes(), frame[8..12]);
    }
}
