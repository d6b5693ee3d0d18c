//! Google's `generateContent`, of the Gemini API. Vertex AI speaks the same with other addresses and credentials.
//!
//! Source: the reference of `GenerateContentResponse`, `UsageMetadata`, `FinishReason` and `PromptFeedback`, the
//! types of the Python SDK, and Google's guide to errors (`ErrorInfo`, `RetryInfo`).
//!
//! # What a reply says
//!
//! The first candidate counts. Words of one kind that follow each other are one part; a `thought` is reasoning, a
//! `functionCall` a call. A wire without ids of calls gets made ones, `call_0` and so on, and a result is found by
//! the tool's name. A `thoughtSignature` belongs to the part that it stands on: to a call, to a thought, or behind
//! words, where it is kept as a thought without words. Pictures, sound, code and its results are kept as they came.
//! A prompt that is refused has `promptFeedback` and no candidate: the reply is empty, filtered, and charged for as
//! it says.
//!
//! # What was used
//!
//! ```text
//! promptTokenCount        = input + cached text + sound + cached sound
//! cachedContentTokenCount = cached text + cached sound
//! totalTokenCount         = promptTokenCount + toolUsePromptTokenCount + candidatesTokenCount + thoughtsTokenCount
//! ```
//!
//! Sound is the entry `AUDIO` in each list of details; what Google's tools read is input, too. The details need not
//! add up to their whole, and only sound is taken from them. `serviceTier` is the tier that was served. Searches
//! with Google are charged by prompt or by query, as the model has it, and are not counted.
//!
//! # Where a stream ends
//!
//! Nothing says so: every piece is a reply of its own with all that was used until then, and the connection ends. A
//! stream that ends before a reason to stop was given was cut.
//!
//! # Errors
//!
//! The body is `{"error": {"code", "message", "status", "details"}}`, in a stream within a list. The `reason` of an
//! `ErrorInfo` in the details says more than the `status` and goes before it: a wrong key is an `INVALID_ARGUMENT`
//! with 400, and only the reason `API_KEY_INVALID` tells.
//!
//! | word | class |
//! |---|---|
//! | `API_KEY_INVALID`, `API_KEY_EXPIRED`, `UNAUTHENTICATED` | invalid key |
//! | `PERMISSION_DENIED`, `API_KEY_SERVICE_BLOCKED`, `SERVICE_DISABLED` | forbidden |
//! | `BILLING_DISABLED` | quota exhausted |
//! | `NOT_FOUND` | model not found |
//! | `RESOURCE_EXHAUSTED`, `RATE_LIMIT_EXCEEDED` | rate limited |
//! | `UNAVAILABLE` | overloaded |
//! | `DEADLINE_EXCEEDED` | timeout |
//! | `INTERNAL`, `UNKNOWN` | server error |
//! | `INVALID_ARGUMENT`, `FAILED_PRECONDITION`, `OUT_OF_RANGE` | bad request |
//!
//! A quota that is used up for the day and one for the minute are both `RESOURCE_EXHAUSTED`; the `retryDelay` of a
//! `RetryInfo` says how long to stay away. Sources: <https://ai.google.dev/gemini-api/docs/troubleshooting> and
//! <https://cloud.google.com/apis/design/errors>.
//!
//! # What is sent
//!
//! All tools are functions of one `tools` entry, with `parametersJsonSchema`. A result is found by its tool's name,
//! so that one without a name is refused; a failed one stands under `error` instead of `result`. System messages
//! are joined to the one `systemInstruction`. A thought that came on this wire goes back, with its signature if it
//! has one. The key travels in a header and never in the address, where this interface takes it, too.
//!
//! # Embeddings
//!
//! `batchEmbedContents` has a request for each text, each with the model once more. The vectors stand in the order
//! of the requests. Older models report no usage, and then it is absent.

use lattice_lock_errors::{Result, Secret};
use lattice_lock_providers::{Bucket, FailureClass, ModelName, Provider, ServiceTier, Wire};
use reqwest::Url;
use reqwest::header::HeaderName;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::anthropic_messages::arguments;
use super::layout::{Figure, Layout, alone, at, listed, whole};
use super::openai_chat::{base64, keep};
use super::usage::{ReportedUsage, Written};
use super::{
    Asked, Blocks, Embedded, Embedding, Event, Problem, Protocol, Reader, Said, Unreadable, below,
    json as reading, names, read, to_json,
};
use crate::codes::REQUEST_INVALID;
use crate::request::{ImageSource, refuse, unsupported};
use crate::{
    ChatRequest, Delta, EmbedRequest, FinishReason, Format, Message, Part, Role, Thinking,
    ToolChoice,
};

/// Google's `generateContent`, as <https://ai.google.dev/api/generate-content> has it.
#[derive(Debug)]
pub(super) struct Gemini;

/// The address of what can be done with a model. A name may have a slash, as those of tuned models do.
fn method(base: &Url, model: &ModelName, what: &str) -> Url {
    let name = format!("{}:{what}", model.as_str());
    let folder = (!name.contains('/')).then_some("models");
    below(base, folder.into_iter().chain(name.split('/')))
}

impl Protocol for Gemini {
    fn chat_url(&self, base: &Url, asked: &Asked<'_>) -> Url {
        if !asked.streams {
            return method(base, asked.model, "generateContent");
        }
        let mut url = method(base, asked.model, "streamGenerateContent");
        url.set_query(Some("alt=sse"));
        url
    }

    fn models_url(&self, base: &Url, _: &Provider) -> Url {
        let mut url = below(base, ["models"]);
        url.set_query(Some("pageSize=1000"));
        url
    }

    /// The key travels in a header: an address is written into logs.
    fn credential(&self, key: &str) -> (HeaderName, Secret<String>) {
        let name = HeaderName::from_static("x-goog-api-key");
        (name, Secret::new(key.to_owned()))
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>> {
        let request = asked.request;
        refuse(&[
            ("parallel_tools", request.parallel_tools.is_some()),
            ("cache_key", request.cache_key.is_some()),
            ("user", request.user.is_some()),
            ("metadata", !request.metadata.is_empty()),
        ])?;
        let preamble = request.whole_preamble();
        Ok(to_json(&Body::new(request, preamble.as_deref())?, request))
    }

    fn said(&self, _: &Provider, body: &[u8]) -> Result<Said, Unreadable> {
        let mut reply = Reply::new(Blocks::of(Wire::Gemini));
        reply.chunk(body)?;
        if !reply.is_answered {
            return Err(Unreadable::Malformed("the reply has no candidate"));
        }
        Ok(reply.said())
    }

    fn reader(&self, _: &Provider) -> Box<dyn Reader> {
        Box::new(Reply::new(Blocks::telling(Wire::Gemini)))
    }

    fn class(&self, problem: &Problem) -> Option<FailureClass> {
        problem.words().find_map(class_of)
    }

    fn models(&self, body: &[u8]) -> Result<Vec<ModelName>, Unreadable> {
        names(body, "models", "name")
    }

    fn embeddings(&self) -> Option<&'static dyn Embedding> {
        Some(&Self)
    }
}

/// What an error's reason or status says beyond the number.
fn class_of(word: &str) -> Option<FailureClass> {
    Some(match word {
        "API_KEY_INVALID" | "API_KEY_EXPIRED" | "UNAUTHENTICATED" => FailureClass::InvalidKey,
        "PERMISSION_DENIED" | "API_KEY_SERVICE_BLOCKED" | "SERVICE_DISABLED" => {
            FailureClass::Forbidden
        }
        "BILLING_DISABLED" => FailureClass::QuotaExhausted,
        "NOT_FOUND" => FailureClass::ModelNotFound,
        "RESOURCE_EXHAUSTED" | "RATE_LIMIT_EXCEEDED" => FailureClass::RateLimited,
        "UNAVAILABLE" => FailureClass::Overloaded,
        "DEADLINE_EXCEEDED" => FailureClass::Timeout,
        "INTERNAL" | "UNKNOWN" => FailureClass::ServerError,
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => FailureClass::BadRequest,
        _ => return None,
    })
}

/// A reply in the making: a whole one is a stream of one chunk.
#[derive(Debug)]
struct Reply {
    blocks: Blocks,
    id: Option<String>,
    model: Option<String>,
    finish: Option<FinishReason>,
    usage: Written,
    tier: Option<String>,
    calls: usize,
    is_answered: bool,
}

impl Reply {
    fn new(blocks: Blocks) -> Self {
        Self {
            blocks,
            id: None,
            model: None,
            finish: None,
            usage: Written::Nothing,
            tier: None,
            calls: 0,
            is_answered: false,
        }
    }

    /// Takes a reply, or a piece of one: they have the same form. A later usage replaces an earlier one, since each
    /// is of all until then.
    fn chunk(&mut self, chunk: &[u8]) -> Result<(), Unreadable> {
        let wanted = [
            "candidates",
            "promptFeedback",
            "usageMetadata",
            "modelVersion",
            "responseId",
            "error",
        ];
        let [candidates, feedback, usage, model, id, error] = read(chunk, wanted)?;
        if error.is_some() {
            return Err(Unreadable::problem(chunk));
        }
        keep(&mut self.id, id);
        keep(&mut self.model, model);
        self.usage.replace(usage);
        let [tier] = reading::inner(usage, ["serviceTier"]);
        if tier.is_some() {
            self.tier = reading::text(tier);
        }
        let [blocked] = reading::inner(feedback, ["blockReason"]);
        if blocked.is_some() {
            self.is_answered = true;
            self.finish = Some(FinishReason::ContentFiltered);
        }
        let Some(first) = reading::items(candidates).first().copied() else {
            return Ok(());
        };
        self.is_answered = true;
        let [content, finish] = reading::inner(Some(first), ["content", "finishReason"]);
        let [parts] = reading::inner(content, ["parts"]);
        for part in reading::items(parts) {
            self.part(part)?;
        }
        if finish.is_some() {
            self.finish = Some(finish_of(reading::borrowed(finish).as_deref()));
        }
        Ok(())
    }

    /// Takes a part. What has no type here is kept as it came, its signature included.
    fn part(&mut self, part: &RawValue) -> Result<(), Unreadable> {
        let wanted = ["text", "thought", "thoughtSignature", "functionCall"];
        let [text, thought, signature, call] = reading::inner(Some(part), wanted);
        let signature = reading::borrowed(signature).filter(|sealed| !sealed.is_empty());
        if let Some(call) = call {
            return self.call(call, signature.as_deref());
        }
        let Some(words) = reading::borrowed(text) else {
            let value = reading::read(Some(part)).unwrap_or(Value::Null);
            let place = self.blocks.next_place();
            return self
                .blocks
                .opaque(place, Wire::Gemini, value, part.get().len());
        };
        if reading::read(thought) == Some(true) {
            let place = self.place(|part| matches!(part, Part::Reasoning(_)));
            self.blocks.reasoning(place, &words)?;
            return match signature {
                Some(signature) => self.blocks.sign(place, &signature),
                None => Ok(()),
            };
        }
        if !words.is_empty() {
            let place = self.place(|part| matches!(part, Part::Text(_)));
            self.blocks.text(place, &words)?;
        }
        match signature {
            // What seals words stands behind them: in a stream it comes with an empty text.
            Some(signature) => self.blocks.sign(self.blocks.next_place(), &signature),
            None => Ok(()),
        }
    }

    /// Where words go on: where the last ones ended, if they are of the same kind.
    fn place(&self, is_alike: impl Fn(&Part) -> bool) -> u64 {
        match self.blocks.last() {
            Some((place, part)) if is_alike(part) => place,
            _ => self.blocks.next_place(),
        }
    }

    /// Takes a call, which always comes whole.
    fn call(&mut self, call: &RawValue, signature: Option<&str>) -> Result<(), Unreadable> {
        let [id, name, args] = reading::inner(Some(call), ["id", "name", "args"]);
        let place = self.blocks.next_place();
        let id = reading::text(id).filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| format!("call_{}", self.calls));
        self.calls += 1;
        let name = reading::borrowed(name).unwrap_or_default();
        self.blocks.call(place, &id, &name)?;
        let args = args.map_or("{}", RawValue::get);
        self.blocks.arguments(place, args)?;
        match signature {
            Some(signature) => self.blocks.sign_call(place, signature.to_owned()),
            None => Ok(()),
        }
    }
}

impl Reader for Reply {
    fn take(&mut self, event: Event<'_>) -> Result<(), Unreadable> {
        self.chunk(event.data)
    }

    fn news(&mut self) -> Option<Delta> {
        self.blocks.news()
    }

    /// There is no last word: usage may come after the reason to stop.
    fn is_over(&self) -> bool {
        false
    }

    fn is_whole(&self) -> bool {
        self.finish.is_some()
    }

    fn has_begun(&self) -> bool {
        !self.blocks.is_empty()
    }

    fn said(&self) -> Said {
        let has_calls = self.calls > 0;
        let finish = match self.finish.unwrap_or_default() {
            // The wire has no reason of its own for calls.
            FinishReason::Stop if has_calls => FinishReason::ToolCalls,
            finish => finish,
        };
        Said {
            id: self.id.clone(),
            model: self.model.clone(),
            parts: self.blocks.parts(),
            finish,
            usage: ReportedUsage::of(&self.usage, &LAYOUT),
            tier: self.tier.clone(),
        }
    }
}

fn finish_of(word: Option<&str>) -> FinishReason {
    match word {
        Some("STOP") => FinishReason::Stop,
        Some("MAX_TOKENS") => FinishReason::Length,
        Some(
            "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "MODEL_ARMOR"
            | "ESCALATION"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION",
        ) => FinishReason::ContentFiltered,
        _ => FinishReason::Other,
    }
}

const AUDIO: (&str, &str) = ("modality", "AUDIO");
const AUDIO_CACHED: Figure = alone(
    listed("cacheTokensDetails", AUDIO, "tokenCount"),
    Bucket::CacheReadAudio,
);
const CACHED: Figure = whole(
    at("cachedContentTokenCount"),
    Bucket::CacheRead,
    &[AUDIO_CACHED],
);
const AUDIO_IN: Figure = whole(
    listed("promptTokensDetails", AUDIO, "tokenCount"),
    Bucket::InputAudio,
    &[AUDIO_CACHED],
);
const AUDIO_READ: Figure = alone(
    listed("toolUsePromptTokensDetails", AUDIO, "tokenCount"),
    Bucket::InputAudio,
);
const AUDIO_OUT: Figure = alone(
    listed("candidatesTokensDetails", AUDIO, "tokenCount"),
    Bucket::OutputAudio,
);

/// `promptTokenCount` contains what was cached; `candidatesTokenCount` does not contain the thoughts; what tools of
/// Google's own read is counted beside the prompt. Each has its sound within it, which has a price of its own;
/// pictures, films and documents are priced as text, and stay with it.
static LAYOUT: Layout = Layout {
    figures: &[
        whole(
            at("promptTokenCount"),
            Bucket::Input,
            &[CACHED, AUDIO_IN, AUDIO_CACHED],
        ),
        CACHED,
        whole(at("toolUsePromptTokenCount"), Bucket::Input, &[AUDIO_READ]),
        AUDIO_IN,
        AUDIO_CACHED,
        AUDIO_READ,
        whole(at("candidatesTokenCount"), Bucket::Output, &[AUDIO_OUT]),
        AUDIO_OUT,
        alone(at("thoughtsTokenCount"), Bucket::Reasoning),
    ],
    total: Some(at("totalTokenCount")),
    sum: None,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    contents: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    generation_config: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

impl<'a> Body<'a> {
    fn new(request: &'a ChatRequest, preamble: Option<&str>) -> Result<Self> {
        Ok(Self {
            contents: request
                .conversation()
                .filter_map(|message| content(message).transpose())
                .collect::<Result<_>>()?,
            system_instruction: preamble.map(|text| json!({ "parts": [{ "text": text }] })),
            tools: tools(request),
            tool_config: request.tool_choice.as_ref().map(tool_config),
            generation_config: generation_config(request),
            cached_content: request.cached_content.as_deref(),
            service_tier: request.service_tier.map(tier).transpose()?,
        })
    }
}

fn tier(tier: ServiceTier) -> Result<&'static str> {
    match tier {
        ServiceTier::Standard => Ok("standard"),
        ServiceTier::Flex => Ok("flex"),
        ServiceTier::Priority => Ok("priority"),
        _ => Err(unsupported("service_tier")),
    }
}

/// All functions are of one tool; what Google runs itself would be others beside it.
fn tools(request: &ChatRequest) -> Option<Value> {
    let declared = |tool: &crate::Tool| {
        let mut declared = json!({ "name": tool.name, "parametersJsonSchema": tool.schema });
        if let Some(text) = &tool.description {
            declared["description"] = text.as_str().into();
        }
        declared
    };
    let declared: Vec<_> = request.tools.iter().map(declared).collect();
    (!declared.is_empty()).then(|| json!([{ "functionDeclarations": declared }]))
}

fn tool_config(choice: &ToolChoice) -> Value {
    let config = match choice {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Named(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    };
    json!({ "functionCallingConfig": config })
}

/// The fields that are set, so that `extra_body("generationConfig", …)` adds to them.
fn generation_config(request: &ChatRequest) -> Map<String, Value> {
    let mut config = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    set("maxOutputTokens", request.max_tokens.map(Value::from));
    set("temperature", request.temperature.map(Value::from));
    set("topP", request.top_p.map(Value::from));
    set("seed", request.seed.map(Value::from));
    let stop = (!request.stop.is_empty()).then(|| json!(request.stop));
    set("stopSequences", stop);
    set("thinkingConfig", request.thinking.map(thinking));
    match &request.format {
        Format::Text => {}
        Format::Json => set("responseMimeType", Some("application/json".into())),
        Format::Schema { schema, .. } => {
            set("responseMimeType", Some("application/json".into()));
            set("responseJsonSchema", Some(schema.clone()));
        }
    }
    config
}

/// Thoughts are asked for wherever there are some; they cost the same unseen.
fn thinking(thinking: Thinking) -> Value {
    match thinking {
        Thinking::Off => json!({ "thinkingBudget": 0 }),
        Thinking::Budget(tokens) => json!({ "thinkingBudget": tokens, "includeThoughts": true }),
        _ => json!({ "thinkingLevel": thinking.effort(), "includeThoughts": true }),
    }
}

/// None where nothing of it is for this wire.
fn content(message: &Message) -> Result<Option<Value>> {
    let role = match message.role() {
        Role::Assistant => "model",
        Role::User | Role::System => "user",
    };
    let mut parts = Vec::new();
    for part in message.parts() {
        parts.extend(said(part)?);
    }
    Ok((!parts.is_empty()).then(|| json!({ "role": role, "parts": parts })))
}

fn said(part: &Part) -> Result<Option<Value>> {
    Ok(Some(match part {
        Part::Text(text) => json!({ "text": text }),
        Part::Image(image) => match &image.source {
            ImageSource::Url(url) => json!({ "fileData": { "fileUri": url } }),
            ImageSource::Bytes(media_type, bytes) => {
                json!({ "inlineData": { "mimeType": media_type, "data": base64(bytes) } })
            }
        },
        Part::ToolCall(call) => {
            let args = arguments(&call.arguments)?;
            sealed(
                json!({ "functionCall": { "name": call.name, "args": args } }),
                call.signature.as_deref(),
            )
        }
        Part::ToolResult(result) => {
            let name = result.name.as_deref().ok_or_else(nameless)?;
            let key = if result.is_error { "error" } else { "result" };
            json!({ "functionResponse": { "name": name, "response": { key: result.content } } })
        }
        Part::Reasoning(thought) if !thought.is_on(&[Wire::Gemini]) => return Ok(None),
        Part::Reasoning(thought) => {
            let signature = thought.signature.as_deref();
            let said = json!({ "text": thought.text });
            let mut said = sealed(said, signature);
            if !thought.text.is_empty() {
                said["thought"] = true.into();
            }
            said
        }
        Part::Opaque(Wire::Gemini, value) => value.clone(),
        Part::Opaque(..) => return Ok(None),
    }))
}

fn sealed(mut part: Value, signature: Option<&str>) -> Value {
    if let Some(signature) = signature {
        part["thoughtSignature"] = signature.into();
    }
    part
}

/// Wires without ids of calls find a result's call by its name.
pub(super) fn nameless() -> lattice_lock_errors::Error {
    lattice_lock_errors::Error::new(REQUEST_INVALID, "a tool's result does not name the tool")
        .with("field", "message")
}

/// What is read of texts is all that there is.
static EMBEDDED: Layout = Layout {
    figures: &[alone(at("promptTokenCount"), Bucket::Input)],
    total: Some(at("totalTokenCount")),
    sum: None,
};

impl Embedding for Gemini {
    fn embed_url(&self, base: &Url, _: &Provider, model: &ModelName) -> Url {
        method(base, model, "batchEmbedContents")
    }

    fn texts(&self, model: &ModelName, request: &EmbedRequest) -> Vec<u8> {
        let one = |text: &String| {
            let mut one = json!({
                "model": format!("models/{}", model.as_str()),
                "content": { "parts": [{ "text": text }] },
            });
            if let Some(dimensions) = request.dimensions {
                one["outputDimensionality"] = dimensions.into();
            }
            one
        };
        let requests: Vec<_> = request.texts().iter().map(one).collect();
        json!({ "requests": requests }).to_string().into_bytes()
    }

    fn embedded(&self, body: &[u8]) -> Result<Embedded, Unreadable> {
        let wanted = ["embeddings", "usageMetadata", "error"];
        let [embeddings, usage, error] = read(body, wanted)?;
        if embeddings.is_none() && error.is_some() {
            return Err(Unreadable::problem(body));
        }
        let vector = |item: &RawValue| {
            let [values] = reading::inner(Some(item), ["values"]);
            reading::read(values).ok_or(Unreadable::Malformed("a vector is no list of numbers"))
        };
        let vectors = reading::items(embeddings).into_iter().map(vector);
        let vectors = vectors.collect::<Result<_, _>>()?;
        let mut written = Written::Nothing;
        written.replace(usage);
        Ok(Embedded {
            model: None,
            vectors,
            usage: ReportedUsage::of(&written, &EMBEDDED),
        })
    }
}
