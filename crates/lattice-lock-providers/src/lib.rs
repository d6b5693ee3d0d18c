//! Who serves which language model, what it can do, what it costs, and whether it may be called now.
//!
//! Data and decisions, no HTTP: a [`Catalogue`] of [`Model`]s with their [`PriceHistory`], a [`Registry`] of
//! configured [`Provider`]s, [`TokenUsage`] in buckets that never overlap, and one [`FailureClass`] that retry,
//! fallback and billing all decide by. Nothing said is not zero: a bucket is [`Count::Reported`] or
//! [`Count::Absent`], and a model without a price has none.
//!
//! ```
//! # #[cfg(feature = "catalogue")] {
//! use lattice_lock_providers::{Bucket, Catalogue, Provider, Registry};
//!
//! let registry = Registry::new(Catalogue::shipped(), [Provider::openai()]);
//! let model = registry.model(&"openai/gpt-5-mini".parse()?).expect("a shipped model");
//! let (version, prices) = model.prices().on(jiff::civil::date(2026, 11, 22)).expect("a price");
//! assert_eq!(prices.price(Bucket::Output).expect("a price").per_unit().to_string(), "0.000002");
//! assert_eq!(version.as_str(), "2026-09-15@1970-01-01");
//! # }
//! # Ok::<(), lattice_lock_errors::Error>(())
//! ```

mod availability;
mod capability;
mod catalogue;
pub mod codes;
mod credential;
mod failure;
mod health;
mod id;
mod import;
mod known;
mod modality;
mod price;
mod provider;
mod registry;
mod usage;
mod validation;

pub use availability::{
    Availability, BreakerPolicy, CapturedAvailability, Heard, Permit, Subject, Subscription,
    Transition,
};
pub use capability::{Capabilities, Capability};
pub use catalogue::{Catalogue, Figure, Lifecycle, MatchRule, Model, Overrides, Quality};
pub use credential::{BoxFuture, CredentialResolver, CredentialState, Requirement};
pub use failure::{Blame, FailureClass, ProviderUnavailableError};
pub use health::{Health, HealthCache};
pub use id::{ModelName, ModelRef, ProviderId};
pub use import::{Disagreement, Import, ImportReport, Imported};
pub use known::{KnownProvider, Maturity};
pub use modality::{Modalities, Modality};
pub use price::{ContextTier, Price, PriceHistory, PriceList, PriceVersion, Prices, ServiceTier};
pub use provider::{Provider, ReasoningCount, Wire};
pub use registry::Registry;
pub use usage::{Bucket, Count, TokenUsage};
pub use validation::{Finding, Gravity, Validation};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
