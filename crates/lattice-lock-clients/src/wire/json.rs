//! Reading only what is wanted of a body that may be hostile, without a tree of the rest.
//!
//! A reply is mostly text that nobody here looks at, and an event of a stream a few words in a hundred bytes of
//! frame. A tree of all of it would take several times its length in memory. So the text is walked once, the values
//! that are wanted are kept as slices of it, and each is read when it is used.
//!
//! What this gives and what it leaves to its callers:
//!
//! - A body that is no object is an error; a value of another type than was expected is as good as absent.
//! - Of several fields of one name the last one counts, and `null` is as good as none.
//! - What is skipped is still read as JSON, without recursion: nesting as deep as the body is long needs no stack.
//! - A value that is read whole goes through `serde_json`, whose own bound on nesting holds.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object with these names, unread; a `null` is as good as none.
///
/// What is not wanted is skipped and not kept. Of several with one name the last one counts, as a later word
/// of a provider does.
///
/// An error says that the text is no object or ends too early, which its [`classify`](serde_json::Error::classify)
/// tells apart.
pub(super) fn fields<'a, const N: usize>(
    json: &'a str,
    names: [&'static str; N],
) -> serde_json::Result<[Option<&'a RawValue>; N]> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let found = reader.deserialize_map(Names(names))?;
    reader.end()?;
    Ok(found)
}

/// What is wanted of an object: the names of its fields, and what of each.
pub(super) type Wants = [(&'static str, Want)];

/// What is wanted of a field, and at which place of what is found.
///
/// Places are given by hand, each to one field, and must be below the number that the caller of [`walk`] reads.
#[derive(Debug)]
pub(super) enum Want {
    /// The value, unread.
    Value(usize),
    /// Whether it is an object, and what of that.
    Object(usize, &'static Wants),
    /// Whether it is a list that begins with an object, and what of that.
    First(usize, &'static Wants),
}

/// As [`fields`], with those of objects inside: all of them are found on one way through the text.
pub(super) fn walk<'a, const N: usize>(
    json: &'a str,
    wants: &'static Wants,
) -> serde_json::Result<[Option<&'a RawValue>; N]> {
    let mut found = [None; N];
    let mut reader = serde_json::Deserializer::from_str(json);
    reader.deserialize_map(Walk {
        wants,
        found: &mut found,
    })?;
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
struct Names<const N: usize>([&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Names<N> {
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

/// Finds what is wanted of an object.
struct Walk<'f, 'de> {
    wants: &'static Wants,
    found: &'f mut [Option<&'de RawValue>],
}

impl<'de> Visitor<'de> for Walk<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { wants, found } = self;
        while let Some(at) = map.next_key_seed(Wanted(wants))? {
            let (place, wants, is_list) = match at.map(|at| &wants[at].1) {
                None => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Some(Want::Value(place)) => {
                    let value: &'de RawValue = map.next_value()?;
                    found[*place] = (value.get() != "null").then_some(value);
                    continue;
                }
                Some(Want::Object(place, wants)) => (*place, *wants, false),
                Some(Want::First(place, wants)) => (*place, *wants, true),
            };
            map.next_value_seed(Step {
                place,
                wants,
                is_list,
                found: &mut *found,
            })?;
        }
        Ok(())
    }
}

/// Goes into a field. What stands there and is something else is as good as nothing.
struct Step<'f, 'de> {
    place: usize,
    wants: &'static Wants,
    is_list: bool,
    found: &'f mut [Option<&'de RawValue>],
}

impl<'de> DeserializeSeed<'de> for Step<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        if self.is_list {
            return IgnoredAny.visit_map(map).map(|_| ());
        }
        // Of several with one name the last one counts, all of it and nothing else.
        if self.found[self.place].is_some() {
            forget(self.wants, self.found);
        }
        self.found[self.place] = Some(RawValue::TRUE);
        let (wants, found) = (self.wants, self.found);
        Walk { wants, found }.visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.is_list {
            let is_list = false;
            list.next_element_seed(Self { is_list, ..self })?;
        }
        IgnoredAny.visit_seq(list).map(|_| ())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn forget(wants: &Wants, found: &mut [Option<&RawValue>]) {
    for (_, want) in wants {
        match want {
            Want::Value(place) => found[*place] = None,
            Want::Object(place, wants) | Want::First(place, wants) => {
                found[*place] = None;
                forget(wants, found);
            }
        }
    }
}

/// Which of the wanted fields a key is.
struct Wanted(&'static Wants);

impl<'de> DeserializeSeed<'de> for Wanted {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Wanted {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|(wanted, _)| *wanted == name))
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

    static NESTED: &Wants = &[
        ("a", Want::Value(0)),
        ("b", Want::Object(1, &[("a", Want::Value(2))])),
        ("c", Want::First(3, &[("a", Want::Value(4))])),
    ];

    fn walked(json: &str, expected: [Option<&str>; 5]) {
        let found = walk(json, NESTED).unwrap();
        let found = found.map(|value| value.map(RawValue::get));
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn what_is_wanted_inside_is_found_on_the_same_way() {
        let there = Some("true");
        walked("{}", [None; 5]);
        walked(
            r#"{"x":{"a":9},"b":{"x":[1],"a":2},"a":1,"c":[{"a":3,"c":[]},{"a":4}]}"#,
            [Some("1"), there, Some("2"), there, Some("3")],
        );
        walked(
            r#"{"b":{"a":null},"c":[{}]}"#,
            [None, there, None, there, None],
        );
    }

    #[test]
    fn of_two_objects_with_one_name_the_last_one_counts() {
        let there = Some("true");
        walked(
            r#"{"b":{"a":1},"b":{},"c":[{"a":1}],"c":[{}]}"#,
            [None, there, None, there, None],
        );
        walked(
            r#"{"b":{"a":1},"b":{"a":2}}"#,
            [None, there, Some("2"), None, None],
        );
    }

    #[test]
    fn what_stands_in_the_place_of_an_object_is_as_good_as_nothing() {
        for odd in ["null", "7", "-7", "0.5", "true", "\"x\"", "\"\\u0061\""] {
            walked(&format!(r#"{{"b":{odd},"c":{odd}}}"#), [None; 5]);
            walked(&format!(r#"{{"b":[{odd}],"c":[{odd}]}}"#), [None; 5]);
        }
        walked(r#"{"b":[{"a":1}],"c":{"a":1}}"#, [None; 5]);
        walked(r#"{"b":[],"c":[]}"#, [None; 5]);
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        walked(&format!(r#"{{"b":{deep},"c":{{"a":{deep}}}}}"#), [None; 5]);
        for broken in [
            "",
            "7",
            "{",
            "[]",
            r#"{"b":{"a":1}"#,
            r#"{"c":[{"a":1}}"#,
            "{} {}",
        ] {
            let broken: serde_json::Result<[_; 5]> = walk(broken, NESTED);
            assert!(broken.is_err());
        }
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
