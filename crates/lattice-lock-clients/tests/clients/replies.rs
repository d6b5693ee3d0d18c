use lattice_lock_clients::{ChatRequest, FinishReason, Role};
use lattice_lock_providers::{Bucket, Count, Provider, ProviderId, Wire};
use lattice_lock_testkit::{Exchange, Usage};
use serde_json::json;

use crate::support::{KEY, Pair, both, model};

fn charged() -> Usage {
    Usage::new()
        .input(1_000)
        .cache_read(200)
        .output(30)
        .reasoning(7)
}

#[tokio::test]
async fn openais_reply_comes_back_in_disjoint_buckets() {
    let pair = Pair::of(Provider::openai()).await;
    let exchange = Exchange::reply("Goethe.")
        .usage(charged())
        .served_model("some-model-2026");
    let reply = pair.play(exchange).await.unwrap();
    let account = pair.server.account();
    assert_eq!(reply.text(), "Goethe.");
    assert_eq!(reply.served_model().as_str(), "some-model-2026");
    assert_eq!(
        reply.request_id(),
        Some(account.charges()[0].request_id.as_str())
    );
    assert_eq!(reply.finish_reason(), FinishReason::Stop);
    assert_eq!(
        reply.usage().reported().collect::<Vec<_>>(),
        [
            (Bucket::Input, 1_000),
            (Bucket::CacheRead, 200),
            (Bucket::InputAudio, 0),
            (Bucket::Output, 30),
            (Bucket::Reasoning, 7),
            (Bucket::OutputAudio, 0),
        ]
    );
    assert_eq!(reply.usage().residual(), Some(0));
    assert_eq!(reply.usage_finding(), None);
    assert_eq!(reply.raw_usage().unwrap()["prompt_tokens"], 1_200);
    assert_eq!(
        u128::from(reply.usage().tokens().unwrap()),
        account.tokens()
    );
    assert!(!reply.latency().is_zero());
}

#[tokio::test]
async fn anthropics_reply_comes_back_in_disjoint_buckets() {
    let pair = Pair::of(Provider::anthropic()).await;
    let usage = charged().cache_write_5m(40).cache_write_1h(50);
    let reply = pair
        .play(Exchange::reply("Goethe.").usage(usage))
        .await
        .unwrap();
    let account = pair.server.account();
    assert_eq!(reply.text(), "Goethe.");
    assert_eq!(
        reply.request_id(),
        Some(account.charges()[0].request_id.as_str())
    );
    assert_eq!(reply.finish_reason(), FinishReason::Stop);
    assert_eq!(
        reply.usage().reported().collect::<Vec<_>>(),
        [
            (Bucket::Input, 1_000),
            (Bucket::CacheRead, 200),
            (Bucket::CacheWrite5m, 40),
            (Bucket::CacheWrite1h, 50),
            (Bucket::Output, 37),
        ]
    );
    assert_eq!(
        u128::from(reply.usage().tokens().unwrap()),
        account.tokens()
    );
}

/// The chat completions do not tell the lives of what was written apart.
#[tokio::test]
async fn what_openai_writes_to_a_cache_is_in_buckets_of_its_own() {
    let usage = charged().cache_write_5m(40).cache_write_1h(50);
    let responses = Provider::openai().speaks(Wire::OpenAiResponses);
    for (provider, short, long) in [
        (Provider::openai(), 90, Count::Absent),
        (responses, 40, Count::Reported(50)),
    ] {
        let pair = Pair::of(provider).await;
        let exchange = Exchange::reply("Goethe.").usage(usage);
        let reply = pair.play(exchange).await.unwrap();
        let bucket = |bucket| reply.usage().get(bucket);
        assert_eq!(bucket(Bucket::Input), Count::Reported(1_000));
        assert_eq!(bucket(Bucket::CacheWrite5m), Count::Reported(short));
        assert_eq!(bucket(Bucket::CacheWrite1h), long);
        assert_eq!(reply.usage().residual(), Some(0));
        let account = pair.server.account();
        let tokens = reply.usage().tokens().unwrap();
        assert_eq!(u128::from(tokens), account.tokens());
    }
}

#[tokio::test]
async fn the_key_and_the_prompt_go_where_they_belong() {
    let openai = Pair::of(Provider::openai()).await;
    openai.ask("Hello?").await.unwrap();
    let received = &openai.server.received()[0];
    assert_eq!(
        (received.method(), received.path()),
        ("POST", "/v1/chat/completions")
    );
    assert_eq!(
        received.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(
        received.json(),
        json!({ "model": "some-model", "messages": [{ "role": "user", "content": "Hello?" }] })
    );

    let anthropic = Pair::of(Provider::anthropic()).await;
    anthropic.ask("Hello?").await.unwrap();
    let received = &anthropic.server.received()[0];
    assert_eq!(
        (received.method(), received.path()),
        ("POST", "/v1/messages")
    );
    assert_eq!(received.header("x-api-key"), Some(KEY));
    assert_eq!(received.header("authorization"), None);
    assert_eq!(received.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(received.json()["max_tokens"], 4096);
    assert!(
        received
            .header("user-agent")
            .unwrap()
            .starts_with("lattice-lock/")
    );
}

#[tokio::test]
async fn a_whole_conversation_arrives() {
    for provider in both() {
        let pair = Pair::of(provider).await;
        let request = ChatRequest::new("first")
            .system("rules")
            .message(Role::Assistant, "second")
            .message(Role::User, "third");
        let reply = pair.client.chat(&model(), &request).await.unwrap();
        assert!(reply.text().contains("4 words"), "{}", reply.text());
    }
}

#[tokio::test]
async fn models_are_listed_without_a_charge() {
    for provider in both() {
        let pair = Pair::of(provider).await;
        let models = pair.client.models().await.unwrap();
        assert!(models.len() >= 6, "{models:?}");
        assert!(pair.server.account().charges().is_empty());
        assert_eq!(pair.server.received()[0].path(), "/v1/models");
    }
}

#[tokio::test]
async fn one_client_serves_many_callers_at_once() {
    let pair = Pair::of(Provider::openai()).await;
    let calls = (0..20).map(|number| {
        let client = std::sync::Arc::clone(&pair.client);
        tokio::spawn(async move {
            let request = ChatRequest::new(format!("call {number}"));
            let reply = client.chat(&model(), &request).await.unwrap();
            assert!(reply.text().ends_with(&format!("call {number}")));
            reply.usage().tokens().unwrap()
        })
    });
    let mut tokens = 0;
    for call in calls.collect::<Vec<_>>() {
        tokens += u128::from(call.await.unwrap());
    }
    assert_eq!(tokens, pair.server.account().tokens());
}

#[tokio::test]
async fn the_client_knows_its_provider() {
    let pair = Pair::of(Provider::xai()).await;
    assert_eq!(
        pair.client.provider(),
        &"xai".parse::<ProviderId>().unwrap()
    );
}

#[tokio::test]
async fn a_valid_reply_is_kept_whatever_its_content_type_is() {
    let pair = Pair::of(Provider::openai()).await;
    let body = r#"{"choices":[{"message":{"content":"paid for"}}]}"#;
    let reply = pair
        .play(Exchange::raw(200, "text/plain", body))
        .await
        .unwrap();
    assert_eq!(reply.text(), "paid for");
    assert_eq!(reply.served_model(), &model());
    assert!(reply.usage().is_absent());
}

#[tokio::test]
async fn a_reply_is_kept_as_it_came_only_where_that_is_asked_for() {
    for (name, provider, base) in crate::support::wires() {
        let pair = Pair::at(provider, base, &crate::support::clients()).await;
        let plain = ChatRequest::new("Hello?");
        let keeping = plain.clone().keep_raw();
        let ask = async |request: &ChatRequest| {
            let whole = pair.client.chat(&model(), request).await.unwrap();
            let stream = pair.client.stream(&model(), request).await.unwrap();
            [whole, stream.reply().await.unwrap()]
        };
        for reply in ask(&plain).await {
            assert_eq!(reply.raw(), None, "{name}");
        }
        let [whole, streamed] = ask(&keeping).await;
        let body: serde_json::Value = serde_json::from_slice(whole.raw().unwrap()).unwrap();
        assert!(body.is_object(), "{name}");
        let pieces = String::from_utf8_lossy(streamed.raw().unwrap());
        assert!(pieces.contains("words"), "{name}: {pieces}");
        let shown = format!("{} bytes", whole.raw().unwrap().len());
        assert!(format!("{whole:?}").contains(&shown), "{name}: {whole:?}");
    }
}
