use lattice_lock_errors::{Error, Result, Secret};

use crate::codes::BASE_URL_INVALID;
use crate::{Maturity, ProviderId};

/// Which protocol a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wire {
    /// OpenAI's chat completions, which most others speak too.
    OpenAiChat,
    /// `OpenAI`'s responses.
    OpenAiResponses,
    /// Anthropic's messages.
    AnthropicMessages,
    /// Google's `generateContent`.
    Gemini,
    /// `OpenAI`'s chat completions under a deployment's address, as Azure has them.
    AzureOpenAi,
    /// Amazon's `Converse`.
    BedrockConverse,
    /// Ollama's own chat.
    OllamaChat,
}

/// Whether a provider's count of a reply contains the reasoning tokens.
///
/// What contains what is a fact about each provider, not about its wire: xAI speaks OpenAI's wire and reports
/// reasoning outside `completion_tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReasoningCount {
    /// `completion_tokens` contains them.
    WithinOutput,
    /// They are counted beside `completion_tokens`.
    BesideOutput,
}

/// Someone who serves models: where, in which protocol, with which key.
///
/// ```
/// use lattice_lock_providers::Provider;
///
/// let openai = Provider::openai().api_key("sk-live-4711".to_string());
/// assert!(!format!("{openai:?}").contains("4711"));
///
/// let mine = Provider::openai_compatible("vllm".parse()?, "http://10.0.0.7:8000/v1")?;
/// assert_eq!(mine.base_url(), "http://10.0.0.7:8000/v1");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    id: ProviderId,
    wire: Wire,
    base_url: String,
    keys: Vec<Secret<String>>,
    needs_key: bool,
    maturity: Maturity,
    allowed: bool,
    reasoning: ReasoningCount,
    version: Option<String>,
}

impl Provider {
    /// `OpenAI` at its public address.
    #[must_use]
    pub fn openai() -> Self {
        Self::known("openai", Wire::OpenAiChat, "https://api.openai.com/v1")
    }

    /// Anthropic at its public address.
    #[must_use]
    pub fn anthropic() -> Self {
        Self::known(
            "anthropic",
            Wire::AnthropicMessages,
            "https://api.anthropic.com/v1",
        )
    }

    /// xAI at its public address.
    #[must_use]
    pub fn xai() -> Self {
        let mut xai = Self::known("xai", Wire::OpenAiChat, "https://api.x.ai/v1");
        xai.reasoning = ReasoningCount::BesideOutput;
        xai.maturity = Maturity::Beta;
        xai
    }

    /// Google's Gemini at its public address.
    #[must_use]
    pub fn google() -> Self {
        let url = "https://generativelanguage.googleapis.com/v1beta";
        Self {
            maturity: Maturity::Beta,
            ..Self::known("google", Wire::Gemini, url)
        }
    }

    /// `OpenAI`'s models in a resource of Azure, such as `https://my-resource.openai.azure.com`.
    ///
    /// # Errors
    ///
    /// [`BASE_URL_INVALID`].
    pub fn azure(endpoint: &str) -> Result<Self> {
        let azure = Self {
            maturity: Maturity::Beta,
            ..Self::known("azure", Wire::AzureOpenAi, "")
        };
        azure.at(endpoint)
    }

    /// Amazon Bedrock in a region, or at an address of its own. It takes no key but AWS's own credentials.
    ///
    /// # Errors
    ///
    /// [`BASE_URL_INVALID`].
    pub fn bedrock(region: &str) -> Result<Self> {
        let bedrock = Self {
            maturity: Maturity::Experimental,
            needs_key: false,
            ..Self::known("bedrock", Wire::BedrockConverse, "")
        };
        if region.contains("://") {
            return bedrock.at(region);
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || !region.bytes().all(plain) {
            return Err(Error::new(BASE_URL_INVALID, "not a region").with("region", region));
        }
        bedrock.at(&format!("https://bedrock-runtime.{region}.amazonaws.com"))
    }

    /// An EPAM DIAL server.
    ///
    /// # Errors
    ///
    /// [`BASE_URL_INVALID`].
    pub fn dial(endpoint: &str) -> Result<Self> {
        let dial = Self {
            maturity: Maturity::Experimental,
            ..Self::known("dial", Wire::AzureOpenAi, "")
        };
        dial.at(endpoint)
    }

    /// A server on this machine that speaks `OpenAI`'s wire, such as Ollama at its default address. No key.
    #[must_use]
    pub fn local() -> Self {
        let mut local = Self::known("local", Wire::OpenAiChat, "http://127.0.0.1:11434/v1");
        local.needs_key = false;
        local.maturity = Maturity::Beta;
        local
    }

    /// Any other server that speaks `OpenAI`'s wire. A key is optional.
    ///
    /// # Errors
    ///
    /// [`BASE_URL_INVALID`].
    pub fn openai_compatible(id: ProviderId, base_url: &str) -> Result<Self> {
        let mut provider = Self {
            id,
            ..Self::local()
        };
        provider.base_url = checked(base_url)?;
        Ok(provider)
    }

    fn known(id: &'static str, wire: Wire, base_url: &'static str) -> Self {
        Self {
            id: id.parse().expect("the known ids are tested to be valid"),
            wire,
            base_url: base_url.into(),
            keys: Vec::new(),
            needs_key: true,
            maturity: Maturity::Production,
            allowed: false,
            reasoning: ReasoningCount::WithinOutput,
            version: None,
        }
    }

    /// Sets the protocol, where a provider speaks several: `OpenAI`'s responses instead of its chat completions, or
    /// Ollama's own chat instead of `OpenAI`'s.
    ///
    /// ```
    /// use lattice_lock_providers::{Provider, Wire};
    ///
    /// assert_eq!(Provider::openai().speaks(Wire::OpenAiResponses).wire(), Wire::OpenAiResponses);
    /// ```
    #[must_use]
    pub fn speaks(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Sets the version of the interface that is asked for, as Azure's `api-version`; the client's own by default.
    #[must_use]
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets the API key, in place of all that were set before.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<Secret<String>>) -> Self {
        self.keys = vec![key.into()];
        self
    }

    /// Adds a key that is used when those before it are refused, exhausted or asked to slow down.
    #[must_use]
    pub fn another_key(mut self, key: impl Into<Secret<String>>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Sets another address, such as a proxy's. What is at `{base_url}/chat/completions` or
    /// `{base_url}/messages` is called.
    ///
    /// # Errors
    ///
    /// [`BASE_URL_INVALID`] if it is not an http or https URL, or has user, password, query or fragment.
    pub fn at(mut self, base_url: &str) -> Result<Self> {
        self.base_url = checked(base_url)?;
        Ok(self)
    }

    /// Sets how it counts reasoning; [`ReasoningCount::WithinOutput`] unless known otherwise.
    #[must_use]
    pub fn counts_reasoning(mut self, how: ReasoningCount) -> Self {
        self.reasoning = how;
        self
    }

    /// Allows calls although the support of it is [`Maturity::Experimental`].
    #[must_use]
    pub fn allow_experimental(mut self) -> Self {
        self.allowed = true;
        self
    }

    /// How far the support of it has come.
    #[must_use]
    pub fn maturity(&self) -> Maturity {
        self.maturity
    }

    /// Whether calls were allowed, or need no leave.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.allowed || self.maturity != Maturity::Experimental
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ProviderId {
        &self.id
    }

    /// The protocol it speaks.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// Where it is, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Its first API key, if one is set.
    #[must_use]
    pub fn key(&self) -> Option<&Secret<String>> {
        self.keys.first()
    }

    /// Its API keys, in the order in which they are to be used.
    #[must_use]
    pub fn keys(&self) -> &[Secret<String>] {
        &self.keys
    }

    /// Whether a key is there, or none is needed.
    #[must_use]
    pub fn has_key(&self) -> bool {
        !self.needs_key || !self.keys.is_empty()
    }

    /// Whether everything that a call needs is there.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.has_key()
    }

    /// The version of the interface that is asked for, if one is set.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// How it counts reasoning tokens.
    #[must_use]
    pub fn reasoning_count(&self) -> ReasoningCount {
        self.reasoning
    }
}

fn checked(url: &str) -> Result<String> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '?' | '#' | '\\');
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !rest.contains(odd) => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err(Error::new(BASE_URL_INVALID, "not a provider's address").with("url", url)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, accepted: bool) {
        assert_eq!(Provider::openai().at(url).is_ok(), accepted, "{url:?}");
    }

    #[test]
    fn an_address_is_a_plain_url() {
        check("https://api.openai.com/v1/", true);
        check("http://127.0.0.1:8080", true);
        check("ftp://host", false);
        check("https://", false);
        check("https:///v1", false);
        check("https://user:pw@host", false);
        check("https://host?key=x", false);
        check("https://host/a b", false);
        check("", false);
    }

    #[test]
    fn a_password_in_a_refused_address_is_not_shown() {
        let error = Provider::openai()
            .at("https://user:hunter2@host/v1")
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn known_providers_need_a_key_unless_they_are_local() {
        for provider in [Provider::openai(), Provider::anthropic(), Provider::xai()] {
            assert!(!provider.is_configured());
            assert!(provider.api_key("k".to_string()).is_configured());
        }
        assert!(Provider::local().is_configured());
    }
}
