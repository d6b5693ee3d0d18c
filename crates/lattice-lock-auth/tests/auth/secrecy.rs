use std::fmt::Debug;
use std::time::Duration;

use lattice_lock_auth::codes::CODES;
use lattice_lock_auth::{Grant, PasswordHash, Passwords, Role, Tokens};
use lattice_lock_errors::{Error, Secret};

use crate::forge::{SECRET, builder, claims, encode, header, key, secret, sign, tokens, with};

const PLANTED: &str = "planted-Zq8w-five-tired-zebras";

fn seen(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}")
}

fn everything(error: &Error) -> String {
    let record = serde_json::to_string(&error.record()).unwrap();
    format!("{error}\n{}\n{}\n{record}", seen(error), error.report())
}

#[track_caller]
fn check(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn no_type_shows_a_secret() {
    let tokens = builder()
        .previous(&secret(crate::forge::OTHER_SECRET))
        .build()
        .unwrap();
    let key = key(SECRET);
    let hex: String = key.iter().map(|b| format!("{b:02x}")).collect();
    let numbers = format!("{key:?}");
    let forms = [
        SECRET,
        crate::forge::OTHER_SECRET,
        &hex,
        &encode(key),
        &numbers,
    ];
    check(&seen(&tokens), &forms);
    check(
        &seen(&builder().previous(&secret(crate::forge::OTHER_SECRET))),
        &forms,
    );
    let issued = tokens
        .issue(
            &Grant::new("user-17".parse().unwrap()),
            Duration::from_secs(9),
        )
        .unwrap();
    check(&seen(&issued), &[issued.expose()]);
}

#[tokio::test]
async fn no_hash_shows_itself() {
    let passwords = Passwords::default();
    let hash = passwords
        .hash(&Secret::new(PLANTED.to_owned()))
        .await
        .unwrap();
    let parts: Vec<&str> = hash.as_str().rsplit('$').take(2).collect();
    check(
        &format!("{}{}", seen(&hash), seen(&passwords)),
        &[PLANTED, parts[0], parts[1]],
    );
    check(hash.as_str(), &[PLANTED]);
}

#[tokio::test]
async fn no_error_of_a_password_repeats_it() {
    let passwords = Passwords::builder().shortest(64).build().unwrap();
    let short = Secret::new(PLANTED.to_owned());
    check(
        &everything(&passwords.hash(&short).await.unwrap_err()),
        &[PLANTED, "planted"],
    );
    let long = Secret::new(PLANTED.repeat(50));
    check(
        &everything(&passwords.hash(&long).await.unwrap_err()),
        &[PLANTED, "planted"],
    );
    for text in [
        PLANTED.to_owned(),
        format!("$2b$12${PLANTED}"),
        format!("$argon2id$v=19${PLANTED}"),
    ] {
        let error = text.parse::<PasswordHash>().unwrap_err();
        check(&everything(&error), &[PLANTED, "planted"]);
    }
    let error = PLANTED.parse::<Role>().unwrap_err();
    assert!(
        error.to_string().contains(PLANTED),
        "names of roles are no secrets"
    );
}

#[test]
fn no_error_of_a_token_repeats_any_of_it() {
    let planted = || serde_json::json!(PLANTED);
    let mut bad = vec![
        PLANTED.to_owned(),
        format!("{PLANTED}.{PLANTED}.{PLANTED}"),
        sign(PLANTED, &claims().to_string()),
        sign(&header().to_string(), PLANTED),
        "x".repeat(9000) + PLANTED,
    ];
    for name in ["alg", "typ", "kid", "crit", PLANTED] {
        bad.push(sign(
            &with(header(), name, planted()).to_string(),
            &claims().to_string(),
        ));
    }
    for name in [
        "iss",
        "aud",
        "iat",
        "nbf",
        "exp",
        "jti",
        "permissions",
        PLANTED,
    ] {
        bad.push(sign(
            &header().to_string(),
            &with(claims(), name, planted()).to_string(),
        ));
    }
    let spaced = with(claims(), "sub", serde_json::json!(format!("{PLANTED} ")));
    bad.push(sign(&header().to_string(), &spaced.to_string()));
    for token in bad {
        let error = tokens().verify(&token).expect_err(&token);
        let signature = token.rsplit('.').next().unwrap().to_owned();
        let text = everything(&error);
        check(
            &text,
            &[PLANTED, &encode(PLANTED), &token, &signature, SECRET],
        );
    }
}

#[test]
fn an_issued_token_does_not_contain_the_secret() {
    let tokens = Tokens::new(&secret(SECRET)).unwrap();
    let grant = Grant::new("user-17".parse().unwrap()).role(Role::Admin);
    let token = tokens.issue(&grant, Duration::from_secs(9)).unwrap();
    let text: String = token
        .expose()
        .split('.')
        .take(2)
        .map(|part| String::from_utf8(crate::forge::decode(part)).unwrap())
        .collect();
    check(&text, &[SECRET, &encode(key(SECRET))]);
}

#[test]
fn codes_are_unique_and_of_this_area() {
    let mut names: Vec<&str> = CODES
        .iter()
        .map(lattice_lock_errors::Code::as_str)
        .collect();
    assert!(
        names
            .iter()
            .all(|name| ("LL-AUT-020".."LL-AUT-070").contains(name))
    );
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CODES.len());
}
