use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE};
use lattice_lock_auth::codes::{
    TOKEN_CLAIMS_INVALID, TOKEN_MALFORMED, TOKEN_SIGNATURE_INVALID, TOKEN_TOO_LARGE,
};
use serde_json::json;

use crate::forge::{
    SECRET, accepted, claims, encode, header, key, mac, refused, sign, valid, with,
};

#[test]
fn a_token_has_three_parts() {
    let token = valid();
    let (header, rest) = token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    for text in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        header.into(),
        format!("{header}.{claims}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.{header}.{claims}.{signature}"),
        format!("{header}..{claims}.{signature}"),
        format!("{token}.{token}"),
        "a.b.c.d.e".into(),
        ".".repeat(8000),
    ] {
        refused(&text, TOKEN_MALFORMED);
    }
    for text in [
        format!("{header}..{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{header}.{signature}"),
        format!("{header}.{claims}.{claims}"),
    ] {
        refused(&text, TOKEN_SIGNATURE_INVALID);
    }
    refused(&format!(".{claims}.{signature}"), TOKEN_MALFORMED);
}

#[test]
fn nothing_stands_around_a_token() {
    let token = valid();
    for text in [
        format!("Bearer {token}"),
        format!(" {token}"),
        format!("\u{feff}{token}"),
        format!("\n{token}"),
        format!("{token}\n"),
        format!("{token} "),
        format!("{token}\0"),
        format!("\"{token}\""),
        format!("{token},{token}"),
        format!("{token}#"),
        format!("{token}?x=1"),
        token.replace('.', "%2E"),
        token.replace('.', "\u{3002}"),
        token.replace('.', ". "),
        token.chars().map(|c| format!("{c} ")).collect(),
    ] {
        refused(&text, TOKEN_MALFORMED);
    }
}

#[test]
fn json_serialisations_are_no_tokens() {
    let token = valid();
    let parts: Vec<&str> = token.split('.').collect();
    let flat = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
    let general = json!({"payload": parts[1], "signatures": [{"protected": parts[0], "signature": parts[2]}]});
    refused(&flat.to_string(), TOKEN_MALFORMED);
    refused(&general.to_string(), TOKEN_MALFORMED);
}

/// A token whose parts are spelt by `spell`, rightly signed over that spelling.
fn spelt(claims: &str, spell: impl Fn(&str) -> String) -> String {
    let signed = format!("{}.{}", spell(&header().to_string()), spell(claims));
    let signature = encode(mac(&key(SECRET), &signed));
    format!("{signed}.{signature}")
}

#[test]
fn other_spellings_of_base64_are_refused_even_when_signed() {
    let claims = with(claims(), "sub", json!("user-???>>>")).to_string();
    assert!(STANDARD_NO_PAD.encode(&claims).contains(['+', '/']));
    assert!(
        crate::forge::tokens()
            .verify(&spelt(&claims, |part| encode(part)))
            .is_ok()
    );
    refused(
        &spelt(&claims, |part| STANDARD_NO_PAD.encode(part)),
        TOKEN_MALFORMED,
    );
    let padded = |part: &str| {
        let part = format!("{part}{}", " ".repeat((5 - part.len() % 3) % 3));
        URL_SAFE.encode(part)
    };
    assert!(padded("x").ends_with('='));
    refused(&spelt(&claims, padded), TOKEN_MALFORMED);
    refused(
        &spelt(&claims, |part| format!("{}\n", encode(part))),
        TOKEN_MALFORMED,
    );
    refused(
        &spelt(&claims, std::borrow::ToOwned::to_owned),
        TOKEN_MALFORMED,
    );
}

#[test]
fn bits_beyond_the_last_byte_are_refused_even_when_signed() {
    for padding in 0..3 {
        let claims = format!("{}{}", claims(), " ".repeat(padding));
        let part = encode(&claims);
        let accept = sign(&header().to_string(), &claims);
        accepted(&accept);
        if claims.len() % 3 == 0 {
            continue;
        }
        let (body, last) = part.split_at(part.len() - 1);
        // A space ends in four zero bits, so that the next letter of the alphabet means the same bytes.
        let next = char::from(last.as_bytes()[0] + 1);
        let signed = format!("{}.{body}{next}", encode(header().to_string()));
        let token = format!("{signed}.{}", encode(mac(&key(SECRET), &signed)));
        refused(&token, TOKEN_MALFORMED);
    }
}

#[test]
fn size_is_limited_before_anything_is_looked_at() {
    refused(&"x".repeat(8193), TOKEN_TOO_LARGE);
    refused(&"x".repeat(8192), TOKEN_MALFORMED);
    refused(&".".repeat(64 << 20), TOKEN_TOO_LARGE);
    let token = |spaces: usize| {
        sign(
            &header().to_string(),
            &format!("{}{}", claims(), " ".repeat(spaces)),
        )
    };
    let room = (8192 - valid().len()) / 4 * 3;
    accepted(&token(room - 3));
    refused(&token(room + 6), TOKEN_TOO_LARGE);
}

#[test]
fn nesting_ends_at_the_first_level() {
    for open in ["[", "{\"a\":"] {
        let deep = open.repeat(1000);
        let claims = format!("{{\"permissions\":{deep}");
        refused(&sign(&header().to_string(), &claims), TOKEN_CLAIMS_INVALID);
    }
}
