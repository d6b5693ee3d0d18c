use std::time::Duration;

use lattice_lock_auth::codes::{
    TOKEN_CLAIMS_INVALID, TOKEN_EXPIRED, TOKEN_FOREIGN, TOKEN_MALFORMED, TOKEN_NOT_ISSUABLE,
    TOKEN_NOT_YET_VALID,
};
use lattice_lock_auth::{Grant, Role};
use lattice_lock_errors::Code;
use lattice_lock_principal::PrincipalKind;
use serde_json::{Value, json};

use crate::forge::{
    Fixed, NOW, SECRET, accepted, append, builder, claims, claims_refused, decode, header, key_id,
    sign, tokens, valid, with, without,
};

const DAY: u64 = 24 * 60 * 60;
const NAMES: [&str; 8] = [
    "iss",
    "aud",
    "sub",
    "iat",
    "nbf",
    "exp",
    "jti",
    "permissions",
];

fn check(name: &str, value: Value, code: Code) {
    claims_refused(&with(claims(), name, value).to_string(), code);
}

/// The number stands in the text as it is written here.
fn check_number(name: &str, number: &str, code: Code) {
    let text = with(claims(), name, json!("@")).to_string();
    claims_refused(&text.replace("\"@\"", number), code);
}

#[test]
fn what_is_issued_is_verified_and_says_what_was_granted() {
    let grant = Grant::new("user-17".parse().unwrap()).role(Role::Operator);
    let token = tokens().issue(&grant, Duration::from_mins(1)).unwrap();
    let who = tokens().verify(token.expose()).unwrap();
    assert_eq!(who.id().as_str(), "user-17");
    assert_eq!(who.kind(), PrincipalKind::User);
    assert!(who.may(&"write:rollback".parse().unwrap()));
    assert!(!who.may(&"manage:users".parse().unwrap()));
}

#[test]
fn a_token_is_written_as_documented() {
    let grant = Grant::new("user-17".parse().unwrap()).permit("read:health".parse().unwrap());
    let token = tokens()
        .issue(&grant, Duration::from_millis(60_999))
        .unwrap();
    let parts: Vec<&str> = token.expose().split('.').collect();
    let json = |part| serde_json::from_slice::<Value>(&decode(part)).unwrap();
    assert_eq!(json(parts[0]), header());
    assert_eq!(json(parts[0])["kid"], key_id(SECRET));
    let jti = json(parts[1])["jti"].clone();
    assert_eq!(jti.as_str().unwrap().len(), 36);
    assert_eq!(
        json(parts[1]),
        with(with(claims(), "exp", json!(NOW + 60)), "jti", jti)
    );
}

#[test]
fn no_two_tokens_are_the_same() {
    let grant = Grant::new("user-17".parse().unwrap());
    let issue = || tokens().issue(&grant, Duration::from_mins(1)).unwrap();
    assert_ne!(issue(), issue());
}

#[test]
fn every_claim_is_required_once() {
    accepted(&valid());
    for name in NAMES {
        claims_refused(&without(claims(), name).to_string(), TOKEN_CLAIMS_INVALID);
        let again = format!("\"{name}\":{}", claims()[name]);
        claims_refused(&append(&claims(), &again), TOKEN_CLAIMS_INVALID);
        let escaped = again.replacen(&name[..1], &format!("\\u{:04x}", name.as_bytes()[0]), 1);
        claims_refused(&append(&claims(), &escaped), TOKEN_CLAIMS_INVALID);
    }
}

#[test]
fn every_claim_has_its_type() {
    let wrong = [
        Value::Null,
        json!(true),
        json!({}),
        json!([[]]),
        json!([1]),
        json!(1.5),
    ];
    for name in NAMES {
        for value in &wrong {
            check(name, value.clone(), TOKEN_CLAIMS_INVALID);
        }
    }
    for name in ["iat", "nbf", "exp"] {
        check(name, json!(NOW.to_string()), TOKEN_CLAIMS_INVALID);
        check(name, json!([NOW]), TOKEN_CLAIMS_INVALID);
        for number in ["1.8e9", "1800000000.0", "-1", "-0", "18446744073709551616"] {
            check_number(name, number, TOKEN_CLAIMS_INVALID);
        }
        for number in ["1e400", "NaN", "0x7fffffff", "01", "+1", "1 2"] {
            check_number(name, number, TOKEN_MALFORMED);
        }
    }
    for name in ["iss", "aud", "sub", "jti"] {
        check(name, json!(7), TOKEN_CLAIMS_INVALID);
        check(name, json!([claims()[name]]), TOKEN_CLAIMS_INVALID);
    }
    check("permissions", json!("read:health"), TOKEN_CLAIMS_INVALID);
    check(
        "permissions",
        json!({"read:health": true}),
        TOKEN_CLAIMS_INVALID,
    );
}

#[test]
fn every_claim_has_its_rules() {
    for id in [
        "",
        " ",
        "user 17",
        "user-17\n",
        "user\u{0}",
        &"x".repeat(129),
    ] {
        check("sub", json!(id), TOKEN_CLAIMS_INVALID);
    }
    let id = crate::forge::ID;
    for jti in [
        "",
        "1",
        &id.to_uppercase(),
        &id.replace('-', ""),
        &format!("{{{id}}}"),
        &format!("urn:uuid:{id}"),
    ] {
        check("jti", json!(jti), TOKEN_CLAIMS_INVALID);
    }
    for permission in [
        "",
        "*",
        "read",
        "read:*",
        "READ:health",
        "read:health ",
        "read:a:b",
    ] {
        check("permissions", json!([permission]), TOKEN_CLAIMS_INVALID);
        check(
            "permissions",
            json!(["read:health", permission]),
            TOKEN_CLAIMS_INVALID,
        );
    }
}

#[test]
fn tokens_of_others_and_for_others_are_refused() {
    for name in [
        "",
        "lattice-lock ",
        "Lattice-Lock",
        "lattice-lock/",
        "lattice",
        "https://lattice-lock",
    ] {
        check("iss", json!(name), TOKEN_FOREIGN);
        check("aud", json!(name), TOKEN_FOREIGN);
    }
    let elsewhere = builder().audience("elsewhere").build().unwrap();
    assert_eq!(
        elsewhere.verify(&valid()).unwrap_err().code(),
        TOKEN_FOREIGN
    );
    let elsewhere = builder().issuer("elsewhere").build().unwrap();
    assert_eq!(
        elsewhere.verify(&valid()).unwrap_err().code(),
        TOKEN_FOREIGN
    );
}

#[test]
fn unknown_claims_are_refused_because_they_may_narrow_the_others() {
    for text in [
        r#""scope":"read:health""#,
        r#""cnf":{}"#,
        r#""azp":"x""#,
        r#""":1"#,
        r#""EXP":1"#,
    ] {
        claims_refused(&append(&claims(), text), TOKEN_CLAIMS_INVALID);
    }
}

#[test]
fn claims_are_an_object() {
    let values = NAMES.map(|name| claims()[name].clone());
    let array = json!(values).to_string();
    let text = claims().to_string();
    for claims in [
        "",
        "null",
        "[]",
        &array,
        &format!(" {text}"),
        &format!("{text}{text}"),
        "{",
        "\"x\"",
    ] {
        claims_refused(claims, TOKEN_MALFORMED);
    }
    claims_refused("{}", TOKEN_CLAIMS_INVALID);
}

fn check_times(iat: u64, nbf: u64, exp: u64, expected: Result<(), Code>) {
    let claims = with(
        with(with(claims(), "iat", json!(iat)), "nbf", json!(nbf)),
        "exp",
        json!(exp),
    );
    let token = sign(&header().to_string(), &claims.to_string());
    let got = tokens()
        .verify(&token)
        .map(drop)
        .map_err(|error| error.code());
    assert_eq!(got, expected, "{iat} {nbf} {exp}");
}

#[test]
fn times_have_an_order_and_a_range() {
    check_times(NOW, NOW, NOW + 1, Ok(()));
    check_times(NOW, NOW, NOW + DAY, Ok(()));
    check_times(NOW, NOW, NOW + DAY + 1, Err(TOKEN_CLAIMS_INVALID));
    check_times(NOW, NOW, NOW, Err(TOKEN_CLAIMS_INVALID));
    check_times(NOW, NOW, NOW - 1, Err(TOKEN_CLAIMS_INVALID));
    check_times(NOW, NOW - 1, NOW + 60, Err(TOKEN_CLAIMS_INVALID));
    check_times(NOW, NOW + 3, NOW + 3, Err(TOKEN_CLAIMS_INVALID));
    check_times(0, NOW, NOW + 60, Err(TOKEN_CLAIMS_INVALID));
    check_times(NOW, NOW, u64::MAX, Err(TOKEN_CLAIMS_INVALID));
    check_times(0, 0, u64::MAX, Err(TOKEN_CLAIMS_INVALID));
    check_times(
        u64::MAX - 1,
        u64::MAX - 1,
        u64::MAX,
        Err(TOKEN_NOT_YET_VALID),
    );
    check_times(u64::MAX, u64::MAX, u64::MAX, Err(TOKEN_CLAIMS_INVALID));
    check_times(0, 0, 0, Err(TOKEN_CLAIMS_INVALID));
    check_times(0, 0, 1, Err(TOKEN_EXPIRED));
}

#[test]
fn leeway_is_five_seconds_at_both_ends() {
    check_times(NOW - 60, NOW - 60, NOW - 4, Ok(()));
    check_times(NOW - 60, NOW - 60, NOW - 5, Err(TOKEN_EXPIRED));
    check_times(NOW + 5, NOW + 5, NOW + 60, Ok(()));
    check_times(NOW + 6, NOW + 6, NOW + 60, Err(TOKEN_NOT_YET_VALID));
    check_times(NOW, NOW + 6, NOW + 60, Err(TOKEN_NOT_YET_VALID));
}

fn check_leeway(leeway: u64, age: u64, accepted: bool) {
    let clock = Fixed::at(NOW);
    let leeway = Duration::from_secs(leeway);
    let tokens = builder()
        .leeway(leeway)
        .clock(clock.clone())
        .build()
        .unwrap();
    let grant = Grant::new("user-17".parse().unwrap());
    let token = tokens.issue(&grant, Duration::from_secs(10)).unwrap();
    clock.set(NOW + age);
    let got = tokens.verify(token.expose());
    assert_eq!(got.is_ok(), accepted, "{leeway:?} {age}");
    if let Err(error) = got {
        assert_eq!(error.code(), TOKEN_EXPIRED);
    }
}

#[test]
fn at_the_second_of_exp_a_token_has_expired_and_leeway_is_a_minute_at_most() {
    check_leeway(0, 9, true);
    check_leeway(0, 10, false);
    check_leeway(60, 69, true);
    check_leeway(60, 70, false);
    check_leeway(61, 70, false);
    check_leeway(u64::MAX, 69, true);
    check_leeway(u64::MAX, 70, false);
}

#[test]
fn lifetimes_and_sizes_that_are_never_accepted_are_never_issued() {
    let grant = Grant::new("user-17".parse().unwrap());
    let issue = |seconds| tokens().issue(&grant, Duration::from_secs(seconds));
    for seconds in [0, DAY + 1, u64::MAX] {
        assert_eq!(issue(seconds).unwrap_err().code(), TOKEN_NOT_ISSUABLE);
    }
    let error = tokens()
        .issue(&grant, Duration::from_millis(999))
        .unwrap_err();
    assert_eq!(error.code(), TOKEN_NOT_ISSUABLE);
    assert!(issue(DAY).is_ok());
    let many = |count: u32| {
        let all = (0..count).map(|n| format!("read:thing_{n}").parse().unwrap());
        all.fold(grant.clone(), Grant::permit)
    };
    let largest = tokens().issue(&many(300), Duration::from_mins(1)).unwrap();
    assert!(tokens().verify(largest.expose()).is_ok());
    let error = tokens()
        .issue(&many(400), Duration::from_mins(1))
        .unwrap_err();
    assert_eq!(error.code(), TOKEN_NOT_ISSUABLE);
}

#[test]
fn a_clock_at_the_end_of_time_issues_nothing_and_accepts_nothing() {
    let tokens = builder().clock(Fixed::at(u64::MAX)).build().unwrap();
    let grant = Grant::new("user-17".parse().unwrap());
    let error = tokens.issue(&grant, Duration::from_secs(1)).unwrap_err();
    assert_eq!(error.code(), TOKEN_NOT_ISSUABLE);
    assert_eq!(tokens.verify(&valid()).unwrap_err().code(), TOKEN_EXPIRED);
    let tokens = builder().clock(Fixed::at(0)).build().unwrap();
    assert_eq!(
        tokens.verify(&valid()).unwrap_err().code(),
        TOKEN_NOT_YET_VALID
    );
}
