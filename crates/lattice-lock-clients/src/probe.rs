//! Whether a provider can be reached and takes the key, found out without being charged.

use jiff::Timestamp;
use lattice_lock_errors::Error;
use lattice_lock_providers::{FailureClass, Health, HealthCache, ProviderUnavailableError};

use crate::Client;
use crate::codes::KEY_UNUSABLE;

/// Probes providers, and remembers for a minute at most what was found. However many ask at once, one probe is made.
///
/// A probe is a listing of models, which no provider charges for: `GET /models`, at Ollama `/api/tags`, at Bedrock
/// `/foundation-models` of its other host. It takes 5 seconds at most
/// ([`probe_timeout`](crate::HttpClientsBuilder::probe_timeout)).
///
/// | it finds | [`is_healthy`](Health::is_healthy) | [`is_key_valid`](Health::is_key_valid) |
/// |---|---|---|
/// | a list | yes | yes |
/// | 401, or a key that cannot be sent | no | no |
/// | any other error of the provider's, 403 included | no | not known |
/// | no connection, nothing in time | no | not known |
///
/// [`failure`](Health::failure) says which of these it was.
/// That a key may list models does not say that it has credit, nor that it may use every model.
///
/// ```
/// use lattice_lock_clients::{Probes, ScriptedClient};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// let client = ScriptedClient::new("openai".parse()?);
/// let health = Probes::new().check(&client).await;
/// assert_eq!(health.is_key_valid(), Some(true));
/// # Ok(())
/// # }
/// ```
///
/// A key that is refused, in a host's page of settings:
///
/// ```
/// use lattice_lock_clients::{HttpClients, Probes};
/// use lattice_lock_providers::{FailureClass, Provider};
/// # use lattice_lock_testkit::ScriptedServer;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// # let server = ScriptedServer::start().await.unwrap();
/// # server.require_key("sk-live-4711");
/// # let address = format!("{}/v1", server.url());
/// let provider = Provider::openai().api_key("sk-old-0815".to_string()).at(&address)?;
/// let client = HttpClients::new()?.client(&provider);
/// let health = Probes::new().check(&*client).await;
/// assert_eq!(health.failure, Some(FailureClass::InvalidKey));
/// assert_eq!(health.is_key_valid(), Some(false));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Probes(HealthCache);

impl Probes {
    /// Nobody was probed yet.
    ///
    /// Results last a minute. One of these is enough for a process; what it remembers is by the provider's id, so
    /// that two clients of one provider with different keys want two of these.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Probes that are remembered as this cache says.
    ///
    /// A minute is the longest that there is.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lattice_lock_clients::Probes;
    /// use lattice_lock_providers::HealthCache;
    ///
    /// // For a test, or a button that says "check again".
    /// let probes = Probes::with_cache(HealthCache::lasting(Duration::ZERO));
    /// ```
    #[must_use]
    pub fn with_cache(cache: HealthCache) -> Self {
        Self(cache)
    }

    /// The health of the client's provider: what is known if it is fresh, else what a probe finds.
    ///
    /// It never fails: what went wrong is in the health. Who asks while a probe is under way waits for its result;
    /// where the future that makes it is dropped, the next one makes it. Only the first of the provider's keys is
    /// probed.
    ///
    /// ```
    /// use lattice_lock_clients::{Probes, ScriptedClient};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let (probes, client) = (Probes::new(), ScriptedClient::new("openai".parse()?));
    /// let first = probes.check(&client).await;
    /// assert!(first.is_healthy());
    /// assert_eq!(probes.check(&client).await, first); // remembered, `checked_at` included
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check(&self, client: &dyn Client) -> Health {
        let probe = async || client.probe().await.err().map(|error| class(&error));
        let clock = || Timestamp::now().as_microsecond();
        self.0.get(client.provider(), clock, probe).await
    }

    /// What has been found until now.
    ///
    /// To show what is known without probing, however old it is:
    ///
    /// ```
    /// use lattice_lock_clients::Probes;
    ///
    /// let probes = Probes::new();
    /// assert_eq!(probes.cache().last(&"openai".parse()?), None);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn cache(&self) -> &HealthCache {
        &self.0
    }
}

/// What keeps the provider from being called.
fn class(error: &Error) -> FailureClass {
    match error.find::<ProviderUnavailableError>() {
        Some(failure) => failure.class(),
        None if error.code() == KEY_UNUSABLE => FailureClass::InvalidKey,
        None => FailureClass::Connect,
    }
}
