//! Ollama's own chat and listing.
//!
//! It streams unless it is told not to, and its errors are a text and nothing else. What was read from a cache is
//! in the prompt: the wire does not tell it apart.
//!
//! Source: <https://github.com/ollama/ollama/blob/main/docs/api.md>. The counts stand beside everything else on the
//! line whose `done` is true; with [`usage_early`](crate::Exchange::usage_early) they are on the first line
//! instead. The durations are fixed.
//!
//! What is refused: no JSON, no `model`. A request without a message is answered, as the server does that loads a
//! model.

use serde_json::{Value, json};

use super::{Asked, Failure, Said, halves, texts};
use crate::{Usage, models};

pub(super) fn parse(body: &[u8]) -> Result<Asked, Failure> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| Failure::saying(400, "invalid character in the request"))?;
    let model = request["model"].as_str().filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| Failure::saying(400, "model is required"))?;
    let messages = request["messages"].as_array();
    Ok(Asked {
        model: model.to_owned(),
        prompt: messages.map_or(String::new(), |messages| texts(messages)),
        // It streams unless it is told not to.
        streams: request["stream"] != false,
        wants_usage: true,
        ..Asked::default()
    })
}

/// What was thought is counted with what was said, and there is no total.
pub(super) fn usage(usage: &Usage) -> Value {
    json!({ "prompt_eval_count": usage.prompt(), "eval_count": usage.completion() })
}

fn line(said: &Said<'_>, message: &Value, done: Option<&str>, usage: Option<&Value>) -> Value {
    let mut line = json!({
        "model": said.model,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "message": message,
        "done": done.is_some(),
    });
    if let Some(reason) = done {
        line["done_reason"] = reason.into();
        line["total_duration"] = 5_191_566_416_u64.into();
        line["eval_duration"] = 4_799_921_000_u64.into();
    }
    if let Some(Value::Object(counts)) = usage {
        for (name, count) in counts {
            line[name] = count.clone();
        }
    }
    line
}

fn called(said: &Said<'_>) -> Vec<Value> {
    let call = |(name, arguments): &(String, Value)| json!({ "function": { "name": name, "arguments": arguments } });
    said.calls.iter().map(call).collect()
}

pub(super) fn reply(said: &Said<'_>) -> Value {
    let mut message = json!({ "role": "assistant", "content": said.text });
    if let Some(thinking) = said.reasoning {
        message["thinking"] = thinking.into();
    }
    if !said.calls.is_empty() {
        message["tool_calls"] = called(said).into();
    }
    let reason = said.finish.unwrap_or("stop");
    line(said, &message, Some(reason), said.usage.as_ref())
}

pub(super) fn pieces(said: &Said<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut early = said.early.as_ref();
    let mut say = |field: &str, value: Value| {
        let mut message = json!({ "role": "assistant", "content": "" });
        message[field] = value;
        lines.push(line(said, &message, None, early.take()));
    };
    for thought in said.reasoning.map(halves).into_iter().flatten() {
        say("thinking", thought.into());
    }
    for word in said.words() {
        say("content", word.into());
    }
    for call in called(said) {
        say("tool_calls", json!([call]));
    }
    let message = json!({ "role": "assistant", "content": "" });
    let reason = said.finish.unwrap_or("stop");
    lines.push(line(said, &message, Some(reason), said.usage.as_ref()));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

pub(super) fn failure(failure: &Failure) -> Value {
    let message = match failure.status {
        404 => "model \"x\" not found, try pulling it first",
        503 => "server busy, please try again.  maximum pending requests exceeded",
        500.. => "llama runner process has terminated",
        _ => "invalid request",
    };
    json!({ "error": failure.message.as_deref().unwrap_or(message) })
}

pub(super) fn models() -> Value {
    let model = |name| json!({ "name": name, "model": name, "size": 2_019_393_189_u64 });
    let names = models::names(&["llama"]);
    json!({ "models": names.map(model).collect::<Vec<_>>() })
}
