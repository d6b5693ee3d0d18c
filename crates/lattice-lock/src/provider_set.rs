use lattice_lock_config::{AppConfig, KeyedProvider, ProvidersConfig};
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

    /// Those for which the configuration has credentials: `OpenAI`, Anthropic, xAI and Ollama.
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
            keyed(Provider::xai(), &config.xai),
        ]
        .into_iter()
        .flatten()
        .collect();
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

fn unserved(config: &ProvidersConfig) -> Vec<&'static str> {
    [
        ("google", config.google.api_key.is_some()),
        ("azure", config.azure_openai.is_complete()),
        ("bedrock", config.bedrock.region.is_some()),
        ("dial", config.dial.is_complete()),
    ]
    .into_iter()
    .filter_map(|(name, is_configured)| is_configured.then_some(name))
    .collect()
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
                ("xai", "https://api.x.ai/v1"),
                ("local", "http://127.0.0.1:11434/v1"),
            ]
        );
    }

    #[test]
    fn what_cannot_be_called_yet_is_named() {
        let providers = configured(&[
            ("GOOGLE_API_KEY", "AIza-4711"),
            ("AWS_REGION", "eu-central-1"),
        ]);
        assert_eq!(providers.unserved(), ["google", "bedrock"]);
        assert_eq!(providers.iter().count(), 0);
    }
}
