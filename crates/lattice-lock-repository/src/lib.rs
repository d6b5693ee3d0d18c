//! One storage contract, in memory or in SQLite, PostgreSQL and MySQL.
//!
//! A [`Repository`] keeps entities of one kind, with keys that sort by time and versions that refuse lost updates;
//! [`MemoryRepository`] is the default. A [`Database`] is opened from a URL, runs work in transactions and keeps its
//! migrations. The engines are features: without any, this crate builds without sea-orm. It knows no entity of the
//! crates that use it.
//!
//! ```
//! use lattice_lock_repository::{Database, Entity, MemoryRepository, Page, Repository};
//!
//! #[derive(Clone)]
//! struct Note(String);
//! impl Entity for Note {
//!     const NAME: &'static str = "note";
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> lattice_lock_errors::Result<()> {
//! let (database, notes) = (Database::in_memory(), MemoryRepository::new());
//! let first = notes.create(&mut database.writer()?, Note("buy milk".into())).await?;
//! assert_eq!(first.version(), 1);
//! assert_eq!(notes.list(&mut database.reader()?, Page::first(10)?).await?.len(), 1);
//! # Ok(())
//! # }
//! ```

pub mod codes;
#[cfg(feature = "contract")]
pub mod contract;
mod database;
mod entity;
mod scope;
mod store;
mod time;

pub use database::{
    Database, DatabaseHealth, DatabaseOptions, DatabaseStatus, Engine, Isolation, Migration,
    MigrationSet, MigrationState, PoolUse, TransactionError, TransactionOptions, WaitTimes,
};
#[cfg(feature = "__sql")]
pub use database::{DatabaseConnectionError, Exported, MigrationStatus, database_error};
pub use entity::{Entity, EntityId, EntityNotFoundError, Page, Stored};
pub use scope::{Scope, Work};
pub use store::{ListAll, Listing, MemoryRepository, Repository};
#[cfg(feature = "__sql")]
pub use store::{Table, TableRepository};
pub use time::Timestamp;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
