//! One file for each wire: what is sent, where, and what the reply means. No sockets.

use std::fmt;

use lattice_lock_errors::Secret;
use lattice_lock_providers::{FailureClass, ModelName, Provider, Wire};
use reqwest::header::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{ChatReply, ChatRequest, FinishReason};

mod anthropic_messages;
mod counts;
mod json;
mod openai_chat;
mod problem;
mod usage;

pub(crate) use anthropic_messages::DEFAULT_MAX_TOKENS;
pub(crate) use counts::LARGEST_COUNT;
pub(crate) use problem::Problem;
use usage::ReportedUsage;

/// How one wire puts things. It has no state, and so there is one of each.
pub(crate) trait Protocol: fmt::Debug + Send + Sync {
    /// Where prompts are posted, below the base address.
    fn chat_path(&self) -> &'static str;

    /// Where models are listed.
    fn models_path(&self) -> &'static str;

    /// The header that names the request in an answer.
    fn request_id_header(&self) -> &'static str;

    /// The header that says which version of the wire is meant, if there is one.
    fn version(&self) -> Option<(HeaderName, HeaderValue)>;

    /// The header that shows the key.
    fn credential(&self, key: &str) -> (HeaderName, Secret<String>);

    /// A checked request, in the wire's words.
    fn body(&self, provider: &Provider, model: &ModelName, request: &ChatRequest) -> Vec<u8>;

    /// What a reply says.
    fn said(&self, provider: &Provider, body: &[u8]) -> Result<Said, Unreadable>;

    /// What the typed fields of an error mean, if they say more than its status.
    fn class(&self, problem: &Problem) -> Option<FailureClass>;
}

/// The protocol of a wire; `None` for one that the registry knows and this build does not.
pub(crate) fn protocol(wire: Wire) -> Option<&'static dyn Protocol> {
    match wire {
        Wire::OpenAiChat => Some(&openai_chat::OpenAiChat),
        Wire::AnthropicMessages => Some(&anthropic_messages::AnthropicMessages),
        _ => None,
    }
}

/// What a reply says, before it is a [`ChatReply`].
#[derive(Debug)]
pub(crate) struct Said {
    /// The reply's own id, for servers that send no header.
    id: Option<String>,
    /// Who answered, as far as it says so.
    model: Option<String>,
    /// What the model said, empty where it only wants tools to be called.
    text: String,
    /// Why it stopped.
    finish: FinishReason,
    /// What it used, sorted into buckets.
    usage: ReportedUsage,
}

impl Said {
    /// The reply, for the model that was asked, with the id that the header gave.
    pub(crate) fn into_reply(self, asked: &ModelName, id: Option<String>) -> ChatReply {
        let named = self.model.and_then(|name| name.parse().ok());
        ChatReply::new(named.unwrap_or_else(|| asked.clone()), self.text)
            .with_request_id(id.or(self.id))
            .with_finish_reason(self.finish)
            .with_usage(self.usage.usage)
            .with_raw_usage(self.usage.raw)
            .with_usage_finding(self.usage.finding)
    }
}

/// Why a body is no reply.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It ends too early.
    Cut,
    /// It is not what the wire has in its place.
    Malformed(&'static str),
    /// It is an error in spite of its status.
    Problem(Problem),
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
}

/// The models of a listing, which both wires write alike. A name that is none is left out.
pub(crate) fn models(body: &[u8]) -> Result<Vec<ModelName>, Unreadable> {
    let [data] = json::fields(body, ["data"]).map_err(|error| Unreadable::new(body, &error))?;
    let items: Vec<&RawValue> =
        json::read(data).ok_or(Unreadable::Malformed("the body lists no models"))?;
    let name = |item: &RawValue| {
        let [id] = json::fields(item.get().as_bytes(), ["id"]).ok()?;
        json::text(id)?.parse().ok()
    };
    Ok(items.into_iter().filter_map(name).collect())
}

/// A body of ours as JSON.
fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("texts, finite numbers and lists of them are always JSON")
}

#[cfg(test)]
mod tests;
