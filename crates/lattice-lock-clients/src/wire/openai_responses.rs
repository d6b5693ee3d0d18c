//! `OpenAI`'s responses, which xAI and some servers of open models speak as well.
//!
//! Source: `Response`, `ResponseUsage`, the items and the events of `OpenAI`'s `OpenAPI` document; the split of
//! what was written to a cache from its Python SDK; what a web search costs from its guide of that tool.
//!
//! # What a reply says
//!
//! | item | becomes |
//! |---|---|
//! | `message` | a text for each part of its content, or a refusal |
//! | `reasoning` | thoughts: the summary's parts, then those of open models (`reasoning_text`); with `encrypted_content` they can be sent back |
//! | `function_call` | a call, by its `call_id` |
//! | anything else | is kept as it came, and sent back so: searches, code that was run, tools of MCP servers, a compaction |
//!
//! There is no reason to stop but a status: `completed` is a stop, or calls where there are some; `incomplete` says
//! in `incomplete_details` whether it is a limit or a filter; `failed` and `cancelled` are errors in spite of their
//! 200, and their `error.code` tells of which class. The tier in `response.created` is the one that was asked for,
//! the one in the last event that which was served.
//!
//! # What was used
//!
//! ```text
//! input_tokens  = input + cached_tokens + cache_write_tokens
//! output_tokens = output + reasoning_tokens
//! total_tokens  = input_tokens + output_tokens
//! ```
//!
//! Where sound is told apart (`audio_tokens`, and `cached_tokens_details.audio_tokens` within both that and the
//! cached ones), it has buckets of its own. xAI counts reasoning within the output here, other than in its chat
//! completions. Tools of the provider's have no count of their own: a `web_search_call` is one search, unless its
//! action only opened or looked through a page.
//!
//! # What is sent
//!
//! `store` is false: nothing is kept at the provider, and `previous_response_id` is never used. Where thinking is
//! asked for, so is its sealed form, since a model must see its own thoughts again to go on after a call.
//!
//! # Errors
//!
//! A request that is refused has the errors of chat completions, and the same words mean the same. A response that
//! was accepted and failed comes with 200 and `status: "failed"`; its `error.code` is one of `ResponseErrorCode`:
//!
//! | code | class |
//! |---|---|
//! | `rate_limit_exceeded` | rate limited |
//! | `vector_store_timeout` | timeout |
//! | `bio_policy`, `misalignment_policy_violation`, `image_content_policy_violation` | content filtered |
//! | `invalid_prompt`, `data_residency_mismatch`, `invalid_image` and the others of pictures | bad request |
//! | any other, `server_error` among them | of the status: 200 is a server error |
//!
//! # Where a stream ends
//!
//! `response.completed`, `response.incomplete` or `response.failed`, each with the whole response once more, of
//! which only what stands around the output is read again. `response.output_item.done` has an item whole: it is
//! what brings the sealed form of a thought, and items that have no type here.

use std::borrow::Cow;

use lattice_lock_errors::Result;
use lattice_lock_providers::{Bucket, FailureClass, Provider, Wire};
use reqwest::Url;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::layout::{Figure, Layout, alone, at, inside, whole, within};
use super::openai_chat::{OpenAiChat, address, class_of, effort, keep, tier};
use super::usage::{ReportedUsage, Written};
use super::{
    Asked, Blocks, Embedding, Event, Problem, Protocol, Reader, Said, Unreadable, below,
    json as reading, read, to_json,
};
use crate::request::refuse;
use crate::{ChatRequest, Delta, FinishReason, Format, Message, Part, Role, Tool, ToolChoice};

/// `OpenAI`'s responses, as <https://platform.openai.com/docs/api-reference/responses> has them. Nothing is stored
/// at the provider, and sealed reasoning is asked for, so that a conversation can go on without it.
///
/// Embeddings and the listing of models are those of chat completions, at the same address.
#[derive(Debug)]
pub(super) struct OpenAiResponses;

impl Protocol for OpenAiResponses {
    fn chat_url(&self, base: &Url, _: &Asked<'_>) -> Url {
        below(base, ["responses"])
    }

    fn models_url(&self, base: &Url, _: &Provider) -> Url {
        below(base, ["models"])
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>> {
        let request = asked.request;
        refuse(&[
            ("stop", !request.stop.is_empty()),
            ("seed", request.seed.is_some()),
            ("cached_content", request.cached_content.is_some()),
        ])?;
        let preamble = request.preamble();
        Ok(to_json(&Body::new(asked, preamble.as_deref())?, request))
    }

    fn said(&self, _: &Provider, body: &[u8]) -> Result<Said, Unreadable> {
        let mut reply = Reply::new(Blocks::of(Wire::OpenAiResponses));
        reply.whole(body)?;
        Ok(reply.said())
    }

    fn reader(&self, _: &Provider) -> Box<dyn Reader> {
        Box::new(Reply::new(Blocks::telling(Wire::OpenAiResponses)))
    }

    fn class(&self, problem: &Problem) -> Option<FailureClass> {
        let mut words = problem.words();
        words.find_map(|word| class_of(word).or_else(|| class_of_failure(word)))
    }

    fn embeddings(&self) -> Option<&'static dyn Embedding> {
        Some(&OpenAiChat { is_azure: false })
    }
}

/// What a failed response's code means: it comes with a status that says that all is well.
fn class_of_failure(code: &str) -> Option<FailureClass> {
    Some(match code {
        "bio_policy" | "misalignment_policy_violation" | "image_content_policy_violation" => {
            FailureClass::ContentFiltered
        }
        "vector_store_timeout" => FailureClass::Timeout,
        "invalid_prompt"
        | "data_residency_mismatch"
        | "invalid_image"
        | "invalid_image_format"
        | "invalid_base64_image"
        | "invalid_image_url"
        | "invalid_image_mode"
        | "image_too_large"
        | "image_too_small"
        | "image_parse_error"
        | "image_file_too_large"
        | "unsupported_image_media_type"
        | "empty_image_file"
        | "failed_to_download_image"
        | "image_file_not_found" => FailureClass::BadRequest,
        _ => return None,
    })
}

/// Whether a call of the search tool searched: a page that is opened or looked through costs nothing of its own.
/// One that does not say what it did is taken for a search.
fn is_search(call: &RawValue) -> bool {
    let [action] = reading::inner(Some(call), ["action"]);
    let [kind] = reading::inner(action, ["type"]);
    let kind = reading::borrowed(kind);
    !matches!(kind.as_deref(), Some("open_page" | "find_in_page"))
}

/// How many parts one item may have before they run into the next item's places.
const WIDTH: u64 = 1 << 20;

/// A reply in the making, whole or in pieces.
#[derive(Debug)]
struct Reply {
    blocks: Blocks,
    id: Option<String>,
    model: Option<String>,
    tier: Option<String>,
    finish: Option<FinishReason>,
    usage: Written,
    searches: u64,
    is_refused: bool,
    is_over: bool,
}

impl Reply {
    fn new(blocks: Blocks) -> Self {
        Self {
            blocks,
            id: None,
            model: None,
            tier: None,
            finish: None,
            usage: Written::Nothing,
            searches: 0,
            is_refused: false,
            is_over: false,
        }
    }

    /// Takes a whole response. Its items stand apart as a stream's do, so that both come to the same.
    fn whole(&mut self, body: &[u8]) -> Result<(), Unreadable> {
        let [output] = self.head(body)?;
        let items: Vec<&RawValue> =
            reading::read(output).ok_or(Unreadable::Malformed("the reply has no output"))?;
        for (at, item) in items.into_iter().enumerate() {
            self.item(at as u64 * WIDTH, item)?;
        }
        Ok(())
    }

    /// Reads what stands around the output, which is given back.
    fn head<'a>(&mut self, response: &'a [u8]) -> Result<[Option<&'a RawValue>; 1], Unreadable> {
        let wanted = [
            "id",
            "model",
            "status",
            "incomplete_details",
            "usage",
            "service_tier",
            "error",
            "output",
        ];
        let [id, model, status, details, usage, tier, error, output] = read(response, wanted)?;
        let status = reading::borrowed(status);
        let has_failed = matches!(status.as_deref(), Some("failed" | "cancelled"));
        if has_failed || (error.is_some() && output.is_none()) {
            return Err(Unreadable::problem(response));
        }
        keep(&mut self.id, id);
        keep(&mut self.model, model);
        // The tier that was asked for stands in the first word, the one that was served in the last.
        if tier.is_some() {
            self.tier = reading::text(tier);
        }
        self.usage.replace(usage);
        self.finish = match status.as_deref() {
            Some("completed") => Some(FinishReason::Stop),
            Some("incomplete") => {
                let [reason] = reading::inner(details, ["reason"]);
                Some(match reading::borrowed(reason).as_deref() {
                    Some("max_output_tokens") => FinishReason::Length,
                    Some("content_filter") => FinishReason::ContentFiltered,
                    _ => FinishReason::Other,
                })
            }
            _ => None,
        };
        Ok([output])
    }

    /// Takes an item whole.
    fn item(&mut self, place: u64, item: &RawValue) -> Result<(), Unreadable> {
        let wanted = [
            "type",
            "id",
            "content",
            "summary",
            "encrypted_content",
            "call_id",
            "name",
            "arguments",
        ];
        let [kind, id, content, summary, sealed, call, name, arguments] =
            reading::inner(Some(item), wanted);
        let word = |value| reading::borrowed(value).unwrap_or_default();
        match word(kind).as_ref() {
            "message" => {
                for (at, part) in reading::items(content).into_iter().enumerate() {
                    self.message(place + at as u64, part)?;
                }
                Ok(())
            }
            "reasoning" => {
                let parts = reading::items(summary).into_iter();
                for part in parts.chain(reading::items(content)) {
                    let [text] = reading::inner(Some(part), ["text"]);
                    self.blocks.reasoning(place, &word(text))?;
                }
                self.thought(place, id, sealed)
            }
            "function_call" => {
                self.blocks.call(place, &word(call), &word(name))?;
                self.blocks.arguments(place, &word(arguments))
            }
            kind => self.odd(place, kind, item),
        }
    }

    /// Takes a part of a message: words, or a refusal in words.
    fn message(&mut self, place: u64, part: &RawValue) -> Result<(), Unreadable> {
        let [text, refusal] = reading::inner(Some(part), ["text", "refusal"]);
        if let Some(words) = reading::borrowed(refusal) {
            self.is_refused = true;
            return self.blocks.text(place, &words);
        }
        self.blocks
            .text(place, &reading::borrowed(text).unwrap_or_default())
    }

    /// The name and the sealed form of a thought, which come when it is at its end.
    fn thought(
        &mut self,
        place: u64,
        id: Option<&RawValue>,
        sealed: Option<&RawValue>,
    ) -> Result<(), Unreadable> {
        let Some(sealed) = reading::borrowed(sealed) else {
            return Ok(());
        };
        if let Some(id) = reading::text(id) {
            self.blocks.name_reasoning(place, id)?;
        }
        self.blocks.sign(place, &sealed)
    }

    /// Something that has no type here: it is kept as it came.
    fn odd(&mut self, place: u64, kind: &str, item: &RawValue) -> Result<(), Unreadable> {
        if kind == "web_search_call" && is_search(item) {
            self.searches += 1;
        }
        let value = reading::read(Some(item)).unwrap_or(Value::Null);
        let size = item.get().len();
        self.blocks
            .opaque(place, Wire::OpenAiResponses, value, size)
    }

    /// An item of a stream begins.
    fn begins(&mut self, place: u64, item: Option<&RawValue>) -> Result<(), Unreadable> {
        let [kind, call, name] = reading::inner(item, ["type", "call_id", "name"]);
        let word = |value| reading::borrowed(value).unwrap_or_default();
        match word(kind).as_ref() {
            "function_call" => self.blocks.call(place, &word(call), &word(name)),
            _ => Ok(()),
        }
    }

    /// An item of a stream is at its end, and stands here whole.
    fn ends(&mut self, place: u64, item: Option<&RawValue>) -> Result<(), Unreadable> {
        let Some(item) = item else { return Ok(()) };
        let wanted = ["type", "id", "encrypted_content", "arguments"];
        let [kind, id, sealed, arguments] = reading::inner(Some(item), wanted);
        match reading::borrowed(kind).unwrap_or_default().as_ref() {
            "reasoning" => self.thought(place, id, sealed),
            // Some servers send the arguments only here.
            "function_call" if !self.blocks.has_arguments(place) => {
                let arguments = reading::borrowed(arguments).unwrap_or_default();
                self.blocks.arguments(place, &arguments)
            }
            "message" | "function_call" => Ok(()),
            kind => self.odd(place, kind, item),
        }
    }
}

impl Reader for Reply {
    fn take(&mut self, event: Event<'_>) -> Result<(), Unreadable> {
        let wanted = [
            "type",
            "output_index",
            "content_index",
            "delta",
            "item",
            "response",
            "error",
        ];
        let [kind, output, content, delta, item, response, error] = read(event.data, wanted)?;
        let kind = reading::borrowed(kind).unwrap_or(Cow::Borrowed(event.name));
        let number = |value| reading::read::<u32>(value).map_or(0, u64::from);
        let item_place = number(output) * WIDTH;
        let place = item_place + number(content) % WIDTH;
        let words = reading::borrowed(delta).unwrap_or_default();
        match kind.as_ref() {
            "response.output_text.delta" => self.blocks.text(place, &words),
            "response.refusal.delta" => {
                self.is_refused = true;
                self.blocks.text(place, &words)
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.blocks.reasoning(item_place, &words)
            }
            "response.output_item.added" => self.begins(item_place, item),
            "response.function_call_arguments.delta" => self.blocks.arguments(item_place, &words),
            "response.output_item.done" => self.ends(item_place, item),
            "response.completed" | "response.incomplete" | "response.done" => {
                self.is_over = true;
                self.head_of(response)
            }
            "response.created" | "response.in_progress" => self.head_of(response),
            "response.failed" => Err(Unreadable::problem(
                response.map_or(event.data, |response| response.get().as_bytes()),
            )),
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
        let parts = self.blocks.parts();
        let has_calls = parts.iter().any(|part| part.as_tool_call().is_some());
        let finish = match self.finish.unwrap_or_default() {
            _ if self.is_refused => FinishReason::Refused,
            // The wire has no reason of its own for calls.
            FinishReason::Stop if has_calls => FinishReason::ToolCalls,
            finish => finish,
        };
        let mut usage = ReportedUsage::of(&self.usage, &LAYOUT);
        if self.searches > 0 {
            usage.usage = usage.usage.with(Bucket::WebSearches, self.searches);
        }
        Said {
            id: self.id.clone(),
            model: self.model.clone(),
            parts,
            finish,
            usage,
            tier: self.tier.clone(),
        }
    }
}

impl Reply {
    fn head_of(&mut self, response: Option<&RawValue>) -> Result<(), Unreadable> {
        match response {
            Some(response) => self.head(response.get().as_bytes()).map(|_| ()),
            None => Ok(()),
        }
    }
}

const AUDIO_CACHED: Figure = alone(
    within(
        ["input_tokens_details", "cached_tokens_details"],
        "audio_tokens",
    ),
    Bucket::CacheReadAudio,
);
const CACHED: Figure = whole(
    inside("input_tokens_details", "cached_tokens"),
    Bucket::CacheRead,
    &[AUDIO_CACHED],
);
const AUDIO_IN: Figure = whole(
    inside("input_tokens_details", "audio_tokens"),
    Bucket::InputAudio,
    &[AUDIO_CACHED],
);
const WRITTEN_12H: Figure = alone(
    within(
        ["input_tokens_details", "cache_write_tokens_details"],
        "ttl_12h_tokens",
    ),
    Bucket::CacheWrite1h,
);
const WRITTEN: Figure = whole(
    inside("input_tokens_details", "cache_write_tokens"),
    Bucket::CacheWrite5m,
    &[WRITTEN_12H],
);
const REASONED: Figure = alone(
    inside("output_tokens_details", "reasoning_tokens"),
    Bucket::Reasoning,
);
const AUDIO_OUT: Figure = alone(
    inside("output_tokens_details", "audio_tokens"),
    Bucket::OutputAudio,
);

/// `input_tokens` contains the cached ones, those written to a cache and, where sound is told apart, the audio
/// ones, some of which may be cached; `output_tokens` contains the reasoning and the audio ones. What is written
/// lives half an hour or twelve hours: the longer life has the bucket of the longer, as it has in the price lists.
/// Searches are counted by what came.
static LAYOUT: Layout = Layout {
    figures: &[
        whole(
            at("input_tokens"),
            Bucket::Input,
            &[CACHED, WRITTEN, WRITTEN_12H, AUDIO_IN, AUDIO_CACHED],
        ),
        CACHED,
        WRITTEN,
        WRITTEN_12H,
        AUDIO_IN,
        AUDIO_CACHED,
        whole(at("output_tokens"), Bucket::Output, &[REASONED, AUDIO_OUT]),
        REASONED,
        AUDIO_OUT,
    ],
    total: Some(at("total_tokens")),
    sum: None,
};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    metadata: &'a std::collections::BTreeMap<String, String>,
    store: bool,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    include: &'static [&'static str],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

impl<'a> Body<'a> {
    fn new(asked: &Asked<'a>, preamble: Option<&'a str>) -> Result<Self> {
        let request = asked.request;
        let effort = effort(request.thinking)?;
        Ok(Self {
            model: asked.model.as_str(),
            input: request.messages.iter().flat_map(items).collect(),
            instructions: preamble,
            tools: request.tools.iter().map(declared).collect(),
            tool_choice: request.tool_choice.as_ref().map(tool_choice),
            parallel_tool_calls: request.parallel_tools,
            max_output_tokens: request.max_tokens,
            temperature: request.temperature,
            top_p: request.top_p,
            reasoning: effort.map(|effort| json!({ "effort": effort, "summary": "auto" })),
            text: text_format(request),
            prompt_cache_key: request.cache_key.as_deref(),
            service_tier: request.service_tier.map(tier).transpose()?,
            user: request.user.as_deref(),
            metadata: &request.metadata,
            store: false,
            include: match effort {
                Some(_) => &["reasoning.encrypted_content"],
                None => &[],
            },
            stream: asked.streams,
        })
    }
}

fn text_format(request: &ChatRequest) -> Option<Value> {
    let format = match &request.format {
        Format::Text => return None,
        Format::Json => json!({ "type": "json_object" }),
        Format::Schema { name, schema } => {
            json!({ "type": "json_schema", "name": name, "schema": schema, "strict": true })
        }
    };
    Some(json!({ "format": format }))
}

fn declared(tool: &Tool) -> Value {
    let mut declared = json!({
        "type": "function",
        "name": tool.name,
        "parameters": tool.schema,
        "strict": tool.strict,
    });
    if let Some(text) = &tool.description {
        declared["description"] = text.as_str().into();
    }
    declared
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => json!({ "type": "function", "name": name }),
    }
}

/// A message's items: results of tools, thoughts and calls are items of their own.
fn items(message: &Message) -> Vec<Value> {
    let (role, kind) = match message.role() {
        Role::System => ("system", "input_text"),
        Role::User => ("user", "input_text"),
        Role::Assistant => ("assistant", "output_text"),
    };
    let mut items = Vec::new();
    let mut content = Vec::new();
    for part in message.parts() {
        match part {
            Part::Text(text) => content.push(json!({ "type": kind, "text": text })),
            Part::Image(image) => {
                content.push(json!({ "type": "input_image", "image_url": address(image) }));
            }
            Part::ToolCall(call) => items.push(json!({
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
            })),
            Part::ToolResult(result) => items.push(json!({
                "type": "function_call_output",
                "call_id": result.call,
                "output": result.content,
            })),
            Part::Reasoning(thought) => {
                let is_own = thought.is_on(&[Wire::OpenAiResponses]);
                if let (true, Some(id), Some(sealed)) = (is_own, &thought.id, &thought.signature) {
                    items.push(json!({
                        "type": "reasoning",
                        "id": id,
                        "summary": [],
                        "encrypted_content": sealed,
                    }));
                }
            }
            Part::Opaque(Wire::OpenAiResponses, value) => items.push(value.clone()),
            Part::Opaque(..) => {}
        }
    }
    if !content.is_empty() {
        let said = json!({ "role": role, "content": content });
        // What the model said comes after its thoughts and before its calls, the rest after results.
        let is_call = |item: &Value| item["type"] == "function_call";
        let at = items.iter().position(is_call).unwrap_or(items.len());
        items.insert(at, said);
    }
    items
}
