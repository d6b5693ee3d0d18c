//! Ollama's own chat.
//!
//! Source: `docs/api.md`, `docs/api/errors.mdx` and the types of `api/types.go` in its repository.
//!
//! A stream is one JSON value on each line, with `done` on the last; a line with `error` in it is an error,
//! whatever the status was. Errors are a text and nothing else, so that the status alone has a class. `done_reason`
//! is `stop`, `length`, or one of a request that had nothing to answer (`load`, `unload`).
//!
//! `prompt_eval_count` and `eval_count` are left out where they are 0, and then absent here: a prompt that was in
//! memory is not known to have cost nothing. Thinking is within `eval_count` and not told apart. Calls have an id
//! since 2025; before that a result is found by the tool's name, which is sent in any case.
//!
//! A request without `think` lets the model do as it does; `Off` is `false`, a degree is its word. Pictures go as
//! bytes only. How long the model stays loaded (`keep_alive`) and how large its window is (`options.num_ctx`) are
//! for `extra_body`.
//!
//! # Where a stream ends
//!
//! With the line whose `done` is true; a connection that ends before it was cut. A whole reply is such a line by
//! itself.
//!
//! # Errors
//!
//! `{"error": "text"}` and nothing typed: 404 is a model that is not there, 503 a queue that is full, 500 a model
//! that failed, and 400 anything that is wrong with the request. A line with `error` and without a message in the
//! middle of a stream is a cut stream.

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{Bucket, FailureClass, ModelName, Provider, Wire};
use reqwest::Url;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value, json};

use super::anthropic_messages::arguments;
use super::gemini::nameless;
use super::layout::{Layout, alone, at};
use super::openai_chat::{base64, keep};
use super::usage::{ReportedUsage, Written};
use super::{
    Asked, Blocks, Event, Framing, Problem, Protocol, Reader, Said, Unreadable, below,
    json as reading, names, read, to_json,
};
use crate::request::{ImageSource, refuse, unsupported};
use crate::{
    ChatRequest, Delta, FinishReason, Format, Message, Part, Role, Thinking, Tool, ToolChoice,
};

/// Ollama's own chat, as <https://github.com/ollama/ollama/blob/main/docs/api.md> has it: one JSON value on each
/// line, and nanoseconds beside the counts.
#[derive(Debug)]
pub(super) struct OllamaChat;

/// The address below the server's own: an address for the wire of `OpenAI` ends in `/v1`.
///
/// So the one address of a server will do for either of its wires.
fn at_server(base: &Url, segments: [&str; 2]) -> Url {
    let mut server = base.clone();
    if server.path().trim_end_matches('/').ends_with("/v1")
        && let Ok(mut path) = server.path_segments_mut()
    {
        path.pop_if_empty().pop();
    }
    below(&server, segments)
}

impl Protocol for OllamaChat {
    fn chat_url(&self, base: &Url, _: &Asked<'_>) -> Url {
        at_server(base, ["api", "chat"])
    }

    fn models_url(&self, base: &Url, _: &Provider) -> Url {
        at_server(base, ["api", "tags"])
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>> {
        let request = asked.request;
        let is_choosing = !matches!(request.tool_choice, None | Some(ToolChoice::Auto));
        refuse(&[
            ("tool_choice", is_choosing),
            ("parallel_tools", request.parallel_tools.is_some()),
            ("cache_key", request.cache_key.is_some()),
            ("cached_content", request.cached_content.is_some()),
            ("service_tier", request.service_tier.is_some()),
            ("user", request.user.is_some()),
            ("metadata", !request.metadata.is_empty()),
        ])?;
        Ok(to_json(&Body::new(asked)?, request))
    }

    fn said(&self, _: &Provider, body: &[u8]) -> Result<Said, Unreadable> {
        let mut reply = Reply::new(Blocks::of(Wire::OllamaChat));
        reply.line(body)?;
        Ok(reply.said())
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn reader(&self, _: &Provider) -> Box<dyn Reader> {
        Box::new(Reply::new(Blocks::telling(Wire::OllamaChat)))
    }

    /// Its errors are a text and nothing else: the status decides.
    fn class(&self, _: &Problem) -> Option<FailureClass> {
        None
    }

    fn models(&self, body: &[u8]) -> Result<Vec<ModelName>, Unreadable> {
        names(body, "models", "name")
    }
}

/// What was read and what was said, in tokens.
const COUNTS: [&str; 2] = ["prompt_eval_count", "eval_count"];

const THOUGHTS: u64 = 0;
const TEXT: u64 = 1;
const CALLS: u64 = 2;

/// The longest number that is looked at, in bytes.
const LONGEST_NUMBER: usize = 40;

/// A reply in the making: a whole one is a stream of one line.
#[derive(Debug)]
struct Reply {
    blocks: Blocks,
    model: Option<String>,
    finish: Option<FinishReason>,
    usage: Written,
    calls: u64,
    is_over: bool,
}

impl Reply {
    fn new(blocks: Blocks) -> Self {
        Self {
            blocks,
            model: None,
            finish: None,
            usage: Written::Nothing,
            calls: 0,
            is_over: false,
        }
    }

    /// Takes a whole reply or a line of a stream. One without a message is an error, told as one or not.
    fn line(&mut self, line: &[u8]) -> Result<(), Unreadable> {
        let wanted = [
            "model",
            "message",
            "done",
            "done_reason",
            "error",
            COUNTS[0],
            COUNTS[1],
        ];
        let [model, message, done, reason, error, read_count, said_count] = read(line, wanted)?;
        if message.is_none() {
            return Err(match error {
                Some(_) => Unreadable::problem(line),
                None => Unreadable::Malformed("the reply has no message"),
            });
        }
        keep(&mut self.model, model);
        let [content, thinking, calls] =
            reading::inner(message, ["content", "thinking", "tool_calls"]);
        if let Some(words) = reading::borrowed(thinking) {
            self.blocks.reasoning(THOUGHTS, &words)?;
        }
        if let Some(words) = reading::borrowed(content) {
            self.blocks.text(TEXT, &words)?;
        }
        for call in reading::items(calls) {
            self.call(call)?;
        }
        if reading::read(done) == Some(true) {
            self.is_over = true;
            self.finish = Some(match reading::borrowed(reason).as_deref() {
                Some("stop") => FinishReason::Stop,
                Some("length") => FinishReason::Length,
                _ => FinishReason::Other,
            });
        }
        self.counted([read_count, said_count]);
        Ok(())
    }

    /// The counts stand beside everything else, and are kept apart from it. A later one replaces an earlier one.
    fn counted(&mut self, counts: [Option<&RawValue>; 2]) {
        for (name, count) in COUNTS.into_iter().zip(counts) {
            if let Some(count) = count {
                // What is no JSON number of ours is no count either way.
                let number = Some(count).filter(|count| count.get().len() <= LONGEST_NUMBER);
                let is_number = reading::read::<Number>(number).is_some();
                let count = if is_number { count } else { RawValue::FALSE };
                self.usage.set(name, count);
            }
        }
    }

    /// Takes a call, which always comes whole, with its arguments as an object.
    fn call(&mut self, call: &RawValue) -> Result<(), Unreadable> {
        let [id, function] = reading::inner(Some(call), ["id", "function"]);
        let [name, arguments] = reading::inner(function, ["name", "arguments"]);
        let place = CALLS + self.calls;
        let id = reading::text(id).filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| format!("call_{}", self.calls));
        self.calls += 1;
        let name = reading::borrowed(name).unwrap_or_default();
        self.blocks.call(place, &id, &name)?;
        self.blocks
            .arguments(place, arguments.map_or("{}", RawValue::get))
    }
}

impl Reader for Reply {
    fn take(&mut self, event: Event<'_>) -> Result<(), Unreadable> {
        self.line(event.data)
    }

    fn news(&mut self) -> Option<Delta> {
        self.blocks.news()
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn has_begun(&self) -> bool {
        !self.blocks.parts().is_empty()
    }

    fn said(&self) -> Said {
        let finish = match self.finish.unwrap_or_default() {
            // The wire has no reason of its own for calls.
            FinishReason::Stop if self.calls > 0 => FinishReason::ToolCalls,
            finish => finish,
        };
        Said {
            id: None,
            model: self.model.clone(),
            parts: self.blocks.parts(),
            finish,
            usage: ReportedUsage::of(&self.usage, &LAYOUT),
            tier: None,
        }
    }
}

/// `eval_count` contains the thinking, and there is no total. A prompt that was read from memory as a whole is not
/// counted at all, and absent.
static LAYOUT: Layout = Layout {
    figures: &[
        alone(at("prompt_eval_count"), Bucket::Input),
        alone(at("eval_count"), Bucket::Output),
    ],
    total: None,
    sum: None,
};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    options: Map<String, Value>,
    /// It streams unless it is told not to.
    stream: bool,
}

impl<'a> Body<'a> {
    fn new(asked: &Asked<'a>) -> Result<Self> {
        let request = asked.request;
        let preamble = request.preamble();
        let mut messages = Vec::new();
        if let Some(text) = preamble {
            messages.push(json!({ "role": "system", "content": text }));
        }
        for message in &request.messages {
            say(message, &mut messages)?;
        }
        Ok(Self {
            model: asked.model.as_str(),
            messages,
            tools: request.tools.iter().map(declared).collect(),
            format: match &request.format {
                Format::Text => None,
                Format::Json => Some("json".into()),
                Format::Schema { schema, .. } => Some(schema.clone()),
            },
            think: request.thinking.map(think).transpose()?,
            options: options(request),
            stream: asked.streams,
        })
    }
}

fn think(thinking: Thinking) -> Result<Value, Error> {
    match thinking {
        Thinking::Off => Ok(false.into()),
        Thinking::Minimal | Thinking::Budget(_) => Err(unsupported("thinking")),
        _ => Ok(thinking.effort().into()),
    }
}

/// What other wires have as fields of the request are options of the model here.
fn options(request: &ChatRequest) -> Map<String, Value> {
    let stop = (!request.stop.is_empty()).then(|| json!(request.stop));
    [
        ("num_predict", request.max_tokens.map(Value::from)),
        ("temperature", request.temperature.map(Value::from)),
        ("top_p", request.top_p.map(Value::from)),
        ("seed", request.seed.map(Value::from)),
        ("stop", stop),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

fn declared(tool: &Tool) -> Value {
    let mut function = json!({ "name": tool.name, "parameters": tool.schema });
    if let Some(text) = &tool.description {
        function["description"] = text.as_str().into();
    }
    json!({ "type": "function", "function": function })
}

/// Puts a message into the wire's: each tool's result is one of its own there.
fn say(message: &Message, messages: &mut Vec<Value>) -> Result<()> {
    let role = match message.role() {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let (mut images, mut calls, mut thoughts) = (Vec::new(), Vec::new(), String::new());
    for part in message.parts() {
        match part {
            Part::Image(image) => match &image.source {
                ImageSource::Bytes(_, bytes) => images.push(base64(bytes)),
                ImageSource::Url(_) => return Err(unsupported("image.url")),
            },
            Part::ToolCall(call) => calls.push(json!({
                "function": { "name": call.name, "arguments": arguments(&call.arguments)? },
            })),
            Part::ToolResult(result) => messages.push(json!({
                "role": "tool",
                "tool_name": result.name.as_deref().ok_or_else(nameless)?,
                "content": result.content,
            })),
            Part::Reasoning(thought) if thought.is_on(&[Wire::OllamaChat]) => {
                thoughts.push_str(&thought.text);
            }
            Part::Text(_) | Part::Reasoning(_) | Part::Opaque(..) => {}
        }
    }
    let text = message.text();
    let is_only_results = text.is_empty() && images.is_empty() && calls.is_empty();
    if is_only_results && thoughts.is_empty() {
        return Ok(());
    }
    let mut said = json!({ "role": role, "content": text });
    if !images.is_empty() {
        said["images"] = images.into();
    }
    if !calls.is_empty() {
        said["tool_calls"] = calls.into();
    }
    if !thoughts.is_empty() {
        said["thinking"] = thoughts.into();
    }
    messages.push(said);
    Ok(())
}
