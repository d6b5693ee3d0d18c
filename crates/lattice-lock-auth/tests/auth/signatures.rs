use hkdf::hmac::{Hmac, KeyInit, Mac};
use lattice_lock_auth::codes::{TOKEN_MALFORMED, TOKEN_SIGNATURE_INVALID};
use sha2::{Sha384, Sha512};

use crate::forge::{
    OTHER_SECRET, SECRET, accepted, claims, derived, encode, header, key, key_id, mac, refused,
    sign_with, valid,
};

fn signed() -> String {
    valid().rsplit_once('.').unwrap().0.to_owned()
}

fn check(signature: impl AsRef<[u8]>) {
    let token = format!("{}.{}", signed(), encode(signature));
    refused(&token, TOKEN_SIGNATURE_INVALID);
}

#[test]
fn a_signature_of_any_other_length_or_content_is_refused() {
    let right = mac(&key(SECRET), &signed());
    accepted(&format!("{}.{}", signed(), encode(&right)));
    for length in 0..32 {
        check(&right[..length]);
        check(&right[32 - length..]);
    }
    check([&right[..], &[0]].concat());
    check([&[0], &right[..]].concat());
    check([&right[..], &right].concat());
    check([0; 32]);
    check([0xff; 32]);
    check(vec![0; 4000]);
    check(right.iter().rev().copied().collect::<Vec<_>>());
    check(right.iter().map(|byte| !byte).collect::<Vec<_>>());
    check(right.iter().map(|b| format!("{b:02x}")).collect::<String>());
    check([&[0x30, 0x20], &right[..]].concat());
}

#[test]
fn a_signature_over_less_than_everything_is_refused() {
    let key = key(SECRET);
    let signed = signed();
    let (header, claims) = signed.split_once('.').unwrap();
    for message in [
        "",
        header,
        claims,
        ".",
        &format!("{header}{claims}"),
        &format!("{signed}."),
    ] {
        check(mac(&key, message));
    }
}

#[test]
fn longer_digests_under_the_right_key_are_refused() {
    let mut sha384 = Hmac::<Sha384>::new_from_slice(&key(SECRET)).unwrap();
    sha384.update(signed().as_bytes());
    let mut sha512 = Hmac::<Sha512>::new_from_slice(&key(SECRET)).unwrap();
    sha512.update(signed().as_bytes());
    let (long, longer) = (
        sha384.finalize().into_bytes(),
        sha512.finalize().into_bytes(),
    );
    check(long);
    check(longer);
    check(&longer[..32]);
}

#[test]
fn keys_that_are_none_are_refused() {
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n";
    let keys: [&[u8]; 11] = [
        b"",
        &[0; 32],
        SECRET.as_bytes(),
        OTHER_SECRET.as_bytes(),
        key_id(SECRET).as_bytes().to_vec().leak(),
        &key(OTHER_SECRET),
        &derived(SECRET, ""),
        &derived(SECRET, "lattice-lock/v1/access-token/key-id"),
        &derived(SECRET, "lattice-lock/v1/refresh-token/hs256"),
        b"secret",
        pem.as_bytes(),
    ];
    for key in keys {
        let token = sign_with(key, &header().to_string(), &claims().to_string());
        refused(&token, TOKEN_SIGNATURE_INVALID);
    }
}

#[test]
fn a_signature_has_one_spelling() {
    let token = valid();
    let (signed, right) = token.rsplit_once('.').unwrap();
    let body = &right[..42];
    let alphabet = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['-', '_']);
    let spellings: Vec<String> = alphabet.map(|last| format!("{body}{last}")).collect();
    let is_accepted = |it: &&String| {
        crate::forge::tokens()
            .verify(&format!("{signed}.{it}"))
            .is_ok()
    };
    assert_eq!(
        spellings.iter().filter(is_accepted).collect::<Vec<_>>(),
        [right]
    );
    for signature in [
        format!("{right}="),
        format!("{right}=="),
        format!(" {right}"),
        format!("{right}\n"),
    ] {
        refused(&format!("{signed}.{signature}"), TOKEN_MALFORMED);
    }
}
