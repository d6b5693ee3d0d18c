use lattice_lock_providers::{Bucket, TokenUsage};
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
        parts in proptest::array::uniform6(proptest::option::of(0..30_u64)),
    ) {
        let [cached, written, heard, heard_again, reasoned, spoken] = parts;
        let count = |part: Option<u64>| part.unwrap_or(0);
        // What is both cached and heard is in each of them, if they are told.
        let fits = [cached, heard].iter().all(|whole| whole.is_none_or(|whole| count(heard_again) <= whole));
        let (once, again) = (count(cached) + count(heard), count(heard_again));
        let told = [cached, heard].iter().flatten().count() as u64;
        let room = |written: u64| once + again + written <= prompt + told * again;
        let openai = json!({
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": {
                "cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": heard,
                "cached_tokens_details": { "audio_tokens": heard_again },
            },
            "completion_tokens_details": { "reasoning_tokens": reasoned, "audio_tokens": spoken },
        });
        let responses = json!({
            "input_tokens": prompt, "output_tokens": completion, "total_tokens": prompt + completion,
            "input_tokens_details": {
                "cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": heard,
                "cached_tokens_details": { "audio_tokens": heard_again },
            },
            "output_tokens_details": { "reasoning_tokens": reasoned, "audio_tokens": spoken },
        });
        let sound = |count: Option<u64>| count.map(|count| json!([
            { "modality": "TEXT", "tokenCount": 1 }, { "modality": "AUDIO", "tokenCount": count },
        ]));
        let gemini = json!({
            "promptTokenCount": prompt, "candidatesTokenCount": completion, "thoughtsTokenCount": reasoned,
            "totalTokenCount": prompt + completion + count(reasoned), "cachedContentTokenCount": cached,
            "promptTokensDetails": sound(heard), "cacheTokensDetails": sound(heard_again),
            "candidatesTokensDetails": sound(spoken),
        });
        for (at, reasons_within, usage) in [(0, true, openai), (1, true, responses), (3, false, gemini)] {
            let (provider, protocol) = &wires()[at];
            let name = if at == 3 { "usageMetadata" } else { "usage" };
            let body = json!({
                "choices": [{ "message": {} }], "output": [], "candidates": [{}], name: usage,
            });
            let said = protocol.said(provider, body.to_string().as_bytes()).expect("a reply").usage;
            let within = count(spoken) + if reasons_within { count(reasoned) } else { 0 };
            let fits_prompt = room(if at == 3 { 0 } else { count(written) });
            let fits = fits && fits_prompt && within <= completion;
            prop_assert_eq!(said.finding.is_none(), fits);
            let sum = prompt + completion + if reasons_within { 0 } else { count(reasoned) };
            prop_assert_eq!(said.usage.tokens(), fits.then_some(sum));
            let get = |bucket| said.usage.get(bucket).reported();
            let cached = cached.filter(|_| fits).map(|cached| cached - again);
            prop_assert_eq!(get(Bucket::CacheRead), cached);
            prop_assert_eq!(get(Bucket::InputAudio), heard.filter(|_| fits).map(|heard| heard - again));
            prop_assert_eq!(get(Bucket::CacheReadAudio), heard_again.filter(|_| fits));
        }
    }

    #[test]
    fn what_gemini_read_and_said_is_found_again_whatever_was_sound_or_cached(
        counts in proptest::array::uniform9(0..50_u64),
    ) {
        let [text, sound, old_text, old_sound, tool_text, tool_sound, words, speech, thoughts] = counts;
        let listed = |text: u64, sound: u64| json!([
            { "modality": "TEXT", "tokenCount": text }, { "modality": "AUDIO", "tokenCount": sound },
        ]);
        let (prompt, tools) = (text + sound + old_text + old_sound, tool_text + tool_sound);
        let usage = json!({
            "promptTokenCount": prompt, "promptTokensDetails": listed(text + old_text, sound + old_sound),
            "cachedContentTokenCount": old_text + old_sound, "cacheTokensDetails": listed(old_text, old_sound),
            "toolUsePromptTokenCount": tools, "toolUsePromptTokensDetails": listed(tool_text, tool_sound),
            "candidatesTokenCount": words + speech, "candidatesTokensDetails": listed(words, speech),
            "thoughtsTokenCount": thoughts, "totalTokenCount": prompt + tools + words + speech + thoughts,
        });
        let body = json!({ "candidates": [{}], "usageMetadata": usage }).to_string();
        let said = gemini::Gemini.said(&Provider::google(), body.as_bytes()).expect("a reply").usage;
        let expected = TokenUsage::new()
            .with(Bucket::Input, text + tool_text)
            .with(Bucket::InputAudio, sound + tool_sound)
            .with(Bucket::CacheRead, old_text)
            .with(Bucket::CacheReadAudio, old_sound)
            .with(Bucket::Output, words)
            .with(Bucket::OutputAudio, speech)
            .with(Bucket::Reasoning, thoughts)
            .with_total(counts.iter().sum::<u64>());
        prop_assert_eq!((said.usage, said.finding), (expected, None));
    }

    #[test]
    fn what_anthropic_sampled_beside_the_reply_is_counted_once(
        [reply, summary, advice] in proptest::array::uniform3(proptest::array::uniform6(0..50_u64)),
    ) {
        let counts = |[fresh, read, short, long, thought, said]: [u64; 6]| json!({
            "input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": short + long,
            "cache_creation": { "ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long },
            "output_tokens": thought + said, "output_tokens_details": { "thinking_tokens": thought },
        });
        let typed = |kind: &str, parts| {
            let mut sampled = counts(parts);
            sampled["type"] = kind.into();
            sampled
        };
        let mut usage = counts(reply);
        usage["iterations"] = json!([
            typed("compaction", summary), typed("message", reply), typed("advisor_message", advice),
        ]);
        let body = json!({ "content": [], "usage": usage }).to_string();
        let said = anthropic_messages::AnthropicMessages.said(&Provider::anthropic(), body.as_bytes());
        let said = said.expect("a reply").usage;
        let buckets = [
            Bucket::Input, Bucket::CacheRead, Bucket::CacheWrite5m, Bucket::CacheWrite1h, Bucket::Reasoning,
            Bucket::Output,
        ];
        for (at, bucket) in buckets.into_iter().enumerate() {
            prop_assert_eq!(said.usage.get(bucket).reported(), Some(reply[at] + summary[at]), "{}", bucket);
        }
        let advice = Some(advice.iter().sum::<u64>()).filter(|advice| *advice > 0).map(i128::from);
        prop_assert_eq!(said.usage.residual(), advice);
        prop_assert_eq!(said.finding.and_then(|finding| finding.residual()), advice);
    }
}

#[test]
fn a_nonsense_beside_the_reply_leaves_no_half_of_a_usage() {
    let usage = json!({ "input_tokens": 5, "output_tokens": 2, "iterations": [
        { "type": "compaction", "input_tokens": -1, "output_tokens": 3 },
    ]});
    let body = json!({ "content": [], "usage": usage }).to_string();
    let said = anthropic_messages::AnthropicMessages.said(&Provider::anthropic(), body.as_bytes());
    let said = said.unwrap().usage;
    let field = "input_tokens";
    assert_eq!(said.finding, Some(crate::UsageFinding::NotACount { field }));
    assert!(said.usage.is_absent());
}

#[test]
fn a_thought_and_a_call_in_the_place_of_words_are_told_and_kept_behind_them() {
    let mut reader = anthropic_messages::AnthropicMessages.reader(&Provider::anthropic());
    let events = [
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "Hi" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "thinking_delta", "thinking": "hm" } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "tool_use", "id": "t", "name": "f" } }),
    ];
    for event in events {
        let data = event.to_string();
        let event = Event {
            name: "",
            data: data.as_bytes(),
        };
        reader.take(event).unwrap();
    }
    assert_eq!(reader.news(), Some(Delta::Text("Hi".to_owned())));
    assert_eq!(reader.news(), Some(Delta::Reasoning("hm".to_owned())));
    assert!(matches!(reader.news(), Some(Delta::ToolCall { .. })));
    assert_eq!(reader.news(), None);
    let parts = reader.said().parts;
    assert_eq!(parts[0], Part::Text("Hi".to_owned()));
    assert!(matches!(
        parts[1..],
        [Part::Reasoning(_), Part::ToolCall(_)]
    ));
}
