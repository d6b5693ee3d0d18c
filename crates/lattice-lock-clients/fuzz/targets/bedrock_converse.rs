//! Any bytes as a reply of Bedrock's Converse, whole and in pieces; and any events, in good frames, as a stream of it.

#![no_main]

use lattice_lock_clients::fuzz::{Lab, framed};
use lattice_lock_providers::Wire;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static LAB: Lab = Lab::default();
}

fuzz_target!(|bytes: &[u8]| {
    LAB.with(|lab| {
        lab.check(Wire::BedrockConverse, bytes);
        lab.check(Wire::BedrockConverse, &framed(bytes));
    });
});
