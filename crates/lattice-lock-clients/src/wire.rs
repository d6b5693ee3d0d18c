//! One file for each wire: what is sent, where, and what the reply means. No sockets.
//!
//! A wire is a [`Protocol`]: it has no state, and so there is one of each. Its [`Reader`] makes a reply from the
//! pieces of a stream; a whole reply goes through the same one, so that both come to the same. The pieces of a
//! reply go into [`Blocks`], each at a place of its own, and the usage, as it was written, into
//! [`Written`](usage::Written), which a [`Layout`](layout::Layout) sorts into buckets at the end.
//!
//! Bodies are read by [`json`] without a tree: only the fields that are wanted are looked at, unknown ones and
//! unknown words are no error, and a hostile body costs no more than its own length. Of an error's body a
//! [`Problem`] is made, whoever wrote it; the wire says what its words mean.
//!
//! # Which reference each wire follows
//!
//! | wire | reference | said of it in |
//! |---|---|---|
//! | chat completions | <https://platform.openai.com/docs/api-reference/chat> | `openai_chat` |
//! | responses | <https://platform.openai.com/docs/api-reference/responses> | `openai_responses` |
//! | Anthropic's messages | <https://docs.anthropic.com/en/api/messages> | `anthropic_messages` |
//! | Gemini | <https://ai.google.dev/api/generate-content> | `gemini` |
//! | Ollama's chat | <https://github.com/ollama/ollama/blob/main/docs/api.md> | `ollama_chat` |
//! | Converse | <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html> | `bedrock_converse` |
//!
//! The fixtures in `tests/fixtures` have an exchange of each kind from these, with its source beside it.
//!
//! # What a wire must hold to
//!
//! - What it has no word for is refused with the field's name, before anything is sent; the cache hints alone are not.
//! - A whole reply and a stream of the same words come to the same [`Said`].
//! - A later figure replaces an earlier one; nothing is added to itself and no maximum is taken.
//! - An unknown field, event, block or word is no error; an unknown reason to stop is [`FinishReason::Other`].
//! - A typed word of an error has a class where it has one meaning. Where it has several, the status decides.

use std::fmt;

use lattice_lock_errors::{Result, Secret};
use lattice_lock_providers::{FailureClass, ModelName, Provider, Wire};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{ChatReply, ChatRequest, Delta, EmbedRequest, FinishReason, Part, RateLimits};

mod anthropic_messages;
#[cfg(feature = "bedrock")]
mod bedrock_converse;
mod blocks;
mod counts;
mod extra;
mod gemini;
mod json;
mod layout;
mod ollama_chat;
mod openai_chat;
mod openai_responses;
mod problem;
mod usage;

pub(crate) use anthropic_messages::DEFAULT_MAX_TOKENS;
use blocks::Blocks;
pub(crate) use counts::LARGEST_COUNT;
pub(crate) use problem::Problem;
pub(crate) use usage::RawUsage;
use usage::ReportedUsage;

/// One call, as a wire sees it.
///
/// The provider is there for what differs between servers of one wire: the version of Azure's interface, the name
/// of the limit, whether reasoning is within the output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) model: &'a ModelName,
    pub(crate) request: &'a ChatRequest,
    /// Whether the reply is to come piece by piece.
    pub(crate) streams: bool,
}

/// How the pieces of a stream are set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Events,
    /// One JSON value on each line.
    Lines,
    /// Messages that say how long they are, as AWS frames them.
    #[cfg(feature = "bedrock")]
    Messages,
}

/// One piece of a stream.
///
/// It is borrowed from the framer, and gone when the next one is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    /// Its name, where the framing has names.
    pub(crate) name: &'a str,
    pub(crate) data: &'a [u8],
}

/// How one wire puts things. It has no state, and so there is one of each.
///
/// Most wires are `OpenAI`'s in how they list models, show a key and name a request, so that these have defaults.
pub(crate) trait Protocol: fmt::Debug + Send + Sync {
    /// Where a prompt is posted.
    fn chat_url(&self, base: &Url, asked: &Asked<'_>) -> Url;

    /// Where models are listed.
    fn models_url(&self, base: &Url, provider: &Provider) -> Url;

    /// The header that names the request in an answer.
    fn request_id_header(&self) -> &'static str {
        "x-request-id"
    }

    /// The header that says which version of the wire is meant, if there is one.
    fn version(&self) -> Option<(HeaderName, HeaderValue)> {
        None
    }

    /// The header that shows the key.
    fn credential(&self, key: &str) -> (HeaderName, Secret<String>) {
        (AUTHORIZATION, Secret::new(format!("Bearer {key}")))
    }

    /// Whether a call without a key is signed, as AWS wants it.
    #[cfg(feature = "bedrock")]
    fn is_signed(&self) -> bool {
        false
    }

    /// A checked request, in the wire's words; or which of its fields the wire has no word for.
    ///
    /// It has been through [`ChatRequest::check`]; what is left to find are fields without a word here and
    /// arguments of calls that are no object where the wire has nothing else.
    fn body(&self, asked: &Asked<'_>) -> Result<Vec<u8>>;

    /// What a whole reply says.
    ///
    /// The status was a good one. A body that tells an error all the same is [`Unreadable::Problem`].
    fn said(&self, provider: &Provider, body: &[u8]) -> Result<Said, Unreadable>;

    /// How the pieces of a stream are set apart.
    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// Reads a stream, piece by piece.
    ///
    /// A reader is for one stream, and is not used again.
    fn reader(&self, provider: &Provider) -> Box<dyn Reader>;

    /// What the typed fields of an error mean, if they say more than its status.
    ///
    /// The most telling word that is known counts; `None` leaves it to the status.
    fn class(&self, problem: &Problem) -> Option<FailureClass>;

    /// The models of a listing.
    fn models(&self, body: &[u8]) -> Result<Vec<ModelName>, Unreadable> {
        names(body, "data", "id")
    }

    /// How texts are turned into vectors, if the wire can.
    fn embeddings(&self) -> Option<&'static dyn Embedding> {
        None
    }
}

/// Puts the pieces of one stream together.
///
/// The words that it tells with [`news`](Self::news), put together, are the parts that it has [`said`](Self::said).
/// It is asked for news after every piece until there is none, so that nothing piles up between a provider and a
/// slow reader.
pub(crate) trait Reader: fmt::Debug + Send {
    /// Takes the next piece.
    ///
    /// An error ends the stream. What was taken before it stays said.
    fn take(&mut self, event: Event<'_>) -> Result<(), Unreadable>;

    /// What is new since this was asked last.
    fn news(&mut self) -> Option<Delta>;

    /// Whether the last word was said. What comes after it is not read.
    fn is_over(&self) -> bool;

    /// Whether the stream may end here, where the connection does.
    fn is_whole(&self) -> bool {
        self.is_over()
    }

    /// Whether the model has said anything, so that a failure comes in the middle.
    fn has_begun(&self) -> bool;

    /// What the stream has come to so far.
    ///
    /// It may be asked at any time, and is what there is to book of a stream that fails.
    fn said(&self) -> Said;
}

/// How one wire turns texts into vectors.
///
/// A wire may lend another's, as the responses lend that of chat completions: both are `OpenAI`'s.
pub(crate) trait Embedding: fmt::Debug + Send + Sync {
    /// Where texts are posted.
    fn embed_url(&self, base: &Url, provider: &Provider, model: &ModelName) -> Url;

    /// Checked texts, in the wire's words.
    fn texts(&self, model: &ModelName, request: &EmbedRequest) -> Vec<u8>;

    /// What a reply says.
    fn embedded(&self, body: &[u8]) -> Result<Embedded, Unreadable>;
}

/// The protocol of a wire; `None` for one that the registry knows and this build does not.
pub(crate) fn protocol(wire: Wire) -> Option<&'static dyn Protocol> {
    Some(match wire {
        Wire::OpenAiChat => &openai_chat::OpenAiChat { is_azure: false },
        Wire::AzureOpenAi => &openai_chat::OpenAiChat { is_azure: true },
        Wire::OpenAiResponses => &openai_responses::OpenAiResponses,
        Wire::AnthropicMessages => &anthropic_messages::AnthropicMessages,
        Wire::Gemini => &gemini::Gemini,
        Wire::OllamaChat => &ollama_chat::OllamaChat,
        #[cfg(feature = "bedrock")]
        Wire::BedrockConverse => &bedrock_converse::BedrockConverse,
        _ => return None,
    })
}

/// What a reply says, before it is a [`ChatReply`].
///
/// Nothing of the headers is in it, and nothing of the request.
#[derive(Debug)]
pub(crate) struct Said {
    /// The reply's own id, for servers that send no header.
    id: Option<String>,
    /// Who answered, as far as it says so.
    model: Option<String>,
    /// What the model said.
    parts: Vec<Part>,
    /// Why it stopped.
    finish: FinishReason,
    /// What it used, sorted into buckets.
    usage: ReportedUsage,
    /// The tier that it was served in.
    tier: Option<String>,
}

#[cfg(test)]
impl Said {
    fn text(&self) -> String {
        crate::request::joined(&self.parts).into_owned()
    }
}

/// What came with a reply in its headers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heading {
    pub(crate) request_id: Option<String>,
    pub(crate) limits: RateLimits,
}

impl Said {
    /// The reply, for the model that was asked, with what the headers gave.
    pub(crate) fn into_reply(self, asked: &ModelName, heading: Heading) -> ChatReply {
        let named = self.model.and_then(|name| name.parse().ok());
        ChatReply::of(named.unwrap_or_else(|| asked.clone()), self.parts)
            .with_request_id(heading.request_id.or(self.id))
            .with_finish_reason(self.finish)
            .with_usage(self.usage.usage)
            .with_usage_as_written(self.usage.raw)
            .with_usage_finding(self.usage.finding)
            .with_service_tier(self.tier)
            .with_rate_limits(heading.limits)
    }
}

/// What a reply to texts says.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(crate) model: Option<String>,
    pub(crate) vectors: Vec<Vec<f32>>,
    usage: ReportedUsage,
}

impl Embedded {
    /// What was used, as it was written, and what is wrong with it.
    pub(crate) fn usage(
        &self,
    ) -> (
        lattice_lock_providers::TokenUsage,
        Option<RawUsage>,
        Option<crate::UsageFinding>,
    ) {
        (self.usage.usage, self.usage.raw.clone(), self.usage.finding)
    }
}

/// Why a body is no reply.
///
/// What it means for the attempt depends on when it comes: a problem before the first word is the provider's error,
/// one after it a cut stream.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It ends too early.
    Cut,
    /// It is not what the wire has in its place.
    Malformed(&'static str),
    /// It is an error in spite of its status.
    Problem(Box<Problem>),
}

impl Unreadable {
    /// Why `body`, which should be an object of the wire, could not be read.
    fn new(body: &[u8], error: &serde_json::Error) -> Self {
        if body.trim_ascii().is_empty() {
            return Self::Malformed("the body is empty");
        }
        match error.classify() {
            serde_json::error::Category::Eof => Self::Cut,
            _ => Self::Malformed("the body is not a JSON object"),
        }
    }

    /// The problem that `body` tells.
    fn problem(body: &[u8]) -> Self {
        Self::Problem(Box::new(Problem::read(body)))
    }
}

/// The fields of a body with these names.
fn read<'a, const N: usize>(
    body: &'a [u8],
    names: [&'static str; N],
) -> Result<[Option<&'a RawValue>; N], Unreadable> {
    json::fields(text(body)?, names).map_err(|error| Unreadable::new(body, &error))
}

/// As [`read`], with the fields of objects inside.
fn reach<'a, const N: usize>(
    body: &'a [u8],
    wants: &'static json::Wants,
) -> Result<[Option<&'a RawValue>; N], Unreadable> {
    json::walk(text(body)?, wants).map_err(|error| Unreadable::new(body, &error))
}

/// What is skipped is not looked at: a name that is no text would make its field disappear.
fn text(body: &[u8]) -> Result<&str, Unreadable> {
    str::from_utf8(body).map_err(|_| Unreadable::Malformed("the body is not UTF-8"))
}

/// The models in a list of objects. A name that is none is left out.
fn names(
    body: &[u8],
    list: &'static str,
    field: &'static str,
) -> Result<Vec<ModelName>, Unreadable> {
    let [data] = read(body, [list])?;
    let items: Vec<&RawValue> =
        json::read(data).ok_or(Unreadable::Malformed("the body lists no models"))?;
    let name = |item: &RawValue| {
        let [id] = json::inner(Some(item), [field]);
        let id = json::text(id)?;
        id.strip_prefix("models/").unwrap_or(&id).parse().ok()
    };
    Ok(items.into_iter().filter_map(name).collect())
}

/// The address `base` with these segments below it.
fn below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // Fails only for an address that has no path, such as `mailto:`; the base is http or https.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// A body of ours as JSON, with what the caller adds to it.
fn to_json(body: &impl Serialize, request: &ChatRequest) -> Vec<u8> {
    let bytes = serde_json::to_vec(body);
    let bytes = bytes.expect("texts, finite numbers and lists of them are always JSON");
    extra::merged(bytes, &request.extra_body)
}

#[cfg(test)]
mod tests;
