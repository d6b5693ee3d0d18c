//! An implementation of its own of how tokens are written and signed, to forge them with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hkdf::hmac::{Hmac, KeyInit, Mac};
use lattice_lock_auth::{Clock, Tokens, TokensBuilder};
use lattice_lock_config::{Environment, SigningSecret};
use lattice_lock_errors::{Code, Kind};
use serde_json::{Value, json};
use sha2::Sha256;

pub(crate) const SECRET: &str = "q0Zk3mB7xW1yVtR9uHc5aLd8eNf2gJp6";
pub(crate) const OTHER_SECRET: &str = "Wm4uT9sKz2RbXv7QeYh1NcLg6JpDa8Fo";
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const ID: &str = "6f0c2b5e-8d4a-4b6f-9a3e-1c5d7e9f0a2b";

/// A clock that stands until it is set.
#[derive(Clone, Debug)]
pub(crate) struct Fixed(Arc<AtomicU64>);

impl Fixed {
    pub(crate) fn at(now: u64) -> Self {
        Self(Arc::new(AtomicU64::new(now)))
    }

    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for Fixed {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn secret(text: &str) -> SigningSecret {
    SigningSecret::parse(text, Environment::Production).unwrap()
}

pub(crate) fn builder() -> TokensBuilder {
    Tokens::builder(&secret(SECRET)).clock(Fixed::at(NOW))
}

pub(crate) fn tokens() -> Tokens {
    builder().build().unwrap()
}

pub(crate) fn derived(secret: &str, label: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let hkdf = Hkdf::<Sha256>::new(None, secret.as_bytes());
    hkdf.expand(label.as_bytes(), &mut key).unwrap();
    key
}

/// The key that access tokens of `secret` are signed with.
pub(crate) fn key(secret: &str) -> [u8; 32] {
    derived(secret, "lattice-lock/v1/access-token/hs256")
}

pub(crate) fn key_id(secret: &str) -> String {
    encode(&derived(secret, "lattice-lock/v1/access-token/key-id")[..12])
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

pub(crate) fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A token of these two texts, signed with `key`.
pub(crate) fn sign_with(key: &[u8], header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = encode(mac(key, &signed));
    format!("{signed}.{signature}")
}

/// A token of these two texts, rightly signed.
pub(crate) fn sign(header: &str, claims: &str) -> String {
    sign_with(&key(SECRET), header, claims)
}

pub(crate) fn header() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt", "kid": key_id(SECRET)})
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": "lattice-lock", "aud": "lattice-lock", "sub": "user-17", "jti": ID,
        "iat": NOW, "nbf": NOW, "exp": NOW + 1800, "permissions": ["read:health"],
    })
}

/// `object` with one member set.
pub(crate) fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

/// `object` without one member.
pub(crate) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

/// `object` as text, with `text` before its closing brace.
pub(crate) fn append(object: &Value, text: &str) -> String {
    format!("{},{text}}}", object.to_string().strip_suffix('}').unwrap())
}

pub(crate) fn valid() -> String {
    sign(&header().to_string(), &claims().to_string())
}

pub(crate) fn accepted(token: &str) {
    let who = tokens().verify(token).unwrap();
    assert_eq!(who.id().as_str(), "user-17");
}

pub(crate) fn refused(token: &str, code: Code) {
    let error = tokens().verify(token).expect_err(token);
    assert_eq!(error.code(), code, "{token:.600}: {error}");
    assert_eq!(error.kind(), Kind::Unauthenticated);
}

/// A token with this header, rightly signed, is refused.
pub(crate) fn header_refused(header: &str, code: Code) {
    refused(&sign(header, &claims().to_string()), code);
}

/// A token with these claims, rightly signed, is refused.
pub(crate) fn claims_refused(claims: &str, code: Code) {
    refused(&sign(&header().to_string(), claims), code);
}
