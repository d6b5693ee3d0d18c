//! Selection, fallback and settlement of language-model calls.
//!
//! An [`Orchestrator`] finds out what a prompt needs, ranks the models that may answer ([`Selection`], each with its
//! reasons), writes down what it is about to send, asks, turns to the next candidate where that may help, books
//! every attempt, and proves that the ledger says what the replies said. It knows neither engines nor HTTP.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use lattice_lock_analyzer::Analyzer;
//! use lattice_lock_billing::Ledger;
//! use lattice_lock_clients::{ChatRequest, HttpClients};
//! use lattice_lock_orchestrator::{Call, Orchestrator, Parts};
//! use lattice_lock_principal::Principal;
//! use lattice_lock_providers::{Catalogue, Provider, Registry};
//! use lattice_lock_repository::Database;
//! # use lattice_lock_testkit::ScriptedServer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> lattice_lock_errors::Result<()> {
//! # let server = ScriptedServer::start().await.expect("a server");
//! # let url = format!("{}/v1", server.url());
//! let openai = Provider::openai().api_key("sk-…".to_string()).at(&url)?;
//! let client = HttpClients::new()?.client(&openai);
//! let orchestrator = Orchestrator::new(Parts {
//!     analyzer: Analyzer::new(),
//!     clients: BTreeMap::from([(openai.id().clone(), client)]),
//!     registry: Registry::new(Catalogue::shipped(), [openai]),
//!     ledger: Ledger::new(&Database::in_memory()),
//! });
//! let call = Call {
//!     request: ChatRequest::new("Who wrote Faust?"),
//!     principal: Principal::external("user-17")?,
//!     model: None,
//!     trace: None,
//! };
//! let outcome = orchestrator.chat(call).await?;
//! println!("{} for {}", outcome.text(), outcome.cost());
//! # Ok(())
//! # }
//! ```

pub mod codes;
mod keys;
mod operation;
mod orchestrator;
mod outcome;
mod selection;
mod telemetry;

pub use orchestrator::{Call, Orchestrator, Parts};
pub use outcome::ChatOutcome;
pub use selection::{Candidate, Reason, Rejection, Selection};
