use lattice_lock_errors::Secret;

use crate::reading::Reading;
use crate::setting::{
    ANTHROPIC_KEY, AWS_REGION, AZURE_ENDPOINT, AZURE_KEY, DIAL_ENDPOINT, DIAL_KEY, GOOGLE_KEY,
    OLLAMA_HOST, OPENAI_KEY, Setting, XAI_KEY,
};
use crate::{Endpoint, Environment, WarningKind, parse};

/// The section `providers`: what is needed to reach each of them. Nothing is set by default.
///
/// ```
/// use lattice_lock_config::AppConfig;
///
/// let variables = [("OPENAI_API_KEY", "sk-live-4711"), ("OLLAMA_HOST", "gpu.internal")];
/// let config = AppConfig::builder().variables(variables).build()?;
/// let providers = config.providers();
/// assert!(providers.openai.api_key.is_some());
/// assert_eq!(providers.ollama.host.as_ref().map(|host| host.as_str()), Some("http://gpu.internal:11434"));
/// assert!(!format!("{providers:?}").contains("4711"));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProvidersConfig {
    /// OpenAI, `OPENAI_API_KEY`.
    pub openai: KeyedProvider,
    /// Anthropic, `ANTHROPIC_API_KEY`.
    pub anthropic: KeyedProvider,
    /// Google, `GOOGLE_API_KEY` or else `GEMINI_API_KEY`.
    pub google: KeyedProvider,
    /// xAI, `XAI_API_KEY`.
    pub xai: KeyedProvider,
    /// Azure OpenAI, `AZURE_OPENAI_API_KEY` with `AZURE_OPENAI_ENDPOINT`.
    pub azure_openai: HostedProvider,
    /// AWS Bedrock, `AWS_REGION`.
    pub bedrock: BedrockConfig,
    /// DIAL, `DIAL_API_KEY` with `DIAL_ENDPOINT`.
    pub dial: HostedProvider,
    /// Ollama, `OLLAMA_HOST`.
    pub ollama: OllamaConfig,
}

/// A provider that is reached with a key alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedProvider {
    /// The key. Empty text and the placeholders of examples (`sk-...`, `your-api-key`) count as none.
    pub api_key: Option<Secret<String>>,
}

/// A provider that is hosted by or for each customer, so that it needs an address too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostedProvider {
    /// The key.
    pub api_key: Option<Secret<String>>,
    /// The address of the customer's own deployment.
    pub endpoint: Option<Endpoint>,
}

impl HostedProvider {
    /// Whether both key and endpoint are given, so that it can be used.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.api_key.is_some() && self.endpoint.is_some()
    }
}

/// AWS Bedrock. Its credentials come through AWS's own chain and are not part of this configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BedrockConfig {
    /// The region, such as `eu-central-1`. Variable `AWS_REGION`.
    pub region: Option<String>,
}

/// A local or hosted Ollama.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OllamaConfig {
    /// Its address, from any form that Ollama's own programs take (`127.0.0.1`, `:11434`, `https://host`).
    pub host: Option<Endpoint>,
}

impl ProvidersConfig {
    pub(crate) fn read(reading: &mut Reading) -> Self {
        Self {
            openai: keyed(reading, &OPENAI_KEY),
            anthropic: keyed(reading, &ANTHROPIC_KEY),
            google: keyed(reading, &GOOGLE_KEY),
            xai: keyed(reading, &XAI_KEY),
            azure_openai: hosted(reading, &AZURE_KEY, &AZURE_ENDPOINT),
            bedrock: BedrockConfig {
                region: reading.optional(&AWS_REGION, parse::region),
            },
            dial: hosted(reading, &DIAL_KEY, &DIAL_ENDPOINT),
            ollama: OllamaConfig {
                host: reading.optional(&OLLAMA_HOST, |raw| Endpoint::ollama(parse::text(raw)?)),
            },
        }
    }

    /// Warns about halves of pairs, and in production about prompts that travel in the open.
    pub(crate) fn advise(&self, environment: Environment, reading: &mut Reading) {
        for (provider, key, endpoint) in [
            (&self.azure_openai, &AZURE_KEY, &AZURE_ENDPOINT),
            (&self.dial, &DIAL_KEY, &DIAL_ENDPOINT),
        ] {
            match (&provider.api_key, &provider.endpoint) {
                (Some(_), None) => reading.warn_about(WarningKind::IncompleteProvider, key),
                (None, Some(_)) => reading.warn_about(WarningKind::IncompleteProvider, endpoint),
                _ => {}
            }
        }
        for (endpoint, setting) in [
            (&self.azure_openai.endpoint, &AZURE_ENDPOINT),
            (&self.dial.endpoint, &DIAL_ENDPOINT),
            (&self.ollama.host, &OLLAMA_HOST),
        ] {
            if environment == Environment::Production && endpoint.as_ref().is_some_and(is_exposed) {
                reading.warn_about(WarningKind::PlainHttp, setting);
            }
        }
    }
}

/// A provider that needs a key.
fn keyed(reading: &mut Reading, key: &'static Setting) -> KeyedProvider {
    KeyedProvider {
        api_key: reading.credential(key),
    }
}

/// A provider that needs a key and an address.
fn hosted(
    reading: &mut Reading,
    key: &'static Setting,
    endpoint: &'static Setting,
) -> HostedProvider {
    HostedProvider {
        api_key: reading.credential(key),
        endpoint: reading.optional(endpoint, |raw| Endpoint::address(parse::text(raw)?)),
    }
}

/// Whether others can read what is sent there.
fn is_exposed(endpoint: &Endpoint) -> bool {
    !endpoint.is_encrypted() && !endpoint.is_loopback()
}
