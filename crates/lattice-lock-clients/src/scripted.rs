use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{FailureClass, ModelName, ProviderId, ProviderUnavailableError};

use crate::codes::SCRIPT_EXHAUSTED;
use crate::{ChatReply, ChatRequest, Client};

/// A client that says what it is told to, for the tests of an application: no socket, no key, no clock.
///
/// It checks requests as a real one does, and keeps them. A stream of it brings the scripted reply part by part. A call for which
/// nothing is scripted is an error that is not retried
/// ([`SCRIPT_EXHAUSTED`](crate::codes::SCRIPT_EXHAUSTED)), so that a test that forgot one ends. For faults of a network, or to
/// test what is sent byte for byte, a `ScriptedServer` of the testkit is asked through a real client.
///
/// ```
/// use lattice_lock_clients::{ChatReply, ChatRequest, Client, ScriptedClient};
/// use lattice_lock_providers::FailureClass;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// let client = ScriptedClient::new("openai".parse()?);
/// client.reply(ChatReply::new("gpt-5-mini".parse()?, "Goethe."));
/// client.fail(FailureClass::RateLimited);
///
/// let model = "gpt-5-mini".parse()?;
/// let request = ChatRequest::new("Who wrote Faust?");
/// assert_eq!(client.chat(&model, &request).await?.text(), "Goethe.");
/// assert!(client.chat(&model, &request).await.unwrap_err().is_retryable());
/// assert_eq!(client.received().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ScriptedClient {
    provider: ProviderId,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Result<ChatReply>>,
    received: Vec<(ModelName, ChatRequest)>,
    models: Vec<ModelName>,
}

impl ScriptedClient {
    /// A client of this provider, without a script.
    #[must_use]
    pub fn new(provider: ProviderId) -> Self {
        Self {
            provider,
            state: Mutex::default(),
        }
    }

    /// Adds a reply at the end of the script.
    pub fn reply(&self, reply: ChatReply) {
        self.state().script.push_back(Ok(reply));
    }

    /// Adds a failed attempt at the end of the script, as a real client's error of this class is: with its code, its kind, and
    /// the [`ProviderUnavailableError`] that `error.find()` gives back.
    pub fn fail(&self, class: FailureClass) {
        let failure = ProviderUnavailableError::new(self.provider.clone(), class);
        self.error(failure.into_error());
    }

    /// Adds an error of the test's own at the end of the script, such as one that says how long to stay away.
    pub fn error(&self, error: Error) {
        self.state().script.push_back(Err(error));
    }

    /// Sets the models that it lists; none by default.
    pub fn list(&self, models: impl IntoIterator<Item = ModelName>) {
        self.state().models = models.into_iter().collect();
    }

    /// What it was asked, oldest first. A request that was refused before it was sent is not among them.
    #[must_use]
    pub fn received(&self) -> Vec<(ModelName, ChatRequest)> {
        self.state().received.clone()
    }

    /// How much of the script nobody has taken yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.state().script.len()
    }

    /// A panic elsewhere leaves the state whole: every change to it is a single one.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Client for ScriptedClient {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn chat(&self, model: &ModelName, request: &ChatRequest) -> Result<ChatReply> {
        request.check()?;
        let mut state = self.state();
        state.received.push((model.clone(), request.clone()));
        state.script.pop_front().unwrap_or_else(|| {
            Err(Error::new(SCRIPT_EXHAUSTED, "nothing more is scripted")
                .with("provider", &self.provider))
        })
    }

    async fn models(&self) -> Result<Vec<ModelName>> {
        Ok(self.state().models.clone())
    }
}
