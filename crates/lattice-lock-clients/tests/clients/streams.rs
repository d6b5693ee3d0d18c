use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use futures_core::Stream as _;
use lattice_lock_clients::{ChatReply, ChatRequest, Delta, HttpClients};
use lattice_lock_providers::{FailureClass, Provider, Wire};
use lattice_lock_testkit::{Exchange, Usage};
use serde_json::json;

use crate::support::{Pair, both, class, clients, context, model, wires};

fn rich() -> Exchange {
    Exchange::reply("Let me look that up.")
        .reasoning("They ask for the weather.")
        .tool_call("weather", json!({ "city": "Weimar", "days": [1, 2] }))
        .tool_call("now", json!({}))
        .usage(
            Usage::new()
                .input(70)
                .cache_read(30)
                .output(20)
                .reasoning(5),
        )
}

fn without_clock(reply: ChatReply) -> ChatReply {
    reply.with_latency(Duration::ZERO).with_request_id(None)
}

#[tokio::test]
async fn a_reply_is_the_same_whole_and_in_pieces_on_every_wire() {
    for (name, provider, base) in wires() {
        // Ids are made from the number of the request: each server gets one.
        let whole = Pair::at(provider.clone(), base, &clients()).await;
        let pieces = Pair::at(provider, base, &clients()).await;
        let request = ChatRequest::new("What is the weather?");
        whole.server.script(rich());
        pieces.server.script(rich());
        let plain = whole.client.chat(&model(), &request).await.unwrap();
        let stream = pieces.client.stream(&model(), &request).await.unwrap();
        let streamed = stream.reply().await.unwrap();
        assert_eq!(plain.text(), "Let me look that up.", "{name}");
        assert_eq!(plain.tool_calls().count(), 2, "{name}");
        let call = plain.tool_calls().next().unwrap();
        let arguments: serde_json::Value = call.parse().unwrap();
        assert_eq!(arguments["city"], "Weimar", "{name}");
        assert_eq!(plain.reasoning(), "They ask for the weather.", "{name}");
        assert_eq!(
            without_clock(streamed),
            without_clock(plain.clone()),
            "{name}"
        );
        assert_eq!(whole.server.account(), pieces.server.account(), "{name}");
        let tokens = u128::from(plain.usage().tokens().unwrap());
        assert_eq!(tokens, whole.server.account().tokens(), "{name}");
    }
}

#[tokio::test]
async fn pieces_come_as_they_are_sent() {
    for (name, provider, base) in wires() {
        let pair = Pair::at(provider, base, &clients()).await;
        pair.server
            .script(Exchange::reply("one two three").stall_at(1_000_000));
        let request = ChatRequest::new("Count.");
        let mut stream = pair.client.stream(&model(), &request).await.unwrap();
        let mut words = Vec::new();
        while words.len() < 3 {
            if let Some(Ok(Delta::Text(word))) = stream.next().await {
                words.push(word);
            }
        }
        assert_eq!(words.concat(), "one two three", "{name}");
    }
}

#[tokio::test]
async fn a_reader_that_keeps_its_thread_busy_takes_no_provider_for_silent() {
    let clients = HttpClients::builder().idle_timeout(Duration::from_secs(1));
    let pair = Pair::with(Provider::anthropic(), &clients.build().unwrap()).await;
    let drip = Duration::from_millis(1);
    let exchange = Exchange::reply("one two three").drip(16, drip);
    pair.server.script(exchange);
    let request = ChatRequest::new("Count.");
    let mut stream = pair.client.stream(&model(), &request).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    // Nobody reads the connection meanwhile, so that nothing has come when it is asked for.
    std::thread::sleep(Duration::from_millis(1_500));
    let reply = stream.reply().await.unwrap();
    assert_eq!(reply.text(), "one two three");
}

#[tokio::test]
async fn nor_does_one_that_had_asked_before() {
    let clients = HttpClients::builder().idle_timeout(Duration::from_secs(1));
    let pair = Pair::with(Provider::anthropic(), &clients.build().unwrap()).await;
    let drip = Duration::from_millis(5);
    let exchange = Exchange::reply("one two three").drip(16, drip);
    pair.server.script(exchange);
    let request = ChatRequest::new("Count.");
    let mut stream = pair.client.stream(&model(), &request).await.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    while Pin::new(&mut stream).poll_next(&mut context).is_ready() {}
    std::thread::sleep(Duration::from_millis(1_500));
    let reply = stream.reply().await.unwrap();
    assert_eq!(reply.text(), "one two three");
}

#[tokio::test]
async fn an_idle_timeout_without_end_is_no_moment_that_cannot_be() {
    let clients = HttpClients::builder().idle_timeout(Duration::MAX);
    let pair = Pair::with(Provider::anthropic(), &clients.build().unwrap()).await;
    let drip = Duration::from_millis(5);
    let exchange = Exchange::reply("one two three").drip(16, drip);
    pair.server.script(exchange);
    let request = ChatRequest::new("Count.");
    let stream = pair.client.stream(&model(), &request).await.unwrap();
    let reply = stream.reply().await.unwrap();
    assert_eq!(reply.text(), "one two three");
}

#[tokio::test]
async fn a_stream_that_is_cut_says_what_there_is_to_book() {
    let pair = Pair::of(Provider::anthropic()).await;
    let usage = Usage::new().input(11).output(7);
    let exchange = Exchange::reply("one two three four five").usage(usage);
    pair.server.script(exchange.reset_at(900));
    let request = ChatRequest::new("Count.");
    let mut stream = pair.client.stream(&model(), &request).await.unwrap();
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(delta) => assert!(!matches!(delta, Delta::Done(_))),
            Err(error) => break error,
        }
    };
    assert_eq!(class(&error), FailureClass::CutStream);
    assert!(stream.next().await.is_none());
    let so_far = stream.so_far().unwrap();
    assert_eq!(so_far.usage().tokens(), Some(12));
}

#[tokio::test]
async fn an_error_in_the_middle_is_a_cut_stream_and_names_its_cause() {
    let begun = |kind: &str, data: serde_json::Value| format!("event: {kind}\ndata: {data}\n\n");
    let body = begun(
        "message_start",
        json!({ "type": "message_start", "message": { "content": [], "usage": { "input_tokens": 5 } } }),
    ) + &begun(
        "content_block_start",
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "Hel" } }),
    ) + &begun(
        "error",
        json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }),
    );
    let pair = Pair::of(Provider::anthropic()).await;
    pair.server
        .script(Exchange::raw(200, "text/event-stream", body));
    let request = ChatRequest::new("Hello?");
    let stream = pair.client.stream(&model(), &request).await.unwrap();
    let error = stream.reply().await.unwrap_err();
    assert_eq!(class(&error), FailureClass::CutStream);
    assert!(class(&error).may_be_billed());
    assert_eq!(context(&error, "class"), Some("overloaded"));
    assert_eq!(context(&error, "message"), Some("Overloaded"));
}

/// However the network cut it.
#[tokio::test]
async fn what_came_before_an_error_is_told_before_it() {
    let chunk = |text: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    for end in [
        "data: {\"error\":{\"message\":\"m\"}}\n\n",
        "data: no JSON\n\n",
    ] {
        let pair = Pair::of(Provider::openai()).await;
        let body = chunk("a") + &chunk("b") + end;
        pair.server
            .script(Exchange::raw(200, "text/event-stream", body));
        let stream = pair.client.stream(&model(), &ChatRequest::new("Hi")).await;
        let mut stream = stream.unwrap();
        for word in ["a", "b"] {
            let told = stream.next().await.unwrap().unwrap();
            assert_eq!(told, Delta::Text(word.to_owned()), "{end}");
        }
        assert!(stream.next().await.unwrap().is_err(), "{end}");
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_stream() {
    let pair = Pair::of(Provider::openai()).await;
    let request = ChatRequest::new("Hello?");
    for _ in 0..5 {
        let stream = pair.client.stream(&model(), &request).await.unwrap();
        stream.reply().await.unwrap();
    }
    assert_eq!(pair.server.connections(), 1);
}

#[tokio::test]
async fn after_the_last_word_nothing_is_waited_for() {
    for provider in both() {
        let pair = Pair::of(provider).await;
        // All of it comes, and the end of the connection's message never does.
        let exchange = Exchange::reply("Hello there.").stall_at(1_000_000);
        pair.server.script(exchange);
        let request = ChatRequest::new("Hello?");
        let stream = pair.client.stream(&model(), &request).await.unwrap();
        let in_time = tokio::time::timeout(Duration::from_secs(10), stream.reply()).await;
        assert_eq!(in_time.unwrap().unwrap().text(), "Hello there.");
    }
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_read_all_the_same() {
    let pair = Pair::of(Provider::openai()).await;
    let body = r#"{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}"#;
    pair.server
        .script(Exchange::raw(200, "application/json", body));
    let request = ChatRequest::new("Hello?");
    let mut stream = pair.client.stream(&model(), &request).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(first, Delta::Text("whole".to_owned()));
    assert_eq!(stream.reply().await.unwrap().text(), "whole");
}

/// Servers that leave out the last word have said everything when they have said why they stopped and what it took.
#[tokio::test]
async fn without_the_last_word_a_stream_is_whole_or_cut() {
    let chunk = |fields: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"a\"}}{fields}}}]}}\n\n")
    };
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n";
    let stop = chunk(",\"finish_reason\":\"stop\"");
    let check = async |body: String, is_whole: bool| {
        let pair = Pair::of(Provider::openai()).await;
        pair.server
            .script(Exchange::raw(200, "text/event-stream", body.clone()));
        let stream = pair
            .client
            .stream(&model(), &ChatRequest::new("Hi"))
            .await
            .unwrap();
        assert_eq!(stream.reply().await.is_ok(), is_whole, "{body}");
    };
    check(stop.clone() + usage, true).await;
    check(stop.clone() + "data: [DONE]", true).await;
    check(stop, false).await;
    check(chunk("") + usage, false).await;
    check(chunk("") + "data: [DONE]\n\n", true).await;
}

#[tokio::test]
async fn usage_is_asked_for_in_every_stream() {
    let pair = Pair::of(Provider::openai()).await;
    let stream = pair.client.stream(&model(), &ChatRequest::new("Hi")).await;
    stream.unwrap().reply().await.unwrap();
    let sent = pair.server.received()[0].json();
    assert_eq!(sent["stream_options"], json!({ "include_usage": true }));
}

#[tokio::test]
async fn ollamas_address_may_be_that_of_openais_wire() {
    let provider = Provider::local().speaks(Wire::OllamaChat);
    let pair = Pair::at(provider, "/v1", &clients()).await;
    pair.ask("Hello?").await.unwrap();
    assert_eq!(pair.server.received()[0].path(), "/api/chat");
}
