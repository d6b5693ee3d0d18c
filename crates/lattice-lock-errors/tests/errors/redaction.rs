//! What holds of `redact` for any text.

use std::borrow::Cow;

use lattice_lock_errors::redact;
use proptest::prelude::*;

use crate::planted::{self, SOUP};

/// Pieces of the grammar that redaction knows, in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(SOUP).prop_map(str::to_string),
        1 => "\\PC{0,3}",
        1 => "[a-zA-Z0-9]{1,40}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn is_stable(text: &str) {
    let once = redact(text);
    let twice = redact(&once);
    assert_eq!(twice, once, "of {text:?}");
    assert!(matches!(twice, Cow::Borrowed(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_pass_changes_nothing_in_any_text(text in "\\PC*") {
        is_stable(&text);
    }

    #[test]
    fn a_second_pass_changes_nothing_in_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        is_stable(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_second_pass_changes_nothing_in_a_soup_of_fragments(text in soup()) {
        is_stable(&text);
    }

    #[test]
    fn a_planted_secret_goes_and_stays_gone(
        secret in planted::secret(),
        before in "[a-z ,.\n]{0,20}",
        after in "[a-z ,.\n]{0,20}",
    ) {
        let text = format!("{before} {} {after}", secret.text);
        let redacted = redact(&text);
        secret.assert_absent(&redacted);
        is_stable(&text);
    }
}
