use serde_json::{Value, json};

use super::*;
use crate::UsageFinding;

fn check(usage: &Value, expected: &[(Bucket, u64)], finding: Option<UsageFinding>) {
    let body = json!({ "content": [], "usage": usage });
    let said = AnthropicMessages.said(&Provider::anthropic(), body.to_string().as_bytes());
    let read = said.unwrap().usage;
    assert_eq!(
        read.usage.reported().collect::<Vec<_>>(),
        expected,
        "{usage}"
    );
    assert_eq!(read.finding, finding, "{usage}");
}

#[test]
fn the_buckets_are_disjoint_as_they_come() {
    let usage = json!({
        "input_tokens": 7, "output_tokens": 11,
        "cache_read_input_tokens": 20, "cache_creation_input_tokens": 70,
        "cache_creation": { "ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 40 },
        "server_tool_use": { "web_search_requests": 2 },
        "service_tier": "standard",
    });
    let expected = [
        (Bucket::Input, 7),
        (Bucket::CacheRead, 20),
        (Bucket::CacheWrite5m, 30),
        (Bucket::CacheWrite1h, 40),
        (Bucket::Output, 11),
        (Bucket::WebSearches, 2),
    ];
    check(&usage, &expected, None);
}

#[test]
fn without_lifetimes_a_cache_write_lives_five_minutes() {
    let expected = [(Bucket::CacheWrite5m, 70)];
    check(
        &json!({ "cache_creation_input_tokens": 70 }),
        &expected,
        None,
    );
    check(
        &json!({ "cache_creation_input_tokens": 70, "cache_creation": {} }),
        &expected,
        None,
    );
    check(
        &json!({ "cache_creation_input_tokens": 70, "cache_creation": null }),
        &expected,
        None,
    );
}

#[test]
fn lifetimes_that_do_not_add_up_are_found() {
    let mismatch = UsageFinding::Mismatch {
        whole: "cache_creation_input_tokens",
        residual: -30,
    };
    check(
        &json!({
            "cache_creation_input_tokens": 40,
            "cache_creation": { "ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 40 },
        }),
        &[(Bucket::CacheWrite5m, 30), (Bucket::CacheWrite1h, 40)],
        Some(mismatch),
    );
}

#[test]
fn what_is_not_said_is_absent_and_nonsense_makes_all_of_it_absent() {
    check(&json!(null), &[], None);
    check(&json!({}), &[], None);
    check(&json!({ "input_tokens": 0 }), &[(Bucket::Input, 0)], None);
    check(
        &json!({ "input_tokens": 5, "output_tokens": -2 }),
        &[],
        Some(UsageFinding::NotACount {
            field: "output_tokens",
        }),
    );
    check(
        &json!({ "input_tokens": 5, "cache_creation": "x" }),
        &[],
        Some(UsageFinding::NotACount {
            field: "cache_creation",
        }),
    );
}

#[test]
fn only_the_text_blocks_are_said() {
    let body = json!({
        "id": "msg_1",
        "model": "claude-x",
        "content": [
            { "type": "thinking", "thinking": "hm" },
            { "type": "text", "text": "Good" },
            { "type": "new_thing", "text": "no" },
            { "type": "text", "text": "bye." },
        ],
        "stop_reason": "end_turn",
    });
    let said = AnthropicMessages
        .said(&Provider::anthropic(), body.to_string().as_bytes())
        .unwrap();
    assert_eq!(said.text(), "Goodbye.");
    assert_eq!(said.finish, FinishReason::Stop);
}

#[test]
fn a_body_that_is_no_reply_is_told_apart() {
    let said = |body: &str| AnthropicMessages.said(&Provider::anthropic(), body.as_bytes());
    assert!(matches!(said(""), Err(Unreadable::Malformed(_))));
    assert!(matches!(said("{\"content\":[{"), Err(Unreadable::Cut)));
    assert!(matches!(said("{}"), Err(Unreadable::Malformed(_))));
    assert!(matches!(
        said(r#"{"content":7}"#),
        Err(Unreadable::Malformed(_))
    ));
    assert!(matches!(
        said(r#"{"error":{"type":"overloaded_error"}}"#),
        Err(Unreadable::Problem(_))
    ));
}

#[test]
fn a_request_is_put_in_the_wires_words() {
    let request = ChatRequest::new("Hi")
        .system("Be brief.")
        .message(Role::System, "No jokes.")
        .message(Role::Assistant, "Yes?")
        .temperature(0.5);
    let asked = Asked {
        provider: &Provider::anthropic(),
        model: &"m".parse().unwrap(),
        request: &request,
        streams: false,
    };
    let body = AnthropicMessages.body(&asked).unwrap();
    let sent: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        sent,
        json!({
            "model": "m",
            "max_tokens": DEFAULT_MAX_TOKENS,
            "system": "Be brief.\n\nNo jokes.",
            "messages": [
                { "role": "user", "content": "Hi" },
                { "role": "assistant", "content": "Yes?" },
            ],
            "temperature": 0.5,
        })
    );
}
