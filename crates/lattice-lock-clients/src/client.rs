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
