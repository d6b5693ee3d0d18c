//! The error codes of this crate. A failed attempt has one of the providers' codes instead, as its
//! [`FailureClass`](lattice_lock_providers::FailureClass) says.
//!
//! | what happened | the error has | may have been charged |
//! |---|---|---|
//! | the request, the client or the machine is not fit for a call | a code of this module | no, nothing was sent |
//! | an attempt was made and failed | the code of its class, and a [`ProviderUnavailableError`] | where [`may_be_billed`] says so |
//!
//! [`ProviderUnavailableError`]: lattice_lock_providers::ProviderUnavailableError
//! [`may_be_billed`]: lattice_lock_providers::FailureClass::may_be_billed
//!
//! ```
//! use lattice_lock_clients::{ChatRequest, HttpClients, codes};
//! use lattice_lock_providers::{Provider, ProviderUnavailableError};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
//! # let address = "http://127.0.0.1:9/v1";
//! let without_a_key = HttpClients::new()?.client(&Provider::openai().at(address)?);
//! let error = without_a_key.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Hi")).await.unwrap_err();
//! assert_eq!(error.code(), codes::KEY_UNUSABLE);
//! assert!(error.find::<ProviderUnavailableError>().is_none()); // nothing was sent
//! # Ok(())
//! # }
//! ```

lattice_lock_errors::codes! {
    /// The request has nothing to answer, a blank message, or a setting that no provider takes.
    REQUEST_INVALID = "LL-PRV-050", Invalid,
        "give a message with text, a positive token limit, and a temperature that is not negative";
    /// The HTTP client could not be built.
    CLIENT_UNUSABLE = "LL-PRV-051", Misconfigured,
        "see the cause; this is a fault of the build or of the machine";
    /// The provider's address is not a URL that can be called.
    ADDRESS_UNUSABLE = "LL-PRV-052", Misconfigured, "mend the provider's address";
    /// The provider has no API key and needs one, or one that no HTTP header can carry.
    KEY_UNUSABLE = "LL-PRV-053", Misconfigured,
        "set the provider's API key: one line of visible ASCII, without quotes";
    /// No root certificate is installed, so no https address can be trusted.
    TRUST_MISSING = "LL-PRV-054", Misconfigured,
        "install the system's root certificates (the package is often called ca-certificates)";
    /// This build does not speak the provider's wire.
    WIRE_UNSUPPORTED = "LL-PRV-055", Unsupported,
        "update the clients along with the registry, or turn on the feature that brings the wire";
    /// The provider's wire has no word for a field of the request.
    REQUEST_UNSUPPORTED = "LL-PRV-056", Unsupported,
        "leave the field out, put it in the provider's own words with extra_body, or ask another provider";
    /// The model is known not to do what the request asks.
    CAPABILITY_MISSING = "LL-PRV-057", Unsupported,
        "ask a model that can, or correct the catalogue's entry of this one";
    /// An address is not on the client's allow-list, or leads into a private network.
    ADDRESS_FORBIDDEN = "LL-PRV-058", Forbidden,
        "allow the host where the clients are built, or send an image's bytes instead of its address";
    /// The request is longer than the client sends.
    REQUEST_TOO_LARGE = "LL-PRV-059", Invalid,
        "send less, or raise the limit where the clients are built";
    /// The provider's wire has no embeddings.
    EMBEDDINGS_UNSUPPORTED = "LL-PRV-060", Unsupported, "ask a provider that makes embeddings";
    /// The script of a scripted client is at its end.
    SCRIPT_EXHAUSTED = "LL-PRV-061", Invalid, "script a reply for every call that the test makes";
}
