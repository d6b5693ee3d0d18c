//! OpenAI's chat completions, embeddings and listing, and Azure's, which differ in their errors and in where the
//! model stands.
//!
//! A stream begins with a role, says a word or half a call's arguments with each piece, and ends with a reason, the
//! usage where it was asked for, and `[DONE]`. Thoughts go into `reasoning_content`, which compatible servers have
//! and OpenAI has not. Replies are of one fixed time, so that they can be compared.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat>, and for errors its guide to error codes.
//! `prompt_tokens` contains what was cached and what was written to a cache, `completion_tokens` the reasoning, and
//! each is told apart in the details. Azure's are the same but for the errors, whose codes are words or numbers in
//! a text.
//!
//! What is refused: no JSON, no model in the body or the address, no `messages` or none in them; for vectors, no
//! text in `input`. A wrong key is quoted with its first eight and last four characters in clear where it is longer
//! than twelve, as the provider does, which is why a client has to take it out of what it shows.

use serde_json::{Value, json};

use super::{Asked, Failure, Said, data, halves, texts};
use crate::{Usage, models};

/// When every reply says that it was made; a fixed time makes replies comparable.
const CREATED: u64 = 1_767_225_600;

pub(super) fn refused_key(shown: Option<&str>) -> Failure {
    let Some(key) = shown else {
        return Failure::saying(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header \
             using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from \
             https://platform.openai.com/account/api-keys.",
        );
    };
    Failure::saying(
        401,
        format!(
            "Incorrect API key provided: {}. You can find your API key at \
             https://platform.openai.com/account/api-keys.",
            masked(key)
        ),
    )
}

/// The provider shows the ends of a wrong key, which is why its text must be redacted again.
fn masked(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    match letters.len() {
        0..=12 => "*".repeat(letters.len()),
        length => {
            let (start, end) = (letters[..8].iter(), letters[length - 4..].iter());
            start
                .copied()
                .chain(std::iter::repeat_n('*', length - 12))
                .chain(end.copied())
                .collect()
        }
    }
}

fn json_of(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|_| Failure::saying(400, "We could not parse the JSON body of your request."))
}

/// The model that the address names, or else the body.
fn model(named: Option<&str>, request: &Value) -> Result<String, Failure> {
    let model = named.or_else(|| request["model"].as_str());
    model
        .map(str::to_owned)
        .ok_or_else(|| Failure::saying(400, "you must provide a model parameter").about("model"))
}

pub(super) fn parse(named: Option<&str>, body: &[u8]) -> Result<Asked, Failure> {
    let request = json_of(body)?;
    let model = model(named, &request)?;
    let Some(messages) = request["messages"]
        .as_array()
        .filter(|messages| !messages.is_empty())
    else {
        let message = "Missing required parameter: 'messages'.";
        return Err(Failure::saying(400, message).about("messages"));
    };
    Ok(Asked {
        model,
        prompt: texts(messages),
        streams: request["stream"] == true,
        wants_usage: request["stream_options"]["include_usage"] == true,
        ..Asked::default()
    })
}

pub(super) fn parse_texts(named: Option<&str>, body: &[u8]) -> Result<Asked, Failure> {
    let request = json_of(body)?;
    let model = model(named, &request)?;
    let texts = match &request["input"] {
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => {
            let texts = texts.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    if texts.is_empty() {
        let message = "Missing required parameter: 'input'.";
        return Err(Failure::saying(400, message).about("input"));
    }
    Ok(Asked {
        model,
        prompt: texts.join("\n"),
        texts,
        ..Asked::default()
    })
}

pub(super) fn vectors(model: &str, vectors: &[[f32; 3]], usage: Option<Value>) -> Value {
    let one =
        |(index, vector)| json!({ "object": "embedding", "index": index, "embedding": vector });
    let data: Vec<_> = vectors.iter().enumerate().map(one).collect();
    let mut reply = json!({ "object": "list", "data": data, "model": model });
    if let Some(usage) = usage {
        reply["usage"] = usage;
    }
    reply
}

/// What was written to a cache is told by the models that charge for it, and without its life.
pub(super) fn usage(usage: &Usage) -> Value {
    let mut prompt = json!({ "cached_tokens": usage.cache_read, "audio_tokens": 0 });
    if usage.cache_write() > 0 {
        prompt["cache_write_tokens"] = usage.cache_write().into();
    }
    json!({
        "prompt_tokens": usage.prompt(),
        "completion_tokens": usage.completion(),
        "total_tokens": usage.total(),
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

fn called(said: &Said<'_>) -> Vec<Value> {
    let call = |(at, (name, arguments)): (usize, &(String, Value))| {
        json!({
            "id": said.call_id(at),
            "type": "function",
            "function": { "name": name, "arguments": arguments.to_string() },
        })
    };
    said.calls.iter().enumerate().map(call).collect()
}

fn finish<'a>(said: &Said<'a>) -> &'a str {
    let usual = if said.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    said.finish.unwrap_or(usual)
}

/// The field of the text: a refusal has its own.
fn field(said: &Said<'_>) -> &'static str {
    if said.is_refusal {
        "refusal"
    } else {
        "content"
    }
}

pub(super) fn reply(said: &Said<'_>) -> Value {
    let mut message = json!({
        "role": "assistant",
        "content": null,
        "refusal": null,
        "annotations": [],
    });
    if !said.text.is_empty() {
        message[field(said)] = said.text.into();
    }
    if let Some(reasoning) = said.reasoning {
        message["reasoning_content"] = reasoning.into();
    }
    if !said.calls.is_empty() {
        message["tool_calls"] = called(said).into();
    }
    let mut reply = json!({
        "id": format!("chatcmpl-{:029}", said.number),
        "object": "chat.completion",
        "created": CREATED,
        "model": said.model,
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": finish(said),
        }],
        "service_tier": "default",
        "system_fingerprint": null,
    });
    if let Some(usage) = &said.usage {
        reply["usage"] = usage.clone();
    }
    reply
}

pub(super) fn pieces(said: &Said<'_>) -> Vec<String> {
    let chunk = |choices: Value, usage: Option<&Value>| {
        let mut chunk = json!({
            "id": format!("chatcmpl-{:029}", said.number),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": said.model,
            "service_tier": "default",
            "system_fingerprint": null,
            "choices": choices,
        });
        chunk["usage"] = usage.cloned().unwrap_or(Value::Null);
        data(&chunk)
    };
    let choice = |delta: Value| json!([{ "index": 0, "delta": delta, "finish_reason": null }]);
    let begin = json!({ "role": "assistant", "content": "", "refusal": null });
    let mut pieces = vec![chunk(choice(begin), said.early.as_ref())];
    let mut say = |delta: Value| pieces.push(chunk(choice(delta), None));
    for thought in said.reasoning.map(halves).into_iter().flatten() {
        say(json!({ "reasoning_content": thought }));
    }
    for word in said.words() {
        say(json!({ field(said): word }));
    }
    for (index, mut call) in called(said).into_iter().enumerate() {
        let arguments = call["function"]["arguments"].take();
        call["index"] = index.into();
        call["function"]["arguments"] = "".into();
        say(json!({ "tool_calls": [call] }));
        for arguments in halves(arguments.as_str().unwrap_or_default()) {
            let piece = json!({ "index": index, "function": { "arguments": arguments } });
            say(json!({ "tool_calls": [piece] }));
        }
    }
    let last = json!([{ "index": 0, "delta": {}, "finish_reason": finish(said) }]);
    pieces.push(chunk(last, None));
    if let Some(usage) = &said.usage {
        pieces.push(chunk(json!([]), Some(usage)));
    }
    pieces.push("data: [DONE]\n\n".to_owned());
    pieces
}

/// As Azure words it: codes are words or numbers in a text, and the filter tells its word apart.
pub(super) fn azure_failure(failure: &Failure) -> Value {
    let (message, code) = match failure.status {
        401 => ("Access denied due to invalid subscription key.", "401"),
        404 => (
            "The API deployment for this resource does not exist.",
            "DeploymentNotFound",
        ),
        429 => ("Requests have exceeded call rate limit.", "429"),
        500.. => (
            "The service is temporarily unable to process your request.",
            "InternalServerError",
        ),
        _ => ("The request is not valid.", "BadRequest"),
    };
    json!({ "error": {
        "code": code,
        "message": failure.message.as_deref().unwrap_or(message),
    }})
}

pub(super) fn failure(failure: &Failure) -> Value {
    let (message, kind, code) = match failure.status {
        401 => (
            "Incorrect API key provided.",
            "invalid_request_error",
            Some("invalid_api_key"),
        ),
        403 => (
            "Country, region, or territory not supported",
            "request_forbidden",
            Some("unsupported_country_region_territory"),
        ),
        404 => (
            "The model does not exist or you do not have access to it.",
            "invalid_request_error",
            Some("model_not_found"),
        ),
        429 => (
            "Rate limit reached on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. \
             Visit https://platform.openai.com/account/rate-limits to learn more.",
            "requests",
            Some("rate_limit_exceeded"),
        ),
        503 => (
            "The engine is currently overloaded, please try again later.",
            "server_error",
            None,
        ),
        500.. => (
            "The server had an error while processing your request. Sorry about that!",
            "server_error",
            None,
        ),
        _ => ("The request is not valid.", "invalid_request_error", None),
    };
    json!({ "error": {
        "message": failure.message.as_deref().unwrap_or(message),
        "type": kind,
        "param": failure.param,
        "code": code,
    }})
}

pub(super) fn models() -> Value {
    let model =
        |id| json!({ "id": id, "object": "model", "created": CREATED, "owned_by": "system" });
    json!({
        "object": "list",
        "data": models::names(&["gpt-", "o4-"]).map(model).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_shown_as_the_provider_shows_it() {
        assert_eq!(masked("sk-proj-abcdefgh1234"), "sk-proj-********1234");
        assert_eq!(masked("short"), "*****");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn the_prompt_contains_the_cached_tokens_and_the_completion_the_reasoning() {
        let usage = usage(
            &Usage::new()
                .input(80)
                .cache_read(20)
                .output(30)
                .reasoning(10),
        );
        assert_eq!(usage["prompt_tokens"], 100);
        assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 20);
        assert_eq!(usage["completion_tokens"], 40);
        assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 10);
        assert_eq!(usage["total_tokens"], 140);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let check = |body: &str, param: Option<&str>| {
            let failure = parse(None, body.as_bytes()).err().unwrap();
            assert_eq!((failure.status, failure.param), (400, param), "{body}");
        };
        check("", None);
        check("{", None);
        check(&"[".repeat(100_000), None);
        check("[]", Some("model"));
        check(r#"{"model":7}"#, Some("model"));
        check(r#"{"model":"m"}"#, Some("messages"));
        check(r#"{"model":"m","messages":[]}"#, Some("messages"));
    }
}
