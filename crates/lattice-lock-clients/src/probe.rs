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
#[derive(Debug, Default)]
pub struct Probes(HealthCache);

impl Probes {
    /// Nobody was probed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Probes that are remembered as this cache says.
    #[must_use]
    pub fn with_cache(cache: HealthCache) -> Self {
        Self(cache)
    }

    /// The health of the client's provider: what is known if it is fresh, else what a probe finds.
    pub async fn check(&self, client: &dyn Client) -> Health {
        let probe = async || client.probe().await.err().map(|error| class(&error));
        let clock = || Timestamp::now().as_microsecond();
        self.0.get(client.provider(), clock, probe).await
    }

    /// What has been found until now.
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
