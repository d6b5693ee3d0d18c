//! The clients against a server that is not theirs: what they send, what they make of replies, and every way in
//! which a network fails.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod faults;
mod golden;
mod hostile;
mod http;
mod keys;
mod matrix;
mod replies;
mod requests;
mod secrecy;
mod streams;
mod support;
mod tls;
mod usage;
