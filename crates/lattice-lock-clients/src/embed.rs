//! Texts to vectors, for the wires that have it.
//!
//! It is kept apart from chat: there is no stream, no reason to stop and no tool, and what is used is input alone.

use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{ModelName, TokenUsage};
use serde_json::Value;

use crate::codes::REQUEST_INVALID;
use crate::wire::{Embedded, Heading, RawUsage, Unreadable};
use crate::{RateLimits, UsageFinding};

/// Texts that are to be turned into vectors, in one call: at `OpenAI` and every compatible server by `/embeddings`,
/// at Azure under the deployment's address, at Google by `batchEmbedContents`. Anthropic's, Ollama's and Bedrock's
/// wires make none ([`EMBEDDINGS_UNSUPPORTED`](crate::codes::EMBEDDINGS_UNSUPPORTED)); an Ollama does on `OpenAI`'s
/// wire.
///
/// How many texts a call may have, and how long they may be, is the provider's to say (`OpenAI`: 2,048 texts). One
/// that is blank, or none at all, is refused before the call.
///
/// ```
/// use lattice_lock_clients::EmbedRequest;
///
/// let request = EmbedRequest::new(["one text", "another"]).dimensions(256);
/// assert_eq!(request.texts().len(), 2);
/// ```
///
/// What is sent and what comes back:
///
/// ```
/// # use lattice_lock_clients::{Client, EmbedRequest, HttpClients};
/// # use lattice_lock_providers::{Bucket, Provider};
/// # use lattice_lock_testkit::ScriptedServer;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// # let server = ScriptedServer::start().await.unwrap();
/// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
/// # let client = HttpClients::new()?.client(&provider);
/// let request = EmbedRequest::new(["Goethe wrote Faust.", "Cats are animals."]);
/// let reply = client.embed(&"text-embedding-3-small".parse()?, &request).await?;
/// let [goethe, cats] = reply.vectors() else { unreachable!("there is one for each text") };
/// assert_ne!(goethe, cats);
/// assert!(reply.usage().get(Bucket::Input).reported().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedRequest {
    texts: Vec<String>,
    pub(crate) dimensions: Option<u32>,
}

impl EmbedRequest {
    /// These texts.
    ///
    /// Many texts in one call cost the same as one by one and take less time. Two that are alike are both sent and
    /// both charged.
    #[must_use]
    pub fn new(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            texts: texts.into_iter().map(Into::into).collect(),
            dimensions: None,
        }
    }

    /// Sets how long the vectors are, for models that can shorten them; the model's own length by default.
    /// Shortened vectors of some models must be normalised again.
    ///
    /// Models that cannot shorten refuse it; nothing is cut here, so that a server that ignores it gives vectors of
    /// another length.
    #[must_use]
    pub fn dimensions(mut self, dimensions: u32) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// The texts, in order.
    ///
    /// ```
    /// use lattice_lock_clients::EmbedRequest;
    ///
    /// let lines = "one\ntwo";
    /// assert_eq!(EmbedRequest::new(lines.lines()).texts(), ["one", "two"]);
    /// ```
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Refuses what every provider would refuse.
    pub(crate) fn check(&self) -> Result<()> {
        let is_blank = |text: &String| text.trim().is_empty();
        if self.texts.is_empty() || self.texts.iter().any(is_blank) {
            let blank = Error::new(REQUEST_INVALID, "there is no text, or a blank one");
            return Err(blank.with("field", "texts"));
        }
        Ok(())
    }

    /// What was said, if it has a vector for each text.
    pub(crate) fn answered(&self, said: Embedded) -> Result<Embedded, Unreadable> {
        if said.vectors.len() == self.texts.len() {
            Ok(said)
        } else {
            Err(Unreadable::Malformed(
                "there is not one vector for each text",
            ))
        }
    }
}

/// The vectors of some texts, and what the provider says it used: input alone, which Google does not always tell. A
/// reply without one vector for each text is malformed, and an error.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedReply {
    vectors: Vec<Vec<f32>>,
    served_model: ModelName,
    request_id: Option<String>,
    usage: TokenUsage,
    raw_usage: Option<RawUsage>,
    usage_finding: Option<UsageFinding>,
    rate_limits: RateLimits,
    latency: Duration,
}

impl EmbedReply {
    pub(crate) fn new(
        asked: &ModelName,
        said: Embedded,
        heading: Heading,
        latency: Duration,
    ) -> Self {
        let (usage, raw_usage, usage_finding) = said.usage();
        let named = said.model.and_then(|name| name.parse().ok());
        Self {
            vectors: said.vectors,
            served_model: named.unwrap_or_else(|| asked.clone()),
            request_id: heading.request_id,
            usage,
            raw_usage,
            usage_finding,
            rate_limits: heading.limits,
            latency,
        }
    }

    /// A vector for each text, in the order of the request, whatever the order of the reply was.
    ///
    /// There are always as many as texts. Their numbers are the provider's, rounded to 32 bits; not each provider's
    /// have the length 1.
    ///
    /// ```
    /// # use lattice_lock_clients::{Client, EmbedRequest, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::google().api_key("AIza-4711".to_string()).at(&format!("{}/v1beta", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let texts = ["Goethe wrote Faust.", "Cats are animals."];
    /// let reply = client.embed(&"gemini-embedding-001".parse()?, &EmbedRequest::new(texts)).await?;
    /// let length = |vector: &Vec<f32>| vector.iter().map(|it| it * it).sum::<f32>().sqrt();
    /// let normed = reply.vectors().iter().map(|vector| vector.iter().map(|it| it / length(vector)).collect());
    /// let normed: Vec<Vec<f32>> = normed.collect();
    /// assert!((length(&normed[0]) - 1.0).abs() < 1e-5);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn vectors(&self) -> &[Vec<f32>] {
        &self.vectors
    }

    /// The model that answered; the one asked, if the reply names none.
    ///
    /// Google's replies name none. Vectors of two models do not compare, so that it is worth keeping beside them.
    #[must_use]
    pub fn served_model(&self) -> &ModelName {
        &self.served_model
    }

    /// The provider's id of the request.
    ///
    /// From the header only; `None` where there was none.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// What was used. Gemini's older models report nothing, and then it is absent.
    ///
    /// What was read is [`Input`](lattice_lock_providers::Bucket::Input), and nothing else is reported.
    #[must_use]
    pub fn usage(&self) -> &TokenUsage {
        &self.usage
    }

    /// The usage as the provider wrote it.
    ///
    /// `None` where it wrote none, or more than can be kept, as of a [`ChatReply`](crate::ChatReply::raw_usage).
    #[must_use]
    pub fn raw_usage(&self) -> Option<&Value> {
        self.raw_usage.as_ref().map(RawUsage::value)
    }

    /// What is wrong with the usage, if anything is.
    ///
    /// A total that is not the input is one: nothing else can be in it.
    #[must_use]
    pub fn usage_finding(&self) -> Option<UsageFinding> {
        self.usage_finding
    }

    /// What the provider said of its limits.
    #[must_use]
    pub fn rate_limits(&self) -> &RateLimits {
        &self.rate_limits
    }

    /// From the moment the request was sent until the last byte of the reply was there.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.latency
    }
}
