use hyper::HeaderMap;
use serde_json::Value;

use crate::Usage;

mod anthropic;
mod openai;

/// A protocol that the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wire {
    /// OpenAI's chat completions: `POST /v1/chat/completions`.
    OpenAi,
    /// Anthropic's messages: `POST /v1/messages`.
    Anthropic,
}

/// What the server needs to know of a request.
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) prompt: String,
}

/// What a reply says.
pub(crate) struct Said<'a> {
    pub(crate) number: usize,
    pub(crate) model: &'a str,
    pub(crate) text: &'a str,
    pub(crate) finish: Option<&'a str>,
    /// The usage object of the wire, or nothing at all.
    pub(crate) usage: Option<Value>,
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
    /// The wire that a request is meant for, so that even a refusal has the right shape.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        if path == Self::Anthropic.path() || headers.contains_key("anthropic-version") {
            Self::Anthropic
        } else {
            Self::OpenAi
        }
    }

    /// Where prompts are posted.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
        }
    }

    /// The API key that a request shows.
    pub(crate) fn credential(self, headers: &HeaderMap) -> Option<&str> {
        match self {
            Self::OpenAi => headers
                .get("authorization")?
                .to_str()
                .ok()?
                .strip_prefix("Bearer ")
                .map(str::trim),
            Self::Anthropic => headers.get("x-api-key")?.to_str().ok(),
        }
    }

    pub(crate) fn refused_key(self, shown: Option<&str>) -> Failure {
        match self {
            Self::OpenAi => openai::refused_key(shown),
            Self::Anthropic => anthropic::refused_key(shown),
        }
    }

    pub(crate) fn parse(self, headers: &HeaderMap, body: &[u8]) -> Result<Asked, Failure> {
        match self {
            Self::OpenAi => openai::parse(body),
            Self::Anthropic => anthropic::parse(headers, body),
        }
    }

    pub(crate) fn usage(self, usage: &Usage) -> Value {
        match self {
            Self::OpenAi => openai::usage(usage),
            Self::Anthropic => anthropic::usage(usage),
        }
    }

    pub(crate) fn reply(self, said: Said<'_>) -> Value {
        match self {
            Self::OpenAi => openai::reply(said),
            Self::Anthropic => anthropic::reply(said),
        }
    }

    pub(crate) fn failure(self, failure: &Failure, request_id: &str) -> Value {
        match self {
            Self::OpenAi => openai::failure(failure),
            Self::Anthropic => anthropic::failure(failure, request_id),
        }
    }

    pub(crate) fn models(self) -> Value {
        match self {
            Self::OpenAi => openai::models(),
            Self::Anthropic => anthropic::models(),
        }
    }

    /// The header that names the request in the reply.
    pub(crate) fn id_header(self) -> &'static str {
        match self {
            Self::OpenAi => "x-request-id",
            Self::Anthropic => "request-id",
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
