use std::fmt;

use lattice_lock_errors::{Code, Error};
use serde::{Deserialize, Serialize};

use crate::{ProviderId, codes};

/// Why an attempt failed. Each class has one error code, whose kind alone decides about a retry.
///
/// | class | a retry may help | another candidate may help | speaks against | may have been billed |
/// |---|---|---|---|---|
/// | timeout | yes | yes | the model | yes |
/// | connect | yes | yes | the host | no |
/// | rate limited | yes | yes | the pace | no |
/// | quota exhausted | no | yes | the key | no |
/// | overloaded | yes | yes | the model | no |
/// | invalid key | no | yes | the key | no |
/// | forbidden | no | yes | the call | no |
/// | model not found | no | yes | the call | no |
/// | context too long | no | yes | the call | no |
/// | content filtered | no | no | the call | yes |
/// | bad request | no | no | the call | no |
/// | malformed reply | no | yes | the model | yes |
/// | cut stream | no | no | the model | yes |
/// | server error | yes | yes | the model | yes |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureClass {
    /// No answer in time: the provider may be working on it still.
    Timeout,
    /// No connection could be made: nothing was sent.
    Connect,
    /// The provider asks to slow down.
    RateLimited,
    /// The account has no quota or credit left.
    QuotaExhausted,
    /// The provider is overloaded.
    Overloaded,
    /// The API key is refused.
    InvalidKey,
    /// The API key may not do this.
    Forbidden,
    /// The provider does not serve the model.
    ModelNotFound,
    /// The prompt is longer than the context window.
    ContextTooLong,
    /// The provider's filter refused.
    ContentFiltered,
    /// The provider says that the request is wrong.
    BadRequest,
    /// The reply makes no sense.
    MalformedReply,
    /// The reply ended before it was complete.
    CutStream,
    /// The provider failed.
    ServerError,
}

impl FailureClass {
    /// Every class, in declaration order.
    pub const ALL: [Self; 14] = [
        Self::Timeout,
        Self::Connect,
        Self::RateLimited,
        Self::QuotaExhausted,
        Self::Overloaded,
        Self::InvalidKey,
        Self::Forbidden,
        Self::ModelNotFound,
        Self::ContextTooLong,
        Self::ContentFiltered,
        Self::BadRequest,
        Self::MalformedReply,
        Self::CutStream,
        Self::ServerError,
    ];

    /// The one error code of the class.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Timeout => codes::PROVIDER_TIMEOUT,
            Self::Connect => codes::PROVIDER_CONNECT,
            Self::RateLimited => codes::PROVIDER_RATE_LIMITED,
            Self::QuotaExhausted => codes::PROVIDER_QUOTA,
            Self::Overloaded => codes::PROVIDER_OVERLOADED,
            Self::InvalidKey => codes::PROVIDER_KEY,
            Self::Forbidden => codes::PROVIDER_FORBIDDEN,
            Self::ModelNotFound => codes::PROVIDER_MODEL,
            Self::ContextTooLong => codes::PROVIDER_CONTEXT,
            Self::ContentFiltered => codes::PROVIDER_FILTERED,
            Self::BadRequest => codes::PROVIDER_BAD_REQUEST,
            Self::MalformedReply => codes::PROVIDER_MALFORMED,
            Self::CutStream => codes::PROVIDER_CUT,
            Self::ServerError => codes::PROVIDER_SERVER,
        }
    }

    /// The name used in the ledger, such as `rate_limited`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Overloaded => "overloaded",
            Self::InvalidKey => "invalid_key",
            Self::Forbidden => "forbidden",
            Self::ModelNotFound => "model_not_found",
            Self::ContextTooLong => "context_too_long",
            Self::ContentFiltered => "content_filtered",
            Self::BadRequest => "bad_request",
            Self::MalformedReply => "malformed_reply",
            Self::CutStream => "cut_stream",
            Self::ServerError => "server_error",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Timeout => "no answer in time",
            Self::Connect => "no connection to the provider",
            Self::RateLimited => "the provider asks to slow down",
            Self::QuotaExhausted => "the quota at the provider is used up",
            Self::Overloaded => "the provider is overloaded",
            Self::InvalidKey => "the provider refuses the key",
            Self::Forbidden => "the key may not do this",
            Self::ModelNotFound => "the provider does not serve the model",
            Self::ContextTooLong => "the prompt is too long for the model",
            Self::ContentFiltered => "the provider's filter refused",
            Self::BadRequest => "the provider calls the request wrong",
            Self::MalformedReply => "the reply makes no sense",
            Self::CutStream => "the reply ended too early",
            Self::ServerError => "the provider failed",
        }
    }

    /// Whether the same attempt may succeed when made again.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        self.code().is_retryable()
    }

    /// Whether another model or provider may succeed where this one failed.
    #[must_use]
    pub const fn permits_fallback(self) -> bool {
        match self {
            Self::Timeout
            | Self::Connect
            | Self::RateLimited
            | Self::QuotaExhausted
            | Self::Overloaded
            | Self::InvalidKey
            | Self::Forbidden
            | Self::ModelNotFound
            | Self::ContextTooLong
            | Self::MalformedReply
            | Self::ServerError => true,
            Self::ContentFiltered | Self::BadRequest | Self::CutStream => false,
        }
    }

    /// What a failure speaks against, and so whose circuit learns from it.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::Connect => Blame::Host,
            Self::Timeout
            | Self::Overloaded
            | Self::MalformedReply
            | Self::CutStream
            | Self::ServerError => Blame::Model,
            Self::RateLimited => Blame::Pace,
            Self::QuotaExhausted | Self::InvalidKey => Blame::Key,
            Self::Forbidden
            | Self::ModelNotFound
            | Self::ContextTooLong
            | Self::ContentFiltered
            | Self::BadRequest => Blame::Call,
        }
    }

    /// Whether the provider, and not the caller or the key, is at fault.
    #[must_use]
    pub const fn is_providers_fault(self) -> bool {
        self.blame().is_providers_fault()
    }

    /// Whether the provider may charge for the attempt although it failed.
    #[must_use]
    pub const fn may_be_billed(self) -> bool {
        match self {
            Self::Timeout
            | Self::ContentFiltered
            | Self::MalformedReply
            | Self::CutStream
            | Self::ServerError => true,
            Self::Connect
            | Self::RateLimited
            | Self::QuotaExhausted
            | Self::Overloaded
            | Self::InvalidKey
            | Self::Forbidden
            | Self::ModelNotFound
            | Self::ContextTooLong
            | Self::BadRequest => false,
        }
    }
}

/// What a failure speaks against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blame {
    /// The provider's host: nothing of it can be reached. Counts against the provider.
    Host,
    /// The model as the provider serves it. Counts against the model, and against the provider as soon as more
    /// than one of its models fails.
    Model,
    /// Calls came too fast: the key or the model is left alone for a while.
    Pace,
    /// The key: it is not used for a while, and another one may be.
    Key,
    /// The call itself: nobody is to blame but the caller.
    Call,
}

impl Blame {
    /// Whether the provider is at fault.
    #[must_use]
    pub const fn is_providers_fault(self) -> bool {
        match self {
            Self::Host | Self::Model => true,
            Self::Pace | Self::Key | Self::Call => false,
        }
    }

    #[cfg(test)]
    const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "the host",
            Self::Model => "the model",
            Self::Pace => "the pace",
            Self::Key => "the key",
            Self::Call => "the call",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failed attempt at a provider: the typed cause of every error that a client returns.
///
/// ```
/// use lattice_lock_providers::{FailureClass, ProviderUnavailableError};
///
/// let error = ProviderUnavailableError::new("openai".parse()?, FailureClass::RateLimited).into_error();
/// assert!(error.is_retryable());
/// let failure = error.find::<ProviderUnavailableError>().expect("the typed cause");
/// assert_eq!(failure.class(), FailureClass::RateLimited);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{provider}: {class}")]
pub struct ProviderUnavailableError {
    provider: ProviderId,
    class: FailureClass,
    status: Option<u16>,
}

impl ProviderUnavailableError {
    /// A failure of this class at this provider.
    #[must_use]
    pub fn new(provider: ProviderId, class: FailureClass) -> Self {
        Self {
            provider,
            class,
            status: None,
        }
    }

    /// Sets the HTTP status that the provider answered with.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// At which provider.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// Why.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        self.class
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The error with the code of the class and this as its cause.
    #[must_use]
    pub fn into_error(self) -> Error {
        let error =
            Error::new(self.class.code(), self.class.message()).with("provider", &self.provider);
        match self.status {
            Some(status) => error.with("status", status),
            None => error,
        }
        .with_source(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_code_of_its_own() {
        let mut codes: Vec<_> = FailureClass::ALL.map(|class| class.code().as_str()).into();
        codes.dedup();
        assert_eq!(codes.len(), FailureClass::ALL.len());
    }

    #[test]
    fn names_agree_with_serde() {
        for class in FailureClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
    }

    #[test]
    fn what_may_have_been_billed_in_part_is_not_repeated_elsewhere() {
        assert!(!FailureClass::CutStream.permits_fallback());
        assert!(!FailureClass::CutStream.is_retryable());
    }

    #[test]
    fn the_table_in_the_docs_says_what_the_code_does() {
        let table = include_str!("failure.rs");
        let yes = |word: bool| if word { "yes" } else { "no" };
        for class in FailureClass::ALL {
            let row = format!(
                "/// | {} | {} | {} | {} | {} |",
                class.as_str().replace('_', " "),
                yes(class.is_retryable()),
                yes(class.permits_fallback()),
                class.blame().as_str(),
                yes(class.may_be_billed()),
            );
            assert!(table.contains(&row), "{row}");
        }
    }
}
