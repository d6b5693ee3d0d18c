use lattice_lock_providers::Bucket;
use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn a_listing_keeps_the_names_that_are_names() {
    let body = br#"{"data":[{"id":"a"},{"id":""},{"id":7},7,{"id":"b c"},{"id":"d"}],"x":1e999}"#;
    let names = names(body, "data", "id").unwrap();
    let names: Vec<&str> = names.iter().map(ModelName::as_str).collect();
    assert_eq!(names, ["a", "d"]);
}

#[test]
fn what_is_no_listing_is_said_so() {
    let models = |body: &[u8]| names(body, "data", "id");
    assert!(matches!(models(b""), Err(Unreadable::Malformed(_))));
    assert!(matches!(models(b"{\"data\":["), Err(Unreadable::Cut)));
    assert!(matches!(models(b"[]"), Err(Unreadable::Malformed(_))));
    assert!(matches!(models(b"{}"), Err(Unreadable::Malformed(_))));
    assert!(matches!(models(b"\xff"), Err(Unreadable::Malformed(_))));
}

const REPLY: &str = r#"{"id":"x","model":"m","choices":[{"message":{"content":"Hi","refusal":null},
    "finish_reason":"stop"}],"content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn",
    "output":[],"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"message":{"content":"Hi"},"done":true,
    "usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"input_tokens":10,"output_tokens":5}}"#;

fn wires() -> [(Provider, &'static dyn Protocol); 5] {
    [
        Provider::openai(),
        Provider::openai().speaks(Wire::OpenAiResponses),
        Provider::anthropic(),
        Provider::google(),
        Provider::local().speaks(Wire::OllamaChat),
    ]
    .map(|provider| {
        let protocol = protocol(provider.wire()).unwrap();
        (provider, protocol)
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_wire_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for (provider, protocol) in wires() {
            let _ = protocol.said(&provider, &bytes);
        }
        Problem::read(&bytes);
        let _ = names(&bytes, "data", "id");
    }

    #[test]
    fn a_reply_with_one_byte_changed_or_its_end_cut_off_makes_no_wire_panic(
        at in 0..REPLY.len(), byte in any::<u8>(),
    ) {
        let mut changed = REPLY.as_bytes().to_vec();
        changed[at] = byte;
        for (provider, protocol) in wires() {
            let _ = protocol.said(&provider, &changed);
            let cut = protocol.said(&provider, &REPLY.as_bytes()[..at]);
            prop_assert!(cut.is_err(), "a cut reply was taken for a whole one");
        }
    }

    #[test]
    fn either_the_buckets_add_up_to_the_wholes_or_there_are_none(
        prompt in 0..50_u64, completion in 0..50_u64,
        parts in proptest::array::uniform4(proptest::option::of(0..30_u64)),
    ) {
        let [cached, audio_in, reasoning, audio_out] = parts;
        let usage = json!({
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": { "cached_tokens": cached, "audio_tokens": audio_in },
            "completion_tokens_details": { "reasoning_tokens": reasoning, "audio_tokens": audio_out },
        });
        let body = json!({ "choices": [{ "message": {} }], "usage": usage }).to_string();
        let said = openai_chat::OpenAiChat { is_azure: false }.said(&Provider::openai(), body.as_bytes());
        let said = said.expect("a reply").usage;
        let sum = |parts: [Option<u64>; 2]| parts.into_iter().flatten().sum::<u64>();
        let fits = sum([cached, audio_in]) <= prompt && sum([reasoning, audio_out]) <= completion;
        prop_assert_eq!(said.finding.is_none(), fits);
        prop_assert_eq!(said.usage.tokens(), fits.then_some(prompt + completion));
        let kept = said.usage.get(Bucket::CacheRead).reported();
        prop_assert_eq!(kept, cached.filter(|_| fits));
    }
}
