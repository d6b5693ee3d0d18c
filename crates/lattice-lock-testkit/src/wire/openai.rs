use serde_json::{Value, json};

use super::{Asked, Failure, Said, texts};
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

pub(super) fn parse(body: &[u8]) -> Result<Asked, Failure> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| Failure::saying(400, "We could not parse the JSON body of your request."))?;
    let Some(model) = request["model"].as_str() else {
        return Err(Failure::saying(400, "you must provide a model parameter").about("model"));
    };
    let Some(messages) = request["messages"]
        .as_array()
        .filter(|messages| !messages.is_empty())
    else {
        let message = "Missing required parameter: 'messages'.";
        return Err(Failure::saying(400, message).about("messages"));
    };
    if request["stream"] == true {
        return Err(Failure::saying(400, "Streaming is not scripted here.").about("stream"));
    }
    Ok(Asked {
        model: model.to_owned(),
        prompt: texts(messages),
    })
}

pub(super) fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt(),
        "completion_tokens": usage.completion(),
        "total_tokens": usage.total(),
        "prompt_tokens_details": { "cached_tokens": usage.cache_read, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

pub(super) fn reply(said: Said<'_>) -> Value {
    let mut reply = json!({
        "id": format!("chatcmpl-{:029}", said.number),
        "object": "chat.completion",
        "created": CREATED,
        "model": said.model,
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": said.text,
                "refusal": null,
                "annotations": [],
            },
            "logprobs": null,
            "finish_reason": said.finish.unwrap_or("stop"),
        }],
        "service_tier": "default",
        "system_fingerprint": null,
    });
    if let Some(usage) = said.usage {
        reply["usage"] = usage;
    }
    reply
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
            let failure = parse(body.as_bytes()).err().unwrap();
            assert_eq!((failure.status, failure.param), (400, param), "{body}");
        };
        check("", None);
        check("{", None);
        check(&"[".repeat(100_000), None);
        check("[]", Some("model"));
        check(r#"{"model":7}"#, Some("model"));
        check(r#"{"model":"m"}"#, Some("messages"));
        check(r#"{"model":"m","messages":[]}"#, Some("messages"));
        check(
            r#"{"model":"m","messages":[{}],"stream":true}"#,
            Some("stream"),
        );
    }
}
