//! Counts, as JSON has them.
//!
//! A count is a whole number from 0 to [`LARGEST_COUNT`]. Some servers write every number with a point, and `7.0` is taken for
//! 7; a text, a fraction, a negative number and one beyond all bounds are findings, never 0 and never wrapped.

use serde_json::Value;

use crate::UsageFinding;

/// The largest count that is taken for one: far beyond any exchange, and small enough that no sum of counts
/// overflows.
pub(crate) const LARGEST_COUNT: u64 = 1_000_000_000_000;

/// An object of counts. What is missing or `null` is absent, and so is everything in an absent object.
#[derive(Clone, Copy)]
pub(super) struct Counts<'a>(Option<&'a Value>);

impl<'a> Counts<'a> {
    /// The counts in `value`, the wire's `field`.
    pub(super) fn new(value: &'a Value, field: &'static str) -> Result<Self, UsageFinding> {
        match value {
            Value::Null => Ok(Self(None)),
            Value::Object(_) => Ok(Self(Some(value))),
            _ => Err(UsageFinding::NotACount { field }),
        }
    }

    /// The object of counts in `field`.
    pub(super) fn within(self, field: &'static str) -> Result<Self, UsageFinding> {
        match self.field(field) {
            Some(value) => Self::new(value, field),
            None => Ok(Self(None)),
        }
    }

    /// The object in a list whose field has this text; absent, if there is none.
    pub(super) fn listed(
        self,
        list: &'static str,
        (name, text): (&str, &str),
    ) -> Result<Self, UsageFinding> {
        match self.field(list) {
            None | Some(Value::Null) => Ok(Self(None)),
            Some(Value::Array(items)) => {
                let mut items = items.iter();
                Ok(Self(items.find(|item| item[name] == text)))
            }
            Some(_) => Err(UsageFinding::NotACount { field: list }),
        }
    }

    /// The count in `field`.
    pub(super) fn count(self, field: &'static str) -> Result<Option<u64>, UsageFinding> {
        match self.field(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => whole(value)
                .filter(|count| *count <= LARGEST_COUNT)
                .map(Some)
                .ok_or(UsageFinding::NotACount { field }),
        }
    }

    fn field(self, field: &str) -> Option<&'a Value> {
        self.0?.get(field)
    }
}

/// A whole number; some servers write every number with a point.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let text = value.as_number()?.to_string();
        text.strip_suffix(".0")?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(value: &Value, expected: Result<Option<u64>, ()>) {
        let object = json!({ "n": value });
        let counted = Counts::new(&object, "usage").unwrap().count("n");
        assert_eq!(counted.map_err(|_| ()), expected, "{value}");
    }

    #[test]
    fn a_count_is_a_whole_number_that_is_not_negative_or_huge() {
        check(&json!(0), Ok(Some(0)));
        check(&json!(7), Ok(Some(7)));
        check(&json!(7.0), Ok(Some(7)));
        check(&json!(null), Ok(None));
        check(&json!(LARGEST_COUNT), Ok(Some(LARGEST_COUNT)));
        check(&json!(LARGEST_COUNT + 1), Err(()));
        check(&json!(u64::MAX), Err(()));
        check(&json!(-1), Err(()));
        check(&json!(-0.0), Err(()));
        check(&json!(7.5), Err(()));
        check(&json!(1e30), Err(()));
        check(&json!("7"), Err(()));
        check(&json!([7]), Err(()));
        check(&json!(true), Err(()));
    }

    #[test]
    fn a_missing_object_has_no_counts_and_a_wrong_one_is_found() {
        let object = json!({ "details": null, "odd": 7 });
        let counts = Counts::new(&object, "usage").unwrap();
        let within = |field| counts.within(field).map(|inner| inner.count("n"));
        assert_eq!(within("details"), Ok(Ok(None)));
        assert_eq!(within("missing"), Ok(Ok(None)));
        assert_eq!(within("odd"), Err(UsageFinding::NotACount { field: "odd" }));
    }
}
