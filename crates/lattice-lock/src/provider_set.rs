use lattice_lock_config::{AppConfig, HostedProvider, KeyedProvider, ProvidersConfig};
use lattice_lock_errors::Result;
use lattice_lock_providers::Provider;

/// The providers that an application calls.
///
/// ```
/// use lattice_lock::Providers;
/// use lattice_lock::providers::Provider;
///
/// let providers = Providers::new().with(Provider::openai().api_key("sk-…".to_string()));
/// assert_eq!(providers.iter().count(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Providers {
    configured: Vec<Provider>,
    unserved: Vec<&'static str>,
}

impl Providers {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Those for which this process's environment, or the file that it names, has credentials.
    ///
    /// # Errors
    ///
    /// As [`AppConfig::from_env`], which also refuses an insecure production; a host that has its own
    /// configuration uses [`from_config`](Self::from_config).
    pub fn from_env() -> Result<Self> {
        Self::from_config(&AppConfig::from_env()?)
    }

    /// Those for which the configuration has credentials: `OpenAI`, Anthropic, Google, xAI, Azure, DIAL and Ollama, and
    /// Bedrock with the feature `bedrock`. The support of DIAL and Bedrock is experimental: they are called when they
    /// are given with [`with`](Self::with) and
    /// [`allow_experimental`](lattice_lock_providers::Provider::allow_experimental).
    ///
    /// # Errors
    ///
    /// [`BASE_URL_INVALID`](lattice_lock_providers::codes::BASE_URL_INVALID).
    pub fn from_config(config: &AppConfig) -> Result<Self> {
        let config = config.providers();
        let keyed = |provider: Provider, keyed: &KeyedProvider| {
            Some(provider.api_key(keyed.api_key.clone()?))
        };
        let mut providers: Vec<_> = [
            keyed(Provider::openai(), &config.openai),
            keyed(Provider::anthropic(), &config.anthropic),
            keyed(Provider::google(), &config.google),
            keyed(Provider::xai(), &config.xai),
            hosted(Provider::azure, &config.azure_openai)?,
            hosted(Provider::dial, &config.dial)?,
        ]
        .into_iter()
        .flatten()
        .collect();
        #[cfg(feature = "bedrock")]
        if let Some(region) = &config.bedrock.region {
            providers.push(Provider::bedrock(region)?);
        }
        if let Some(host) = &config.ollama.host {
            let url = format!("{}/v1", host.as_str().trim_end_matches('/'));
            providers.push(Provider::local().at(&url)?);
        }
        Ok(Self {
            configured: providers,
            unserved: unserved(config),
        })
    }

    /// Adds a provider; of two with the same id the last one counts.
    #[must_use]
    pub fn with(mut self, provider: Provider) -> Self {
        self.configured.push(provider);
        self
    }

    /// The providers.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.configured.iter()
    }

    /// Those that are configured and that this version cannot call, so that nobody waits for them.
    #[must_use]
    pub fn unserved(&self) -> &[&'static str] {
        &self.unserved
    }
}

/// A provider that has both an address and a key.
fn hosted(
    at: impl FnOnce(&str) -> Result<Provider>,
    config: &HostedProvider,
) -> Result<Option<Provider>> {
    match (&config.endpoint, &config.api_key) {
        (Some(endpoint), Some(key)) => Ok(Some(at(endpoint.as_str())?.api_key(key.clone()))),
        _ => Ok(None),
    }
}

/// Whose wire this build does not have.
fn unserved(config: &ProvidersConfig) -> Vec<&'static str> {
    let needs_bedrock = cfg!(not(feature = "bedrock")) && config.bedrock.region.is_some();
    needs_bedrock.then_some("bedrock").into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(variables: &[(&str, &str)]) -> Providers {
        let config = AppConfig::builder()
            .variables(variables.iter().copied())
            .build()
            .unwrap();
        Providers::from_config(&config).unwrap()
    }

    #[test]
    fn each_credential_brings_its_provider() {
        let providers = configured(&[
            ("OPENAI_API_KEY", "sk-live-4711"),
            ("ANTHROPIC_API_KEY", "sk-ant-4711"),
            ("XAI_API_KEY", "xai-4711"),
            ("GOOGLE_API_KEY", "AIza-4711"),
            ("AZURE_OPENAI_API_KEY", "azure-4711"),
            ("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com"),
            ("DIAL_API_KEY", "dial-4711"),
            ("DIAL_ENDPOINT", "https://dial.example.org"),
            ("OLLAMA_HOST", "127.0.0.1:11434"),
        ]);
        let found: Vec<_> = providers
            .iter()
            .map(|p| (p.id().as_str(), p.base_url()))
            .collect();
        assert_eq!(
            found,
            [
                ("openai", "https://api.openai.com/v1"),
                ("anthropic", "https://api.anthropic.com/v1"),
                ("google", "https://generativelanguage.googleapis.com/v1beta"),
                ("xai", "https://api.x.ai/v1"),
                ("azure", "https://mine.openai.azure.com"),
                ("dial", "https://dial.example.org"),
                ("local", "http://127.0.0.1:11434/v1"),
            ]
        );
    }

    #[test]
    fn what_cannot_be_called_is_named() {
        let providers = configured(&[("AWS_REGION", "eu-central-1")]);
        let is_served = cfg!(feature = "bedrock");
        assert_eq!(providers.iter().count(), usize::from(is_served));
        assert_eq!(providers.unserved().is_empty(), is_served);
    }
}
