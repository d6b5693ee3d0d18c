//! Who a model call is for.
//!
//! A [`Principal`] is plain data: an id, whom the cost is attributed to (team, project, tags), and permissions.
//! A host with its own authentication builds one itself; this crate does not know how anyone was
//! authenticated. Ids are meant to be pseudonyms, because the ledger keeps them for years.
//!
//! ```
//! use lattice_lock_principal::{Permission, Principal};
//!
//! let report: Permission = "read:ledger".parse()?;
//! let who = Principal::external("user-17")?
//!     .team("search")
//!     .tag("cost_center", "4711")
//!     .permissions([report.clone()]);
//! who.require(&report)?;
//! assert_eq!(who.attribution()?.tags()["cost_center"], "4711");
//! # Ok::<(), lattice_lock_errors::Error>(())
//! ```

mod attribution;
pub mod codes;
mod id;
mod permission;
mod principal;

pub use attribution::Attribution;
pub use id::PrincipalId;
pub use permission::{Permission, Permissions};
pub use principal::{Principal, PrincipalKind};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
