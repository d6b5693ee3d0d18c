//! What an attacker may try, and what must come of it.
#![expect(
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "a test says what went wrong by failing, and need not be fast"
)]

mod claims;
mod compact;
mod families;
mod forge;
mod headers;
mod mutations;
mod passwords;
mod rotation;
mod secrecy;
mod seeds;
mod settings;
mod signatures;
