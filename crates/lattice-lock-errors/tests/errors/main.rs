//! The errors' promises, as their users see them.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod leaks;
mod planted;
mod redaction;
mod shape;
