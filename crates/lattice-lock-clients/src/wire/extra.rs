//! What a caller adds to a body in the provider's own words.
//!
//! Objects are merged field by field, so that `extra_body("generationConfig", …)` adds to ours; anything else is
//! replaced, so that the caller's word counts. Lists are replaced as a whole.
//!
//! `null` replaces like any other value; it does not take a field out. A body without additions is not read again.

use serde_json::{Map, Value};

/// `body` with the caller's own fields. Most callers have none, and then nothing is read again.
pub(super) fn merged(body: Vec<u8>, extra: &Map<String, Value>) -> Vec<u8> {
    if extra.is_empty() {
        return body;
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&body) else {
        return body;
    };
    merge(&mut fields, extra);
    Value::Object(fields).to_string().into_bytes()
}

/// Objects are merged, anything else is replaced.
fn merge(fields: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (name, value) in extra {
        match (fields.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge(inner, more),
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_merged_and_all_else_is_replaced() {
        let Value::Object(extra) = json!({ "a": { "c": 3 }, "b": [2], "d": 4 }) else {
            panic!("an object")
        };
        let body = br#"{"a":{"b":1,"c":2},"b":[1]}"#.to_vec();
        let merged: Value = serde_json::from_slice(&merged(body, &extra)).unwrap();
        let expected = json!({ "a": { "b": 1, "c": 3 }, "b": [2], "d": 4 });
        assert_eq!(merged, expected);
    }

    #[test]
    fn without_extras_the_body_stays_as_it_is() {
        assert_eq!(merged(b"{ }".to_vec(), &Map::new()), b"{ }");
    }
}
