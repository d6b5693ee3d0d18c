use std::fmt::Debug;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_providers::{ModelName, ProviderId};

use crate::codes::EMBEDDINGS_UNSUPPORTED;
use crate::{ChatReply, ChatRequest, ChatStream, EmbedReply, EmbedRequest};

/// Which key a call is made with.
///
/// A provider may have several keys, of which a registry's permit names one by its place; or none of its own, where each caller
/// brings one. A key that is missing, or that no header can carry, is
/// [`KEY_UNUSABLE`](crate::codes::KEY_UNUSABLE), and nothing is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Key<'a> {
    /// The provider's first, or none if it needs none.
    #[default]
    First,
    /// The provider's key at this place, as a
    /// [`Permit`](lattice_lock_providers::Permit::key) chooses it.
    At(usize),
    /// The caller's own, as a [`CredentialResolver`](lattice_lock_providers::CredentialResolver) finds it.
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
/// A typed field wins over the status, and the words of a message decide nothing: where a provider tells two cases apart by
/// words only, they are one here. Anthropic's prompt that is too long is a bad request, and so is xAI's wrong key. A host's tests can speak for a
/// provider themselves:
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
#[async_trait]
pub trait Client: Send + Sync + Debug {
    /// Whom it speaks to.
    fn provider(&self) -> &ProviderId;

    /// Has `model` answer `request`.
    ///
    /// # Errors
    ///
    /// The code of the [`FailureClass`](lattice_lock_providers::FailureClass) when the attempt failed;
    /// [`REQUEST_INVALID`](crate::codes::REQUEST_INVALID) and the like when none was made.
    async fn chat(&self, model: &ModelName, request: &ChatRequest) -> Result<ChatReply>;

    /// As [`chat`](Self::chat), with a key of its own. By default the key is ignored, as by a client that has none.
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
    /// # Errors
    ///
    /// As [`chat`](Self::chat), for an attempt that failed before anything came; the stream says the rest.
    async fn stream(&self, model: &ModelName, request: &ChatRequest) -> Result<ChatStream> {
        let reply = self.chat(model, request).await?;
        Ok(ChatStream::of(self.provider().clone(), reply))
    }

    /// As [`stream`](Self::stream), with a key of its own. By default the key is ignored.
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
    /// # Errors
    ///
    /// As [`chat`](Self::chat).
    async fn probe(&self) -> Result<()> {
        self.models().await.map(|_| ())
    }

    /// Lists the models that the key may use, without being charged: the first page, which every wire is asked to make long
    /// enough for all. A name that is no model's is left out.
    ///
    /// # Errors
    ///
    /// As [`chat`](Self::chat).
    async fn models(&self) -> Result<Vec<ModelName>>;
}
