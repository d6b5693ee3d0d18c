//! Any bytes as a reply of Ollama's chat, whole and in pieces.

#![no_main]

use lattice_lock_clients::fuzz::Lab;
use lattice_lock_providers::Wire;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static LAB: Lab = Lab::default();
}

fuzz_target!(|bytes: &[u8]| LAB.with(|lab| lab.check(Wire::OllamaChat, bytes)));
