use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use lattice_lock_errors::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::codes::{MODEL_NAME_INVALID, PROVIDER_ID_INVALID};

/// A provider's name: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
///
/// ```
/// use lattice_lock_providers::ProviderId;
///
/// let id: ProviderId = "openai".parse()?;
/// assert_eq!(id.as_str(), "openai");
/// assert!("Open AI".parse::<ProviderId>().is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderId(Arc<str>);

/// A model's name at its provider: 1 to 256 characters without white space or control characters.
///
/// ```
/// use lattice_lock_providers::ModelName;
///
/// let name: ModelName = "gpt-5-mini-2025-08-07".parse()?;
/// assert_eq!(name.as_str(), "gpt-5-mini-2025-08-07");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(Arc<str>);

impl FromStr for ProviderId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(PROVIDER_ID_INVALID, "not a provider id").with("provider", text))
    }
}

impl FromStr for ModelName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if (1..=256).contains(&text.len()) && !text.contains(odd) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(MODEL_NAME_INVALID, "not a model name").with("model", text))
    }
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_newtype!(ProviderId);
text_newtype!(ModelName);

/// A model by provider and name, written `provider/model`.
///
/// Only the first slash divides: names of models may contain more of them.
///
/// ```
/// use lattice_lock_providers::ModelRef;
///
/// let model: ModelRef = "local/meta-llama/Llama-3".parse()?;
/// assert_eq!(model.provider().as_str(), "local");
/// assert_eq!(model.name().as_str(), "meta-llama/Llama-3");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelRef {
    provider: ProviderId,
    name: ModelName,
}

impl ModelRef {
    /// This model of this provider.
    #[must_use]
    pub fn new(provider: ProviderId, name: ModelName) -> Self {
        Self { provider, name }
    }

    /// Who serves it.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// What it is called there.
    #[must_use]
    pub fn name(&self) -> &ModelName {
        &self.name
    }
}

impl FromStr for ModelRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((provider, name)) = text.split_once('/') else {
            return Err(Error::new(MODEL_NAME_INVALID, "not provider/model").with("model", text));
        };
        Ok(Self::new(provider.parse()?, name.parse()?))
    }
}

impl TryFrom<String> for ModelRef {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ModelRef> for String {
    fn from(model: ModelRef) -> Self {
        model.to_string()
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, accepted: bool) {
        assert_eq!(text.parse::<ModelRef>().is_ok(), accepted, "{text:?}");
    }

    #[test]
    fn a_reference_has_a_provider_and_a_model() {
        check("openai/gpt-5", true);
        check("openai/", false);
        check("/gpt-5", false);
        check("gpt-5", false);
        check("openai/gpt 5", false);
        check("OpenAI/gpt-5", false);
        check(&format!("openai/{}", "x".repeat(257)), false);
    }

    #[test]
    fn display_and_parse_are_inverse() {
        let text = "local/a/b:7b";
        assert_eq!(text.parse::<ModelRef>().unwrap().to_string(), text);
    }
}
