use std::time::Duration;

use lattice_lock_auth::codes::{AUTH_DISABLED, AUTH_SETTING_INVALID};
use lattice_lock_auth::{Grant, Tokens, TokensBuilder};
use lattice_lock_config::AppConfig;

use crate::forge::{OTHER_SECRET, SECRET, builder, secret};

const DAY: Duration = Duration::from_hours(24);

fn check(builder: TokensBuilder, accepted: bool) {
    let built = builder.build();
    assert_eq!(built.is_ok(), accepted);
    if let Err(error) = built {
        assert_eq!(error.code(), AUTH_SETTING_INVALID);
    }
}

#[test]
fn settings_of_tokens_have_their_limits() {
    check(builder(), true);
    for name in ["", " ", "a b", "a\n", "a\u{0}", &"x".repeat(257)] {
        check(builder().issuer(name), false);
        check(builder().audience(name), false);
    }
    check(builder().issuer("https://example.org/"), true);
    check(builder().longest_lifetime(Duration::ZERO), false);
    check(
        builder().longest_lifetime(Duration::from_millis(999)),
        false,
    );
    check(builder().longest_lifetime(DAY * 365), true);
    check(builder().longest_lifetime(DAY * 366), false);
    check(builder().longest_lifetime(Duration::MAX), false);
}

fn config(variables: &[(&str, &str)]) -> AppConfig {
    let variables = variables.iter().copied();
    AppConfig::builder().variables(variables).build().unwrap()
}

#[test]
fn the_configuration_gives_both_secrets() {
    let config = config(&[
        ("LATTICE_LOCK_SECRET_KEY", SECRET),
        ("LATTICE_LOCK_SECRET_KEY_PREVIOUS", OTHER_SECRET),
    ]);
    let tokens = Tokens::from_config(config.auth()).unwrap();
    let grant = Grant::new("user-17".parse().unwrap());
    for text in [SECRET, OTHER_SECRET] {
        let token = Tokens::new(&secret(text))
            .unwrap()
            .issue(&grant, DAY)
            .unwrap();
        assert!(tokens.verify(token.expose()).is_ok());
    }
}

#[test]
fn the_configuration_gives_issuer_audience_and_algorithm() {
    let given = config(&[
        ("LATTICE_LOCK_ISSUER", "https://auth.example.com"),
        ("LATTICE_LOCK_AUDIENCE", "search"),
        ("LATTICE_LOCK_SECRET_KEY", SECRET),
    ]);
    let ours = Tokens::from_config(given.auth()).unwrap();
    let others = Tokens::new(&secret(SECRET)).unwrap();
    let grant = Grant::new("user-17".parse().unwrap());
    let token = ours.issue(&grant, DAY).unwrap();
    assert!(ours.verify(token.expose()).is_ok());
    let error = others.verify(token.expose()).unwrap_err();
    assert_eq!(error.code(), lattice_lock_auth::codes::TOKEN_FOREIGN);
    let asked = config(&[("LATTICE_LOCK_TOKEN_ALGORITHM", "EdDSA")]);
    let error = Tokens::from_config(asked.auth()).unwrap_err();
    assert_eq!(error.code(), AUTH_SETTING_INVALID);
}

#[test]
fn a_longer_token_expiry_is_issued_and_verified() {
    let config = config(&[("TOKEN_EXPIRY_MINUTES", "525600")]);
    let tokens = Tokens::from_config(config.auth()).unwrap();
    let grant = Grant::new("user-17".parse().unwrap());
    let token = tokens.issue(&grant, config.auth().token_expiry).unwrap();
    assert!(tokens.verify(token.expose()).is_ok());
}

#[test]
fn without_auth_there_are_no_tokens() {
    let given = config(&[("LATTICE_LOCK_SECRET_KEY", SECRET)]);
    let mut auth = given.auth().clone();
    auth.enabled = false;
    assert_eq!(
        Tokens::from_config(&auth).unwrap_err().code(),
        AUTH_DISABLED
    );
    auth.enabled = true;
    auth.signing_secret = None;
    assert_eq!(
        Tokens::from_config(&auth).unwrap_err().code(),
        AUTH_DISABLED
    );
}

#[test]
fn a_random_secret_ends_with_its_process() {
    let (one, two) = (config(&[]), config(&[]));
    let grant = Grant::new("user-17".parse().unwrap());
    let one = Tokens::from_config(one.auth()).unwrap();
    let token = one.issue(&grant, DAY).unwrap();
    assert!(one.verify(token.expose()).is_ok());
    assert!(
        Tokens::from_config(two.auth())
            .unwrap()
            .verify(token.expose())
            .is_err()
    );
}
