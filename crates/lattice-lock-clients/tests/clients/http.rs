use std::time::Duration;

use lattice_lock_clients::{
    ChatRequest, EmbedRequest, HttpClients, HttpClientsBuilder, Image, Message, Probes, codes,
};
use lattice_lock_providers::{Catalogue, Count, FailureClass, HealthCache, Provider, Registry};
#[cfg(feature = "http-client")]
use lattice_lock_testkit::ScriptedServer;
use lattice_lock_testkit::{Exchange, Gate, Usage};
use serde_json::json;

use crate::support::{Pair, class, model, wires};

async fn pair(builder: HttpClientsBuilder) -> Pair {
    let timely = builder.timeout(Duration::from_secs(20)).build().unwrap();
    Pair::with(Provider::openai(), &timely).await
}

/// The code of a request that is refused before anything is sent.
async fn refused(pair: &Pair, request: &ChatRequest) -> lattice_lock_errors::Code {
    let error = pair.client.chat(&model(), request).await.unwrap_err();
    let streamed = pair.client.stream(&model(), request).await.unwrap_err();
    assert_eq!(streamed.code(), error.code());
    assert!(pair.server.received().is_empty());
    error.code()
}

#[tokio::test]
async fn a_provider_elsewhere_is_not_called() {
    let pair = pair(HttpClients::builder().only_hosts(["api.openai.com"])).await;
    let code = refused(&pair, &ChatRequest::new("Hello?")).await;
    assert_eq!(code, codes::ADDRESS_FORBIDDEN);
    let pair = self::pair(HttpClients::builder().only_hosts(["127.0.0.1"])).await;
    assert!(pair.ask("Hello?").await.is_ok());
}

#[tokio::test]
async fn an_image_in_a_private_network_is_not_asked_for() {
    let show = |url: &str| ChatRequest::from(Message::user("What is it?").image(Image::url(url)));
    let pair = pair(HttpClients::builder()).await;
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "https://localhost/x",
    ] {
        assert_eq!(refused(&pair, &show(url)).await, codes::ADDRESS_FORBIDDEN);
    }
    let fine = show("https://example.org/cat.png");
    assert!(pair.client.chat(&model(), &fine).await.is_ok());
    let pair = self::pair(HttpClients::builder().only_image_hosts([".example.com"])).await;
    assert_eq!(refused(&pair, &fine).await, codes::ADDRESS_FORBIDDEN);
}

#[tokio::test]
async fn a_request_beyond_the_limit_is_not_sent() {
    let pair = pair(HttpClients::builder().request_limit(1_000)).await;
    let long = ChatRequest::new("x".repeat(1_000));
    assert_eq!(refused(&pair, &long).await, codes::REQUEST_TOO_LARGE);
    assert!(pair.ask("short").await.is_ok());
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_late() {
    let hasty = HttpClients::builder().first_byte_timeout(Duration::from_millis(200));
    let pair = pair(hasty).await;
    let gate = Gate::new();
    pair.server.script(Exchange::reply("late").gate(&gate));
    let stream = pair
        .client
        .stream(&model(), &ChatRequest::new("Hello?"))
        .await;
    assert_eq!(class(&stream.unwrap_err()), FailureClass::Timeout);
    gate.open();
}

#[cfg(feature = "http-client")]
#[tokio::test]
async fn calls_go_through_a_proxy() {
    let proxy = ScriptedServer::start().await.unwrap();
    let through = reqwest::Proxy::all(proxy.url()).unwrap();
    let clients = HttpClients::builder().proxy(through).build().unwrap();
    let provider = Provider::local().at("http://provider.invalid/v1").unwrap();
    let reply = clients
        .client(&provider)
        .chat(&model(), &ChatRequest::new("Hello?"))
        .await;
    assert!(reply.is_ok(), "{reply:?}");
    assert_eq!(proxy.received()[0].header("host"), Some("provider.invalid"));
}

#[cfg(feature = "http-client")]
#[tokio::test]
async fn the_hosts_own_client_is_used() {
    let own = reqwest::Client::builder().user_agent("host/1").no_proxy();
    let pair = pair(HttpClients::builder().http_client(own.build().unwrap())).await;
    pair.ask("Hello?").await.unwrap();
    assert_eq!(
        pair.server.received()[0].header("user-agent"),
        Some("host/1")
    );
    let pair = self::pair(HttpClients::builder().user_agent("mine/2")).await;
    pair.ask("Hello?").await.unwrap();
    assert_eq!(
        pair.server.received()[0].header("user-agent"),
        Some("mine/2")
    );
}

#[tokio::test]
async fn limits_come_with_the_reply() {
    let pair = pair(HttpClients::builder()).await;
    let exchange = Exchange::reply("Hi.")
        .header("x-ratelimit-remaining-requests", "59")
        .header("x-ratelimit-reset-requests", "1s");
    pair.server.script(exchange.clone());
    let whole = pair.ask("Hello?").await.unwrap();
    assert_eq!(whole.rate_limits().requests.remaining, Some(59));
    pair.server.script(exchange);
    let stream = pair
        .client
        .stream(&model(), &ChatRequest::new("Hello?"))
        .await;
    let streamed = stream.unwrap().reply().await.unwrap();
    assert_eq!(streamed.rate_limits(), whole.rate_limits());
}

#[tokio::test]
async fn what_a_model_is_known_not_to_do_is_not_asked() {
    let catalogue = r#"{"version": "v", "sources": [], "models": [
        {"provider": "openai", "name": "some-model", "context_window": 9, "output_limit": 100,
         "capabilities": ["streaming"], "input": ["text"], "prices": []}]}"#;
    let catalogue = Catalogue::from_json(catalogue).unwrap();
    let registry = Registry::new(catalogue, [Provider::openai()]);
    let clients = HttpClients::new().unwrap().knowing(&registry);
    let pair = Pair::with(Provider::openai(), &clients).await;
    let with_tool =
        || ChatRequest::new("Hello?").tool(lattice_lock_clients::Tool::without_arguments("f"));
    assert_eq!(
        refused(&pair, &with_tool()).await,
        codes::CAPABILITY_MISSING
    );
    let seeing = Message::user("Hello?").image(Image::url("https://example.org/x"));
    assert_eq!(
        refused(&pair, &seeing.into()).await,
        codes::CAPABILITY_MISSING
    );
    let long = ChatRequest::new("Hello?").max_tokens(101);
    assert_eq!(refused(&pair, &long).await, codes::CAPABILITY_MISSING);
    // Unknown is not unsupported.
    let unknown = "another-model".parse().unwrap();
    assert!(pair.client.chat(&unknown, &with_tool()).await.is_ok());
}

#[tokio::test]
async fn a_probe_is_remembered_and_tells_a_wrong_key() {
    for (name, provider, base) in wires() {
        let pair = Pair::at(provider, base, &HttpClients::new().unwrap()).await;
        let probes = Probes::new();
        assert!(
            probes.check(pair.client.as_ref()).await.is_healthy(),
            "{name}"
        );
        assert!(
            probes.check(pair.client.as_ref()).await.is_healthy(),
            "{name}"
        );
        assert_eq!(pair.server.received().len(), 1, "{name}");
        assert!(pair.server.account().charges().is_empty(), "{name}");

        pair.server.require_key("another");
        let probes = Probes::with_cache(HealthCache::lasting(Duration::ZERO));
        let health = probes.check(pair.client.as_ref()).await;
        assert_eq!(health.is_key_valid(), Some(false), "{name}");
    }
    let keyless = HttpClients::new().unwrap().client(&Provider::openai());
    let health = Probes::new().check(keyless.as_ref()).await;
    assert_eq!(health.failure, Some(FailureClass::InvalidKey));
}

#[tokio::test]
async fn texts_are_turned_into_vectors() {
    let azure = Provider::azure("http://127.0.0.1:1").unwrap();
    for (provider, base) in [
        (Provider::openai(), "/v1"),
        (azure, ""),
        (Provider::google(), "/v1beta"),
    ] {
        let pair = Pair::at(provider, base, &HttpClients::new().unwrap()).await;
        pair.server
            .script(Exchange::derived().usage(Usage::new().input(9)));
        let request = EmbedRequest::new(["one", "two", "one"]);
        let reply = pair.client.embed(&model(), &request).await.unwrap();
        let [one, two, again] = reply.vectors() else {
            panic!("{reply:?}")
        };
        assert!(one == again && one != two && one.len() == 3);
        assert_eq!(reply.usage().tokens(), Some(9));
        assert_eq!(reply.usage_finding(), None);
        assert_eq!(pair.server.account().tokens(), 9);

        pair.server.script(Exchange::derived().without_usage());
        let reply = pair.client.embed(&model(), &request).await.unwrap();
        assert_eq!(reply.usage().total(), Count::Absent);
        pair.server.script(Exchange::error(429).retry_after(3));
        let error = pair.client.embed(&model(), &request).await.unwrap_err();
        assert_eq!(class(&error), FailureClass::RateLimited);
    }
}

#[tokio::test]
async fn a_vector_too_few_is_malformed_and_no_text_is_refused() {
    let pair = pair(HttpClients::builder()).await;
    let body = json!({ "data": [{ "index": 0, "embedding": [1.0] }] }).to_string();
    pair.server
        .script(Exchange::raw(200, "application/json", body));
    let error = pair
        .client
        .embed(&model(), &EmbedRequest::new(["a", "b"]))
        .await;
    assert_eq!(class(&error.unwrap_err()), FailureClass::MalformedReply);
    let none: [&str; 0] = [];
    let error = pair.client.embed(&model(), &EmbedRequest::new(none)).await;
    assert_eq!(error.unwrap_err().code(), codes::REQUEST_INVALID);
    let pair = Pair::of(Provider::anthropic()).await;
    let error = pair.client.embed(&model(), &EmbedRequest::new(["a"])).await;
    assert_eq!(error.unwrap_err().code(), codes::EMBEDDINGS_UNSUPPORTED);
}
