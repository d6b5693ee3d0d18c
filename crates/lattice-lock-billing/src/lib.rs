//! Exact money and a durable ledger for language-model calls.
//!
//! [`Money`] is an integer of nano-USD, a [`Cost`] is usage times prices in exact decimals, rounded half-even
//! once, and what is not known is [`Unpriced`] and never zero. A [`Ledger`] keeps one [`Entry`] for every attempt
//! that was or may have been billed: a unique key in the store says so, a replay changes nothing, and a conflict is
//! an error. [`prove`] holds what the ledger says against what the replies said. This crate speaks no HTTP
//! and sees no prompt.
//!
//! ```
//! use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome};
//! use lattice_lock_principal::Principal;
//! use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
//! use lattice_lock_repository::Database;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> lattice_lock_errors::Result<()> {
//! let prices = PriceList::new([(Bucket::Input, Price::per_million("0.25")?)]);
//! let version = PriceVersion::new("contract-7");
//! let usage = TokenUsage::new().with(Bucket::Input, 1_000_u64);
//!
//! let attempt = AttemptId::first(OperationId::generate());
//! let who = Principal::external("user-17")?.team("search");
//! let entry = Entry::new(attempt, &who, "openai/gpt-5-mini".parse()?, Outcome::Replied)?
//!     .used(usage, Some((&version, &prices)));
//!
//! let ledger = Ledger::new(&Database::in_memory());
//! ledger.record(entry, None).await?;
//! assert_eq!(ledger.total().await?.total_usd.to_string(), "0.00025");
//! # Ok(())
//! # }
//! ```

mod accumulator;
pub mod codes;
mod cost;
mod currency;
mod entry;
mod instance;
mod intent;
mod ledger;
mod money;
mod operation;
mod prove;
mod tariff;

pub use accumulator::UsageAccumulator;
pub use cost::{Cost, CostBreakdown, CostLine, Unpriced};
pub use currency::{Currency, ForeignAmount};
pub use entry::{ChargeKey, Entry, EntryId, EntryKind, Outcome, Position};
pub use instance::InstanceId;
pub use intent::Intent;
pub use ledger::{
    Archive, Booking, Ledger, LedgerBuilder, LedgerStatus, LedgerTotal, Period, Recorded, Recovery,
    Repriced, Resolution,
};
pub use money::{Money, MoneySum};
pub use operation::{AttemptId, OperationId};
pub use prove::{BillingIntegrityError, prove};
pub use tariff::{Discount, Tariff};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
