use lattice_lock_auth::codes::{
    TOKEN_HEADER_REFUSED, TOKEN_KEY_UNKNOWN, TOKEN_MALFORMED, TOKEN_SIGNATURE_INVALID,
};
use serde_json::{Value, json};

use crate::forge::{
    OTHER_SECRET, accepted, append, claims, encode, header, header_refused, key_id, refused, sign,
    tokens, valid, with, without,
};

fn check(member: &str, values: &[Value]) {
    for value in values {
        let header = with(header(), member, value.clone());
        header_refused(&header.to_string(), TOKEN_HEADER_REFUSED);
    }
}

/// What no member may be, whatever it means.
fn wrong_types() -> [Value; 8] {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    [
        Value::Null,
        json!(true),
        json!(0),
        json!(1.5),
        json!([]),
        json!(["HS256"]),
        json!({}),
        deep,
    ]
}

#[test]
fn the_control_is_accepted_whatever_the_order_of_its_members() {
    accepted(&valid());
    let header = format!(
        r#"{{ "kid":"{}", "typ":"at+jwt","alg":"HS256"}}"#,
        key_id(crate::forge::SECRET)
    );
    accepted(&sign(&header, &claims().to_string()));
}

#[test]
fn no_algorithm_but_the_one_is_taken_however_it_is_signed() {
    let names = [
        "none", "None", "NONE", "nOnE", "", "hs256", "Hs256", "HS256 ", " HS256", "HS256\0",
        "HS384", "HS512", "RS256", "PS256", "ES256", "ES512", "EdDSA", "Ed25519", "dir", "A256KW",
    ];
    check("alg", &names.map(Value::from));
    check("alg", &wrong_types());
    header_refused(&without(header(), "alg").to_string(), TOKEN_HEADER_REFUSED);
    for name in names {
        let unsigned = format!(
            "{}.{}.",
            encode(with(header(), "alg", json!(name)).to_string()),
            encode(claims().to_string())
        );
        refused(&unsigned, TOKEN_HEADER_REFUSED);
    }
}

#[test]
fn tokens_of_another_type_are_not_taken_for_access_tokens() {
    let types = [
        "JWT",
        "jwt",
        "rt+jwt",
        "AT+JWT",
        "at+JWT",
        "application/at+jwt",
        "at+jwt ",
        "",
        "JOSE",
        "dpop+jwt",
        "logout+jwt",
    ];
    check("typ", &types.map(Value::from));
    check("typ", &wrong_types());
    header_refused(&without(header(), "typ").to_string(), TOKEN_HEADER_REFUSED);
}

#[test]
fn only_the_known_keys_can_be_named() {
    let kid = key_id(crate::forge::SECRET);
    let names = [
        String::new(),
        key_id(OTHER_SECRET),
        "current".into(),
        "previous".into(),
        format!("{kid} "),
        format!("{kid}\0"),
        kid[..15].to_owned(),
        kid.to_lowercase(),
        "../../dev/null".into(),
        "' OR '1'='1".into(),
        "x".repeat(4000),
        "https://example.org/key".into(),
    ];
    for name in names {
        let header = with(header(), "kid", json!(name));
        header_refused(&header.to_string(), TOKEN_KEY_UNKNOWN);
    }
    check("kid", &wrong_types());
    header_refused(&without(header(), "kid").to_string(), TOKEN_HEADER_REFUSED);
}

#[test]
fn members_that_change_how_a_token_is_read_are_refused() {
    let jwk = json!({"kty": "oct", "k": "AAAA"});
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("enc", json!("A256GCM")),
        ("zip", json!("DEF")),
        ("jwk", jwk),
        ("jku", json!("https://example.org/keys")),
        ("x5u", json!("https://example.org/keys")),
        ("x5c", json!(["AAAA"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("cty", json!("JWT")),
        ("url", json!("https://example.org")),
        ("nonce", json!("x")),
        ("epk", json!({})),
        ("p2c", json!(1_000_000)),
        ("ALG", json!("HS256")),
        ("", json!(null)),
        ("anything", json!(null)),
    ] {
        check(name, &[value]);
    }
}

#[test]
fn doubled_members_are_refused_however_they_are_spelt() {
    for text in [
        r#""alg":"none""#,
        r#""alg":"HS256""#,
        r#""\u0061lg":"none""#,
        r#""typ":"JWT""#,
        r#""kid":"x""#,
    ] {
        header_refused(&append(&header(), text), TOKEN_HEADER_REFUSED);
    }
}

#[test]
fn what_is_no_object_is_no_header() {
    let array = json!(["HS256", "at+jwt", key_id(crate::forge::SECRET)]);
    let nested = "[".repeat(4000);
    let text = header().to_string();
    for header in [
        "",
        " ",
        "null",
        "\"HS256\"",
        "1",
        "[]",
        &array.to_string(),
        &nested,
        &format!("{{\"alg\":\"HS256\"{}", ""),
        &format!("\u{feff}{text}"),
        &format!(" {text}"),
        &format!("{text}x"),
        &format!("{text}{text}"),
        &format!("{text}\0"),
        &text.replace('"', "'"),
        &text.replace("HS256", "HS\u{0}256"),
    ] {
        header_refused(header, TOKEN_MALFORMED);
    }
    header_refused("{}", TOKEN_HEADER_REFUSED);
    let deep = format!("{{\"x\":{}", "[".repeat(4000));
    header_refused(&deep, TOKEN_HEADER_REFUSED);
}

#[test]
fn a_header_that_is_not_utf_8_is_malformed() {
    let mut header = header().to_string().into_bytes();
    let at = header.iter().position(|b| *b == b'H').unwrap();
    header[at] = 0xff;
    let token = format!("{}.{}.{}", encode(header), encode("{}"), encode([0; 32]));
    refused(&token, TOKEN_MALFORMED);
}

#[test]
fn the_claims_are_not_looked_at_before_the_signature() {
    let signed = format!("{}.!!!", encode(header().to_string()));
    refused(
        &format!("{signed}.{}", encode([0; 32])),
        TOKEN_SIGNATURE_INVALID,
    );
    assert!(tokens().verify(&signed).is_err());
}
