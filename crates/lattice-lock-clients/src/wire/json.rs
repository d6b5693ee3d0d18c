//! Reading only what is wanted of a body that may be hostile, without a tree of the rest.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object with these names, unread; a `null` is as good as none.
///
/// What is not wanted is skipped and not kept. Of several with one name the last one counts, as a later word
/// of a provider does.
pub(super) fn fields<'a, const N: usize>(
    json: &'a str,
    names: [&'static str; N],
) -> serde_json::Result<[Option<&'a RawValue>; N]> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let found = reader.deserialize_map(Wanted(names))?;
    reader.end()?;
    Ok(found)
}

/// As [`fields`] of an object inside another; none where there is no object.
pub(super) fn inner<'a, const N: usize>(
    object: Option<&'a RawValue>,
    names: [&'static str; N],
) -> [Option<&'a RawValue>; N] {
    object
        .and_then(|object| fields(object.get(), names).ok())
        .unwrap_or([None; N])
}

/// A value of a type, if it is there and has that type.
pub(super) fn read<'a, T: serde::Deserialize<'a>>(value: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(value?.get()).ok()
}

/// A text, if it is there and is one.
pub(super) fn text(value: Option<&RawValue>) -> Option<String> {
    borrowed(value).map(Cow::into_owned)
}

/// As [`text`], without a copy where nothing in it is escaped.
pub(super) fn borrowed(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let quoted = value?.get();
    let plain = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if plain.contains('\\') {
        serde_json::from_str(quoted).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(plain))
    }
}

/// A list's items, unread; none where there is no list.
pub(super) fn items(value: Option<&RawValue>) -> Vec<&RawValue> {
    read(value).unwrap_or_default()
}

/// A message's text: a string, or the texts among a list of parts, joined.
pub(super) fn content(value: Option<&RawValue>) -> Option<String> {
    text(value).or_else(|| {
        let parts: Vec<&RawValue> = read(value)?;
        Some(parts.into_iter().filter_map(part).collect())
    })
}

/// The words of a part, if words are what it is.
fn part(part: &RawValue) -> Option<String> {
    let [kind, said] = inner(Some(part), ["type", "text"]);
    (text(kind)? == "text").then(|| text(said))?
}

/// Reads an object, and keeps only the fields of these names.
struct Wanted<const N: usize>([&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Wanted<N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(place) = map.next_key_seed(Place(&self.0))? {
            match place {
                Some(at) => {
                    let value: &'de RawValue = map.next_value()?;
                    found[at] = (value.get() != "null").then_some(value);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// Which of the wanted names a key is.
struct Place<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| *wanted == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: [Option<&str>; 2]) {
        let found = fields(json, ["a", "b"]).unwrap();
        assert_eq!(found.map(|value| value.map(RawValue::get)), expected);
    }

    #[test]
    fn wanted_fields_are_found_and_the_last_of_two_counts() {
        check("{}", [None, None]);
        check(r#"{"b":[1],"x":{"a":2}}"#, [None, Some("[1]")]);
        check(r#"{"a":1,"a":2,"b":null}"#, [Some("2"), None]);
        check(r#"{"\u0061":1}"#, [Some("1"), None]);
    }

    #[test]
    fn a_number_beyond_all_bounds_harms_nothing() {
        check(r#"{"x":1e999,"a":-1e999}"#, [Some("-1e999"), None]);
    }

    #[test]
    fn depth_is_no_stack() {
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        check(&deep, [None, None]);
        let wanted = deep.replace('x', "a");
        let [value] = fields(&wanted, ["a"]).unwrap();
        assert_eq!(read::<serde_json::Value>(value), None);
        assert_eq!(content(value), Some(String::new()));
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for json in ["", "[]", "7", "{", "{} {}"] {
            assert!(fields(json, ["a"]).is_err(), "{json:?}");
        }
    }

    #[test]
    fn content_is_a_text_or_the_texts_among_parts() {
        let check = |json: &str, expected: Option<&str>| {
            let json = format!("{{\"a\":{json}}}");
            let [value] = fields(&json, ["a"]).unwrap();
            assert_eq!(content(value).as_deref(), expected, "{json}");
        };
        check("null", None);
        check("7", None);
        check("\"x\"", Some("x"));
        check("[]", Some(""));
        check(
            r#"[{"type":"thinking","text":"hm"},{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"tool_use"},7]"#,
            Some("ab"),
        );
    }
}
