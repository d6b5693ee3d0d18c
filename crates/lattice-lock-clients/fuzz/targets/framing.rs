//! Any bytes as a stream of events, of lines and of AWS's messages.

#![no_main]

use lattice_lock_clients::fuzz::frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| frame(bytes));
