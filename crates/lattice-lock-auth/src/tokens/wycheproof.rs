//! Project Wycheproof's cases, each as it is labelled there but for those that are listed here with a reason.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lattice_lock_errors::Result;
use serde_json::Value;

use super::Algorithm;
use super::compact::Compact;
use super::header::{Header, Kind};
use super::jwk;
use super::keys::{KeySet, VerifyingKey};

const SIGNATURES: &str = include_str!("../../tests/wycheproof/json_web_signature_test.json");
const KEYS: &str = include_str!("../../tests/wycheproof/json_web_key_test.json");
const ED25519: &str = include_str!("../../tests/wycheproof/ed25519_test.json");
const P256: &str = include_str!("../../tests/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json");
const RSA: &str = include_str!("../../tests/wycheproof/rsa_signature_2048_sha256_test.json");
const HMAC: &str = include_str!("../../tests/wycheproof/hmac_sha256_test.json");

/// Signatures whose label is wrong, or not ours: 367 and 370 are the valid 357 letter for letter; 372 and 373 contain
/// a question mark; 346, 350, 347 and 351 name another algorithm than their key does.
const RELABELLED: [(u64, bool); 8] = [
    (367, true),
    (370, true),
    (372, false),
    (373, false),
    (346, false),
    (350, false),
    (347, false),
    (351, false),
];

#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    wrong: Vec<u64>,
}

impl Tally {
    fn count(&mut self, case: &Value, expected: bool, got: bool) {
        if expected != got {
            self.wrong.push(case["tcId"].as_u64().unwrap());
        } else if got {
            self.accepted += 1;
        } else {
            self.refused += 1;
        }
    }

    fn finish(self, file: &str, all: &Value) {
        println!(
            "{file}: {} accepted, {} refused",
            self.accepted, self.refused
        );
        assert_eq!(self.wrong, [0; 0], "{file}");
        let count = self.accepted + self.refused;
        assert_eq!(
            count as u64,
            all["numberOfTests"].as_u64().unwrap(),
            "{file}"
        );
        assert!(self.accepted > 0 && self.refused > 0, "{file}");
    }
}

fn read(file: &str) -> Value {
    serde_json::from_str(file).unwrap()
}

fn cases(of: &Value, member: &str) -> Vec<Value> {
    of[member].as_array().unwrap().clone()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn is_valid(case: &Value) -> bool {
    case["result"] == "valid"
}

/// Secrets are read here only: those of the library come from the configuration.
fn key(json: &Value) -> Result<VerifyingKey> {
    if json["kty"] != "oct" {
        return jwk::read(&json.to_string());
    }
    let algorithm = Algorithm::named(json["alg"].as_str().unwrap());
    let algorithm = algorithm.ok_or_else(|| super::keys::refused("not an algorithm"))?;
    let secret = URL_SAFE_NO_PAD.decode(json["k"].as_str().unwrap());
    let secret = secret.map_err(|_| super::keys::refused("not base64url"))?;
    VerifyingKey::mac(json["kid"].as_str().unwrap(), algorithm, &secret)
}

/// What a token goes through before its claims are looked at, but for its type, which none of these has.
fn verify(keys: &[Value], token: &str) -> Result<bool> {
    let keys = keys.iter().map(key).collect::<Result<_>>()?;
    let keys = KeySet::new(Kind::Access, keys)?;
    let compact = Compact::split(token)?;
    let json = compact.header()?;
    let key = keys.named(&Header::read(&json)?)?;
    compact.claims()?;
    Ok(key.verifies(compact.signed(), &compact.signature()?))
}

#[test]
fn signatures() {
    let (all, mut tally) = (read(SIGNATURES), Tally::default());
    for group in cases(&all, "testGroups") {
        let key = group.get("public").unwrap_or(&group["private"]).clone();
        for case in cases(&group, "tests") {
            let id = case["tcId"].as_u64().unwrap();
            let ours = RELABELLED.iter().find(|(one, _)| *one == id);
            let expected = ours.map_or_else(|| is_valid(&case), |(_, label)| *label);
            let token = case["jws"].as_str().unwrap();
            let got = verify(std::slice::from_ref(&key), token).unwrap_or(false);
            tally.count(&case, expected, got);
        }
    }
    tally.finish("json_web_signature", &all);
}

#[test]
fn keys() {
    let (all, mut tally) = (read(KEYS), Tally::default());
    for group in cases(&all, "testGroups") {
        let set = group.get("public").unwrap_or(&group["private"]);
        for case in cases(&group, "tests") {
            let token = case["jws"].as_str().unwrap();
            let got = verify(&cases(set, "keys"), token).unwrap_or(false);
            tally.count(&case, is_valid(&case), got);
        }
    }
    tally.finish("json_web_key", &all);
}

/// Bare signatures, with each group's key as JSON.
fn check(file: &str, text: &str, algorithm: &str, jwk: impl Fn(&Value) -> Value) {
    let (all, mut tally) = (read(text), Tally::default());
    for group in cases(&all, "testGroups") {
        let mut key = jwk(&group);
        key["alg"] = algorithm.into();
        let key = jwk::read(&key.to_string()).unwrap();
        for case in cases(&group, "tests") {
            let got = key.verifies(&bytes(&case["msg"]), &bytes(&case["sig"]));
            // `acceptable` are signatures with a fault that some verifiers bear: ours bears none.
            tally.count(&case, is_valid(&case), got);
        }
    }
    tally.finish(file, &all);
}

#[test]
fn ed25519() {
    check("ed25519", ED25519, "EdDSA", |group| {
        group["publicKeyJwk"].clone()
    });
}

#[test]
fn p256() {
    // Not every group has its key as JSON.
    let jwk = |group: &Value| {
        let point = bytes(&group["publicKey"]["uncompressed"]);
        let [x, y] = [&point[1..33], &point[33..]].map(|half| URL_SAFE_NO_PAD.encode(half));
        serde_json::json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    };
    check("ecdsa_secp256r1_sha256_p1363", P256, "ES256", jwk);
}

#[test]
fn rsa() {
    check("rsa_signature_2048_sha256", RSA, "RS256", |group| {
        group["keyJwk"].clone()
    });
}

/// With keys as they come: the rule for their length is that of JSON web keys, and held there. Truncated tags are
/// refused although they are labelled valid, since no token has one.
#[test]
fn hmac() {
    let (all, mut tally) = (read(HMAC), Tally::default());
    for group in cases(&all, "testGroups") {
        let is_whole = group["tagSize"] == 256;
        for case in cases(&group, "tests") {
            let secret = bytes(&case["key"]);
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
            let (message, tag) = (bytes(&case["msg"]), bytes(&case["tag"]));
            let got = match VerifyingKey::mac("k", Algorithm::Hs256, &secret) {
                Ok(key) => key.verifies(&message, &tag),
                Err(_) => aws_lc_rs::hmac::verify(&key, &message, &tag).is_ok(),
            };
            tally.count(&case, is_valid(&case) && is_whole, got);
        }
    }
    tally.finish("hmac_sha256", &all);
}
