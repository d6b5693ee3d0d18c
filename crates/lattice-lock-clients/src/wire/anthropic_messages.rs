//! Anthropic's messages.
//!
//! Source: the API reference of messages and errors, the guides of streaming, caching, thinking, web search and
//! compaction, and the types of the Python SDK (`Usage`, `MessageDeltaUsage`, `StopReason`, `BetaUsage.iterations`).
//!
//! # What a reply says
//!
//! | block | becomes |
//! |---|---|
//! | `text` | words; citations are not kept |
//! | `thinking` | thoughts, with the signature without which the provider takes them back from nobody |
//! | `redacted_thinking` | a sealed thought |
//! | `tool_use` | a call |
//! | anything else | is kept as it came, and sent back so: `server_tool_use` and results of tools of the provider's, MCP, `compaction` |
//!
//! `pause_turn` is [`Other`](FinishReason::Other): the reply is to be sent back as it is, and the model goes on.
//!
//! # What was used
//!
//! `input_tokens`, `cache_read_input_tokens` and `cache_creation_input_tokens` stand beside each other; what was
//! written is told apart by its life in `cache_creation`. `output_tokens` contains `thinking_tokens`. There is no
//! total. In a stream `message_start` has a first report and `message_delta` a later one of some fields, which are
//! cumulative: each replaces its own and leaves the others. `iterations` is there when the server sampled more than
//! once: entries of type `message` add up to the figures around them, a `compaction` is charged beside these, and
//! `advisor_message` is charged by another model's prices.
//!
//! # What is sent
//!
//! System messages are joined to the one system prompt. A result of a tool comes first in its message. `max_tokens`
//! must be there, and is [`DEFAULT_MAX_TOKENS`] where the request has none. A cache hint is a `cache_control` on
//! the last block of its message, on the system prompt, or on the last tool where there is no system prompt; four
//! of them are taken. `Format::Json` has no field, and is asked for in words.
//!
//! # Errors
//!
//! The body is `{"type": "error", "error": {"type", "message"}}`, in a stream an event `error`. The type alone has
//! a class:
//!
//! | type | status | class |
//! |---|---|---|
//! | `invalid_request_error` | 400 | bad request, a prompt that is too long among them |
//! | `authentication_error` | 401 | invalid key |
//! | `billing_error` | 402 | quota exhausted |
//! | `permission_error` | 403 | forbidden |
//! | `not_found_error` | 404 | model not found |
//! | `request_too_large` | 413 | context too long |
//! | `rate_limit_error` | 429 | rate limited |
//! | `api_error` | 500 | server error |
//! | `timeout_error` | 504 | timeout |
//! | `overloaded_error` | 529 | overloaded |
//!
//! Source: <https://docs.anthropic.com/en/api/errors>. In a stream these come with a status of 200, so that the
//! type is all there is; after the first word they are a cut stream.
//!
//! # Where a stream ends
//!
//! `message_stop` is the last word. `ping` events say nothing. Each block has an index, and its pieces come between
//! `content_block_start` and `content_block_stop`; the arguments of a call come as `partial_json`, which is no JSON
//! by itself.

use std::borrow::Cow;

use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_providers::{Bucket, FailureClass, Provider, ServiceTier, Wire};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::counts::Told;
use super::layout::{At, Figure, Layout, alone, at, inside, whole};
use super::openai_chat::{base64, keep};
use super::usage::{ReportedUsage, Written};
use super::{
    Asked, Blocks, Event, Problem, Protocol, Reader, Said, Unreadable, below, json as reading,
    read, to_json,
};
use crate::codes::REQUEST_INVALID;
use crate::request::{ImageSource, refuse, unsupported};
use crate::{
    CacheLife, ChatRequest, Delta, FinishReason, Format, Message, Part, Reasoning, Role, Thinking,
    Tool, ToolChoice,
};

/// What a request without a limit is given.
pub(crate) const DEFAULT_MAX_TOKENS: u32 = 4096;

/// Anthropic's messages, as <https://docs.anthropic.com/en/api/messages> has them.
///
/// The version is always `2023-06-01`, the only one of the stable interface; what is newer is turned on with
/// `anthropic-beta` in [`extra_header`](ChatRequest::extra_header).
#[derive(Debug)]
pub(super) struct AnthropicMessages;

impl Protocol for AnthropicMessages {
    fn chat_url(&self, base: &Url, _: &Asked<'_>) -> Url {
        below(base, ["messages"])
    }

    /// In the largest pages that there are: the first is all.
    fn models_url(&self, base: &Url, _: &Provider) -> Url {
        let mut url = below(base, ["models"]);
        url.set_query(Some("limit=1000"));
        url
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

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>> {
        let request = asked.request;
        refuse(&[
            ("seed", request.seed.is_some()),
            ("cache_key", request.cache_key.is_some()),
            ("cached_content", request.cached_content.is_some()),
            ("metadata", !request.metadata.is_empty()),
        ])?;
        let preamble = request.whole_preamble();
        Ok(to_json(&Body::new(asked, preamble.as_deref())?, request))
    }

    fn said(&self, _: &Provider, body: &[u8]) -> Result<Said, Unreadable> {
        let [content, error] = read(body, ["content", "error"])?;
        let blocks: Vec<&RawValue> = match reading::read(content) {
            Some(blocks) => blocks,
            None if error.is_some() => return Err(Unreadable::problem(body)),
            None => return Err(Unreadable::Malformed("the reply has no content")),
        };
        let mut reply = Reply::new(Blocks::of(Wire::AnthropicMessages));
        reply.head(body)?;
        for (place, block) in blocks.into_iter().enumerate() {
            reply.block(place as u64, block)?;
        }
        Ok(reply.said())
    }

    fn reader(&self, _: &Provider) -> Box<dyn Reader> {
        Box::new(Reply::new(Blocks::telling(Wire::AnthropicMessages)))
    }

    fn class(&self, problem: &Problem) -> Option<FailureClass> {
        problem.words().find_map(class_of)
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

/// A reply in the making, whole or in pieces.
#[derive(Debug)]
struct Reply {
    blocks: Blocks,
    id: Option<String>,
    model: Option<String>,
    finish: Option<FinishReason>,
    usage: Written,
    /// The arguments of a block that has no type here, as they come.
    odd_input: String,
    is_over: bool,
}

impl Reply {
    fn new(blocks: Blocks) -> Self {
        Self {
            blocks,
            id: None,
            model: None,
            finish: None,
            usage: Written::Nothing,
            odd_input: String::new(),
            is_over: false,
        }
    }

    /// Reads what stands around the content.
    fn head(&mut self, message: &[u8]) -> Result<(), Unreadable> {
        let [id, model, stop, usage] = read(message, ["id", "model", "stop_reason", "usage"])?;
        keep(&mut self.id, id);
        keep(&mut self.model, model);
        self.stopped(stop);
        self.usage.update(usage);
        Ok(())
    }

    /// A later reason replaces an earlier one; `null`, which the first event of a stream has, is none.
    fn stopped(&mut self, word: Option<&RawValue>) {
        if word.is_some() {
            self.finish = Some(finish_of(reading::borrowed(word).as_deref()));
        }
    }

    /// Takes a block, whole or as it begins.
    fn block(&mut self, place: u64, block: &RawValue) -> Result<(), Unreadable> {
        let wanted = [
            "type",
            "text",
            "thinking",
            "signature",
            "data",
            "id",
            "name",
            "input",
        ];
        let [kind, text, thinking, signature, data, id, name, input] =
            reading::inner(Some(block), wanted);
        let word = |value| reading::borrowed(value).unwrap_or_default();
        match word(kind).as_ref() {
            "text" => self.blocks.text(place, &word(text)),
            "thinking" => {
                self.blocks.reasoning(place, &word(thinking))?;
                match word(signature).as_ref() {
                    "" => Ok(()),
                    signature => self.blocks.sign(place, signature),
                }
            }
            "redacted_thinking" => self.blocks.sealed(place, &word(data)),
            "tool_use" => {
                self.blocks.call(place, &word(id), &word(name))?;
                match input.map_or("{}", RawValue::get) {
                    // A block that begins has an empty input; its own comes in pieces.
                    "{}" => Ok(()),
                    input => self.blocks.arguments(place, input),
                }
            }
            "" => Ok(()),
            _ => {
                self.odd_input.clear();
                let value = reading::read(Some(block)).unwrap_or(Value::Null);
                let size = block.get().len();
                self.blocks
                    .opaque(place, Wire::AnthropicMessages, value, size)
            }
        }
    }

    /// Takes a piece of a block that has begun.
    fn piece(&mut self, place: u64, piece: Option<&RawValue>) -> Result<(), Unreadable> {
        let wanted = [
            "type",
            "text",
            "thinking",
            "signature",
            "partial_json",
            "content",
        ];
        let [kind, text, thinking, signature, json, content] = reading::inner(piece, wanted);
        let word = |value| reading::borrowed(value).unwrap_or_default();
        match word(kind).as_ref() {
            "text_delta" => self.blocks.text(place, &word(text)),
            "thinking_delta" => self.blocks.reasoning(place, &word(thinking)),
            "signature_delta" => self.blocks.sign(place, &word(signature)),
            "input_json_delta" if self.blocks.opaque_at(place).is_some() => {
                let json = word(json);
                self.odd_input.push_str(&json);
                self.blocks.grow(json.len())
            }
            "input_json_delta" => self.blocks.arguments(place, &word(json)),
            "compaction_delta" => self.summed_up(place, content),
            // Citations are not kept, in whole replies neither.
            _ => Ok(()),
        }
    }

    /// The summary of a block that was kept as it came, and came without: it is told as a whole.
    fn summed_up(&mut self, place: u64, summary: Option<&RawValue>) -> Result<(), Unreadable> {
        let size = summary.map_or(0, |summary| summary.get().len());
        self.blocks.grow(size)?;
        if let Some(block) = self.blocks.opaque_at(place) {
            block["content"] = reading::read(summary).unwrap_or_default();
        }
        Ok(())
    }

    /// A block has ended: what was kept as it came gets its input.
    fn ended(&mut self, place: u64) {
        let input = std::mem::take(&mut self.odd_input);
        if let Some(block) = self.blocks.opaque_at(place)
            && let Ok(input) = serde_json::from_str::<Value>(&input)
        {
            block["input"] = input;
        }
    }
}

impl Reader for Reply {
    fn take(&mut self, event: Event<'_>) -> Result<(), Unreadable> {
        let wanted = [
            "type",
            "index",
            "message",
            "content_block",
            "delta",
            "usage",
            "error",
        ];
        let [kind, index, message, block, delta, usage, error] = read(event.data, wanted)?;
        let kind = reading::borrowed(kind).unwrap_or(Cow::Borrowed(event.name));
        let place = reading::read::<u32>(index).map_or(0, u64::from);
        match kind.as_ref() {
            "message_start" => match message {
                Some(message) => self.head(message.get().as_bytes()),
                None => Ok(()),
            },
            "content_block_start" => match block {
                Some(block) => self.block(place, block),
                None => Ok(()),
            },
            "content_block_delta" => self.piece(place, delta),
            "content_block_stop" => {
                self.ended(place);
                Ok(())
            }
            "message_delta" => {
                let [stop] = reading::inner(delta, ["stop_reason"]);
                self.stopped(stop);
                self.usage.update(usage);
                Ok(())
            }
            "message_stop" => {
                self.is_over = true;
                Ok(())
            }
            "error" => Err(Unreadable::problem(event.data)),
            _ if error.is_some() => Err(Unreadable::problem(event.data)),
            _ => Ok(()),
        }
    }

    fn news(&mut self) -> Option<Delta> {
        self.blocks.news()
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn has_begun(&self) -> bool {
        !self.blocks.is_empty()
    }

    fn said(&self) -> Said {
        let usage = with_others(ReportedUsage::of(&self.usage, &LAYOUT));
        let [tier] = usage
            .raw
            .as_ref()
            .map_or([None], |raw| raw.fields(["service_tier"]));
        let tier = reading::text(tier);
        Said {
            id: self.id.clone(),
            model: self.model.clone(),
            parts: self.blocks.parts(),
            finish: self.finish.unwrap_or_default(),
            usage,
            tier,
        }
    }
}

/// The usage with what was sampled beside the reply: that is charged, too, and the figures around it do not contain
/// it. A summary of the conversation was made by the same model; the advice of another has prices of its own, and is
/// only found to be missing from the buckets.
fn with_others(mut reported: ReportedUsage) -> ReportedUsage {
    let raw = reported.raw.clone();
    let [sampled] = raw
        .as_ref()
        .map_or([None], |raw| raw.fields(["iterations"]));
    for other in reading::items(sampled) {
        let [kind] = reading::inner(Some(other), ["type"]);
        let counts = reading::read(Some(other)).unwrap_or(Told::Odd);
        match reading::borrowed(kind).as_deref() {
            Some("compaction") => reported.add(&counts, &LAYOUT),
            Some("advisor_message") => reported.miss(&counts, &LAYOUT, "iterations"),
            _ => {}
        }
    }
    reported
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

const WRITTEN: At = at("cache_creation_input_tokens");
const WRITTEN_5M: At = inside("cache_creation", "ephemeral_5m_input_tokens");
const WRITTEN_1H: At = inside("cache_creation", "ephemeral_1h_input_tokens");
const LASTING: Figure = alone(WRITTEN_1H, Bucket::CacheWrite1h);

const THOUGHT: Figure = alone(
    inside("output_tokens_details", "thinking_tokens"),
    Bucket::Reasoning,
);

/// `input_tokens` contains neither what was read from a cache nor what was written to one, `output_tokens` contains
/// the thinking, which newer replies tell apart, and there is no total. What was written is told apart by its
/// lifetime; what is not lives the five minutes that are the default.
static LAYOUT: Layout = Layout {
    figures: &[
        alone(at("input_tokens"), Bucket::Input),
        alone(at("cache_read_input_tokens"), Bucket::CacheRead),
        Figure {
            unless: Some(WRITTEN_5M),
            ..whole(WRITTEN, Bucket::CacheWrite5m, &[LASTING])
        },
        LASTING,
        whole(at("output_tokens"), Bucket::Output, &[THOUGHT]),
        THOUGHT,
        alone(
            inside("server_tool_use", "web_search_requests"),
            Bucket::WebSearches,
        ),
    ],
    total: None,
    sum: Some((WRITTEN, [WRITTEN_5M, WRITTEN_1H])),
};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<System<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Declared<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

impl<'a> Body<'a> {
    fn new(asked: &Asked<'a>, preamble: Option<&'a str>) -> Result<Self> {
        let request = asked.request;
        let messages = request
            .conversation()
            .filter_map(|message| turn(message).transpose())
            .collect::<Result<_>>()?;
        let last = request.tools.len().saturating_sub(1);
        // Tools come before the system prompt: without one they are what is kept.
        let kept = request.system_cache.filter(|_| preamble.is_none());
        let declared = |(at, tool): (usize, &'a Tool)| {
            Declared::new(tool, kept.filter(|_| at == last).map(Cache::from))
        };
        Ok(Self {
            model: asked.model.as_str(),
            max_tokens: request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
            system: preamble.map(|text| System::new(text, request.system_cache)),
            messages,
            tools: request.tools.iter().enumerate().map(declared).collect(),
            tool_choice: tool_choice(request),
            temperature: request.temperature,
            top_p: request.top_p,
            stop_sequences: &request.stop,
            thinking: thinking(request.thinking),
            output_config: output_config(request)?,
            service_tier: request.service_tier.map(tier).transpose()?,
            metadata: request.user.as_ref().map(|id| json!({ "user_id": id })),
            stream: asked.streams,
        })
    }
}

/// A degree of thinking is adaptive, and its word goes into `output_config`.
fn thinking(thinking: Option<Thinking>) -> Option<Value> {
    Some(match thinking? {
        Thinking::Off => json!({ "type": "disabled" }),
        Thinking::Budget(tokens) => json!({ "type": "enabled", "budget_tokens": tokens }),
        _ => json!({ "type": "adaptive" }),
    })
}

fn output_config(request: &ChatRequest) -> Result<Option<Value>> {
    let mut config = serde_json::Map::new();
    match request.thinking {
        Some(Thinking::Minimal) => return Err(unsupported("thinking")),
        Some(Thinking::Off | Thinking::Budget(_)) | None => {}
        Some(thinking) => {
            config.insert("effort".into(), thinking.effort().into());
        }
    }
    if let Format::Schema { schema, .. } = &request.format {
        let format = json!({ "type": "json_schema", "schema": schema });
        config.insert("format".into(), format);
    }
    Ok((!config.is_empty()).then_some(Value::Object(config)))
}

/// There are two words: `auto` takes what the account has of the better tier, and the other never does.
fn tier(tier: ServiceTier) -> Result<&'static str, Error> {
    match tier {
        ServiceTier::Standard => Ok("standard_only"),
        ServiceTier::Priority => Ok("auto"),
        _ => Err(unsupported("service_tier")),
    }
}

/// Whether calls may be parallel is a part of the choice: where only that is said, the choice is the model's.
fn tool_choice(request: &ChatRequest) -> Option<Value> {
    let mut choice = match &request.tool_choice {
        Some(ToolChoice::Auto) => json!({ "type": "auto" }),
        Some(ToolChoice::None) => return Some(json!({ "type": "none" })),
        Some(ToolChoice::Required) => json!({ "type": "any" }),
        Some(ToolChoice::Named(name)) => json!({ "type": "tool", "name": name }),
        None => {
            request
                .parallel_tools
                .filter(|_| !request.tools.is_empty())?;
            json!({ "type": "auto" })
        }
    };
    if let Some(allowed) = request.parallel_tools {
        choice["disable_parallel_tool_use"] = (!allowed).into();
    }
    Some(choice)
}

/// How long what comes before is to be kept.
#[derive(Clone, Copy, Serialize)]
struct Cache {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl From<CacheLife> for Cache {
    fn from(life: CacheLife) -> Self {
        Self {
            r#type: "ephemeral",
            ttl: match life {
                CacheLife::FiveMinutes => None,
                CacheLife::Hour => Some("1h"),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum System<'a> {
    Text(&'a str),
    Kept([Kept<'a>; 1]),
}

#[derive(Serialize)]
struct Kept<'a> {
    r#type: &'static str,
    text: &'a str,
    cache_control: Cache,
}

impl<'a> System<'a> {
    fn new(text: &'a str, cache: Option<CacheLife>) -> Self {
        match cache {
            None => Self::Text(text),
            Some(life) => Self::Kept([Kept {
                r#type: "text",
                text,
                cache_control: life.into(),
            }]),
        }
    }
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Blocks(Vec<Cached<'a>>),
}

#[derive(Serialize)]
struct Cached<'a> {
    #[serde(flatten)]
    block: Block<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Cache>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Block<'a> {
    Typed(Typed<'a>),
    Opaque(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Typed<'a> {
    Text {
        text: &'a str,
    },
    Image {
        source: Source<'a>,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: Value,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Thinking {
        thinking: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<&'a str>,
    },
    RedactedThinking {
        data: &'a str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source<'a> {
    Url { url: &'a str },
    Base64 { media_type: &'a str, data: String },
}

/// The results of tools come first in their message, as the wire wants them.
/// None where nothing of it is for this wire.
fn turn(message: &Message) -> Result<Option<Turn<'_>>> {
    let role = match message.role() {
        Role::Assistant => "assistant",
        Role::User | Role::System => "user",
    };
    if let ([Part::Text(text)], None) = (message.parts(), message.cache()) {
        return Ok(Some(Turn {
            role,
            content: Content::Text(text),
        }));
    }
    let is_result = |part: &&Part| matches!(part, Part::ToolResult(_));
    let (results, others): (Vec<_>, Vec<_>) = message.parts().iter().partition(is_result);
    let mut blocks = Vec::new();
    for part in results.into_iter().chain(others) {
        if let Some(block) = block(part)? {
            blocks.push(Cached {
                block,
                cache_control: None,
            });
        }
    }
    if let (Some(life), Some(last)) = (message.cache(), blocks.last_mut()) {
        last.cache_control = Some(life.into());
    }
    let is_there = !blocks.is_empty();
    let content = Content::Blocks(blocks);
    Ok(is_there.then_some(Turn { role, content }))
}

fn block(part: &Part) -> Result<Option<Block<'_>>> {
    Ok(Some(Block::Typed(match part {
        Part::Text(text) => Typed::Text { text },
        Part::Image(image) => Typed::Image {
            source: match &image.source {
                ImageSource::Url(url) => Source::Url { url },
                ImageSource::Bytes(media_type, bytes) => Source::Base64 {
                    media_type,
                    data: base64(bytes),
                },
            },
        },
        Part::ToolCall(call) => Typed::ToolUse {
            id: &call.id,
            name: &call.name,
            input: arguments(&call.arguments)?,
        },
        Part::ToolResult(result) => Typed::ToolResult {
            tool_use_id: &result.call,
            content: &result.content,
            is_error: result.is_error,
        },
        Part::Reasoning(thought) if !thought.is_on(&Reasoning::CLAUDES) => return Ok(None),
        Part::Reasoning(thought) if thought.is_sealed => Typed::RedactedThinking {
            data: thought.signature.as_deref().unwrap_or_default(),
        },
        // Only what it has signed itself is taken back.
        Part::Reasoning(thought) => match &thought.signature {
            None => return Ok(None),
            signature => Typed::Thinking {
                thinking: &thought.text,
                signature: signature.as_deref(),
            },
        },
        Part::Opaque(Wire::AnthropicMessages, value) => return Ok(Some(Block::Opaque(value))),
        Part::Opaque(..) => return Ok(None),
    })))
}

/// A call's arguments, for wires that take nothing but an object.
pub(super) fn arguments(text: &str) -> Result<Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(Value::Object(fields)),
        _ => Err(
            Error::new(REQUEST_INVALID, "a call's arguments are no JSON object")
                .with("field", "message"),
        ),
    }
}

#[derive(Serialize)]
struct Declared<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Cache>,
}

impl<'a> Declared<'a> {
    fn new(tool: &'a Tool, cache_control: Option<Cache>) -> Self {
        Self {
            name: &tool.name,
            description: tool.description.as_deref(),
            input_schema: &tool.schema,
            strict: tool.strict,
            cache_control,
        }
    }
}

#[cfg(test)]
mod tests;
