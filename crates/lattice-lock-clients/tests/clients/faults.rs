use std::time::Duration;

use lattice_lock_clients::{ChatRequest, HttpClients, codes};
use lattice_lock_providers::{FailureClass, Provider, ProviderUnavailableError};
use lattice_lock_testkit::{Exchange, Gate};
use tokio::net::{TcpListener, TcpSocket};

use crate::support::{KEY, Pair, both, class, clients, context, model};

#[tokio::test]
async fn each_status_has_its_class_on_both_wires() {
    let expected = [
        (400, FailureClass::BadRequest),
        (401, FailureClass::InvalidKey),
        (403, FailureClass::Forbidden),
        (404, FailureClass::ModelNotFound),
        (413, FailureClass::ContextTooLong),
        (429, FailureClass::RateLimited),
        (500, FailureClass::ServerError),
        (502, FailureClass::ServerError),
        (503, FailureClass::Overloaded),
        (529, FailureClass::Overloaded),
    ];
    for (status, class_of_status) in expected {
        let pair = Pair::of(Provider::openai()).await;
        let error = pair.play(Exchange::error(status)).await.unwrap_err();
        assert_eq!(class(&error), class_of_status, "{status}");
        let failure = error.find::<ProviderUnavailableError>().unwrap();
        assert_eq!(failure.status(), Some(status));
        assert_eq!(context(&error, "model"), Some("some-model"));
        assert!(context(&error, "request_id").unwrap().starts_with("req_"));
    }
    for (status, class_of_status) in expected {
        let pair = Pair::of(Provider::anthropic()).await;
        let error = pair.play(Exchange::error(status)).await.unwrap_err();
        // The type beside a 503 is `api_error`, and it is the type that is believed.
        let expected = match status {
            503 => FailureClass::ServerError,
            _ => class_of_status,
        };
        assert_eq!(class(&error), expected, "{status}");
    }
}

#[tokio::test]
async fn the_typed_fields_of_an_error_win_over_its_status() {
    let check = async |provider: Provider, status, body: &str, expected| {
        let pair = Pair::of(provider).await;
        let exchange = Exchange::raw(status, "application/json", body);
        let error = pair.play(exchange).await.unwrap_err();
        assert_eq!(class(&error), expected, "{body}");
    };
    check(
        Provider::openai(),
        429,
        r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#,
        FailureClass::QuotaExhausted,
    )
    .await;
    check(
        Provider::openai(),
        400,
        r#"{"error":{"type":"invalid_request_error","code":"context_length_exceeded"}}"#,
        FailureClass::ContextTooLong,
    )
    .await;
    check(
        Provider::openai(),
        400,
        r#"{"error":{"code":"content_filter"}}"#,
        FailureClass::ContentFiltered,
    )
    .await;
    check(
        Provider::openai(),
        200,
        r#"{"error":{"code":429,"message":"m"}}"#,
        FailureClass::RateLimited,
    )
    .await;
    check(
        Provider::openai(),
        200,
        r#"{"error":{"message":"m"}}"#,
        FailureClass::ServerError,
    )
    .await;
    check(
        Provider::anthropic(),
        500,
        r#"{"error":{"type":"overloaded_error"}}"#,
        FailureClass::Overloaded,
    )
    .await;
    // Words in a message decide nothing.
    check(
        Provider::openai(),
        400,
        r#"{"error":{"message":"rate_limit_exceeded insufficient_quota 429"}}"#,
        FailureClass::BadRequest,
    )
    .await;
}

#[tokio::test]
async fn retry_after_is_passed_on_in_every_form() {
    let check = async |exchange: Exchange, expected| {
        let pair = Pair::of(Provider::openai()).await;
        let error = pair.play(exchange).await.unwrap_err();
        assert_eq!(error.retry_after(), expected);
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    check(Exchange::error(429), None).await;
    check(Exchange::error(429).retry_after(20), seconds(20)).await;
    check(Exchange::error(503).retry_after(3), seconds(3)).await;
    let dated = Exchange::error(429)
        .header("date", "Sun, 22 Nov 2026 12:00:00 GMT")
        .header("retry-after", "Sun, 22 Nov 2026 12:01:30 GMT");
    check(dated, seconds(90)).await;
    check(Exchange::error(429).header("retry-after", "soon"), None).await;
}

#[tokio::test]
async fn the_providers_message_is_passed_on() {
    let pair = Pair::of(Provider::openai()).await;
    let exchange = Exchange::error(400).message("'temperature' is not supported");
    let error = pair.play(exchange).await.unwrap_err();
    assert_eq!(
        context(&error, "message"),
        Some("'temperature' is not supported")
    );
    let long = Exchange::error(400).message("x".repeat(10_000));
    let error = pair.play(long).await.unwrap_err();
    assert!(context(&error, "message").unwrap().len() < 1_100);
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout_and_is_charged_all_the_same() {
    let limit = Duration::from_hours(1);
    for provider in both() {
        let clients = HttpClients::builder().timeout(limit).build().unwrap();
        let pair = Pair::with(provider, &clients).await;
        let gate = Gate::new();
        // The clock goes on once the server has the call, however long it took to get there.
        let elapsing = async {
            gate.reached().await;
            tokio::time::pause();
            tokio::time::advance(limit).await;
        };
        let late = pair.play(Exchange::reply("late").gate(&gate));
        let (late, ()) = tokio::join!(late, elapsing);
        tokio::time::resume();
        let error = late.unwrap_err();
        assert_eq!(class(&error), FailureClass::Timeout);
        assert!(error.is_retryable());
        assert_eq!(pair.server.account().charges().len(), 1);
        gate.open();
    }
}

#[tokio::test]
async fn a_probe_has_a_shorter_patience() {
    // The listener takes connections into its backlog and never answers.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}/v1", silent.local_addr().unwrap());
    let clients = HttpClients::builder()
        .probe_timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    let provider = Provider::local().at(&address).unwrap();
    let error = clients.client(&provider).models().await.unwrap_err();
    assert_eq!(class(&error), FailureClass::Timeout);
}

#[tokio::test]
async fn a_refused_connection_was_never_sent() {
    // Taken, so that nobody else gets it, and nobody listens there.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = format!("http://{}/v1", taken.local_addr().unwrap());
    let provider = Provider::local().at(&address).unwrap();
    let client = clients().client(&provider);
    let error = client
        .chat(&model(), &ChatRequest::new("Hello?"))
        .await
        .unwrap_err();
    assert_eq!(class(&error), FailureClass::Connect);
    assert!(!class(&error).may_be_billed());
    assert!(context(&error, "cause").unwrap().contains("refused"));
}

#[tokio::test]
async fn a_reset_after_the_work_may_have_been_billed() {
    for provider in both() {
        let pair = Pair::of(provider).await;
        let error = pair
            .play(Exchange::reply("lost").then_reset())
            .await
            .unwrap_err();
        assert_eq!(class(&error), FailureClass::CutStream);
        assert!(class(&error).may_be_billed() && !error.is_retryable());
        assert_eq!(pair.server.received().len(), 1);
    }
}

#[tokio::test]
async fn a_truncated_body_is_a_cut_reply() {
    for provider in both() {
        let pair = Pair::of(provider).await;
        let error = pair
            .play(Exchange::reply("lost").then_truncate())
            .await
            .unwrap_err();
        assert_eq!(class(&error), FailureClass::CutStream);
    }
}

#[tokio::test]
async fn an_error_whose_body_breaks_off_has_the_class_of_its_status() {
    let pair = Pair::of(Provider::openai()).await;
    let error = pair
        .play(Exchange::error(429).then_truncate())
        .await
        .unwrap_err();
    assert_eq!(class(&error), FailureClass::RateLimited);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let pair = Pair::of(Provider::openai()).await;
    let elsewhere = Pair::of(Provider::openai()).await;
    let location = format!("{}/v1/chat/completions", elsewhere.server.url());
    let redirect = Exchange::raw(307, "text/plain", "").header("location", location);
    let error = pair.play(redirect).await.unwrap_err();
    assert_eq!(class(&error), FailureClass::MalformedReply);
    assert!(elsewhere.server.received().is_empty());
}

#[tokio::test]
async fn what_cannot_be_sent_is_no_attempt() {
    let check = async |provider: Provider, request: ChatRequest, code| {
        let client = clients().client(&provider);
        let error = client.chat(&model(), &request).await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        assert!(error.find::<ProviderUnavailableError>().is_none());
    };
    let fine = || ChatRequest::new("Hello?");
    check(
        Provider::local(),
        ChatRequest::new(" "),
        codes::REQUEST_INVALID,
    )
    .await;
    check(Provider::openai(), fine(), codes::KEY_UNUSABLE).await;
    let blank = Provider::openai().api_key(" \n".to_owned());
    check(blank, fine(), codes::KEY_UNUSABLE).await;
    let broken = Provider::openai().api_key(format!("{KEY}\nx-evil: 1"));
    check(broken, fine(), codes::KEY_UNUSABLE).await;
    let odd = Provider::local().at("http://[::").unwrap();
    check(odd, fine(), codes::ADDRESS_UNUSABLE).await;
}

#[tokio::test]
async fn a_dropped_call_leaves_the_client_usable() {
    let pair = Pair::of(Provider::openai()).await;
    let gate = Gate::new();
    pair.server.script(Exchange::reply("lost").gate(&gate));
    tokio::select! {
        _ = pair.ask("Hello?") => panic!("the gate is closed"),
        () = gate.reached() => {}
    }
    gate.open();
    assert!(pair.ask("Still there?").await.is_ok());
    assert_eq!(pair.server.account().charges().len(), 2);
}
