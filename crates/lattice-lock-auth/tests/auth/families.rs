//! Every family of bad tokens, for each algorithm.

use std::fmt::Write as _;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use lattice_lock_auth::codes::{
    TOKEN_CLAIMS_INVALID, TOKEN_EXPIRED, TOKEN_FOREIGN, TOKEN_HEADER_REFUSED, TOKEN_KEY_UNKNOWN,
    TOKEN_MALFORMED, TOKEN_NOT_YET_VALID, TOKEN_SIGNATURE_INVALID, TOKEN_TOO_LARGE,
};
use lattice_lock_auth::{SigningKey, Tokens};
use lattice_lock_errors::{Code, Secret};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::{
    NOW, SECRET, append, builder, claims, encode, key, key_id, mac, secret, with, without,
};

enum Private {
    Mac([u8; 32]),
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair, EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// A verifier, and a forger who has its private key.
pub(crate) struct Forger {
    algorithm: &'static str,
    kid: String,
    private: Private,
    /// The public half, in the forms in which one may be mistaken for a secret.
    public: Vec<Vec<u8>>,
    pub(crate) tokens: Tokens,
}

fn pkcs8(der: &[u8]) -> SigningKey {
    SigningKey::from_pkcs8(&Secret::new(der.to_vec())).unwrap()
}

fn pem(der: &[u8]) -> String {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let mut text = String::from("-----BEGIN PUBLIC KEY-----\n");
    for line in body.as_bytes().chunks(64) {
        writeln!(text, "{}", std::str::from_utf8(line).unwrap()).unwrap();
    }
    text + "-----END PUBLIC KEY-----\n"
}

impl Forger {
    pub(crate) fn all() -> [Self; 4] {
        [Self::mac(), Self::ed25519(), Self::p256(), Self::rsa()]
    }

    fn mac() -> Self {
        Self {
            algorithm: "HS256",
            kid: key_id(SECRET),
            private: Private::Mac(key(SECRET)),
            public: vec![
                key_id(SECRET).into_bytes(),
                secret(SECRET).expose().to_vec(),
            ],
            tokens: builder().build().unwrap(),
        }
    }

    fn with_key(signing: SigningKey, private: Private, spki: &[u8], raw: &[u8]) -> Self {
        let (algorithm, kid) = (signing.algorithm(), signing.id().to_owned());
        let tokens = builder().signing_key(signing).build().unwrap();
        let text = pem(spki);
        let public = vec![
            spki.to_vec(),
            raw.to_vec(),
            text.trim_end().as_bytes().to_vec(),
            text.into_bytes(),
            encode(raw).into_bytes(),
            tokens.jwks().into_bytes(),
            kid.clone().into_bytes(),
        ];
        Self {
            algorithm,
            kid,
            private,
            public,
            tokens,
        }
    }

    fn ed25519() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
        let raw = pair.public_key().as_ref().to_vec();
        let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
        Self::with_key(pkcs8(der.as_ref()), Private::Ed25519(pair), &spki, &raw)
    }

    fn p256() -> Self {
        let fixed = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(fixed, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(fixed, der.as_ref()).unwrap();
        let asn1 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.as_ref()).unwrap();
        let raw = pair.public_key().as_ref().to_vec();
        let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
        Self::with_key(pkcs8(der.as_ref()), Private::P256(pair, asn1), &spki, &raw)
    }

    fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let spki: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let raw = pair.public_key().as_ref().to_vec();
        let (signing, spki) = (pkcs8(der.as_ref()), spki.as_ref().to_vec());
        Self::with_key(signing, Private::Rsa(Box::new(pair)), &spki, &raw)
    }

    pub(crate) fn sign(&self, message: &str) -> Vec<u8> {
        let (random, message) = (SystemRandom::new(), message.as_bytes());
        match &self.private {
            Private::Mac(key) => mac(key, std::str::from_utf8(message).unwrap()),
            Private::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Private::P256(pair, _) => loop {
                // The verifier takes the lower of the two numbers only.
                let signature = pair.sign(&random, message).unwrap().as_ref().to_vec();
                if signature[32] < 0x7f {
                    return signature;
                }
            },
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.algorithm, "typ": "at+jwt", "kid": self.kid})
    }

    pub(crate) fn token(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = encode(self.sign(&signed));
        format!("{signed}.{signature}")
    }

    pub(crate) fn valid(&self) -> String {
        self.token(&self.header().to_string(), &claims().to_string())
    }

    fn refused(&self, token: &str, code: Code) {
        let error = self.tokens.verify(token).expect_err(token);
        assert_eq!(
            error.code(),
            code,
            "{}: {token:.300}: {error}",
            self.algorithm
        );
    }

    fn header_refused(&self, header: &str, code: Code) {
        self.refused(&self.token(header, &claims().to_string()), code);
    }

    fn claims_refused(&self, claims: &str, code: Code) {
        self.refused(&self.token(&self.header().to_string(), claims), code);
    }

    /// A signature that is not that of the token before it.
    fn signature_refused(&self, signature: impl AsRef<[u8]>) {
        let token = self.valid();
        let (signed, _) = token.rsplit_once('.').unwrap();
        let token = format!("{signed}.{}", encode(signature));
        self.refused(&token, TOKEN_SIGNATURE_INVALID);
    }
}

fn each(check: impl Fn(&Forger)) {
    for forger in Forger::all() {
        let who = forger.tokens.verify(&forger.valid()).unwrap();
        assert_eq!(who.id().as_str(), "user-17", "the control");
        check(&forger);
    }
}

#[test]
fn algorithms_that_are_none_or_another() {
    each(|forger| {
        let all = [
            "none",
            "None",
            "NONE",
            "nOnE",
            "none ",
            "",
            "HS256",
            "HS384",
            "HS512",
            "RS256",
            "RS384",
            "RS512",
            "PS256",
            "PS384",
            "PS512",
            "ES256",
            "ES384",
            "ES512",
            "ES256K",
            "EdDSA",
            "Ed25519",
            "Ed448",
            "hs256",
            "es256",
            "rs256",
            "eddsa",
            " HS256",
            "dir",
            "A256GCMKW",
        ];
        for name in all.into_iter().filter(|name| *name != forger.algorithm) {
            let header = with(forger.header(), "alg", json!(name)).to_string();
            forger.header_refused(&header, TOKEN_HEADER_REFUSED);
            let unsigned = format!("{}.{}.", encode(&header), encode(claims().to_string()));
            forger.refused(&unsigned, TOKEN_HEADER_REFUSED);
        }
        let spelt = [
            format!("{} ", forger.algorithm),
            format!("{}\0", forger.algorithm),
        ];
        for name in spelt {
            let header = with(forger.header(), "alg", json!(name));
            forger.header_refused(&header.to_string(), TOKEN_HEADER_REFUSED);
        }
        for value in [
            json!(null),
            json!([forger.algorithm]),
            json!({}),
            json!(1),
            json!(true),
        ] {
            let header = with(forger.header(), "alg", value);
            forger.header_refused(&header.to_string(), TOKEN_HEADER_REFUSED);
        }
        let header = without(forger.header(), "alg");
        forger.header_refused(&header.to_string(), TOKEN_HEADER_REFUSED);
    });
}

#[test]
fn macs_keyed_with_what_is_public() {
    each(|forger| {
        for public in &forger.public {
            for name in ["HS256", forger.algorithm] {
                let header = with(forger.header(), "alg", json!(name)).to_string();
                let signed = format!("{}.{}", encode(&header), encode(claims().to_string()));
                let token = format!("{signed}.{}", encode(mac(public, &signed)));
                let code = if name == forger.algorithm {
                    TOKEN_SIGNATURE_INVALID
                } else {
                    TOKEN_HEADER_REFUSED
                };
                forger.refused(&token, code);
            }
        }
    });
}

#[test]
fn signatures_of_another_key_and_of_another_length() {
    each(|forger| {
        let token = forger.valid();
        let (signed, _) = token.rsplit_once('.').unwrap();
        let right = forger.sign(signed);
        for length in [0, 1, right.len() / 2, right.len() - 1] {
            forger.signature_refused(&right[..length]);
            forger.signature_refused(&right[right.len() - length..]);
        }
        forger.signature_refused([&right[..], &[0]].concat());
        forger.signature_refused([&[0], &right[..]].concat());
        forger.signature_refused([&right[..], &right].concat());
        forger.signature_refused(vec![0; right.len()]);
        forger.signature_refused(vec![0xff; right.len()]);
        forger.signature_refused(right.iter().rev().copied().collect::<Vec<_>>());
        forger.signature_refused(vec![0; 5000]);
    });
    let (one, two) = (Forger::all(), Forger::all());
    for (one, two) in one.iter().zip(&two).skip(1) {
        let signed = two.token(&one.header().to_string(), &claims().to_string());
        one.refused(&signed, TOKEN_SIGNATURE_INVALID);
        one.refused(&two.valid(), TOKEN_KEY_UNKNOWN);
    }
}

/// `value + order`, of two numbers of 32 bytes with the least byte last, if it fits.
fn plus(value: &[u8], order: &[u8; 32]) -> Option<Vec<u8>> {
    let mut sum = vec![0; 32];
    let mut carry = 0;
    for at in (0..32).rev() {
        let digit = u16::from(value[at]) + u16::from(order[at]) + carry;
        sum[at] = digit.to_le_bytes()[0];
        carry = digit >> 8;
    }
    (carry == 0).then_some(sum)
}

const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// `P256_ORDER - value`.
fn negated(value: &[u8]) -> Vec<u8> {
    let mut difference = vec![0; 32];
    let mut borrow = 0;
    for at in (0..32).rev() {
        let digit = i16::from(P256_ORDER[at]) - i16::from(value[at]) - borrow;
        borrow = i16::from(digit < 0);
        difference[at] = digit.rem_euclid(256).to_le_bytes()[0];
    }
    difference
}

#[test]
fn signatures_in_another_form() {
    for forger in Forger::all() {
        let token = forger.valid();
        let (signed, _) = token.rsplit_once('.').unwrap();
        let right = forger.sign(signed);
        match &forger.private {
            Private::Mac(_) => {
                let hex: String = right.iter().map(|b| format!("{b:02x}")).collect();
                forger.signature_refused(hex);
                forger.signature_refused([&[0x04, 0x20], &right[..]].concat());
            }
            Private::Ed25519(_) => {
                // The order of the group, the least byte last; in signatures it is the first.
                let mut order = [0; 32];
                order[0] = 0x10;
                order[16..].copy_from_slice(&[
                    0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c, 0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c,
                    0xf5, 0xd3, 0xed,
                ]);
                let big: Vec<u8> = right[32..].iter().rev().copied().collect();
                let sum = plus(&big, &order).unwrap();
                let malleated = [&right[..32], &sum.iter().rev().copied().collect::<Vec<_>>()];
                forger.signature_refused(malleated.concat());
            }
            Private::P256(_, asn1) => {
                let der = asn1.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
                forger.signature_refused(der.as_ref());
                let high = [&right[..32], &negated(&right[32..])].concat();
                let token = format!("{signed}.{}", encode(high));
                forger.refused(&token, TOKEN_SIGNATURE_INVALID);
                if let Some(half) = plus(&right[..32], &P256_ORDER) {
                    forger.signature_refused([&half[..], &right[32..]].concat());
                }
                if let Some(half) = plus(&right[32..], &P256_ORDER) {
                    forger.signature_refused([&right[..32], &half].concat());
                }
                forger.signature_refused([&right[32..], &right[..32]].concat());
                forger.signature_refused([&[0; 32], &right[32..]].concat());
                forger.signature_refused([&right[..32], &[0; 32]].concat());
            }
            Private::Rsa(pair) => {
                let mut pss = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PSS_SHA256, &random, signed.as_bytes(), &mut pss)
                    .unwrap();
                forger.signature_refused(pss);
            }
        }
    }
}

#[test]
fn other_serialisations() {
    each(|forger| {
        let token = forger.valid();
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            unreachable!()
        };
        let json = json!({"protected": header, "payload": claims, "signature": signature});
        let general = json!({"payload": claims, "signatures": [json]});
        for other in [
            String::new(),
            ".".into(),
            "..".into(),
            format!("{header}.{claims}"),
            format!("{token}."),
            format!(".{token}"),
            format!("{token}.{signature}"),
            format!("{token}.{signature}.{signature}"),
            json.to_string(),
            general.to_string(),
            format!("{token}="),
            format!("{header}=.{claims}.{signature}"),
            format!("{token}\n"),
            format!(" {token}"),
            format!("\u{feff}{token}"),
            format!("{header} .{claims}.{signature}"),
            format!("{header}\t.{claims}.{signature}"),
            format!("Bearer {token}"),
            token.replace('.', "%2E"),
        ] {
            forger.refused(&other, TOKEN_MALFORMED);
        }
        // The last letter's spare bits, where it has some.
        let mut letters = signature.as_bytes().to_vec();
        if signature.len() % 4 != 0 {
            let last = letters.last_mut().unwrap();
            *last = if *last == b'Z' { b'9' } else { *last + 1 };
            let other = format!("{header}.{claims}.{}", String::from_utf8(letters).unwrap());
            assert!(forger.tokens.verify(&other).is_err());
        }
    });
}

#[test]
fn doubled_members_and_nonsense() {
    each(|forger| {
        for text in [
            r#""alg":"none""#,
            r#""typ":"at+jwt""#,
            r#""kid":"x""#,
            r#""\u0061lg":"none""#,
        ] {
            forger.header_refused(&append(&forger.header(), text), TOKEN_HEADER_REFUSED);
        }
        for text in [
            r#""exp":9999999999"#,
            r#""sub":"root""#,
            r#""sid":null"#,
            r#""ver":1,"ver":2"#,
        ] {
            forger.claims_refused(&append(&claims(), text), TOKEN_CLAIMS_INVALID);
        }
        forger.header_refused(&"[".repeat(3000), TOKEN_MALFORMED);
        forger.claims_refused(
            &format!("{{\"x\":{}", "[".repeat(3000)),
            TOKEN_CLAIMS_INVALID,
        );
        forger.claims_refused(&"x".repeat(8000), TOKEN_TOO_LARGE);
    });
}

#[test]
fn headers_that_change_how_a_token_is_read() {
    each(|forger| {
        let jwk: Value = serde_json::from_str(&forger.tokens.jwks()).unwrap();
        for (name, value) in [
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("b64", json!(false)),
            ("b64", json!(true)),
            ("enc", json!("A256GCM")),
            ("zip", json!("DEF")),
            ("jwk", jwk["keys"][0].clone()),
            ("jku", json!("https://example.org/keys")),
            ("x5u", json!("https://example.org/keys")),
            ("x5c", json!(["AAAA"])),
            ("cty", json!("JWT")),
        ] {
            let header = with(forger.header(), name, value);
            forger.header_refused(&header.to_string(), TOKEN_HEADER_REFUSED);
        }
    });
}

#[test]
fn keys_that_are_missing_unknown_foreign_or_odd() {
    each(|forger| {
        let header = without(forger.header(), "kid");
        forger.header_refused(&header.to_string(), TOKEN_HEADER_REFUSED);
        for kid in [
            "",
            "unknown",
            "../../dev/null",
            "' OR 1=1 --",
            "none",
            &key_id("x".repeat(32).as_str()),
        ] {
            let header = with(forger.header(), "kid", json!(kid));
            forger.header_refused(&header.to_string(), TOKEN_KEY_UNKNOWN);
        }
        for kid in [json!(null), json!(0), json!([forger.kid]), json!({})] {
            let header = with(forger.header(), "kid", kid);
            forger.header_refused(&header.to_string(), TOKEN_HEADER_REFUSED);
        }
    });
}

#[test]
fn types_of_other_tokens() {
    each(|forger| {
        let header = without(forger.header(), "typ");
        forger.header_refused(&header.to_string(), TOKEN_HEADER_REFUSED);
        for typ in [
            "JWT",
            "rt+jwt",
            "AT+JWT",
            "application/at+jwt",
            "at+jwt ",
            "",
            "secevent+jwt",
        ] {
            let header = with(forger.header(), "typ", json!(typ));
            forger.header_refused(&header.to_string(), TOKEN_HEADER_REFUSED);
        }
    });
}

#[test]
fn claims_that_are_missing_of_another_type_or_out_of_range() {
    each(|forger| {
        let names = [
            "iss",
            "aud",
            "sub",
            "iat",
            "nbf",
            "exp",
            "jti",
            "permissions",
        ];
        for name in names {
            let missing = without(claims(), name).to_string();
            forger.claims_refused(&missing, TOKEN_CLAIMS_INVALID);
            for value in [json!(null), json!(true), json!({}), json!([[]]), json!(1.5)] {
                let wrong = with(claims(), name, value).to_string();
                forger.claims_refused(&wrong, TOKEN_CLAIMS_INVALID);
            }
        }
        for (name, value, code) in [
            ("iss", json!("elsewhere"), TOKEN_FOREIGN),
            ("aud", json!("elsewhere"), TOKEN_FOREIGN),
            ("aud", json!(["lattice-lock"]), TOKEN_CLAIMS_INVALID),
            ("exp", json!(NOW), TOKEN_CLAIMS_INVALID),
            ("exp", json!(-1), TOKEN_CLAIMS_INVALID),
            ("exp", json!(u64::MAX), TOKEN_CLAIMS_INVALID),
            ("iat", json!(NOW + 3600), TOKEN_CLAIMS_INVALID),
            ("nbf", json!(NOW + 60), TOKEN_NOT_YET_VALID),
            ("jti", json!("1"), TOKEN_CLAIMS_INVALID),
            ("sub", json!(""), TOKEN_CLAIMS_INVALID),
            ("sid", json!("1"), TOKEN_CLAIMS_INVALID),
            ("ver", json!(-1), TOKEN_CLAIMS_INVALID),
        ] {
            forger.claims_refused(&with(claims(), name, value).to_string(), code);
        }
        let past = with(
            with(claims(), "iat", json!(NOW - 60)),
            "nbf",
            json!(NOW - 60),
        );
        let past = with(past, "exp", json!(NOW - 30)).to_string();
        forger.claims_refused(&past, TOKEN_EXPIRED);
    });
}

#[derive(Clone, Debug)]
enum Mutation {
    Bit(usize),
    Byte(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
    Swap(usize, usize),
    Segment(usize, String),
    Member(bool, String, Option<String>),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0_usize..4000;
    let names = "(alg|typ|kid|iss|aud|sub|iat|nbf|exp|jti|permissions|sid|crit|[a-z]{1,4})";
    prop_oneof![
        at.clone().prop_map(Mutation::Bit),
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        (at.clone(), 0x20_u8..0x7f).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        at.clone().prop_map(Mutation::Remove),
        at.clone().prop_map(Mutation::Cut),
        (at.clone(), at).prop_map(|(one, two)| Mutation::Swap(one, two)),
        (0_usize..3, "[A-Za-z0-9_-]{0,80}").prop_map(|(at, text)| Mutation::Segment(at, text)),
        (any::<bool>(), names, proptest::option::of("[a-z0-9]{0,12}"))
            .prop_map(|(header, name, value)| Mutation::Member(header, name, value)),
    ]
}

impl Mutation {
    fn apply(&self, token: &str) -> String {
        let mut bytes = token.as_bytes().to_vec();
        let length = bytes.len();
        match self {
            Self::Bit(at) => bytes[at / 8 % length] ^= 1 << (at % 8),
            Self::Byte(at, byte) => bytes[at % length] = *byte,
            Self::Insert(at, byte) => bytes.insert(at % (length + 1), *byte),
            Self::Remove(at) => drop(bytes.remove(at % length)),
            Self::Cut(at) => bytes.truncate(at % length),
            Self::Swap(one, two) => bytes.swap(one % length, two % length),
            Self::Segment(at, text) => {
                let mut parts: Vec<&str> = token.split('.').collect();
                parts[*at] = text;
                return parts.join(".");
            }
            Self::Member(header, name, value) => {
                let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
                let part = &mut parts[usize::from(!header)];
                let mut json: Value = serde_json::from_slice(&crate::forge::decode(part)).unwrap();
                match value {
                    Some(value) => json[name] = json!(value),
                    None => drop(json.as_object_mut().unwrap().remove(name)),
                }
                *part = encode(json.to_string());
                return parts.join(".");
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[test]
fn no_mutation_of_a_valid_token_is_accepted() {
    for forger in Forger::all() {
        let token = forger.valid();
        let mut runner = proptest::test_runner::TestRunner::default();
        let all = proptest::collection::vec(mutation(), 1..4);
        let held = runner.run(&all, |mutations| {
            let mutated = mutations.iter().fold(token.clone(), |it, one| {
                if it.split('.').count() == 3 && !it.is_empty() && is_json(&it) {
                    one.apply(&it)
                } else {
                    it
                }
            });
            prop_assume!(mutated != token);
            prop_assert!(forger.tokens.verify(&mutated).is_err(), "{}", mutated);
            Ok(())
        });
        held.unwrap();
    }
}

/// Whether header and claims are JSON objects, so that a member of them can be changed.
fn is_json(token: &str) -> bool {
    use base64::Engine;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    token.split('.').take(2).all(|part| {
        let json = engine.decode(part).ok();
        let json = json.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        json.is_some_and(|json| json.is_object())
    })
}
