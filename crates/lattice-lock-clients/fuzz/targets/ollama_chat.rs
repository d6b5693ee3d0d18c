//! Any bytes as a reply of Ollama's chat, whole and in pieces: no panic, and however a stream is cut on its way,
//! it comes to the same.

#![no_main]

use lattice_lock_clients::fuzz::{pieces, whole};
use lattice_lock_providers::Wire;
use libfuzzer_sys::fuzz_target;

const WIRE: Wire = Wire::OllamaChat;

fuzz_target!(|bytes: &[u8]| {
    let _ = whole(WIRE, bytes);
    let read = pieces(WIRE, [bytes, b""]);
    let at = bytes.first().map_or(0, |first| usize::from(*first) * bytes.len() / 256);
    let (start, end) = bytes.split_at(at);
    assert_eq!(pieces(WIRE, [start, end]), read);
});
