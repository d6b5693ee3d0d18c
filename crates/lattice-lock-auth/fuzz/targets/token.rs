//! Tokens.
#![no_main]

#[expect(dead_code, reason = "another target holds the rest")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::token(bytes));
