//! Exact money and a durable ledger for language-model calls.
//!
//! [`Money`] is an integer of nano-USD, a [`Cost`] is usage times prices in exact decimals, rounded half-even once, and
//! what is not known is [`Unpriced`] and never zero. A [`Ledger`] keeps one [`Entry`] for every attempt that was or may
//! have been billed: a unique key in the store says so, a replay changes nothing, and a conflict is an error. [`prove`]
//! holds what the ledger says against what the replies said. This crate speaks no HTTP and sees no prompt.
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
//!
//! # What is exact, and what is rounded
//!
//! No amount is ever a float. What would need more digits than are kept is an error, and is not rounded in silence.
//!
//! | figure | kept as | rounded |
//! |---|---|---|
//! | an amount: [`Money`] | whole nano-USD (10⁻⁹ dollars), 64 bits | never |
//! | a sum of amounts: [`MoneySum`], [`LedgerTotal`] | whole nano-USD, 128 bits | never |
//! | a count of tokens, searches, requests | whole units, 64 bits | never |
//! | a price: [`Price`](lattice_lock_providers::Price) | a decimal of dollars for one unit | never |
//! | a [`Discount`] | whole millionths | never |
//! | a cost: [`Cost::of`] | the sum of counts times prices, less the discount | once, half to even, to nano-USD |
//! | what is charged in another currency: [`ForeignAmount`] | exact, with its rate | its dollars once, half to even |
//!
//! A cost is rounded when its entry is made, and sums are of rounded costs: so the entries of a report add up to its
//! total, to the last digit.
//!
//! # What is counted, and what is not
//!
//! | | the dollars are in [`LedgerTotal`] | an attempt in [`UsageAccumulator`] |
//! |---|---|---|
//! | a reply, or a failure that may have been billed | if known, else counted as unpriced | yes, by its last revision |
//! | an estimate | yes | yes, and counted as estimated |
//! | a correction | the difference | in place of what it corrects |
//! | what was voided | no more | no |
//! | a charge that is no attempt | yes | no |
//! | an attempt that was withdrawn | no | no |
//! | an intent, open or held | no | no |
//! | what was archived | yes | no: its entries are in the file |
//!
//! A sum beside which something is unpriced is a lower bound, and each sum says how many of its attempts are.
//!
//! # From the intent to the proof
//!
//! An attempt is written down before it is sent, and booked when it has ended. So what a crash leaves is known, and is
//! booked by the next [recovery](Ledger::recover) instead of being forgotten:
//!
//! ```
//! use lattice_lock_billing::{
//!     AttemptId, Entry, Intent, Ledger, OperationId, Outcome, UsageAccumulator, prove,
//! };
//! use lattice_lock_principal::Principal;
//! use lattice_lock_providers::{Bucket, TokenUsage};
//! use lattice_lock_repository::Database;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> lattice_lock_errors::Result<()> {
//! let ledger = Ledger::new(&Database::in_memory());
//! let (operation, who) = (OperationId::generate(), Principal::external("user-17")?);
//! let attempt = AttemptId::first(operation);
//! ledger.intend(Intent::new(attempt, &who, "openai/gpt-5-mini".parse()?)).await?;
//!
//! // Here the request is sent, and answered.
//! let usage = TokenUsage::new().with(Bucket::Input, 1_000);
//! let entry = Entry::new(attempt, &who, "openai/gpt-5-mini".parse()?, Outcome::Replied)?.used(usage, None);
//! let mut returned = UsageAccumulator::default();
//! returned.add(entry.usage(), entry.cost())?;
//! ledger.record(entry, None).await?;
//!
//! assert!(ledger.open_intents().await?.is_empty());
//! prove(operation, &returned, &ledger.of_operation(operation).await?)?;
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
