use lattice_lock_auth::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::{
    OTHER_SECRET, SECRET, claims, decode, derived, encode, header, key, key_id, sign_with, tokens,
    valid,
};

fn is_accepted(tokens: &Tokens, token: &str) -> bool {
    tokens.verify(token).is_ok()
}

#[test]
fn no_flipped_bit_is_accepted() {
    let (tokens, token) = (tokens(), valid());
    assert!(is_accepted(&tokens, &token));
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let flipped = String::from_utf8(bytes).unwrap();
            assert!(!is_accepted(&tokens, &flipped), "{at} {bit}");
        }
    }
}

#[test]
fn no_removed_doubled_or_swapped_byte_is_accepted() {
    let (tokens, token) = (tokens(), valid());
    for at in 0..token.len() {
        let (start, end) = token.split_at(at);
        assert!(!is_accepted(&tokens, start), "cut at {at}");
        assert!(!is_accepted(&tokens, end) || at == 0, "begun at {at}");
        assert!(
            !is_accepted(&tokens, &format!("{start}{}", &end[1..])),
            "without {at}"
        );
        assert!(
            !is_accepted(&tokens, &format!("{start}{}{end}", &end[..1])),
            "double {at}"
        );
        let mut bytes = token.clone().into_bytes();
        if at > 0 && bytes[at - 1] != bytes[at] {
            bytes.swap(at - 1, at);
            assert!(
                !is_accepted(&tokens, std::str::from_utf8(&bytes).unwrap()),
                "swapped {at}"
            );
        }
    }
}

/// A value that a forger would like to see instead.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        Just(json!("none")),
        Just(json!(["manage:users"])),
        Just(json!("admin")),
        Just(json!(key_id(OTHER_SECRET))),
        Just(json!(4_000_000_000_u64)),
        prop::collection::vec(".{0,10}", 0..4).prop_map(Value::from),
    ]
}

/// Changes one member: sets, adds or removes it. What is removed was there.
fn changed(
    object: Value,
    pick: prop::sample::Index,
    value: Option<Value>,
    add: Option<String>,
) -> Value {
    let mut object = object;
    let members = object.as_object_mut().unwrap();
    let name = add.filter(|_| value.is_some()).unwrap_or_else(|| {
        let names: Vec<_> = members.keys().cloned().collect();
        pick.get(&names).clone()
    });
    match value {
        Some(value) => members.insert(name, value),
        None => members.remove(&name),
    };
    object
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_changed_text_is_accepted(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0..3_u8), 1..4),
    ) {
        let token = valid();
        let mut chars: Vec<char> = token.chars().collect();
        for (at, new, what) in edits {
            let at = at.index(chars.len());
            match what {
                0 => chars[at] = new,
                1 => chars.insert(at, new),
                _ => drop(chars.remove(at)),
            }
        }
        let edited: String = chars.into_iter().collect();
        prop_assume!(edited != token);
        prop_assert!(!is_accepted(&tokens(), &edited), "{}", edited);
    }

    #[test]
    fn no_other_arrangement_of_parts_is_accepted(order in prop::collection::vec(0..4_usize, 0..6)) {
        let token = valid();
        let parts: Vec<&str> = token.split('.').chain([""]).collect();
        let arranged = order.iter().map(|at| parts[*at]).collect::<Vec<_>>().join(".");
        prop_assume!(arranged != token);
        prop_assert!(!is_accepted(&tokens(), &arranged), "{}", arranged);
    }

    #[test]
    fn no_changed_member_is_accepted_under_an_old_or_a_foreign_signature(
        in_header in any::<bool>(),
        pick in any::<prop::sample::Index>(),
        value in prop::option::of(any_value()),
        add in prop::option::of("[a-z]{1,6}"),
        label in "[a-z/-]{0,40}",
    ) {
        let (mut header, mut claims) = (header(), claims());
        let changed_one = if in_header { &mut header } else { &mut claims };
        let before = changed_one.clone();
        *changed_one = changed(before.clone(), pick, value, add);
        prop_assume!(*changed_one != before);
        let (header, claims) = (header.to_string(), claims.to_string());
        let token = valid();
        let signature = token.rsplit_once('.').unwrap().1;
        let kept = format!("{}.{}.{signature}", encode(&header), encode(&claims));
        prop_assert!(!is_accepted(&tokens(), &kept), "{}", kept);
        for key in [key(OTHER_SECRET), derived(SECRET, &label)] {
            let signed = sign_with(&key, &header, &claims);
            prop_assert!(!is_accepted(&tokens(), &signed), "{}", signed);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[A-Za-z0-9_.{}\":=-]{0,200}|.{0,200}") {
        prop_assert!(!is_accepted(&tokens(), &text));
    }

    #[test]
    fn no_json_makes_it_panic_even_when_signed(header_text in ".{0,60}", claims_text in ".{0,60}") {
        let key = key(SECRET);
        for (one, two) in [
            (header_text.as_str(), claims().to_string().as_str()),
            (header().to_string().as_str(), claims_text.as_str()),
        ] {
            prop_assert!(!is_accepted(&tokens(), &sign_with(&key, one, two)));
        }
    }
}

#[test]
fn the_parts_of_two_valid_tokens_do_not_mix() {
    let tokens = tokens();
    let other = crate::forge::sign(
        &header().to_string(),
        &crate::forge::with(claims(), "sub", json!("user-18")).to_string(),
    );
    let (one, two) = (valid(), other);
    assert!(is_accepted(&tokens, &two));
    let split = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (split(&one), split(&two));
    assert!(!is_accepted(
        &tokens,
        &format!("{}.{}.{}", a[0], b[1], a[2])
    ));
    assert!(!is_accepted(
        &tokens,
        &format!("{}.{}.{}", a[0], a[1], b[2])
    ));
    assert_eq!(decode(&a[0]), decode(&b[0]));
}
