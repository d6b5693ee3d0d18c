//! A scripted language-model provider on loopback, which keeps its own account of what it charged.
//!
//! [`ScriptedServer`] is a real HTTP/1.1 server that speaks every [`Wire`], whole and streaming, in the providers'
//! own shapes. Each request takes the next [`Exchange`] of the script, or gets a plausible answer derived from its
//! prompt. Faults are scripted the same way: errors with the real bodies, delays, slow drips, silence, resets
//! at any byte, truncated bodies, bytes that are no UTF-8, usage that is missing, lying, early, doubled or
//! corrected. The server runs on a thread and a runtime of its own, so
//! that its [`Account`] survives whatever happens to the application under test, and this crate depends on none
//! of Lattice Lock's crates: the account is a second one, with its own arithmetic.
//!
//! ```
//! use lattice_lock_testkit::{Exchange, PriceList, Rates, ScriptedServer, Usage};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
//! let server = ScriptedServer::start().await?;
//! server.script(Exchange::reply("Hello.").usage(Usage::new().input(1_000).output(200)));
//! // … point the application at `server.url()` and let it work …
//! # ask(server.url());
//! let prices = PriceList::new().model("gpt-5-mini-2025-08-07", Rates::per_million("0.25", "2.00")?);
//! let bill = server.account().bill(&prices)?;
//! assert_eq!(bill.nano_usd(), 650_000); // 1000 × 0.25 µ$ + 200 × 2 µ$
//! server.stop().await;
//! # Ok(())
//! # }
//! # fn ask(url: &str) {
//! #     use std::io::{Read as _, Write as _};
//! #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
//! #     let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
//! #     write!(stream, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
//! #         content-length: {}\r\n\r\n{body}", body.len()).unwrap();
//! #     stream.read_to_string(&mut String::new()).unwrap();
//! # }
//! ```

mod account;
mod body;
mod desk;
mod error;
mod exchange;
mod gate;
mod models;
mod prices;
mod received;
mod server;
mod usage;
mod wire;

pub use account::{Account, Bill, BillLine, Charge};
pub use error::Error;
pub use exchange::Exchange;
pub use gate::Gate;
pub use prices::{PriceList, Rates};
pub use received::Received;
pub use server::ScriptedServer;
pub use usage::Usage;
pub use wire::{Wire, aws_event};
