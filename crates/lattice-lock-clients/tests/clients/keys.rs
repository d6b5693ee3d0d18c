use lattice_lock_clients::{ChatRequest, HttpClients, Key};
use lattice_lock_errors::Secret;
use lattice_lock_providers::{FailureClass, Provider};
use lattice_lock_testkit::{Exchange, ScriptedServer};

use crate::support::{KEY, Pair, assert_hidden, class, model, printed};

#[tokio::test]
async fn a_call_is_made_with_the_key_that_is_chosen() {
    let server = ScriptedServer::start().await.unwrap();
    let provider = Provider::openai()
        .api_key("key-one".to_owned())
        .another_key("key-two".to_owned())
        .at(&format!("{}/v1", server.url()))
        .unwrap();
    let client = HttpClients::new().unwrap().client(&provider);
    let own = Secret::new("key-own".to_owned());
    let request = ChatRequest::new("Hello?");
    for key in [Key::First, Key::At(1), Key::Own(&own)] {
        client.chat_with(key, &model(), &request).await.unwrap();
        let stream = client.stream_with(key, &model(), &request).await.unwrap();
        stream.reply().await.unwrap();
    }
    let received = server.received();
    let shown: Vec<_> = received
        .iter()
        .map(|it| it.header("authorization"))
        .collect();
    let [one, two, three] = ["Bearer key-one", "Bearer key-two", "Bearer key-own"].map(Some);
    assert_eq!(shown, [one, one, two, two, three, three]);
}

#[tokio::test]
async fn a_callers_own_key_is_hidden_as_well() {
    let pair = Pair::of(Provider::openai()).await;
    let own = Secret::new(format!("{KEY}-own"));
    let exchange = Exchange::error(400).message(format!("the key {KEY}-own may not"));
    pair.server.script(exchange.clone());
    let request = ChatRequest::new("Hello?");
    let error = pair
        .client
        .chat_with(Key::Own(&own), &model(), &request)
        .await;
    let error = error.unwrap_err();
    assert_eq!(class(&error), FailureClass::BadRequest);
    assert_hidden(&printed(&error));
    pair.server.script(Exchange::raw(
        200,
        "text/event-stream",
        format!("data: {{\"error\":{{\"message\":\"{KEY}-own\"}}}}\n\n"),
    ));
    let stream = pair
        .client
        .stream_with(Key::Own(&own), &model(), &request)
        .await
        .unwrap();
    assert_hidden(&printed(&stream.reply().await.unwrap_err()));
    assert_hidden(&format!("{:?}", Key::Own(&own)));
}

#[tokio::test]
async fn a_caller_may_bring_the_only_key_that_there_is() {
    let server = ScriptedServer::start().await.unwrap();
    let keyless = Provider::openai()
        .at(&format!("{}/v1", server.url()))
        .unwrap();
    let client = HttpClients::new().unwrap().client(&keyless);
    let (own, request) = (
        Secret::new("key-own".to_owned()),
        ChatRequest::new("Hello?"),
    );
    assert!(
        client
            .chat_with(Key::Own(&own), &model(), &request)
            .await
            .is_ok()
    );
    let error = client.chat(&model(), &request).await.unwrap_err();
    assert_eq!(error.code(), lattice_lock_clients::codes::KEY_UNUSABLE);
}

#[cfg(feature = "bedrock")]
#[tokio::test]
async fn bedrock_is_signed_where_there_is_no_key() {
    use aws_credential_types::Credentials;

    let server = ScriptedServer::start().await.unwrap();
    let credentials = Credentials::builder()
        .access_key_id("AKIDEXAMPLE")
        .secret_access_key(KEY)
        .session_token("planted-token")
        .provider_name("test")
        .build();
    let clients = HttpClients::builder().aws_credentials(credentials, "eu-central-1");
    let clients = clients.build().unwrap();
    let provider = Provider::bedrock(server.url()).unwrap();
    let client = clients.client(&provider);
    let model = "anthropic.claude-sonnet-4-5-v1:0".parse().unwrap();
    let request = ChatRequest::new("Hello?");
    client.chat(&model, &request).await.unwrap();
    client
        .stream(&model, &request)
        .await
        .unwrap()
        .reply()
        .await
        .unwrap();
    client.models().await.unwrap();
    for received in server.received() {
        let shown = received.header("authorization").unwrap();
        let scope = "/eu-central-1/bedrock/aws4_request";
        assert!(
            shown.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") && shown.contains(scope),
            "{shown}"
        );
        assert_eq!(
            received.header("x-amz-security-token"),
            Some("planted-token")
        );
        assert!(!shown.contains(KEY));
    }
    assert_eq!(
        server.account().charges()[0].requested_model,
        model.as_str()
    );
    server.require_key("another");
    let error = client.chat(&model, &request).await.unwrap_err();
    assert_eq!(class(&error), FailureClass::InvalidKey);
    assert_hidden(&printed(&error));
    assert_hidden(&format!("{clients:?} {client:?}"));
}

#[cfg(feature = "bedrock")]
#[tokio::test]
async fn credentials_are_waited_for_no_longer_than_the_call_may_take() {
    use aws_credential_types::provider::{ProvideCredentials, future};
    use lattice_lock_clients::codes;
    use std::time::Duration;

    #[derive(Debug)]
    struct Silent;

    impl ProvideCredentials for Silent {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(std::future::pending())
        }
    }

    let server = ScriptedServer::start().await.unwrap();
    let clients = HttpClients::builder()
        .aws_credentials(Silent, "eu-central-1")
        .timeout(Duration::from_millis(100))
        .probe_timeout(Duration::from_millis(100));
    let clients = clients.build().unwrap();
    let client = clients.client(&Provider::bedrock(server.url()).unwrap());
    let asked = client.chat(&model(), &ChatRequest::new("Hello?")).await;
    assert_eq!(asked.unwrap_err().code(), codes::KEY_UNUSABLE);
    let probed = client.probe().await;
    assert_eq!(probed.unwrap_err().code(), codes::KEY_UNUSABLE);
    assert!(server.received().is_empty());
}

#[cfg(feature = "bedrock")]
#[tokio::test]
async fn the_host_that_lists_bedrocks_models_has_to_be_allowed_too() {
    use lattice_lock_clients::codes;

    let clients = HttpClients::builder()
        .only_hosts(["bedrock-runtime.eu-central-1.amazonaws.com"])
        .build()
        .unwrap();
    let provider = Provider::bedrock("eu-central-1").unwrap();
    let client = clients.client(&provider.api_key(KEY.to_owned()));
    let error = client.models().await.unwrap_err();
    assert_eq!(error.code(), codes::ADDRESS_FORBIDDEN);
}
