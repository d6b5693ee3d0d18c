use std::fmt;

use lattice_lock_errors::{Error, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::codes::{CREDENTIAL_UNUSABLE, PROVIDER_UNKNOWN};
use crate::credential::{CredentialState, Requirement, judge};
use crate::registry::with_nearest;
use crate::{Provider, Wire};

/// How far the support of a provider has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Maturity {
    /// May change in any release, and is not called without [`Provider::allow_experimental`].
    Experimental,
    /// Complete, and tried by few.
    Beta,
    /// Tried by many.
    Production,
}

impl fmt::Display for Maturity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Experimental => "experimental",
            Self::Beta => "beta",
            Self::Production => "production",
        })
    }
}

/// The text that stands for a requirement, if some does.
type Values<'a> = dyn Fn(&Requirement) -> Option<String> + 'a;

/// A provider that this crate knows how to configure.
///
/// ```
/// use lattice_lock_providers::KnownProvider;
///
/// assert_eq!(KnownProvider::find("Claude")?.id(), "anthropic");
/// let error = KnownProvider::find("antropic").unwrap_err();
/// assert!(error.to_string().contains("did you mean: anthropic"));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Debug)]
pub struct KnownProvider {
    id: &'static str,
    aliases: &'static [&'static str],
    maturity: Maturity,
    wire: Wire,
    requirements: &'static [Requirement],
    make: fn(&Values<'_>) -> Result<Provider>,
}

const OPENAI_KEY: Requirement = Requirement::key(&["OPENAI_API_KEY"]);
const ANTHROPIC_KEY: Requirement = Requirement::key(&["ANTHROPIC_API_KEY"]);
const GOOGLE_KEY: Requirement = Requirement::key(&["GOOGLE_API_KEY", "GEMINI_API_KEY"]);
const XAI_KEY: Requirement = Requirement::key(&["XAI_API_KEY"]);
const AZURE_KEY: Requirement = Requirement::key(&["AZURE_OPENAI_API_KEY"]);
const AZURE_ENDPOINT: Requirement = Requirement::address(&["AZURE_OPENAI_ENDPOINT"]);
const AWS_REGION: Requirement = Requirement::name(&["AWS_REGION"]);
const DIAL_KEY: Requirement = Requirement::key(&["DIAL_API_KEY"]);
const DIAL_ENDPOINT: Requirement = Requirement::address(&["DIAL_ENDPOINT"]);
const OLLAMA_HOST: Requirement = Requirement::optional_address(&["OLLAMA_HOST"]);

impl KnownProvider {
    /// Every one, in the order in which models without a provider's name are looked for.
    pub const ALL: [Self; 8] = [
        Self {
            id: "openai",
            aliases: &["gpt", "chatgpt", "open-ai"],
            maturity: Maturity::Production,
            wire: Wire::OpenAiChat,
            requirements: &[OPENAI_KEY],
            make: |_| Ok(Provider::openai()),
        },
        Self {
            id: "anthropic",
            aliases: &["claude"],
            maturity: Maturity::Production,
            wire: Wire::AnthropicMessages,
            requirements: &[ANTHROPIC_KEY],
            make: |_| Ok(Provider::anthropic()),
        },
        Self {
            id: "google",
            aliases: &["gemini", "google-ai", "googleai"],
            maturity: Maturity::Beta,
            wire: Wire::Gemini,
            requirements: &[GOOGLE_KEY],
            make: |_| Ok(Provider::google()),
        },
        Self {
            id: "xai",
            aliases: &["grok", "x-ai", "x.ai"],
            maturity: Maturity::Beta,
            wire: Wire::OpenAiChat,
            requirements: &[XAI_KEY],
            make: |_| Ok(Provider::xai()),
        },
        Self {
            id: "azure",
            aliases: &["azure-openai", "azure_openai"],
            maturity: Maturity::Beta,
            wire: Wire::AzureOpenAi,
            requirements: &[AZURE_KEY, AZURE_ENDPOINT],
            make: |value| Provider::azure(&value(&AZURE_ENDPOINT).unwrap_or_default()),
        },
        Self {
            id: "bedrock",
            aliases: &["aws", "amazon", "aws-bedrock"],
            maturity: Maturity::Experimental,
            wire: Wire::BedrockConverse,
            requirements: &[AWS_REGION],
            make: |value| Provider::bedrock(&value(&AWS_REGION).unwrap_or_default()),
        },
        Self {
            id: "dial",
            aliases: &["epam-dial", "ai-dial"],
            maturity: Maturity::Experimental,
            wire: Wire::AzureOpenAi,
            requirements: &[DIAL_KEY, DIAL_ENDPOINT],
            make: |value| Provider::dial(&value(&DIAL_ENDPOINT).unwrap_or_default()),
        },
        Self {
            id: "local",
            aliases: &["ollama", "vllm", "llama.cpp", "lm-studio", "lmstudio"],
            maturity: Maturity::Beta,
            wire: Wire::OpenAiChat,
            requirements: &[OLLAMA_HOST],
            make: |value| local(value(&OLLAMA_HOST)),
        },
    ];

    /// The one that a name means: its id or an alias, in upper or lower case.
    ///
    /// # Errors
    ///
    /// [`PROVIDER_UNKNOWN`], with the nearest known name.
    pub fn find(name: &str) -> Result<&'static Self> {
        const ALL: &[KnownProvider] = &KnownProvider::ALL;
        let wanted = name.trim().to_ascii_lowercase();
        let found = ALL
            .iter()
            .find(|known| known.names().any(|name| name == wanted));
        found.ok_or_else(|| {
            let error = Error::new(PROVIDER_UNKNOWN, "unknown provider").with("provider", name);
            let names = ALL.iter().flat_map(Self::names).map(str::to_owned);
            with_nearest(error, &wanted, names)
        })
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.id).chain(self.aliases.iter().copied())
    }

    /// Its id, such as `openai`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// By which other names it may be asked for.
    #[must_use]
    pub const fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// How far its support has come.
    #[must_use]
    pub const fn maturity(&self) -> Maturity {
        self.maturity
    }

    /// The protocol it speaks.
    #[must_use]
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    /// What it needs to be called.
    #[must_use]
    pub const fn requirements(&self) -> &'static [Requirement] {
        self.requirements
    }

    /// What is there of what it needs. Values are looked at and not kept.
    pub fn check(
        &self,
        value: impl Fn(&str) -> Option<String>,
    ) -> Vec<(&'static Requirement, CredentialState)> {
        let requirements = self.requirements.iter();
        requirements
            .map(|required| (required, required.state(&value)))
            .collect()
    }

    /// The provider with what is found: `value` gives the text of a variable, if it is set. More keys may stand in
    /// `NAME_2` to `NAME_9`: a [`Permit`](crate::Permit) names them when those before them are refused, exhausted or
    /// asked to slow down.
    ///
    /// # Errors
    ///
    /// [`CREDENTIAL_UNUSABLE`] with the variable and the reason, never the value; those of
    /// [`Provider::at`].
    pub fn configure(&self, value: impl Fn(&str) -> Option<String>) -> Result<Provider> {
        for (required, state) in self.check(&value) {
            if !state.is_usable() {
                return Err(self.unusable(required.names()[0], state));
            }
        }
        let mut provider = (self.make)(&|required| required.value(&value))?;
        for required in self
            .requirements
            .iter()
            .filter(|required| required.is_secret())
        {
            for key in required.keys(&value) {
                let (name, key) = key;
                match judge(required, key.expose()) {
                    CredentialState::Present => provider = provider.another_key(key),
                    state => return Err(self.unusable(&name, state)),
                }
            }
        }
        Ok(provider)
    }

    fn unusable(&self, variable: &str, state: CredentialState) -> Error {
        Error::new(CREDENTIAL_UNUSABLE, "a credential cannot be used")
            .with("provider", self.id)
            .with("variable", variable)
            .with("reason", state)
    }
}

fn local(host: Option<String>) -> Result<Provider> {
    let Some(host) = host else {
        return Ok(Provider::local());
    };
    let scheme = if host.contains("://") { "" } else { "http://" };
    Provider::local().at(&format!("{scheme}{}/v1", host.trim_end_matches('/')))
}

/// A key with the name of the variable that it stands in.
pub(crate) type NamedKey = (String, Secret<String>);

#[cfg(test)]
mod tests {
    use super::*;

    fn configure(name: &str, variables: &[(&str, &str)]) -> Result<Provider> {
        let value = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        };
        KnownProvider::find(name)?.configure(value)
    }

    #[test]
    fn names_and_aliases_are_unique_and_are_found_in_any_case() {
        let mut names: Vec<_> = KnownProvider::ALL
            .iter()
            .flat_map(KnownProvider::names)
            .collect();
        for name in &names {
            let shouted = format!(" {} ", name.to_uppercase());
            assert!(
                KnownProvider::find(&shouted)
                    .unwrap()
                    .names()
                    .any(|known| known == *name)
            );
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn an_unknown_name_is_an_error_with_the_nearest() {
        for (name, nearest) in [
            ("antropic", "anthropic"),
            ("gemni", "gemini"),
            ("ollamma", "ollama"),
        ] {
            let error = KnownProvider::find(name).unwrap_err();
            assert_eq!(error.code(), PROVIDER_UNKNOWN);
            assert!(error.to_string().contains(nearest), "{error}");
        }
        assert!(
            !KnownProvider::find("zzz")
                .unwrap_err()
                .to_string()
                .contains("did you mean")
        );
    }

    #[test]
    fn the_table_agrees_with_what_it_makes() {
        for known in &KnownProvider::ALL {
            let all = |name: &str| {
                Some(
                    if name.contains("KEY") {
                        "key-4711-0815"
                    } else {
                        "https://host.example"
                    }
                    .to_owned(),
                )
            };
            let provider = known
                .configure(all)
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(provider.id().as_str(), known.id());
            assert_eq!(provider.wire(), known.wire(), "{}", known.id());
            assert_eq!(provider.maturity(), known.maturity(), "{}", known.id());
        }
    }

    #[test]
    fn several_keys_are_taken_in_their_order() {
        let provider = configure(
            "grok",
            &[
                ("XAI_API_KEY", "xai-one-4711"),
                ("XAI_API_KEY_2", "xai-two-4711"),
            ],
        )
        .unwrap();
        let keys: Vec<_> = provider
            .keys()
            .iter()
            .map(|key| key.expose().as_str())
            .collect();
        assert_eq!(keys, ["xai-one-4711", "xai-two-4711"]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_and_never_shown() {
        let check = |variables: &[(&str, &str)], part: &str| {
            let error = configure("azure", variables).unwrap_err();
            assert_eq!(error.code(), CREDENTIAL_UNUSABLE);
            let text = format!("{error} {error:?}");
            assert!(text.contains(part), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        };
        let key = ("AZURE_OPENAI_API_KEY", "hunter2-hunter2");
        check(&[], "AZURE_OPENAI_API_KEY");
        check(&[key], "AZURE_OPENAI_ENDPOINT");
        check(&[key, ("AZURE_OPENAI_ENDPOINT", "hunter2")], "malformed");
        check(&[("AZURE_OPENAI_API_KEY", "hunter2 hunter2")], "malformed");
        check(
            &[("AZURE_OPENAI_API_KEY", "your-key-hunter2")],
            "placeholder",
        );
        check(
            &[
                key,
                ("AZURE_OPENAI_API_KEY_2", "<hunter2>"),
                ("AZURE_OPENAI_ENDPOINT", "https://a.b"),
            ],
            "AZURE_OPENAI_API_KEY_2",
        );
    }

    #[test]
    fn a_local_server_needs_nothing() {
        assert_eq!(
            configure("ollama", &[]).unwrap().base_url(),
            "http://127.0.0.1:11434/v1"
        );
        let there = configure("ollama", &[("OLLAMA_HOST", "10.0.0.7:8000")]).unwrap();
        assert_eq!(there.base_url(), "http://10.0.0.7:8000/v1");
    }
}
