use lattice_lock_providers::Count;
use serde_json::{Value, json};

use super::*;
use crate::wire::usage::ReportedUsage;
use crate::{FinishReason, UsageFinding};

const CHAT: OpenAiChat = OpenAiChat { is_azure: false };

fn read(provider: &Provider, usage: &Value) -> ReportedUsage {
    let body = json!({ "choices": [{ "message": {} }], "usage": usage });
    let said = CHAT.said(provider, body.to_string().as_bytes());
    said.unwrap().usage
}

fn check(usage: &Value, expected: &[(Bucket, u64)], finding: Option<UsageFinding>) {
    let read = read(&Provider::openai(), usage);
    assert_eq!(
        read.usage.reported().collect::<Vec<_>>(),
        expected,
        "{usage}"
    );
    assert_eq!(read.finding, finding, "{usage}");
}

fn sent(provider: &Provider, request: &ChatRequest) -> Value {
    let asked = Asked {
        provider,
        model: &"m".parse().unwrap(),
        request,
        streams: false,
    };
    serde_json::from_slice(&CHAT.body(&asked).unwrap()).unwrap()
}

#[test]
fn the_parts_are_taken_out_of_their_wholes() {
    let usage = json!({
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": { "cached_tokens": 60, "audio_tokens": 10 },
        "completion_tokens_details": { "reasoning_tokens": 20, "audio_tokens": 5 },
    });
    let expected = [
        (Bucket::Input, 30),
        (Bucket::CacheRead, 60),
        (Bucket::InputAudio, 10),
        (Bucket::Output, 25),
        (Bucket::Reasoning, 20),
        (Bucket::OutputAudio, 5),
    ];
    check(&usage, &expected, None);
    assert_eq!(read(&Provider::openai(), &usage).raw, Some(usage.into()));
}

#[test]
fn cached_sound_is_neither_the_cached_text_nor_the_new_sound() {
    let usage = |details: Value| {
        json!({
            "prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105,
            "prompt_tokens_details": details,
        })
    };
    let both = usage(json!({
        "cached_tokens": 64, "text_tokens": 60, "audio_tokens": 40,
        "cached_tokens_details": { "text_tokens": 34, "audio_tokens": 30 },
    }));
    let expected = [
        (Bucket::Input, 26),
        (Bucket::CacheRead, 34),
        (Bucket::InputAudio, 10),
        (Bucket::CacheReadAudio, 30),
        (Bucket::Output, 5),
    ];
    check(&both, &expected, None);
    let all = usage(json!({
        "cached_tokens": 100, "audio_tokens": 100,
        "cached_tokens_details": { "audio_tokens": 100 },
    }));
    let expected = [
        (Bucket::Input, 0),
        (Bucket::CacheRead, 0),
        (Bucket::InputAudio, 0),
        (Bucket::CacheReadAudio, 100),
        (Bucket::Output, 5),
    ];
    check(&all, &expected, None);
    // A part without its whole is a part all the same.
    let alone = usage(json!({ "cached_tokens_details": { "audio_tokens": 30 } }));
    let expected = [
        (Bucket::Input, 70),
        (Bucket::CacheReadAudio, 30),
        (Bucket::Output, 5),
    ];
    check(&alone, &expected, None);
    let (whole, excess) = ("cached_tokens", 1);
    let odd = usage(json!({
        "cached_tokens": 29, "audio_tokens": 40, "cached_tokens_details": { "audio_tokens": 30 },
    }));
    check(&odd, &[], Some(UsageFinding::Excess { whole, excess }));
}

#[test]
fn reasoning_beside_the_completion_is_not_taken_out() {
    let usage = json!({
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 35,
        "completion_tokens_details": { "reasoning_tokens": 20 },
    });
    let read = read(&Provider::xai(), &usage);
    assert_eq!(read.usage.get(Bucket::Output), Count::Reported(5));
    assert_eq!(read.usage.get(Bucket::Reasoning), Count::Reported(20));
    assert_eq!(read.finding, None);
}

#[test]
fn what_is_not_said_is_absent_and_not_zero() {
    check(&json!(null), &[], None);
    check(&json!({}), &[], None);
    check(
        &json!({ "prompt_tokens": null, "completion_tokens": 0 }),
        &[(Bucket::Output, 0)],
        None,
    );
    check(
        &json!({ "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "prompt_tokens_details": null }),
        &[(Bucket::Input, 3), (Bucket::Output, 2)],
        None,
    );
}

#[test]
fn a_total_that_differs_is_found_and_the_buckets_stand() {
    let mismatch = |residual| {
        Some(UsageFinding::Mismatch {
            whole: "total_tokens",
            residual,
        })
    };
    let buckets = [(Bucket::Input, 3), (Bucket::Output, 2)];
    let of = |total| json!({ "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": total });
    check(&of(5), &buckets, None);
    check(&of(9), &buckets, mismatch(4));
    check(&of(1), &buckets, mismatch(-4));
    check(&json!({ "total_tokens": 7 }), &[], mismatch(7));
    check(&json!({ "total_tokens": 0 }), &[], None);
}

#[test]
fn one_figure_that_is_nonsense_makes_all_of_them_absent() {
    let found = |field| Some(UsageFinding::NotACount { field });
    check(&json!(7), &[], found("usage"));
    check(&json!([]), &[], found("usage"));
    check(
        &json!({ "prompt_tokens": -1, "completion_tokens": 2 }),
        &[],
        found("prompt_tokens"),
    );
    check(
        &json!({ "prompt_tokens": 1e30, "completion_tokens": 2 }),
        &[],
        found("prompt_tokens"),
    );
    check(
        &json!({ "prompt_tokens": 1, "total_tokens": u64::MAX }),
        &[],
        found("total_tokens"),
    );
    check(
        &json!({ "prompt_tokens": 1, "prompt_tokens_details": 7 }),
        &[],
        found("prompt_tokens_details"),
    );
}

#[test]
fn a_part_larger_than_its_whole_makes_the_usage_absent() {
    let excess = |whole, excess| Some(UsageFinding::Excess { whole, excess });
    check(
        &json!({ "prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": { "cached_tokens": 12 } }),
        &[],
        excess("prompt_tokens", 2),
    );
    check(
        &json!({ "completion_tokens": 10, "completion_tokens_details": { "reasoning_tokens": 11 } }),
        &[],
        excess("completion_tokens", 1),
    );
}

#[test]
fn a_usage_that_is_no_number_of_json_or_too_long_to_keep_is_found() {
    let said = |usage: &str| {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"x"}}}}],"usage":{usage}}}"#);
        let said = CHAT.said(&Provider::openai(), body.as_bytes()).unwrap();
        assert_eq!(said.text(), "x");
        said.usage
    };
    let found = Some(UsageFinding::NotACount { field: "usage" });
    assert_eq!(said(r#"{"prompt_tokens":1e999}"#).finding, found);
    let long = format!(r#"{{"prompt_tokens":1,"x":"{}"}}"#, "y".repeat(70_000));
    assert_eq!((said(&long).finding, said(&long).raw), (found, None));
}

#[test]
fn of_two_usages_the_later_counts() {
    let body =
        br#"{"usage":{"prompt_tokens":1},"choices":[{"message":{}}],"usage":{"prompt_tokens":2}}"#;
    let said = CHAT.said(&Provider::openai(), body).unwrap();
    assert_eq!(said.usage.usage.get(Bucket::Input), Count::Reported(2));
}

#[test]
fn finish_reasons_are_read_and_unknown_ones_do_no_harm() {
    let check = |choice: &str, finish| {
        let body = format!(r#"{{"choices":[{choice}]}}"#);
        let said = CHAT.said(&Provider::openai(), body.as_bytes()).unwrap();
        assert_eq!(said.finish, finish, "{choice}");
    };
    check(
        r#"{"message":{},"finish_reason":"stop"}"#,
        FinishReason::Stop,
    );
    check(
        r#"{"message":{},"finish_reason":"length"}"#,
        FinishReason::Length,
    );
    check(
        r#"{"message":{},"finish_reason":"tool_calls"}"#,
        FinishReason::ToolCalls,
    );
    check(
        r#"{"message":{},"finish_reason":"content_filter"}"#,
        FinishReason::ContentFiltered,
    );
    check(
        r#"{"message":{},"finish_reason":"tired"}"#,
        FinishReason::Other,
    );
    check(r#"{"message":{},"finish_reason":7}"#, FinishReason::Other);
    check(r#"{"message":{}}"#, FinishReason::Other);
    check(
        r#"{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}"#,
        FinishReason::Refused,
    );
}

#[test]
fn a_body_that_is_no_reply_is_told_apart() {
    let said = |body: &str| CHAT.said(&Provider::openai(), body.as_bytes());
    assert!(matches!(said(""), Err(Unreadable::Malformed(_))));
    assert!(matches!(said("{\"choices\":[{"), Err(Unreadable::Cut)));
    assert!(matches!(said("<html>"), Err(Unreadable::Malformed(_))));
    assert!(matches!(said("{}"), Err(Unreadable::Malformed(_))));
    assert!(matches!(
        said(r#"{"choices":[]}"#),
        Err(Unreadable::Malformed(_))
    ));
    assert!(matches!(
        said(r#"{"choices":[7]}"#),
        Err(Unreadable::Malformed(_))
    ));
    assert!(matches!(
        said(r#"{"error":{"code":"insufficient_quota"}}"#),
        Err(Unreadable::Problem(_))
    ));
}

#[test]
fn codes_win_over_types_and_unknown_ones_leave_it_to_the_status() {
    let check = |body: &str, class| {
        let problem = Problem::read(body.as_bytes());
        assert_eq!(CHAT.class(&problem), class, "{body}");
    };
    check(
        r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#,
        Some(FailureClass::QuotaExhausted),
    );
    check(
        r#"{"error":{"type":"requests","code":"rate_limit_exceeded"}}"#,
        Some(FailureClass::RateLimited),
    );
    check(
        r#"{"error":{"type":"insufficient_quota","code":"odd"}}"#,
        Some(FailureClass::QuotaExhausted),
    );
    check(
        r#"{"error":{"type":"invalid_request_error","code":"context_length_exceeded"}}"#,
        Some(FailureClass::ContextTooLong),
    );
    check(
        r#"{"error":{"type":"invalid_request_error","message":"context_length_exceeded"}}"#,
        None,
    );
}

#[test]
fn a_request_is_put_in_the_wires_words() {
    let request = ChatRequest::new("Hi")
        .system("Be brief.")
        .message(Role::Assistant, "Yes?")
        .message(Role::User, "Go.")
        .max_tokens(9)
        .temperature(0.2);
    assert_eq!(
        sent(&Provider::openai(), &request),
        json!({
            "model": "m",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "Hi" },
                { "role": "assistant", "content": "Yes?" },
                { "role": "user", "content": "Go." },
            ],
            "max_completion_tokens": 9,
            "temperature": 0.2,
        })
    );
    assert_eq!(sent(&Provider::local(), &request)["max_tokens"], 9);
}

#[test]
fn the_json_mode_comes_with_the_word_that_it_needs() {
    let sent = sent(&Provider::openai(), &ChatRequest::new("Hi").json());
    assert_eq!(sent["response_format"], json!({ "type": "json_object" }));
    let system = sent["messages"][0]["content"].as_str().unwrap();
    assert!(system.contains("JSON"));
}
