//! Counts, as JSON has them.
//!
//! A count is a whole number from 0 to [`LARGEST_COUNT`]. Some servers write every number with a point, and `7.0`
//! is taken for 7; a text, a fraction, a negative number and one beyond all bounds are findings, never 0 and never
//! wrapped.
//!
//! A field that is missing and one that is `null` are both absent. A list or an object where a number belongs is a
//! finding, while an object that is missing has nothing but absent counts.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::UsageFinding;

/// The largest count that is taken for one: far beyond any exchange, and small enough that no sum of counts
/// overflows.
pub(crate) const LARGEST_COUNT: u64 = 1_000_000_000_000;

/// What a provider wrote of its usage, as far as it can be a count or hold one. It borrows what it can: it is made of
/// every reply, and gone as soon as the counts are sorted.
#[derive(Debug)]
pub(super) enum Told<'a> {
    Nothing,
    /// A whole number that is not negative.
    Whole(u64),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
    /// Anything else.
    Odd,
}

impl Told<'_> {
    /// The value of a field; of several with one name the last one counts.
    fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => {
                let mut fields = fields.iter().rev();
                fields.find(|(it, _)| it == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    fn is_text(&self, text: &str) -> bool {
        matches!(self, Self::Text(it) if it == text)
    }
}

/// An object of counts. What is missing or `null` is absent, and so is everything in an absent object.
#[derive(Clone, Copy)]
pub(super) struct Counts<'a>(Option<&'a Told<'a>>);

impl<'a> Counts<'a> {
    /// The counts in `told`, the wire's `field`.
    pub(super) fn new(told: &'a Told<'a>, field: &'static str) -> Result<Self, UsageFinding> {
        match told {
            Told::Nothing => Ok(Self(None)),
            Told::Object(_) => Ok(Self(Some(told))),
            _ => Err(UsageFinding::NotACount { field }),
        }
    }

    /// The object of counts in `field`.
    pub(super) fn within(self, field: &'static str) -> Result<Self, UsageFinding> {
        match self.field(field) {
            Some(told) => Self::new(told, field),
            None => Ok(Self(None)),
        }
    }

    /// The object in a list whose field has this text; absent, if there is none.
    pub(super) fn listed(
        self,
        list: &'static str,
        (name, text): (&str, &str),
    ) -> Result<Self, UsageFinding> {
        let is_it = |item: &&Told<'_>| item.field(name).is_some_and(|it| it.is_text(text));
        match self.field(list) {
            None | Some(Told::Nothing) => Ok(Self(None)),
            Some(Told::List(items)) => Ok(Self(items.iter().find(is_it))),
            Some(_) => Err(UsageFinding::NotACount { field: list }),
        }
    }

    /// The count in `field`.
    pub(super) fn count(self, field: &'static str) -> Result<Option<u64>, UsageFinding> {
        match self.field(field) {
            None | Some(Told::Nothing) => Ok(None),
            Some(Told::Whole(count)) if *count <= LARGEST_COUNT => Ok(Some(*count)),
            Some(_) => Err(UsageFinding::NotACount { field }),
        }
    }

    fn field(self, field: &str) -> Option<&'a Told<'a>> {
        self.0?.field(field)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Told<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Teller)
    }
}

struct Teller;

impl<'de> Visitor<'de> for Teller {
    type Value = Told<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Told::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Told::Odd)
    }

    fn visit_u64<E>(self, count: u64) -> Result<Self::Value, E> {
        Ok(Told::Whole(count))
    }

    /// The format gives what is not negative to `visit_u64`.
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Told::Odd)
    }

    /// Some servers write every number with a point.
    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        let text = number.to_string();
        let is_short = text.len() <= LARGEST_COUNT.ilog10() as usize + 1;
        let count = text.parse().ok().filter(|_| is_short);
        Ok(count.map_or(Told::Odd, Told::Whole))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Told::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Told::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Told::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(8);
        while let Some(name) = map.next_key()? {
            let Name(name) = name;
            fields.push((name, map.next_value()?));
        }
        Ok(Told::Object(fields))
    }
}

/// A field's name, borrowed where nothing in it is escaped.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        match reader.deserialize_str(Teller)? {
            Told::Text(name) => Ok(Self(name)),
            _ => Ok(Self(Cow::Borrowed(""))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(json: &str) -> Told<'_> {
        serde_json::from_str(json).unwrap()
    }

    fn check(value: &Value, expected: Result<Option<u64>, ()>) {
        let object = json!({ "n": value }).to_string();
        let object = told(&object);
        let counted = Counts::new(&object, "usage").unwrap().count("n");
        assert_eq!(counted.map_err(|_| ()), expected, "{value}");
    }

    #[test]
    fn a_count_is_a_whole_number_that_is_not_negative_or_huge() {
        check(&json!(0), Ok(Some(0)));
        check(&json!(7), Ok(Some(7)));
        check(&json!(7.0), Ok(Some(7)));
        check(&json!(1e12), Ok(Some(LARGEST_COUNT)));
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
    fn of_two_fields_with_one_name_the_last_one_counts() {
        let object = told(r#"{"n":1,"\u006e":2}"#);
        assert_eq!(
            Counts::new(&object, "usage").unwrap().count("n"),
            Ok(Some(2))
        );
    }

    #[test]
    fn a_missing_object_has_no_counts_and_a_wrong_one_is_found() {
        let object = told(r#"{"details":null,"odd":7}"#);
        let counts = Counts::new(&object, "usage").unwrap();
        let within = |field| counts.within(field).map(|inner| inner.count("n"));
        assert_eq!(within("details"), Ok(Ok(None)));
        assert_eq!(within("missing"), Ok(Ok(None)));
        assert_eq!(within("odd"), Err(UsageFinding::NotACount { field: "odd" }));
    }
}
