//! The control plane for language-model calls that a Rust application embeds.
//!
//! # Overview
//!
//! For each prompt it decides which provider and model may and should answer, holds the call, turns every token
//! into exact money in a ledger, and shuts down without losing anything. It is a guest in its host's process: it
//! installs no subscriber, signal handler or runtime, reads no environment and runs no migration unless it is asked
//! to.
//!
//! # Usage
//!
//! ```
//! use lattice_lock::providers::Provider;
//! use lattice_lock::{LatticeLock, Principal, Providers};
//! # use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> lattice_lock::Result<()> {
//! # let server = ScriptedServer::start().await.expect("a server on loopback");
//! # server.script(Exchange::reply("Goethe.").usage(Usage::new().input(1000).output(200)));
//! # let url = format!("{}/v1", server.url());
//! let openai = Provider::openai().api_key("sk-…".to_string()).at(&url)?;
//! let llm = LatticeLock::builder().providers(Providers::new().with(openai)).build().await?;
//!
//! let who = Principal::external("user-17")?.team("search").tag("cost_center", "4711");
//! let out = llm.chat("Who wrote Faust?").by(&who).model("openai/gpt-5-mini").send().await?;
//! println!("{} for {} ({:?})", out.text(), out.cost(), out.booking());
//! # #[cfg(feature = "catalogue")]
//! assert_eq!(out.cost().to_string(), "$0.00065");
//! # #[cfg(feature = "catalogue")]
//! assert_eq!(llm.ledger().total().await?.total_usd.to_string(), "0.00065");
//! # Ok(())
//! # }
//! ```
//!
//! # Crate features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `catalogue` | yes | the shipped catalogue of models and prices |
//! | `learned` | yes | the analyzer's learned layer |
//! | `sqlite`, `postgres`, `mysql` | no | the ledger, and what auth keeps, in a database |
//! | `auth` | no | users, sessions, API keys and an audit |
//! | `axum` | no | auth for axum: extractors and a tower layer |
//! | `signals` | no | the shutdown on SIGTERM and SIGINT, when asked for |
//! | `metrics` | no | tasks, errors, retries, health and model calls through the `metrics` facade |
//! | `tracing-init` | no | a redacting subscriber for logs, when asked for |
//! | `tower` | no | error boundaries as tower layers |

mod app;
mod builder;
mod chat;
mod lifecycle;
#[cfg(feature = "tracing-init")]
mod logging;
mod provider_set;

pub use lattice_lock_analyzer as analyzer;
#[cfg(feature = "auth")]
pub use lattice_lock_auth as auth;
pub use lattice_lock_billing as billing;
pub use lattice_lock_clients as clients;
pub use lattice_lock_config as config;
pub use lattice_lock_errors as errors;
pub use lattice_lock_orchestrator as orchestrator;
pub use lattice_lock_principal as principal;
pub use lattice_lock_providers as providers;
pub use lattice_lock_repository as repository;
pub use lattice_lock_runtime as runtime;

pub use app::LatticeLock;
pub use builder::Builder;
pub use chat::Chat;
#[doc(inline)]
pub use lattice_lock_billing::Money;
#[doc(inline)]
pub use lattice_lock_config::AppConfig;
#[doc(inline)]
pub use lattice_lock_errors::{Error, Result};
#[doc(inline)]
pub use lattice_lock_orchestrator::ChatOutcome;
#[doc(inline)]
pub use lattice_lock_principal::Principal;
#[doc(inline)]
pub use lattice_lock_repository::Database;
#[cfg(feature = "tracing-init")]
pub use logging::init_tracing;
pub use provider_set::Providers;

/// Every error code that this build can raise, in the order of the crates.
#[must_use]
pub fn codes() -> Vec<errors::Code> {
    let crates = [
        config::codes::CODES,
        principal::codes::CODES,
        analyzer::codes::CODES,
        runtime::codes::CODES,
        repository::codes::CODES,
        providers::codes::CODES,
        clients::codes::CODES,
        billing::codes::CODES,
        #[cfg(feature = "auth")]
        auth::codes::CODES,
        orchestrator::codes::CODES,
    ];
    crates.concat()
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
