//! No text panics, and none of another length has the form of a key.
#![no_main]

use lattice_lock_auth::has_form_of_key;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = &*String::from_utf8_lossy(bytes);
    if has_form_of_key(text) {
        assert!(text.len() == 55 && text.starts_with("llk_"));
    }
    let _ = has_form_of_key(&format!("llk_{text}"));
    let _ = text.parse::<lattice_lock_auth::PasswordHash>();
    let _ = text.parse::<lattice_lock_auth::Username>();
});
