use std::sync::Arc;
use std::time::Duration;

use lattice_lock_clients::{ChatReply, ChatRequest, Client, HttpClients};
use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{FailureClass, ModelName, Provider, ProviderUnavailableError, Wire};
use lattice_lock_testkit::{Exchange, ScriptedServer};

/// A key that must never be seen, shaped so that a server masks it as OpenAI does.
pub(crate) const KEY: &str = "sk-proj-planted0123456789abcdefWXYZ";

/// A server with a client on it.
pub(crate) struct Pair {
    pub(crate) server: ScriptedServer,
    pub(crate) client: Arc<dyn Client>,
}

/// Both wires, by the known provider of each.
pub(crate) fn both() -> [Provider; 2] {
    [Provider::openai(), Provider::anthropic()]
}

/// Every wire, by a provider that speaks it, with where its addresses begin.
pub(crate) fn wires() -> Vec<(&'static str, Provider, &'static str)> {
    let azure = Provider::azure("http://127.0.0.1:1").unwrap();
    vec![
        #[cfg(feature = "bedrock")]
        ("bedrock", Provider::bedrock("eu-central-1").unwrap(), ""),
        ("openai chat", Provider::openai(), "/v1"),
        ("azure", azure, ""),
        (
            "responses",
            Provider::openai().speaks(Wire::OpenAiResponses),
            "/v1",
        ),
        ("anthropic", Provider::anthropic(), "/v1"),
        ("gemini", Provider::google(), "/v1beta"),
        ("ollama", Provider::local().speaks(Wire::OllamaChat), ""),
    ]
}

/// Clients whose timeouts end a test that hangs.
pub(crate) fn clients() -> HttpClients {
    HttpClients::builder()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

impl Pair {
    pub(crate) async fn of(provider: Provider) -> Self {
        Self::with(provider, &clients()).await
    }

    pub(crate) async fn with(provider: Provider, clients: &HttpClients) -> Self {
        Self::at(provider, "/v1", clients).await
    }

    pub(crate) async fn at(provider: Provider, base: &str, clients: &HttpClients) -> Self {
        let server = ScriptedServer::start().await.unwrap();
        let provider = provider
            .api_key(KEY.to_owned())
            .at(&format!("{}{base}", server.url()))
            .unwrap();
        let client = clients.client(&provider);
        Self { server, client }
    }

    /// Plays `exchange` to a plain prompt.
    pub(crate) async fn play(&self, exchange: Exchange) -> Result<ChatReply> {
        self.server.script(exchange);
        self.ask("Hello?").await
    }

    pub(crate) async fn ask(&self, prompt: &str) -> Result<ChatReply> {
        self.client.chat(&model(), &ChatRequest::new(prompt)).await
    }
}

pub(crate) fn model() -> ModelName {
    "some-model".parse().unwrap()
}

/// The class of a failed attempt.
pub(crate) fn class(error: &Error) -> FailureClass {
    let failure = error.find::<ProviderUnavailableError>();
    failure
        .unwrap_or_else(|| panic!("not a failed attempt: {error:?}"))
        .class()
}

/// The value of a key of the error's context.
pub(crate) fn context<'a>(error: &'a Error, key: &str) -> Option<&'a str> {
    error
        .context()
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

/// Everything that an error can be printed as.
pub(crate) fn printed(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source())
        .map(|cause| format!("{cause} {cause:?}"))
        .collect::<Vec<_>>()
        .join(" ");
    let record = serde_json::to_string(&error.record()).unwrap();
    format!(
        "{error} {error:?} {error:#?} {} {record} {causes}",
        error.report()
    )
}

/// Neither the key nor either of its telling ends.
pub(crate) fn assert_hidden(text: &str) {
    for part in [KEY, &KEY[..16], &KEY[KEY.len() - 8..], "WXYZ"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
}
