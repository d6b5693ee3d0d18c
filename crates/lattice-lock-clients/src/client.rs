//! The seam between whoever calls a provider and whoever speaks its wire.
//!
//! It is a trait so that retries, routing and tests need not know of HTTP, and so that a host can speak for a
//! provider of its own.

use std::fmt::Debug;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_providers::{ModelName, ProviderId};

use crate::codes::EMBEDDINGS_UNSUPPORTED;
use crate::{ChatReply, ChatRequest, ChatStream, EmbedReply, EmbedRequest};

/// Which key a call is made with.
///
/// A provider may have several keys, of which a registry's permit names one by its place; or none of its own, where
/// each caller brings one. A key that is missing, or that no header can carry, is
/// [`KEY_UNUSABLE`](crate::codes::KEY_UNUSABLE), and nothing is sent.
///
/// With a caller's own key the provider needs none:
///
/// ```
/// # use lattice_lock_clients::{ChatRequest, Client, HttpClients, Key};
/// # use lattice_lock_errors::Secret;
/// # use lattice_lock_providers::Provider;
/// # use lattice_lock_testkit::ScriptedServer;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// # let server = ScriptedServer::start().await.unwrap();
/// # let provider = Provider::openai().at(&format!("{}/v1", server.url()))?;
/// let client = HttpClients::new()?.client(&provider); // without a key
/// let (model, request) = ("gpt-5-mini".parse()?, ChatRequest::new("Hi"));
/// assert_eq!(client.chat(&model, &request).await.unwrap_err().code().as_str(), "LL-PRV-053");
///
/// let theirs = Secret::new("sk-of-user-17".to_string());
/// client.chat_with(Key::Own(&theirs), &model, &request).await?;
/// assert_eq!(server.received()[0].header("authorization"), Some("Bearer sk-of-user-17"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Key<'a> {
    /// The provider's first, or none if it needs none.
    ///
    /// A provider that needs a key and has none is [`KEY_UNUSABLE`](crate::codes::KEY_UNUSABLE). For Bedrock, none
    /// means that the call is signed with AWS's credentials.
    #[default]
    First,
    /// The provider's key at this place, as a
    /// [`Permit`](lattice_lock_providers::Permit::key) chooses it.
    ///
    /// Counted from 0, in the order in which the keys were given.
    At(usize),
    /// The caller's own, as a [`CredentialResolver`](lattice_lock_providers::CredentialResolver) finds it.
    ///
    /// White space around it is cut off. It is taken out of a provider's text like the provider's own.
    Own(&'a Secret<String>),
}

impl<'a> Key<'a> {
    /// The caller's own key, if it is one.
    pub(crate) fn own(self) -> Option<&'a Secret<String>> {
        match self {
            Self::Own(key) => Some(key),
            Self::First | Self::At(_) => None,
        }
    }
}

/// Speaks to one provider.
///
/// Each call is one attempt: an implementation neither retries nor turns to somebody else. An attempt that
/// failed is an error made from
/// [`ProviderUnavailableError`](lattice_lock_providers::ProviderUnavailableError), which `error.find()` gives
/// back; an error without it says that nothing was sent. A future that is dropped abandons the exchange, and
/// the provider may charge for it all the same.
///
/// | the provider says | class |
/// |---|---|
/// | 401, `invalid_api_key`, `authentication_error`, `API_KEY_INVALID` | invalid key |
/// | 402, `insufficient_quota`, `billing_error` | quota exhausted |
/// | 403, `permission_error` | forbidden |
/// | 404, `model_not_found`, `not_found_error` | model not found |
/// | 413, `context_length_exceeded`, `request_too_large` | context too long |
/// | 429, `rate_limit_exceeded`, `rate_limit_error`, `RESOURCE_EXHAUSTED` | rate limited |
/// | `content_filter`, `content_policy_violation`, `ResponsibleAIPolicyViolation`, a failed response's `bio_policy` and the like | content filtered |
/// | any other 4xx, `invalid_request_error`, a failed response's `invalid_prompt` and the like | bad request |
/// | 408, 504, `timeout_error`, or nothing in time | timeout |
/// | 503, 529, `overloaded_error` | overloaded |
/// | any other 5xx, `api_error` | server error |
/// | no connection, or none in time | connect |
/// | a connection that breaks, JSON or a stream that ends, too early; an error in the middle of a stream | cut stream |
/// | a redirect, no reply of the wire, more than 32 MiB | malformed reply |
///
/// A typed field wins over the status, and the words of a message decide nothing: where a provider tells two cases
/// apart by words only, they are one here. Anthropic's prompt that is too long is a bad request, and so is xAI's
/// wrong key. A host's tests can speak for a provider themselves:
///
/// ```
/// use lattice_lock_clients::{ChatReply, ChatRequest, Client};
/// use lattice_lock_errors::Result;
/// use lattice_lock_providers::{ModelName, ProviderId};
///
/// #[derive(Debug)]
/// struct Echo(ProviderId);
///
/// #[async_trait::async_trait]
/// impl Client for Echo {
///     fn provider(&self) -> &ProviderId {
///         &self.0
///     }
///
///     async fn chat(&self, model: &ModelName, request: &ChatRequest) -> Result<ChatReply> {
///         let said = request.texts().last().map_or("", |(_, text)| text);
///         Ok(ChatReply::new(model.clone(), said))
///     }
///
///     async fn models(&self) -> Result<Vec<ModelName>> {
///         Ok(Vec::new())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let echo = Echo("echo".parse()?);
/// let reply = echo.chat(&"any".parse()?, &ChatRequest::new("Hello?")).await?;
/// assert_eq!(reply.text(), "Hello?");
/// # Ok(())
/// # }
/// ```
///
/// What to do about a failed call is in its error and needs no list of codes:
///
/// ```
/// use lattice_lock_clients::{ChatRequest, Client, ScriptedClient};
/// use lattice_lock_providers::{FailureClass, ProviderUnavailableError};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// # let client = ScriptedClient::new("openai".parse()?);
/// # client.fail(FailureClass::Timeout);
/// let error = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Hi")).await.unwrap_err();
/// match error.find::<ProviderUnavailableError>() {
///     None => unreachable!("nothing was sent: mend the request or the configuration"),
///     Some(failure) => {
///         assert!(failure.class().is_retryable() && failure.class().permits_fallback());
///         assert!(failure.class().may_be_billed()); // so book it as unknown before it is tried again
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// An implementation gives at least a provider, replies and a list of models; everything else has a default, which
/// the docs of its method name. It is held behind an `Arc<dyn Client>` and called from many tasks at once.
#[async_trait]
pub trait Client: Send + Sync + Debug {
    /// Whom it speaks to.
    ///
    /// It is the id under which prices and keys are found, also where the client speaks to a proxy.
    fn provider(&self) -> &ProviderId;

    /// Has `model` answer `request`.
    ///
    /// `model` goes to the provider as it is written, on Azure as the name of the deployment. Nothing is read
    /// before all of the reply is there; for a long one, [`stream`](Self::stream) shows its words as they come and
    /// notices earlier that a connection is dead.
    ///
    /// # Errors
    ///
    /// The code of the [`FailureClass`](lattice_lock_providers::FailureClass) when the attempt failed;
    /// [`REQUEST_INVALID`](crate::codes::REQUEST_INVALID) and the like when none was made.
    async fn chat(&self, model: &ModelName, request: &ChatRequest) -> Result<ChatReply>;

    /// As [`chat`](Self::chat), with a key of its own. By default the key is ignored, as by a client that has none.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients, Key};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let address = format!("{}/v1", server.url());
    /// let provider = Provider::openai().api_key("sk-one".to_string()).another_key("sk-two".to_string()).at(&address)?;
    /// let client = HttpClients::new()?.client(&provider);
    /// client.chat_with(Key::At(1), &"gpt-5-mini".parse()?, &ChatRequest::new("Hi")).await?;
    /// assert_eq!(server.received()[0].header("authorization"), Some("Bearer sk-two"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`chat`](Self::chat), and [`KEY_UNUSABLE`](crate::codes::KEY_UNUSABLE).
    async fn chat_with(
        &self,
        key: Key<'_>,
        model: &ModelName,
        request: &ChatRequest,
    ) -> Result<ChatReply> {
        let _ = key;
        self.chat(model, request).await
    }

    /// Has `model` answer `request` piece by piece. The usage is asked for, and comes with the last piece. By default
    /// the reply comes whole.
    ///
    /// The future is done when the answer has begun; the words are waited for by whoever reads the stream. A server
    /// that was asked to stream and answers whole is read whole, and comes as a stream of that.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, Delta, HttpClients};
    /// # use lattice_lock_providers::{Bucket, Count, Provider};
    /// # use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # server.script(Exchange::reply("Goethe wrote it.").usage(Usage::new().input(12).output(4)));
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let mut stream = client.stream(&"gpt-5-mini".parse()?, &ChatRequest::new("Who wrote Faust?")).await?;
    /// let mut words = Vec::new();
    /// let reply = loop {
    ///     match stream.next().await.transpose()? {
    ///         Some(Delta::Text(word)) => words.push(word),
    ///         Some(Delta::Done(reply)) => break reply,
    ///         _ => {}
    ///     }
    /// };
    /// assert_eq!(words, ["Goethe ", "wrote ", "it."]);
    /// assert_eq!(reply.usage().get(Bucket::Output), Count::Reported(4));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`chat`](Self::chat), for an attempt that failed before anything came; the stream says the rest.
    async fn stream(&self, model: &ModelName, request: &ChatRequest) -> Result<ChatStream> {
        let reply = self.chat(model, request).await?;
        Ok(ChatStream::of(self.provider().clone(), reply))
    }

    /// As [`stream`](Self::stream), with a key of its own. By default the key is ignored.
    ///
    /// A stream keeps the key that it was begun with until it ends.
    ///
    /// # Errors
    ///
    /// As [`stream`](Self::stream), and [`KEY_UNUSABLE`](crate::codes::KEY_UNUSABLE).
    async fn stream_with(
        &self,
        key: Key<'_>,
        model: &ModelName,
        request: &ChatRequest,
    ) -> Result<ChatStream> {
        let _ = key;
        self.stream(model, request).await
    }

    /// Turns texts into vectors. By default none are made.
    ///
    /// It is made with the provider's first key.
    ///
    /// ```
    /// use lattice_lock_clients::{Client, EmbedRequest, ScriptedClient};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let client = ScriptedClient::new("anthropic".parse()?); // makes none
    /// let error = client.embed(&"claude-haiku-4-5".parse()?, &EmbedRequest::new(["a text"])).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-060");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`chat`](Self::chat), and [`EMBEDDINGS_UNSUPPORTED`].
    async fn embed(&self, model: &ModelName, request: &EmbedRequest) -> Result<EmbedReply> {
        let _ = (model, request);
        let unsupported = Error::new(EMBEDDINGS_UNSUPPORTED, "the client makes no embeddings");
        Err(unsupported.with("provider", self.provider()))
    }

    /// Finds out, in the time that a probe has, whether the provider can be reached and takes the key. Nothing is
    /// charged: by default its models are listed. [`Probes`](crate::Probes) remember what was found.
    ///
    /// It is made with the provider's first key. A key that may not list models, at a provider that has such keys,
    /// fails here and may call all the same.
    ///
    /// # Errors
    ///
    /// As [`chat`](Self::chat).
    async fn probe(&self) -> Result<()> {
        self.models().await.map(|_| ())
    }

    /// Lists the models that the key may use, without being charged: the first page, which every wire is asked to
    /// make long enough for all. A name that is no model's is left out.
    ///
    /// It has [five seconds](crate::HttpClientsBuilder::probe_timeout), and is made with the provider's first key.
    /// What is listed is not what can be asked in every case: embedding and image models are among them, and
    /// Bedrock's list has models that the account was not given.
    ///
    /// ```
    /// # use lattice_lock_clients::{Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::google().api_key("AIza-4711".to_string()).at(&format!("{}/v1beta", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let models = client.models().await?;
    /// assert!(models.iter().any(|name| name.as_str() == "gemini-2.5-flash")); // without Google's `models/`
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`chat`](Self::chat).
    async fn models(&self) -> Result<Vec<ModelName>>;
}
