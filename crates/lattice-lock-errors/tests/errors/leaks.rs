//! A secret that reached an error leaves it in no form.

use std::fmt;

use lattice_lock_errors::{Code, Error, codes};
use proptest::prelude::*;

use crate::planted::{Planted, secret};

codes! {
    /// Retryable.
    ONE = "LL-TSK-901", Timeout, "wait";
    /// Critical.
    TWO = "LL-SEC-902", Insecure, "set a secret";
    /// The caller's fault.
    THREE = "LL-DB-903", Invalid, "mend it";
}

/// An error of somebody else, that says whatever it likes in all of its forms.
#[derive(Debug)]
struct Talkative {
    text: String,
    source: Option<Box<Talkative>>,
}

impl fmt::Display for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Talkative {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

fn talkative(text: &str) -> Talkative {
    let inner = Talkative {
        text: format!("inner: {text}"),
        source: None,
    };
    Talkative {
        text: format!("outer: {text}"),
        source: Some(Box::new(inner)),
    }
}

fn errors(code: Code, text: &str) -> Vec<Error> {
    let plain = || Error::new(code, "it failed");
    vec![
        plain().with("value", text),
        plain().with("value", format_args!("{}{text}", "é".repeat(600))),
        plain().with_foreign(&talkative(text)),
        plain().with_source(talkative(text)),
        plain().with_source(plain().with("value", text).with_foreign(&talkative(text))),
    ]
}

fn forms(error: &Error) -> [String; 5] {
    [
        error.to_string(),
        format!("{error:?}"),
        format!("{error:#?}"),
        error.report().to_string(),
        serde_json::to_string(&error.record()).unwrap(),
    ]
}

fn check(planted: &Planted, code: Code) {
    for error in errors(code, &planted.text) {
        for form in forms(&error) {
            planted.assert_absent(&form);
        }
    }
    let stripped = Error::new(code, "it failed").with_foreign(&talkative(&planted.text));
    let mut cause = std::error::Error::source(&stripped);
    while let Some(error) = cause {
        planted.assert_absent(&error.to_string());
        planted.assert_absent(&format!("{error:?}"));
        cause = error.source();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_planted_secret_is_in_no_form_of_any_error(planted in secret(), at in 0..CODES.len()) {
        check(&planted, CODES[at]);
    }

    #[test]
    fn cutting_a_long_value_does_not_bring_a_secret_back(planted in secret(), before in 900_usize..1100) {
        let text = format!("{}{}", "x ".repeat(before / 2), planted.text);
        for error in errors(ONE, &text) {
            for form in forms(&error) {
            planted.assert_absent(&form);
        }
        }
    }
}

#[test]
fn a_value_goes_whole_when_its_key_tells_that_it_is_secret() {
    let error = Error::new(ONE, "it failed").with("password", "plainword");
    assert!(!format!("{error:?}").contains("plainword"));
}
