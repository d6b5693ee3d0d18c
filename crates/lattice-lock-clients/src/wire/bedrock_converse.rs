//! Amazon's `Converse` and `ConverseStream`, which are the same for every model that Bedrock serves.
//!
//! Source: the service model of `bedrock-runtime`, as AWS's own SDKs are made from it.
//!
//! # What a reply says
//!
//! A block is told by the one field that it has: `text`, `toolUse`, `reasoningContent` (thoughts with a signature,
//! or `redactedContent`); any other is kept as it came. A stream begins only calls with `contentBlockStart`. The
//! reply names no model: the one that was asked is taken for it. `serviceTier` comes in the reply, and in a stream
//! with `metadata`.
//!
//! # What was used
//!
//! ```text
//! totalTokens = inputTokens + cacheReadInputTokens + cacheWriteInputTokens + outputTokens
//! ```
//!
//! `cacheDetails` tells the lives of what was written apart. Thinking is within the output and not told apart. The
//! server sends `cacheReadInputTokenCount` and its like as well, which say the same.
//!
//! # Errors
//!
//! The class is in the header `x-amzn-errortype`, in a stream in the name of the exception. Throttling is 429, a
//! model that is not ready is 429 too and overloaded here, a model that failed is 424.
//!
//! # Where a stream ends
//!
//! `messageStop` has the reason, `metadata` the usage, in this order; a stream without both was cut. Its messages
//! are framed and summed by AWS's own crate; one whose sum is wrong is damaged, and never read.
//!
//! # What is sent
//!
//! The model is a part of the address, where the slashes of an ARN are escaped. System messages are joined to the
//! one `system`, behind which a cache hint puts a `cachePoint` of its own; so does one on a message. Pictures go as
//! bytes, with the format that their type ends with (`image/png` is `png`). A schema goes as a text of JSON.
//! Thinking has no field: each model has words of its own, for `additionalModelRequestFields` in
//! [`extra_body`](ChatRequest::extra_body).
//!
//! # Which class an exception has
//!
//! | exception | class |
//! |---|---|
//! | `ThrottlingException` | rate limited |
//! | `ServiceQuotaExceededException` | quota exhausted |
//! | `AccessDeniedException` | forbidden |
//! | `UnrecognizedClientException`, `ExpiredTokenException` and those of signatures | invalid key |
//! | `ResourceNotFoundException` | model not found |
//! | `ModelTimeoutException` | timeout |
//! | `ServiceUnavailableException`, `ModelNotReadyException` | overloaded |
//! | `InternalServerException`, `ModelErrorException`, `ModelStreamErrorException` | server error |
//! | `ValidationException` | bad request |
//!
//! Any other has the class of its status. In a stream the names begin in lower case and are the same otherwise.

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::{HeaderValue, Message as Frame};
use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{Bucket, FailureClass, ModelName, Provider, ServiceTier, Wire};
use reqwest::Url;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::anthropic_messages::arguments;
use super::layout::{Figure, Layout, alone, at, listed, whole};
use super::openai_chat::base64;
use super::usage::{ReportedUsage, Written};
use super::{
    Asked, Blocks, Event, Framing, Problem, Protocol, Reader, Said, Unreadable, below,
    json as reading, names, read, to_json,
};
use crate::request::{ImageSource, refuse, unsupported};
use crate::{
    CacheLife, ChatRequest, Delta, FinishReason, Format, Message, Part, Reasoning, Role, ToolChoice,
};

/// Amazon's `Converse`, as
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html> has it.
#[derive(Debug)]
pub(super) struct BedrockConverse;

impl Protocol for BedrockConverse {
    fn chat_url(&self, base: &Url, asked: &Asked<'_>) -> Url {
        let what = if asked.streams {
            "converse-stream"
        } else {
            "converse"
        };
        below(base, ["model", asked.model.as_str(), what])
    }

    /// Models are listed at another host than that which serves them.
    fn models_url(&self, base: &Url, _: &Provider) -> Url {
        let mut url = below(base, ["foundation-models"]);
        let host = url.host_str().unwrap_or_default();
        if let Some(rest) = host.strip_prefix("bedrock-runtime.") {
            let host = format!("bedrock.{rest}");
            // Fails for what is no host: then the listing fails, and says so.
            let _ = url.set_host(Some(&host));
        }
        url
    }

    fn request_id_header(&self) -> &'static str {
        "x-amzn-requestid"
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>> {
        let request = asked.request;
        refuse(&[
            ("seed", request.seed.is_some()),
            ("thinking", request.thinking.is_some()),
            ("parallel_tools", request.parallel_tools.is_some()),
            ("cache_key", request.cache_key.is_some()),
            ("cached_content", request.cached_content.is_some()),
            ("user", request.user.is_some()),
            ("tool_choice", request.tool_choice == Some(ToolChoice::None)),
        ])?;
        let preamble = request.whole_preamble();
        Ok(to_json(&Body::new(request, preamble.as_deref())?, request))
    }

    fn said(&self, _: &Provider, body: &[u8]) -> Result<Said, Unreadable> {
        let wanted = ["output", "stopReason", "usage", "serviceTier"];
        let [output, stop, usage, tier] = read(body, wanted)?;
        let [message] = reading::inner(output, ["message"]);
        let [content] = reading::inner(message, ["content"]);
        let blocks: Vec<&RawValue> =
            reading::read(content).ok_or(Unreadable::Malformed("the reply has no content"))?;
        let mut reply = Reply::new(Blocks::of(Wire::BedrockConverse));
        for (place, block) in blocks.into_iter().enumerate() {
            reply.block(place as u64, block)?;
        }
        reply.stopped(stop);
        reply.usage.replace(usage);
        reply.served(tier);
        Ok(reply.said())
    }

    fn framing(&self) -> Framing {
        Framing::Messages
    }

    fn reader(&self, _: &Provider) -> Box<dyn Reader> {
        Box::new(Reply::new(Blocks::telling(Wire::BedrockConverse)))
    }

    fn class(&self, problem: &Problem) -> Option<FailureClass> {
        problem.words().find_map(class_of)
    }

    fn models(&self, body: &[u8]) -> Result<Vec<ModelName>, Unreadable> {
        names(body, "modelSummaries", "modelId")
    }
}

/// What the name of an exception says. Those of a stream begin in lower case.
fn class_of(word: &str) -> Option<FailureClass> {
    let name = word.strip_suffix("Exception").unwrap_or(word);
    Some(match name.to_ascii_lowercase().as_str() {
        "throttling" => FailureClass::RateLimited,
        "servicequotaexceeded" => FailureClass::QuotaExhausted,
        "accessdenied" => FailureClass::Forbidden,
        "unrecognizedclient"
        | "invalidsignature"
        | "expiredtoken"
        | "incompletesignature"
        | "missingauthenticationtoken" => FailureClass::InvalidKey,
        "resourcenotfound" => FailureClass::ModelNotFound,
        "modeltimeout" => FailureClass::Timeout,
        "serviceunavailable" | "modelnotready" => FailureClass::Overloaded,
        "internalserver" | "modelerror" | "modelstreamerror" => FailureClass::ServerError,
        "validation" => FailureClass::BadRequest,
        _ => return None,
    })
}

/// A reply in the making, whole or in pieces.
#[derive(Debug)]
struct Reply {
    blocks: Blocks,
    finish: Option<FinishReason>,
    usage: Written,
    tier: Option<String>,
    is_counted: bool,
    is_over: bool,
}

impl Reply {
    fn new(blocks: Blocks) -> Self {
        Self {
            blocks,
            finish: None,
            usage: Written::Nothing,
            tier: None,
            is_counted: false,
            is_over: false,
        }
    }

    fn stopped(&mut self, word: Option<&RawValue>) {
        if word.is_some() {
            self.finish = Some(finish_of(reading::borrowed(word).as_deref()));
        }
    }

    /// The tier is an object with one word; a reply of the usual tier may have none.
    fn served(&mut self, tier: Option<&RawValue>) {
        let [kind] = reading::inner(tier, ["type"]);
        self.tier = reading::text(kind);
    }

    /// Takes a block that came whole.
    fn block(&mut self, place: u64, block: &RawValue) -> Result<(), Unreadable> {
        let [text, call, thought] =
            reading::inner(Some(block), ["text", "toolUse", "reasoningContent"]);
        if let Some(words) = reading::borrowed(text) {
            return self.blocks.text(place, &words);
        }
        if call.is_some() {
            self.call(place, call)?;
            let [input] = reading::inner(call, ["input"]);
            return match input {
                Some(input) => self.blocks.arguments(place, input.get()),
                None => Ok(()),
            };
        }
        if thought.is_some() {
            let [said, sealed] = reading::inner(thought, ["reasoningText", "redactedContent"]);
            let [text, signature] = reading::inner(said, ["text", "signature"]);
            return self.thought(place, [text, signature, sealed]);
        }
        let value = reading::read(Some(block)).unwrap_or(Value::Null);
        let size = block.get().len();
        self.blocks
            .opaque(place, Wire::BedrockConverse, value, size)
    }

    fn call(&mut self, place: u64, call: Option<&RawValue>) -> Result<(), Unreadable> {
        let [id, name] = reading::inner(call, ["toolUseId", "name"]);
        let word = |value| reading::borrowed(value).unwrap_or_default();
        self.blocks.call(place, &word(id), &word(name))
    }

    /// Takes a text, a signature, or a sealed form of a thought.
    fn thought(&mut self, place: u64, said: [Option<&RawValue>; 3]) -> Result<(), Unreadable> {
        let [text, signature, sealed] = said.map(reading::borrowed);
        if let Some(words) = text {
            self.blocks.reasoning(place, &words)?;
        }
        if let Some(signature) = signature {
            self.blocks.sign(place, &signature)?;
        }
        match sealed {
            Some(sealed) => self.blocks.sealed(place, &sealed),
            None => Ok(()),
        }
    }

    /// Takes a piece of a block.
    fn piece(&mut self, place: u64, piece: Option<&RawValue>) -> Result<(), Unreadable> {
        let [text, call, thought] = reading::inner(piece, ["text", "toolUse", "reasoningContent"]);
        if let Some(words) = reading::borrowed(text) {
            self.blocks.text(place, &words)?;
        }
        let [input] = reading::inner(call, ["input"]);
        if let Some(json) = reading::borrowed(input) {
            self.blocks.arguments(place, &json)?;
        }
        let said = reading::inner(thought, ["text", "signature", "redactedContent"]);
        self.thought(place, said)
    }

    /// Takes an event by its name. One that is unknown says nothing, and is no error.
    fn told(&mut self, kind: &str, payload: &[u8]) -> Result<(), Unreadable> {
        let wanted = [
            "contentBlockIndex",
            "start",
            "delta",
            "stopReason",
            "usage",
            "serviceTier",
        ];
        let [index, start, delta, stop, usage, tier] = read(payload, wanted)?;
        let place = reading::read::<u32>(index).map_or(0, u64::from);
        match kind {
            "contentBlockStart" => {
                let [call] = reading::inner(start, ["toolUse"]);
                match call {
                    Some(_) => self.call(place, call),
                    None => Ok(()),
                }
            }
            "contentBlockDelta" => self.piece(place, delta),
            "messageStop" => {
                self.stopped(stop);
                Ok(())
            }
            "metadata" => {
                self.is_counted = true;
                self.is_over = self.finish.is_some();
                self.usage.replace(usage);
                self.served(tier);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A header of a frame that is a text.
fn header<'a>(frame: &'a Frame, name: &str) -> Option<&'a str> {
    let header = frame.headers().iter();
    let mut header = header.filter(|header| header.name().as_str() == name);
    match header.next()?.value() {
        HeaderValue::String(text) => Some(text.as_str()),
        _ => None,
    }
}

impl Reader for Reply {
    fn take(&mut self, event: Event<'_>) -> Result<(), Unreadable> {
        let damaged = |_| Unreadable::Malformed("a message of the stream is damaged");
        let frame = read_message_from(event.data).map_err(damaged)?;
        let payload = frame.payload();
        let problem = |word: &str| {
            let problem = Problem::read(payload).named(word);
            Err(Unreadable::Problem(Box::new(problem)))
        };
        match header(&frame, ":message-type") {
            Some("event") => self.told(header(&frame, ":event-type").unwrap_or_default(), payload),
            Some("exception") => problem(header(&frame, ":exception-type").unwrap_or_default()),
            Some("error") => problem(header(&frame, ":error-code").unwrap_or_default()),
            _ => Err(Unreadable::Malformed("a message of the stream has no type")),
        }
    }

    fn news(&mut self) -> Option<Delta> {
        self.blocks.news()
    }

    /// The reason to stop comes first, and what it took after that.
    fn is_over(&self) -> bool {
        self.is_over
    }

    fn is_whole(&self) -> bool {
        self.finish.is_some() && self.is_counted
    }

    fn has_begun(&self) -> bool {
        !self.blocks.is_empty()
    }

    fn said(&self) -> Said {
        Said {
            id: None,
            model: None,
            parts: self.blocks.parts(),
            finish: self.finish.unwrap_or_default(),
            usage: ReportedUsage::of(&self.usage, &LAYOUT),
            tier: self.tier.clone(),
        }
    }
}

fn finish_of(word: Option<&str>) -> FinishReason {
    match word {
        Some("end_turn" | "stop_sequence") => FinishReason::Stop,
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("tool_use") => FinishReason::ToolCalls,
        Some("refusal") => FinishReason::Refused,
        Some("guardrail_intervened" | "content_filtered") => FinishReason::ContentFiltered,
        _ => FinishReason::Other,
    }
}

const LASTING: Figure = alone(
    listed("cacheDetails", ("ttl", "1h"), "inputTokens"),
    Bucket::CacheWrite1h,
);

/// `inputTokens` contains neither what was read from a cache nor what was written to one; the total contains both.
static LAYOUT: Layout = Layout {
    figures: &[
        alone(at("inputTokens"), Bucket::Input),
        alone(at("cacheReadInputTokens"), Bucket::CacheRead),
        whole(
            at("cacheWriteInputTokens"),
            Bucket::CacheWrite5m,
            &[LASTING],
        ),
        LASTING,
        alone(at("outputTokens"), Bucket::Output),
    ],
    total: Some(at("totalTokens")),
    sum: None,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    messages: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    inference_config: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<Value>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    request_metadata: &'a std::collections::BTreeMap<String, String>,
}

impl<'a> Body<'a> {
    fn new(request: &'a ChatRequest, preamble: Option<&str>) -> Result<Self> {
        let mut system: Vec<_> = preamble
            .map(|text| json!({ "text": text }))
            .into_iter()
            .collect();
        if let (Some(life), false) = (request.system_cache, system.is_empty()) {
            system.push(cache_point(life));
        }
        Ok(Self {
            messages: request
                .conversation()
                .filter_map(|message| turn(message).transpose())
                .collect::<Result<_>>()?,
            system,
            inference_config: inference_config(request),
            tool_config: tool_config(request),
            output_config: output_config(request),
            service_tier: request.service_tier.map(tier).transpose()?,
            request_metadata: &request.metadata,
        })
    }
}

/// A mark of its own behind what is to be kept, other than Anthropic's field on it.
fn cache_point(life: CacheLife) -> Value {
    match life {
        CacheLife::FiveMinutes => json!({ "cachePoint": { "type": "default" } }),
        CacheLife::Hour => json!({ "cachePoint": { "type": "default", "ttl": "1h" } }),
    }
}

fn tier(tier: ServiceTier) -> Result<Value, Error> {
    let word = match tier {
        ServiceTier::Standard => "default",
        ServiceTier::Flex => "flex",
        ServiceTier::Priority => "priority",
        _ => return Err(unsupported("service_tier")),
    };
    Ok(json!({ "type": word }))
}

fn inference_config(request: &ChatRequest) -> Map<String, Value> {
    let stop = (!request.stop.is_empty()).then(|| json!(request.stop));
    [
        ("maxTokens", request.max_tokens.map(Value::from)),
        ("temperature", request.temperature.map(Value::from)),
        ("topP", request.top_p.map(Value::from)),
        ("stopSequences", stop),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

fn tool_config(request: &ChatRequest) -> Option<Value> {
    let spec = |tool: &crate::Tool| {
        let mut spec = json!({ "name": tool.name, "inputSchema": { "json": tool.schema } });
        if let Some(text) = &tool.description {
            spec["description"] = text.as_str().into();
        }
        json!({ "toolSpec": spec })
    };
    let tools: Vec<_> = request.tools.iter().map(spec).collect();
    if tools.is_empty() {
        return None;
    }
    let mut config = json!({ "tools": tools });
    match &request.tool_choice {
        Some(ToolChoice::Auto) => config["toolChoice"] = json!({ "auto": {} }),
        Some(ToolChoice::Required) => config["toolChoice"] = json!({ "any": {} }),
        Some(ToolChoice::Named(name)) => {
            config["toolChoice"] = json!({ "tool": { "name": name } });
        }
        Some(ToolChoice::None) | None => {}
    }
    Some(config)
}

/// JSON without a schema is asked for in words.
fn output_config(request: &ChatRequest) -> Option<Value> {
    let Format::Schema { name, schema } = &request.format else {
        return None;
    };
    let schema = json!({ "name": name, "schema": schema.to_string() });
    let structure = json!({ "jsonSchema": schema });
    Some(json!({ "textFormat": { "type": "json_schema", "structure": structure } }))
}

/// None where nothing of it is for this wire.
fn turn(message: &Message) -> Result<Option<Value>> {
    let role = match message.role() {
        Role::Assistant => "assistant",
        Role::User | Role::System => "user",
    };
    let mut content = Vec::new();
    for part in message.parts() {
        content.extend(said(part)?);
    }
    if content.is_empty() {
        return Ok(None);
    }
    content.extend(message.cache().map(cache_point));
    Ok(Some(json!({ "role": role, "content": content })))
}

fn said(part: &Part) -> Result<Option<Value>> {
    Ok(Some(match part {
        Part::Text(text) => json!({ "text": text }),
        Part::Image(image) => match &image.source {
            ImageSource::Bytes(media_type, bytes) => {
                let format = media_type.rsplit('/').next().unwrap_or_default();
                json!({ "image": { "format": format, "source": { "bytes": base64(bytes) } } })
            }
            ImageSource::Url(_) => return Err(unsupported("image.url")),
        },
        Part::ToolCall(call) => {
            let input = arguments(&call.arguments)?;
            json!({ "toolUse": { "toolUseId": call.id, "name": call.name, "input": input } })
        }
        Part::ToolResult(result) => {
            let status = if result.is_error { "error" } else { "success" };
            json!({ "toolResult": {
                "toolUseId": result.call,
                "content": [{ "text": result.content }],
                "status": status,
            }})
        }
        Part::Reasoning(thought) if !thought.is_on(&Reasoning::CLAUDES) => return Ok(None),
        Part::Reasoning(thought) if thought.is_sealed => {
            json!({ "reasoningContent": { "redactedContent": thought.signature } })
        }
        Part::Reasoning(thought) => match &thought.signature {
            // Only what it has signed itself is taken back.
            None => return Ok(None),
            Some(signature) => json!({ "reasoningContent": {
                "reasoningText": { "text": thought.text, "signature": signature },
            }}),
        },
        Part::Opaque(Wire::BedrockConverse, value) => value.clone(),
        Part::Opaque(..) => return Ok(None),
    }))
}
