//! `OpenAI`'s chat completions, and whoever speaks them: Azure and DIAL under a deployment's address, xAI, `DeepSeek`,
//! Groq, Mistral, `OpenRouter`, vLLM, llama.cpp, LM Studio, Ollama's `/v1`, a proxy such as `LiteLLM`.
//!
//! Source: `CreateChatCompletionResponse`, `CreateChatCompletionStreamResponse` and `CompletionUsage` of `OpenAI`'s
//! `OpenAPI` document; for Azure its REST reference, for DIAL the chunks of its SDK.
//!
//! # What a reply says
//!
//! The first choice counts, also where more were asked for with `extra_body`. Its parts have fixed places, so that
//! a stream and a whole reply come to the same: thoughts, words, a refusal, calls. Thoughts are `reasoning_content`
//! (`DeepSeek`, xAI, vLLM) or `reasoning` (Groq, `OpenRouter`); `OpenAI` shows none on this wire. `content` is a
//! text or a list of parts, of which the texts count. A call that has no `id` is named by its place, `call_0`;
//! `function_call`, which came before `tool_calls`, is read as one. Sound that is said (`message.audio`) is charged
//! for, and not kept.
//!
//! # What was used
//!
//! ```text
//! prompt_tokens       = input + cached_tokens + cache_write_tokens + audio_tokens
//! completion_tokens   = output + reasoning_tokens + audio_tokens       (xAI: without reasoning_tokens)
//! total_tokens        = prompt_tokens + completion_tokens              (xAI: + reasoning_tokens)
//! ```
//!
//! `cached_tokens_details.audio_tokens` are cached and sound: they are within both, and counted in neither.
//! `image_tokens`, `text_tokens` and the tokens of a prediction, accepted or rejected, stay in input and output:
//! they are within these and priced as they are. A stream asks for its usage with `stream_options.include_usage`;
//! it comes on a piece without choices behind the last word, but may stand beside the last word (`DeepSeek`), on a
//! choice, or on every piece: the last one counts.
//!
//! # Where a stream ends
//!
//! `[DONE]` is the last word. Servers that leave it out have said everything when they have given a reason to stop
//! and a usage; anything less is a cut stream. Azure begins with a piece whose `id` and `model` are empty and whose
//! `choices` are none, and may tell what its filter found behind the words: neither is a part of the reply.
//!
//! # Errors
//!
//! The body is `{"error": {"message", "type", "param", "code"}}`. `code` is looked at first, then `type`:
//!
//! | word | class |
//! |---|---|
//! | `invalid_api_key` | invalid key |
//! | `insufficient_quota`, `billing_hard_limit_reached`, `billing_not_active` | quota exhausted |
//! | `rate_limit_exceeded` | rate limited |
//! | `context_length_exceeded`, `string_above_max_length` | context too long |
//! | `model_not_found`, Azure's `DeploymentNotFound` | model not found |
//! | `content_filter`, `content_policy_violation`, `moderation_blocked`, Azure's `ResponsibleAIPolicyViolation` | content filtered |
//!
//! `insufficient_quota` comes with 429 and is no matter of waiting; it is why the word goes before the status. A
//! server that says neither, as most compatible ones, has the class of its status. Source:
//! <https://platform.openai.com/docs/guides/error-codes>, for Azure
//! <https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter>.
//!
//! # What is sent
//!
//! `max_completion_tokens` at `OpenAI` and Azure, whose reasoning models refuse the older `max_tokens`; elsewhere
//! `max_tokens`, which many servers know alone. A result of a tool is a message of the role `tool` and comes before
//! the words of its message. Thoughts are not sent: the wire has no place for them. `Format::Json` is the mode
//! `json_object`, which the provider refuses when no message has the word JSON in it, and so the request brings
//! one. On Azure the model stands in the address as the name of its deployment, and `api-version` is
//! [`AZURE_VERSION`] where the provider names none.
//!
//! # Embeddings
//!
//! `data` has a vector for each text with its `index`, by which they are sorted; usage is `prompt_tokens` alone,
//! held against `total_tokens`. Vectors are lists of numbers: base64 is not asked for.

use std::borrow::Cow;

use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_providers::{Bucket, FailureClass, ModelName, Provider, ServiceTier, Wire};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName};
use serde::Serialize;
use serde_json::value::RawValue;

use super::layout::{Layout, alone, at};
use super::usage::{ReportedUsage, Written};
use super::{
    Asked, Blocks, Embedded, Embedding, Problem, Protocol, Reader, Said, Unreadable, below, json,
    read, to_json,
};
use crate::request::{ImageSource, refuse, unsupported};
use crate::{
    ChatRequest, EmbedRequest, Format, Image, Message, Part, Role, Thinking, Tool, ToolCall,
    ToolChoice,
};

mod reply;

use reply::{PROMPT, Reply, WHOLE};

/// Which version of Azure's interface is meant where the provider names none.
const AZURE_VERSION: &str = "2024-10-21";

/// `OpenAI`'s chat completions, as <https://platform.openai.com/docs/api-reference/chat> has them; on Azure's and
/// DIAL's servers under the address of a deployment.
#[derive(Debug)]
pub(super) struct OpenAiChat {
    pub(super) is_azure: bool,
}

impl OpenAiChat {
    fn url(&self, base: &Url, provider: &Provider, model: &ModelName, what: &[&str]) -> Url {
        if !self.is_azure {
            return below(base, what.iter().copied());
        }
        let deployment = ["openai", "deployments", model.as_str()];
        versioned(
            below(base, deployment.iter().chain(what).copied()),
            provider,
        )
    }
}

fn versioned(mut url: Url, provider: &Provider) -> Url {
    let version = provider.version().unwrap_or(AZURE_VERSION);
    url.query_pairs_mut().append_pair("api-version", version);
    url
}

impl Protocol for OpenAiChat {
    fn chat_url(&self, base: &Url, asked: &Asked<'_>) -> Url {
        self.url(base, asked.provider, asked.model, &["chat", "completions"])
    }

    fn models_url(&self, base: &Url, provider: &Provider) -> Url {
        if self.is_azure {
            versioned(below(base, ["openai", "models"]), provider)
        } else {
            below(base, ["models"])
        }
    }

    fn request_id_header(&self) -> &'static str {
        if self.is_azure {
            "apim-request-id"
        } else {
            "x-request-id"
        }
    }

    fn credential(&self, key: &str) -> (HeaderName, Secret<String>) {
        if self.is_azure {
            (
                HeaderName::from_static("api-key"),
                Secret::new(key.to_owned()),
            )
        } else {
            (AUTHORIZATION, Secret::new(format!("Bearer {key}")))
        }
    }

    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>> {
        let request = asked.request;
        refuse(&[("cached_content", request.cached_content.is_some())])?;
        let preamble = request.preamble();
        Ok(to_json(&Body::new(asked, preamble.as_deref())?, request))
    }

    fn said(&self, provider: &Provider, body: &[u8]) -> Result<Said, Unreadable> {
        let mut reply = Reply::new(provider, Blocks::of(Wire::OpenAiChat));
        let around = reply.around(body, WHOLE)?;
        let choice = around.choice.ok_or_else(|| {
            if around.is_error {
                Unreadable::problem(body)
            } else {
                Unreadable::Malformed("the reply has no choice")
            }
        })?;
        let message = choice.message;
        reply.speak(message.ok_or(Unreadable::Malformed("the choice has no message"))?)?;
        reply.finish(choice.finish);
        Ok(reply.said())
    }

    fn reader(&self, provider: &Provider) -> Box<dyn Reader> {
        Box::new(Reply::new(provider, Blocks::telling(Wire::OpenAiChat)))
    }

    fn class(&self, problem: &Problem) -> Option<FailureClass> {
        problem.words().find_map(class_of)
    }

    fn embeddings(&self) -> Option<&'static dyn Embedding> {
        Some(if self.is_azure {
            &OpenAiChat { is_azure: true }
        } else {
            &OpenAiChat { is_azure: false }
        })
    }
}

/// What an error's code or type says beyond its status.
pub(super) fn class_of(word: &str) -> Option<FailureClass> {
    Some(match word {
        "invalid_api_key" => FailureClass::InvalidKey,
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => {
            FailureClass::QuotaExhausted
        }
        "rate_limit_exceeded" => FailureClass::RateLimited,
        "context_length_exceeded" | "string_above_max_length" => FailureClass::ContextTooLong,
        "model_not_found" | "DeploymentNotFound" => FailureClass::ModelNotFound,
        "content_filter"
        | "content_policy_violation"
        | "moderation_blocked"
        | "ResponsibleAIPolicyViolation" => FailureClass::ContentFiltered,
        _ => return None,
    })
}

/// Keeps the first word on something. An empty text is none: Azure's first piece has nothing but what its filter found
/// in the prompt.
pub(super) fn keep(known: &mut Option<String>, said: Option<&RawValue>) {
    if known.is_none() {
        *known = json::text(said).filter(|said| !said.is_empty());
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Declared<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    metadata: &'a std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Body<'a> {
    fn new(asked: &Asked<'a>, preamble: Option<&'a str>) -> Result<Self> {
        let request = asked.request;
        // OpenAI's reasoning models refuse `max_tokens`, and many compatible servers know nothing else.
        let limit = request.max_tokens;
        let (max_completion_tokens, max_tokens) = match asked.provider.id().as_str() {
            "openai" | "azure" => (limit, None),
            _ => (None, limit),
        };
        let preamble = preamble.map(|text| Turn::plain("system", text));
        let mut messages: Vec<_> = preamble.into_iter().collect();
        for message in &request.messages {
            say(message, &mut messages);
        }
        Ok(Self {
            model: asked.model.as_str(),
            messages,
            tools: request.tools.iter().map(Declared::from).collect(),
            tool_choice: request.tool_choice.as_ref().map(Choice::from),
            parallel_tool_calls: request.parallel_tools,
            max_tokens,
            max_completion_tokens,
            temperature: request.temperature,
            top_p: request.top_p,
            stop: &request.stop,
            seed: request.seed,
            reasoning_effort: effort(request.thinking)?,
            response_format: response_format(request),
            prompt_cache_key: request.cache_key.as_deref(),
            service_tier: request.service_tier.map(tier).transpose()?,
            user: request.user.as_deref(),
            metadata: &request.metadata,
            stream: asked.streams,
            stream_options: asked.streams.then_some(StreamOptions {
                include_usage: true,
            }),
        })
    }
}

/// `OpenAI` counts no budget of thoughts.
pub(super) fn effort(thinking: Option<Thinking>) -> Result<Option<&'static str>> {
    match thinking {
        None => Ok(None),
        Some(thinking) => match thinking.effort() {
            Some(word) => Ok(Some(word)),
            None => Err(unsupported("thinking")),
        },
    }
}

pub(super) fn tier(tier: ServiceTier) -> Result<&'static str, Error> {
    match tier {
        ServiceTier::Standard => Ok("default"),
        ServiceTier::Flex => Ok("flex"),
        ServiceTier::Priority => Ok("priority"),
        _ => Err(unsupported("service_tier")),
    }
}

fn response_format(request: &ChatRequest) -> Option<ResponseFormat<'_>> {
    match &request.format {
        Format::Text => None,
        // Takes effect only when a message speaks of JSON, which the request's own instruction does.
        Format::Json => Some(ResponseFormat::JsonObject),
        Format::Schema { name, schema } => Some(ResponseFormat::JsonSchema {
            json_schema: JsonSchema {
                name,
                schema,
                strict: true,
            },
        }),
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    schema: &'a serde_json::Value,
    strict: bool,
}

/// One message on the wire.
#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Called<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<Piece<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: Cow<'a, str>,
}

#[derive(Serialize)]
struct Called<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> Turn<'a> {
    fn plain(role: &'static str, text: &'a str) -> Self {
        Self {
            role,
            content: Some(Content::Text(text)),
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }
}

/// Puts a message into the wire's: each tool's result is one of its own there, and comes before the words.
fn say<'a>(message: &'a Message, messages: &mut Vec<Turn<'a>>) {
    let mut pieces = Vec::new();
    let mut tool_calls = Vec::new();
    for part in message.parts() {
        match part {
            Part::Text(text) => pieces.push(Piece::Text { text }),
            Part::Image(image) => pieces.push(Piece::ImageUrl {
                image_url: ImageUrl {
                    url: address(image),
                },
            }),
            Part::ToolCall(call) => tool_calls.push(Called::from(call)),
            Part::ToolResult(result) => messages.push(Turn {
                tool_call_id: Some(&result.call),
                ..Turn::plain("tool", &result.content)
            }),
            // The wire has no place for what a model thought.
            Part::Reasoning(_) | Part::Opaque(..) => {}
        }
    }
    let content = match pieces.as_slice() {
        [] => None,
        [Piece::Text { text }] => Some(Content::Text(text)),
        _ => Some(Content::Parts(pieces)),
    };
    if content.is_some() || !tool_calls.is_empty() {
        messages.push(Turn {
            role: match message.role() {
                Role::System => "system",
                Role::User => "user",
                Role::Assistant => "assistant",
            },
            content,
            tool_calls,
            tool_call_id: None,
        });
    }
}

/// The picture's address; its bytes have one, too.
pub(super) fn address(image: &Image) -> Cow<'_, str> {
    match &image.source {
        ImageSource::Url(url) => Cow::Borrowed(url),
        ImageSource::Bytes(media_type, bytes) => {
            Cow::Owned(format!("data:{media_type};base64,{}", base64(bytes)))
        }
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

impl<'a> From<&'a ToolCall> for Called<'a> {
    fn from(call: &'a ToolCall) -> Self {
        Self {
            id: &call.id,
            r#type: "function",
            function: Function {
                name: &call.name,
                arguments: &call.arguments,
            },
        }
    }
}

#[derive(Serialize)]
struct Declared<'a> {
    r#type: &'static str,
    function: Declaration<'a>,
}

#[derive(Serialize)]
struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: &'a serde_json::Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

impl<'a> From<&'a Tool> for Declared<'a> {
    fn from(tool: &'a Tool) -> Self {
        Self {
            r#type: "function",
            function: Declaration {
                name: &tool.name,
                description: tool.description.as_deref(),
                parameters: &tool.schema,
                strict: tool.strict,
            },
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Named {
        r#type: &'static str,
        function: Named<'a>,
    },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

impl<'a> From<&'a ToolChoice> for Choice<'a> {
    fn from(choice: &'a ToolChoice) -> Self {
        match choice {
            ToolChoice::Auto => Self::Word("auto"),
            ToolChoice::None => Self::Word("none"),
            ToolChoice::Required => Self::Word("required"),
            ToolChoice::Named(name) => Self::Named {
                r#type: "function",
                function: Named { name },
            },
        }
    }
}

#[derive(Serialize)]
struct Embed<'a> {
    model: &'a str,
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

/// As [`WITHIN`], for texts that are only read.
static EMBEDDED: Layout = Layout {
    figures: &[alone(PROMPT, Bucket::Input)],
    total: Some(at("total_tokens")),
    sum: None,
};

impl Embedding for OpenAiChat {
    fn embed_url(&self, base: &Url, provider: &Provider, model: &ModelName) -> Url {
        OpenAiChat::url(self, base, provider, model, &["embeddings"])
    }

    fn texts(&self, model: &ModelName, request: &EmbedRequest) -> Vec<u8> {
        let body = Embed {
            model: model.as_str(),
            input: request.texts(),
            dimensions: request.dimensions,
        };
        serde_json::to_vec(&body).expect("texts and numbers are always JSON")
    }

    fn embedded(&self, body: &[u8]) -> Result<Embedded, Unreadable> {
        let [data, model, usage, error] = read(body, ["data", "model", "usage", "error"])?;
        if data.is_none() && error.is_some() {
            return Err(Unreadable::problem(body));
        }
        let mut vectors = Vec::new();
        for (at, item) in json::items(data).into_iter().enumerate() {
            let [index, vector] = json::inner(Some(item), ["index", "embedding"]);
            let vector: Vec<f32> = json::read(vector)
                .ok_or(Unreadable::Malformed("a vector is no list of numbers"))?;
            vectors.push((json::read::<usize>(index).unwrap_or(at), vector));
        }
        vectors.sort_by_key(|(index, _)| *index);
        let mut written = Written::Nothing;
        written.replace(usage);
        Ok(Embedded {
            model: json::text(model),
            vectors: vectors.into_iter().map(|(_, vector)| vector).collect(),
            usage: ReportedUsage::of(&written, &EMBEDDED),
        })
    }
}

#[cfg(test)]
mod tests;
