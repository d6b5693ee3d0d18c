//! A client without a provider, for tests of whatever uses one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{FailureClass, ModelName, ProviderId, ProviderUnavailableError};

use crate::codes::SCRIPT_EXHAUSTED;
use crate::{ChatReply, ChatRequest, Client};

/// A client that says what it is told to, for the tests of an application: no socket, no key, no clock.
///
/// It checks requests as a real one does, and keeps them. A stream of it brings the scripted reply part by part. A
/// call for which nothing is scripted is an error that is not retried
/// ([`SCRIPT_EXHAUSTED`](crate::codes::SCRIPT_EXHAUSTED)), so that a test that forgot one ends. For faults of a
/// network, or to test what is sent byte for byte, a `ScriptedServer` of the testkit is asked through a real
/// client.
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
    ///
    /// It is shared by reference: put it into an `Arc` where the application wants one of a `dyn Client`, and keep
    /// another to script it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use lattice_lock_clients::{ChatReply, Client, ScriptedClient};
    ///
    /// let scripted = Arc::new(ScriptedClient::new("openai".parse()?));
    /// let client: Arc<dyn Client> = scripted.clone(); // what the application gets
    /// scripted.reply(ChatReply::new("gpt-5-mini".parse()?, "Goethe."));
    /// assert_eq!((client.provider().as_str(), scripted.remaining()), ("openai", 1));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn new(provider: ProviderId) -> Self {
        Self {
            provider,
            state: Mutex::default(),
        }
    }

    /// Adds a reply at the end of the script.
    ///
    /// It is given for any model and any request that passes the checks; its served model and usage are what the
    /// test says.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, ChatRequest, Client, Delta, ScriptedClient};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let client = ScriptedClient::new("openai".parse()?);
    /// client.reply(ChatReply::new("gpt-5-mini".parse()?, "Goethe."));
    /// let mut stream = client.stream(&"gpt-5-mini".parse()?, &ChatRequest::new("Who wrote Faust?")).await?;
    /// assert_eq!(stream.next().await.transpose()?, Some(Delta::Text("Goethe.".to_string())));
    /// # Ok(())
    /// # }
    /// ```
    pub fn reply(&self, reply: ChatReply) {
        self.state().script.push_back(Ok(reply));
    }

    /// Adds a failed attempt at the end of the script, as a real client's error of this class is: with its code,
    /// its kind, and the [`ProviderUnavailableError`] that `error.find()` gives back.
    ///
    /// Asked to stream, it fails before there is a stream.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Client, ScriptedClient};
    /// use lattice_lock_providers::{FailureClass, ProviderUnavailableError};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let client = ScriptedClient::new("openai".parse()?);
    /// client.fail(FailureClass::Overloaded);
    /// let error = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Hi")).await.unwrap_err();
    /// let failure = error.find::<ProviderUnavailableError>().expect("an attempt was made");
    /// assert_eq!((failure.class(), failure.status()), (FailureClass::Overloaded, None));
    /// # Ok(())
    /// # }
    /// ```
    pub fn fail(&self, class: FailureClass) {
        let failure = ProviderUnavailableError::new(self.provider.clone(), class);
        self.error(failure.into_error());
    }

    /// Adds an error of the test's own at the end of the script, such as one that says how long to stay away.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lattice_lock_clients::{ChatRequest, Client, ScriptedClient};
    /// use lattice_lock_providers::{FailureClass, ProviderUnavailableError};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let client = ScriptedClient::new("openai".parse()?);
    /// let limited = ProviderUnavailableError::new("openai".parse()?, FailureClass::RateLimited).with_status(429);
    /// client.error(limited.into_error().with_retry_after(Duration::from_secs(20)));
    /// let error = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Hi")).await.unwrap_err();
    /// assert_eq!(error.retry_after(), Some(Duration::from_secs(20)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn error(&self, error: Error) {
        self.state().script.push_back(Err(error));
    }

    /// Sets the models that it lists; none by default.
    ///
    /// A probe of it finds it healthy, with models or without.
    ///
    /// ```
    /// use lattice_lock_clients::{Client, ScriptedClient};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let client = ScriptedClient::new("openai".parse()?);
    /// client.list(["gpt-5".parse()?, "gpt-5-mini".parse()?]);
    /// assert_eq!(client.models().await?.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self, models: impl IntoIterator<Item = ModelName>) {
        self.state().models = models.into_iter().collect();
    }

    /// What it was asked, oldest first. A request that was refused before it was sent is not among them.
    ///
    /// With which key it was asked is not kept.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, ChatRequest, Client, ScriptedClient};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let client = ScriptedClient::new("openai".parse()?);
    /// client.reply(ChatReply::new("gpt-5-mini".parse()?, "Goethe."));
    /// let model = "gpt-5-mini".parse()?;
    /// client.chat(&model, &ChatRequest::new("Who wrote Faust?").max_tokens(50)).await?;
    /// client.chat(&model, &ChatRequest::new(" ")).await.unwrap_err(); // refused, and takes nothing of the script
    /// let received = client.received();
    /// assert_eq!(received.len(), 1);
    /// assert_eq!((received[0].0.as_str(), received[0].1.token_limit()), ("gpt-5-mini", Some(50)));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn received(&self) -> Vec<(ModelName, ChatRequest)> {
        self.state().received.clone()
    }

    /// How much of the script nobody has taken yet.
    ///
    /// A test that ends with 0 has asked for everything that it scripted.
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
