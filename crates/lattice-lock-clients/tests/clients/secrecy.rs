use lattice_lock_clients::ChatRequest;
use lattice_lock_providers::{FailureClass, Provider};
use lattice_lock_testkit::Exchange;

use crate::support::{KEY, Pair, assert_hidden, both, class, clients, model, printed};

#[tokio::test]
async fn a_refused_key_is_in_no_output() {
    for provider in both() {
        let pair = Pair::of(provider).await;
        pair.server.require_key("another");
        let error = pair.ask("Hello?").await.unwrap_err();
        assert_eq!(class(&error), FailureClass::InvalidKey);
        assert_hidden(&printed(&error));
        let error = pair.client.models().await.unwrap_err();
        assert_eq!(class(&error), FailureClass::InvalidKey);
        assert_hidden(&printed(&error));
    }
}

#[tokio::test]
async fn a_provider_that_quotes_the_key_does_not_spread_it() {
    let quote = format!("the key {KEY} may not do this");
    for provider in both() {
        for status in [400, 403, 404, 429, 500, 529] {
            let pair = Pair::of(provider.clone()).await;
            let exchange = Exchange::error(status).message(&quote);
            assert_hidden(&printed(&pair.play(exchange).await.unwrap_err()));
        }
    }
}

#[tokio::test]
async fn no_fault_shows_the_key() {
    let faults = || {
        [
            Exchange::reset(),
            Exchange::reply("x").then_reset(),
            Exchange::reply("x").then_truncate(),
            Exchange::raw(200, "text/html", KEY),
            Exchange::raw(200, KEY, "{}").header("x-request-id", KEY),
            Exchange::raw(302, "text/plain", KEY).header("location", format!("http://{KEY}/")),
            Exchange::raw(500, "application/json", format!("{{\"error\":\"{KEY}\"}}")),
        ]
    };
    for provider in both() {
        for fault in faults() {
            let pair = Pair::of(provider.clone()).await;
            assert_hidden(&printed(&pair.play(fault).await.unwrap_err()));
        }
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_sent_is_not_shown() {
    let provider = Provider::openai().api_key(format!("{KEY}\r\n{KEY}"));
    let client = clients().client(&provider);
    assert_hidden(&format!("{client:?} {client:#?}"));
    let error = client
        .chat(&model(), &ChatRequest::new("Hello?"))
        .await
        .unwrap_err();
    assert_hidden(&printed(&error));
}

#[tokio::test]
async fn the_key_is_in_no_debug_and_in_no_address() {
    for provider in both() {
        let pair = Pair::of(provider).await;
        pair.ask("Hello?").await.unwrap();
        pair.client.models().await.unwrap();
        assert_hidden(&format!("{:?} {:#?}", pair.client, pair.client));
        for received in pair.server.received() {
            assert_hidden(received.path());
            assert_hidden(&String::from_utf8_lossy(received.body()));
        }
    }
}
