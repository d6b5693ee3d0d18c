//! No text panics, and none is a token that the key did not sign.
#![no_main]

use std::sync::LazyLock;

use lattice_lock_auth::{Tokens, VerifyingKey};
use lattice_lock_config::{Environment, SigningSecret};
use libfuzzer_sys::fuzz_target;

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let secret = SigningSecret::parse("q0Zk3mB7xW1yVtR9uHc5aLd8eNf2gJp6", Environment::Production);
    Tokens::new(&secret.expect("a good secret")).expect("tokens")
});

fuzz_target!(|bytes: &[u8]| {
    let text = &*String::from_utf8_lossy(bytes);
    assert!(TOKENS.verify(text).is_err());
    let _ = VerifyingKey::from_jwk(text);
});
