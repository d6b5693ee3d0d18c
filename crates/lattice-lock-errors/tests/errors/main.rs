//! The errors' promises, as their users see them.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]
#![expect(unreachable_pub, reason = "`codes!` makes public constants")]

mod leaks;
mod planted;
mod redaction;
mod shape;
