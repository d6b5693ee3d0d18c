use std::time::Duration;

use lattice_lock_auth::codes::{TOKEN_KEY_UNKNOWN, TOKEN_SIGNATURE_INVALID};
use lattice_lock_auth::{Grant, Tokens};

use crate::forge::{
    Fixed, NOW, OTHER_SECRET, SECRET, claims, header, key, key_id, secret, sign_with, with,
};

fn tokens(current: &str, previous: Option<&str>) -> Tokens {
    let builder = Tokens::builder(&secret(current)).clock(Fixed::at(NOW));
    let builder = previous
        .into_iter()
        .fold(builder, |it, text| it.previous(&secret(text)));
    builder.build().unwrap()
}

fn issue(tokens: &Tokens) -> String {
    let grant = Grant::new("user-17".parse().unwrap());
    let token = tokens.issue(&grant, Duration::from_mins(1)).unwrap();
    token.expose().clone()
}

#[test]
fn tokens_from_before_a_rotation_stay_valid_as_long_as_the_previous_secret_is_given() {
    let (before, during) = (tokens(SECRET, None), tokens(OTHER_SECRET, Some(SECRET)));
    let after = tokens(OTHER_SECRET, None);
    let (old, new) = (issue(&before), issue(&during));
    assert!(during.verify(&old).is_ok());
    assert!(during.verify(&new).is_ok());
    assert!(after.verify(&new).is_ok());
    assert_eq!(after.verify(&old).unwrap_err().code(), TOKEN_KEY_UNKNOWN);
    assert_eq!(before.verify(&new).unwrap_err().code(), TOKEN_KEY_UNKNOWN);
}

#[test]
fn each_name_opens_its_own_key_only() {
    let tokens = tokens(OTHER_SECRET, Some(SECRET));
    for (named, signed, accepted) in [
        (SECRET, SECRET, true),
        (OTHER_SECRET, OTHER_SECRET, true),
        (SECRET, OTHER_SECRET, false),
        (OTHER_SECRET, SECRET, false),
    ] {
        let header = with(header(), "kid", key_id(named).into());
        let token = sign_with(&key(signed), &header.to_string(), &claims().to_string());
        let got = tokens
            .verify(&token)
            .map(drop)
            .map_err(|error| error.code());
        let expected = if accepted {
            Ok(())
        } else {
            Err(TOKEN_SIGNATURE_INVALID)
        };
        assert_eq!(got, expected);
    }
}

#[test]
fn the_same_secret_twice_is_one_key() {
    let tokens = tokens(SECRET, Some(SECRET));
    assert!(tokens.verify(&issue(&tokens)).is_ok());
}

#[test]
fn clones_and_other_processes_with_the_same_secret_agree() {
    let (one, two) = (tokens(SECRET, None), tokens(SECRET, None));
    assert!(two.verify(&issue(&one)).is_ok());
    assert!(one.clone().verify(&issue(&two)).is_ok());
}
