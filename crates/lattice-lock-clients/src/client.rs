use std::fmt::Debug;

use async_trait::async_trait;
use lattice_lock_errors::Result;
use lattice_lock_providers::{ModelName, ProviderId};

use crate::{ChatReply, ChatRequest};

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
/// | 401, `invalid_api_key`, `authentication_error` | invalid key |
/// | 402, `insufficient_quota`, `billing_error` | quota exhausted |
/// | 403, `permission_error` | forbidden |
/// | 404, `model_not_found`, `not_found_error` | model not found |
/// | 413, `context_length_exceeded`, `request_too_large` | context too long |
/// | 429, `rate_limit_exceeded`, `rate_limit_error` | rate limited |
/// | `content_filter`, `content_policy_violation` | content filtered |
/// | any other 4xx, `invalid_request_error` | bad request |
/// | 408, 504, `timeout_error`, or nothing in time | timeout |
/// | 503, 529, `overloaded_error` | overloaded |
/// | any other 5xx, `api_error` | server error |
/// | no connection, or none in time | connect |
/// | a connection that breaks, or JSON that ends, too early | cut stream |
/// | a redirect, no reply of the wire, more than 32 MiB | malformed reply |
///
/// A typed field wins over the status, and the words of a message decide nothing. A host's tests can speak for a
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
///         let said = request.messages().last().map_or("", |(_, text)| text);
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

    /// Lists the models that the key may use, without being charged: a probe of address and key, too.
    ///
    /// # Errors
    ///
    /// As [`chat`](Self::chat).
    async fn models(&self) -> Result<Vec<ModelName>>;
}
