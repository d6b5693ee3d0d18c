//! What must hold of any bytes; the fuzzer and an ordinary test of the seeds hold it.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hkdf::hmac::{Hmac, KeyInit, Mac};
use lattice_lock_auth::{
    Clock, PasswordHash, Source, Tokens, Username, VerifyingKey, has_form_of_key,
};
use lattice_lock_config::{Environment, SigningSecret};
use serde_json::Value;
use sha2::{Digest, Sha256};

const SECRET: &str = "q0Zk3mB7xW1yVtR9uHc5aLd8eNf2gJp6";
const NOW: u64 = 1_800_000_000;
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const MEMBERS: [&str; 10] = [
    "iss",
    "aud",
    "sub",
    "iat",
    "nbf",
    "exp",
    "jti",
    "permissions",
    "sid",
    "ver",
];

#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> u64 {
        NOW
    }
}

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let secret = SigningSecret::parse(SECRET, Environment::Production).expect("a good secret");
    Tokens::builder(&secret)
        .clock(Standing)
        .build()
        .expect("tokens")
});

static KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let mut key = [0; 32];
    let label = b"lattice-lock/v1/access-token/hs256";
    let hkdf = Hkdf::<Sha256>::new(None, SECRET.as_bytes());
    hkdf.expand(label, &mut key).expect("32 bytes are few");
    key
});

/// No text panics, and none is a token that the key did not sign. Signed, two lines of header and claims are one only if
/// they say what is asked of them.
pub(crate) fn token(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    assert!(TOKENS.verify(text).is_err());
    let _ = VerifyingKey::from_jwk(text);
    if let Some((header, claims)) = text.split_once('\n')
        && let Ok(who) = TOKENS.verify(&signed(header, claims))
    {
        require_good(header, claims, who.id().as_str());
    }
}

fn signed(header: &str, claims: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let text = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(&*KEY).expect("a key of 32 bytes");
    mac.update(text.as_bytes());
    format!("{text}.{}", encode(&mac.finalize().into_bytes()))
}

fn require_good(header: &str, claims: &str, subject: &str) {
    let header: Value = serde_json::from_str(header).expect("an accepted header is JSON");
    let members = header.as_object().expect("and an object");
    assert_eq!(members.len(), 3);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&"HS256".into(), &"at+jwt".into())
    );
    let claims: Value = serde_json::from_str(claims).expect("accepted claims are JSON");
    let members = claims.as_object().expect("and an object");
    assert!(members.len() >= 8 && members.keys().all(|name| MEMBERS.contains(&&**name)));
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&"lattice-lock".into(), &"lattice-lock".into())
    );
    assert_eq!(claims["sub"], subject);
    let second = |name: &str| claims[name].as_u64().expect("a time is a whole number");
    assert!(second("nbf") <= NOW + 5 && second("iat") <= NOW + 5 && second("exp") + 5 > NOW);
}

/// No text panics; what has the form of a key has its length and checksum, and with the checksum every body has it.
pub(crate) fn api_key(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    for text in [text, &format!("llk_{text}")] {
        if has_form_of_key(text) {
            assert!(text.len() == 55 && text.starts_with("llk_"));
            assert_eq!(text[49..], checksum(&text[..49]));
        }
    }
    let letters = bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(*byte) % 62]));
    let body = letters
        .take(45)
        .fold("llk_".to_owned(), |mut body, letter| {
            body.push(letter);
            body
        });
    let key = format!("{body}{}", checksum(&body));
    assert_eq!(has_form_of_key(&key), key.len() == 55);
    let _ = text.parse::<PasswordHash>();
    let _ = text.parse::<Username>();
    let _ = text.parse::<Source>();
}

fn checksum(body: &str) -> String {
    let hash = Sha256::digest(body);
    let mut rest = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let mut letters = [0; 6];
    for letter in letters.iter_mut().rev() {
        *letter = LETTERS[(rest % 62) as usize];
        rest /= 62;
    }
    letters.map(char::from).iter().collect()
}
