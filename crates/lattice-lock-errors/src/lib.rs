//! One error for every crate of Lattice Lock: a stable code, a remedy, and no secrets.
//!
//! An [`Error`] is one machine word. Its [`Code`] is a constant beside the code that raises it, and the code's
//! [`Kind`] alone decides whether a retry can help and how severe the failure is. Whatever text enters an error
//! is passed through [`redact`](fn@redact); a [`Secret`] cannot enter, because it has no `Display`. This crate
//! knows no domain and no transport.
//!
//! ```
//! use lattice_lock_errors::{Error, codes};
//!
//! codes! {
//!     /// The provider did not answer in time.
//!     PROVIDER_TIMEOUT = "LL-PRV-010", Timeout, "raise the timeout, or allow a fallback";
//! }
//!
//! let error = Error::new(PROVIDER_TIMEOUT, "no answer in time").with("provider", "openai");
//! assert!(error.is_retryable());
//! assert!(error.report().to_string().contains("remedy: raise the timeout"));
//! ```

mod catalogue;
mod code;
mod error;
mod foreign;
mod kind;
mod placeholder;
mod record;
mod redact;
mod report;
mod secret;
mod tame;
mod trace;

pub use catalogue::{duplicates, markdown};
pub use code::Code;
pub use error::{Error, Result};
pub use foreign::Foreign;
pub use kind::{Kind, Severity};
pub use placeholder::is_placeholder;
pub use record::ErrorRecord;
pub use redact::redact;
pub use report::Report;
pub use secret::Secret;
pub use trace::{InvalidTraceId, TraceId};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
