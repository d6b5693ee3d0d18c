//! What the providers say, in their own words: one file for each wire.
//!
//! Each reads what it needs of a request, refuses what the provider refuses, and writes replies, streams, usage and
//! errors in the provider's shapes, field by field from its reference. Nothing is shared with the clients that are
//! tested against it: where both are wrong in the same way, the fixtures of the clients, which come from the
//! references directly, tell.
//!
//! | wire | reference |
//! |---|---|
//! | OpenAI's chat completions, embeddings | <https://platform.openai.com/docs/api-reference/chat> |
//! | OpenAI's responses | <https://platform.openai.com/docs/api-reference/responses> |
//! | Anthropic's messages | <https://docs.anthropic.com/en/api/messages> |
//! | Gemini | <https://ai.google.dev/api/generate-content> |
//! | Ollama's chat | <https://github.com/ollama/ollama/blob/main/docs/api.md> |
//! | Converse | <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html> |
//!
//! What is checked of a request is what a client gets wrong: that it is JSON, that it names a model and has
//! something to answer, and what one wire alone must have. Values are not checked, and unknown fields are passed
//! over.

use hyper::HeaderMap;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::Usage;

mod anthropic;
mod bedrock;
mod gemini;
mod ollama;
mod openai;
mod responses;

/// A protocol that the server speaks.
///
/// A [`Charge`](crate::Charge) says on which it was asked. The vectors of an address belong to its wire.
///
/// ```
/// use lattice_lock_testkit::{ScriptedServer, Wire};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
/// let server = ScriptedServer::start().await?;
/// ask(server.url(), "/api/chat", r#"{"model":"llama3.3","messages":[{"role":"user","content":"Hi"}]}"#);
/// ask(server.url(), "/v1/responses", r#"{"model":"gpt-5-mini","input":"Hi"}"#);
/// let account = server.account();
/// let wires: Vec<Wire> = account.charges().iter().map(|charge| charge.wire).collect();
/// assert_eq!(wires, [Wire::Ollama, Wire::OpenAiResponses]);
/// # Ok(())
/// # }
/// # fn ask(url: &str, path: &str, body: &str) -> String {
/// #     use std::io::{Read as _, Write as _};
/// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
/// #     let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:");
/// #     write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
/// #     let mut reply = Vec::new();
/// #     let _ = stream.read_to_end(&mut reply);
/// #     String::from_utf8_lossy(&reply).into_owned()
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wire {
    /// OpenAI's chat completions: `POST /v1/chat/completions`.
    ///
    /// The key is in `authorization`, the request's id in `x-request-id`. A stream has its usage only where it was
    /// asked for.
    OpenAi,
    /// The same under the address of a deployment: `POST /openai/deployments/NAME/chat/completions`.
    ///
    /// The key is in `api-key`, the request's id in `apim-request-id`. The version in the query is not looked at.
    Azure,
    /// OpenAI's responses: `POST /v1/responses`.
    ///
    /// The key and the id as on OpenAI's chat completions; a stream always has its usage.
    OpenAiResponses,
    /// Anthropic's messages: `POST /v1/messages`.
    ///
    /// The key is in `x-api-key`, the request's id in `request-id`. Without `anthropic-version` or `max_tokens` a
    /// request is refused.
    Anthropic,
    /// Google's Gemini: `POST /v1beta/models/NAME:generateContent` and `:streamGenerateContent`.
    ///
    /// The key is in `x-goog-api-key`: one in the query is not looked at. The request's id is in `x-request-id`.
    Gemini,
    /// Ollama's own chat: `POST /api/chat`.
    ///
    /// It streams lines of JSON, and does so unless the body says `"stream": false`.
    Ollama,
    /// Amazon's Converse: `POST /model/NAME/converse` and `converse-stream`. Signatures are looked at for the name of
    /// the key, and not verified.
    Bedrock,
}

/// What stands at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Chat,
    Embeddings,
    Models,
    Nowhere,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route<'a> {
    pub(crate) wire: Wire,
    pub(crate) place: Place,
    /// The model, where the address names it.
    pub(crate) model: Option<&'a str>,
    /// Whether the address asks for a stream.
    pub(crate) streams: bool,
}

impl<'a> Route<'a> {
    /// The wire that a request is meant for, so that even a refusal has the right shape, and what it is for.
    pub(crate) fn of(path: &'a str, headers: &HeaderMap) -> Self {
        let to = |wire, place| Self {
            wire,
            place,
            model: None,
            streams: false,
        };
        let is_anthropic = headers.contains_key("anthropic-version");
        let is_google = path.starts_with("/v1beta") || headers.contains_key("x-goog-api-key");
        match path {
            "/v1/chat/completions" => to(Wire::OpenAi, Place::Chat),
            "/v1/embeddings" => to(Wire::OpenAi, Place::Embeddings),
            "/v1/responses" => to(Wire::OpenAiResponses, Place::Chat),
            "/v1/messages" => to(Wire::Anthropic, Place::Chat),
            "/v1/models" if is_anthropic => to(Wire::Anthropic, Place::Models),
            "/v1/models" | "/v1beta/models" if is_google => to(Wire::Gemini, Place::Models),
            "/v1/models" => to(Wire::OpenAi, Place::Models),
            "/openai/models" => to(Wire::Azure, Place::Models),
            "/api/chat" => to(Wire::Ollama, Place::Chat),
            "/api/tags" => to(Wire::Ollama, Place::Models),
            "/foundation-models" => to(Wire::Bedrock, Place::Models),
            _ => Self::named(path).unwrap_or(to(
                if is_anthropic {
                    Wire::Anthropic
                } else if is_google {
                    Wire::Gemini
                } else {
                    Wire::OpenAi
                },
                Place::Nowhere,
            )),
        }
    }

    /// An address that names the model.
    fn named(path: &'a str) -> Option<Self> {
        if let Some(deployed) = path.strip_prefix("/openai/deployments/") {
            let (model, what) = deployed.split_once('/')?;
            let place = match what {
                "chat/completions" => Place::Chat,
                "embeddings" => Place::Embeddings,
                _ => return None,
            };
            return Some(Self {
                wire: Wire::Azure,
                place,
                model: Some(model),
                streams: false,
            });
        }
        if let Some((model, what)) = path
            .strip_prefix("/model/")
            .and_then(|rest| rest.rsplit_once('/'))
        {
            let streams = what == "converse-stream";
            let is_chat = streams || what == "converse";
            return is_chat.then_some(Self {
                wire: Wire::Bedrock,
                place: Place::Chat,
                model: Some(model),
                streams,
            });
        }
        let rest = path
            .strip_prefix("/v1beta/models/")
            .or_else(|| path.strip_prefix("/v1/models/"))?;
        let (model, what) = rest.rsplit_once(':')?;
        let (place, streams) = match what {
            "generateContent" => (Place::Chat, false),
            "streamGenerateContent" => (Place::Chat, true),
            "batchEmbedContents" => (Place::Embeddings, false),
            _ => return None,
        };
        Some(Self {
            wire: Wire::Gemini,
            place,
            model: Some(model),
            streams,
        })
    }
}

/// What the server needs to know of a request.
///
/// A field that the wire has and this has not is not looked at: the script says what is answered, and no setting of
/// a request changes it.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) prompt: String,
    /// The texts that are to be turned into vectors.
    pub(crate) texts: Vec<String>,
    pub(crate) streams: bool,
    /// Whether a stream is to say what it used.
    pub(crate) wants_usage: bool,
}

/// What a reply says.
///
/// Ids are made from the number of the request, so that they differ within a server and are the same in each run.
pub(crate) struct Said<'a> {
    pub(crate) number: usize,
    pub(crate) model: &'a str,
    pub(crate) text: &'a str,
    pub(crate) reasoning: Option<&'a str>,
    pub(crate) calls: &'a [(String, Value)],
    pub(crate) is_refusal: bool,
    pub(crate) finish: Option<&'a str>,
    /// The usage object of the wire, or nothing at all.
    pub(crate) usage: Option<Value>,
    /// One that a stream brings before that.
    pub(crate) early: Option<Value>,
}

impl Said<'_> {
    /// The text in pieces, as a model says it word by word.
    fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(' ')
    }

    /// The provider's id of a call.
    fn call_id(&self, at: usize) -> String {
        format!("call_{:020}{at:02}", self.number)
    }
}

/// An event of a stream as AWS frames it, for replies that a test writes itself with
/// [`Exchange::raw`](crate::Exchange::raw): its kind, such as `contentBlockDelta`, and its payload, with their
/// lengths and sums. Put one behind the other, such messages are a stream.
///
/// The format is AWS's "Event stream encoding": two lengths, a sum of these, headers, the payload, and a sum of it
/// all. For an exception in a stream there is no helper.
///
/// ```
/// use lattice_lock_testkit::aws_event;
/// use serde_json::json;
///
/// let event = aws_event("messageStop", &json!({ "stopReason": "end_turn" }));
/// let length = u32::from_be_bytes([event[0], event[1], event[2], event[3]]);
/// assert_eq!(length as usize, event.len());
/// ```
#[must_use]
pub fn aws_event(kind: &str, payload: &Value) -> Vec<u8> {
    bedrock::frame(kind, payload)
}

/// An event without a name.
fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event with the name that stands in it, too.
fn event(value: &Value) -> String {
    let name = value["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {value}\n\n")
}

/// A text in two halves, to be put together again.
fn halves(text: &str) -> [&str; 2] {
    let mut middle = text.len() / 2;
    while !text.is_char_boundary(middle) {
        middle -= 1;
    }
    let (start, end) = text.split_at(middle);
    [start, end]
}

/// A refusal, before the wire puts it into its own words.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    /// Instead of what the provider says with this status.
    pub(crate) message: Option<String>,
    /// What is wrong with the request, for the wires that say so.
    pub(crate) param: Option<&'static str>,
}

impl Failure {
    pub(crate) fn of(status: u16) -> Self {
        Self {
            status,
            message: None,
            param: None,
        }
    }

    pub(crate) fn saying(status: u16, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            ..Self::of(status)
        }
    }

    fn about(self, param: &'static str) -> Self {
        Self {
            param: Some(param),
            ..self
        }
    }
}

impl Wire {
    /// The API key that a request shows.
    pub(crate) fn credential(self, headers: &HeaderMap) -> Option<&str> {
        let shown = |name: &str| headers.get(name)?.to_str().ok();
        match self {
            Self::OpenAi | Self::OpenAiResponses | Self::Ollama => shown("authorization")?
                .strip_prefix("Bearer ")
                .map(str::trim),
            Self::Azure => shown("api-key"),
            Self::Anthropic => shown("x-api-key"),
            Self::Gemini => shown("x-goog-api-key"),
            Self::Bedrock => {
                let shown = shown("authorization")?;
                let bearer = shown.strip_prefix("Bearer ");
                bearer.or_else(|| shown.split_once("Credential=")?.1.split('/').next())
            }
        }
    }

    pub(crate) fn refused_key(self, shown: Option<&str>) -> Failure {
        match self {
            Self::OpenAi | Self::OpenAiResponses | Self::Ollama => openai::refused_key(shown),
            Self::Azure => Failure::saying(
                401,
                "Access denied due to invalid subscription key or wrong API endpoint.",
            ),
            Self::Anthropic => anthropic::refused_key(shown),
            Self::Gemini => gemini::refused_key(),
            Self::Bedrock => bedrock::refused_key(),
        }
    }

    pub(crate) fn parse(
        self,
        route: &Route<'_>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Asked, Failure> {
        match self {
            Self::OpenAi | Self::Azure => openai::parse(route.model, body),
            Self::OpenAiResponses => responses::parse(body),
            Self::Anthropic => anthropic::parse(headers, body),
            Self::Gemini => gemini::parse(route, body),
            Self::Ollama => ollama::parse(body),
            Self::Bedrock => bedrock::parse(route, body),
        }
    }

    pub(crate) fn parse_texts(self, route: &Route<'_>, body: &[u8]) -> Result<Asked, Failure> {
        match self {
            Self::Gemini => gemini::parse_texts(route, body),
            _ => openai::parse_texts(route.model, body),
        }
    }

    /// The usage of a reply to a prompt.
    pub(crate) fn usage(self, usage: &Usage) -> Value {
        match self {
            Self::OpenAi | Self::Azure => openai::usage(usage),
            Self::OpenAiResponses => responses::usage(usage),
            Self::Anthropic => anthropic::usage(usage),
            Self::Gemini => gemini::usage(usage),
            Self::Ollama => ollama::usage(usage),
            Self::Bedrock => bedrock::usage(usage),
        }
    }

    /// The usage of texts that were turned into vectors.
    pub(crate) fn embedded(self, usage: &Usage) -> Value {
        match self {
            Self::Gemini => {
                json!({ "promptTokenCount": usage.prompt(), "totalTokenCount": usage.prompt() })
            }
            _ => json!({ "prompt_tokens": usage.prompt(), "total_tokens": usage.prompt() }),
        }
    }

    pub(crate) fn vectors(self, model: &str, vectors: &[[f32; 3]], usage: Option<Value>) -> Value {
        match self {
            Self::Gemini => gemini::vectors(vectors, usage),
            _ => openai::vectors(model, vectors, usage),
        }
    }

    pub(crate) fn reply(self, said: &Said<'_>) -> Value {
        match self {
            Self::OpenAi | Self::Azure => openai::reply(said),
            Self::OpenAiResponses => responses::reply(said),
            Self::Anthropic => anthropic::reply(said),
            Self::Gemini => gemini::reply(said),
            Self::Ollama => ollama::reply(said),
            Self::Bedrock => bedrock::reply(said),
        }
    }

    /// The reply as a stream, piece by piece.
    pub(crate) fn pieces(self, said: &Said<'_>) -> Vec<Bytes> {
        let pieces = match self {
            Self::OpenAi | Self::Azure => openai::pieces(said),
            Self::OpenAiResponses => responses::pieces(said),
            Self::Anthropic => anthropic::pieces(said),
            Self::Gemini => gemini::pieces(said),
            Self::Ollama => ollama::pieces(said),
            Self::Bedrock => {
                let frames = bedrock::pieces(said).into_iter();
                return frames.map(Bytes::from).collect();
            }
        };
        pieces.into_iter().map(Bytes::from).collect()
    }

    /// What a refusal says in a header of its own.
    pub(crate) fn failure_header(self, failure: &Failure) -> Option<(&'static str, &'static str)> {
        (self == Self::Bedrock).then(|| ("x-amzn-errortype", bedrock::failure_type(failure)))
    }

    /// The type of a stream.
    pub(crate) fn stream_type(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            Self::Bedrock => "application/vnd.amazon.eventstream",
            _ => "text/event-stream; charset=utf-8",
        }
    }

    pub(crate) fn failure(self, failure: &Failure, request_id: &str) -> Value {
        match self {
            Self::OpenAi | Self::OpenAiResponses => openai::failure(failure),
            Self::Azure => openai::azure_failure(failure),
            Self::Anthropic => anthropic::failure(failure, request_id),
            Self::Gemini => gemini::failure(failure),
            Self::Ollama => ollama::failure(failure),
            Self::Bedrock => bedrock::failure(failure),
        }
    }

    pub(crate) fn models(self) -> Value {
        match self {
            Self::OpenAi | Self::OpenAiResponses | Self::Azure => openai::models(),
            Self::Anthropic => anthropic::models(),
            Self::Gemini => gemini::models(),
            Self::Ollama => ollama::models(),
            Self::Bedrock => bedrock::models(),
        }
    }

    /// The header that names the request in the reply.
    pub(crate) fn id_header(self) -> &'static str {
        match self {
            Self::Anthropic => "request-id",
            Self::Azure => "apim-request-id",
            Self::Bedrock => "x-amzn-requestid",
            _ => "x-request-id",
        }
    }
}

/// Every text of a list of messages, whose content is a text or a list of parts.
fn texts(messages: &[Value]) -> String {
    let texts: Vec<&str> = messages
        .iter()
        .flat_map(|message| content(&message["content"]))
        .collect();
    texts.join("\n")
}

fn content(content: &Value) -> Vec<&str> {
    match content {
        Value::String(text) => vec![text],
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => Vec::new(),
    }
}
