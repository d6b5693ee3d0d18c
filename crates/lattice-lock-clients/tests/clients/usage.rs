use lattice_lock_clients::{ChatReply, UsageFinding};
use lattice_lock_providers::{Bucket, Count, Provider};
use lattice_lock_testkit::Exchange;
use serde_json::{Value, json};

use crate::support::{Pair, both};

async fn reported(provider: Provider, usage: Value) -> ChatReply {
    let pair = Pair::of(provider).await;
    let reply = pair.play(Exchange::reply("Hello.").reporting(usage)).await;
    let reply = reply.unwrap();
    assert_eq!(reply.text(), "Hello.");
    reply
}

#[tokio::test]
async fn no_usage_is_absent_and_no_finding() {
    for provider in both() {
        let pair = Pair::of(provider.clone()).await;
        let reply = pair
            .play(Exchange::reply("Hello.").without_usage())
            .await
            .unwrap();
        assert!(reply.usage().is_absent());
        assert_eq!((reply.raw_usage(), reply.usage_finding()), (None, None));

        let reply = reported(provider, Value::Null).await;
        assert!(reply.usage().is_absent());
        assert_eq!((reply.raw_usage(), reply.usage_finding()), (None, None));
    }
}

#[tokio::test]
async fn a_negative_count_is_a_finding_beside_the_reply() {
    let usage = json!({ "prompt_tokens": -5, "completion_tokens": 2, "total_tokens": -3 });
    let reply = reported(Provider::openai(), usage.clone()).await;
    assert!(reply.usage().is_absent());
    assert_eq!(reply.raw_usage(), Some(&usage));
    let field = "prompt_tokens";
    assert_eq!(
        reply.usage_finding(),
        Some(UsageFinding::NotACount { field })
    );

    let usage = json!({ "input_tokens": 5, "output_tokens": -2 });
    let reply = reported(Provider::anthropic(), usage).await;
    assert!(reply.usage().is_absent());
    let field = "output_tokens";
    assert_eq!(
        reply.usage_finding(),
        Some(UsageFinding::NotACount { field })
    );
}

#[tokio::test]
async fn a_huge_count_is_a_finding_beside_the_reply() {
    let usage = json!({ "prompt_tokens": u64::MAX, "completion_tokens": u64::MAX });
    let reply = reported(Provider::openai(), usage).await;
    assert!(reply.usage().is_absent());
    assert!(reply.usage_finding().is_some());
}

#[tokio::test]
async fn a_total_that_differs_is_carried_with_its_residual() {
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40 });
    let reply = reported(Provider::openai(), usage).await;
    assert_eq!(reply.usage().get(Bucket::Input), Count::Reported(10));
    assert_eq!(
        reply.usage_finding().and_then(|found| found.residual()),
        Some(25)
    );
}

#[tokio::test]
async fn more_cached_tokens_than_prompt_are_a_finding_and_no_wrapped_number() {
    let usage = json!({
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
        "prompt_tokens_details": { "cached_tokens": 11 },
    });
    let reply = reported(Provider::openai(), usage).await;
    assert!(reply.usage().is_absent());
    let whole = "prompt_tokens";
    assert_eq!(
        reply.usage_finding(),
        Some(UsageFinding::Excess { whole, excess: 1 })
    );
}

#[tokio::test]
async fn xais_reasoning_stands_beside_the_completion() {
    let usage = json!({
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
        "completion_tokens_details": { "reasoning_tokens": 100 },
    });
    let reply = reported(Provider::xai(), usage).await;
    assert_eq!(reply.usage().get(Bucket::Output), Count::Reported(5));
    assert_eq!(reply.usage().get(Bucket::Reasoning), Count::Reported(100));
    assert_eq!(reply.usage_finding(), None);
}
