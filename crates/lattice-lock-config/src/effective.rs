//! What a configuration lets others see of itself.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::{DatabaseUrl, Endpoint, Environment, LogFilter, LogFormat, Origin};

/// Every setting with its value and where that comes from, for support: made to be printed, logged or sent.
///
/// Of a secret it says only whether it is set, and of a database's address it leaves out the credentials.
///
/// ```
/// use lattice_lock_config::AppConfig;
///
/// let config = AppConfig::builder().variables([("DATABASE_POOL_SIZE", "7")]).build()?;
/// let effective = config.effective_config();
/// let setting = effective.find("database.pool_size").expect("a known key");
/// assert_eq!(setting.value().to_string(), "7");
/// assert_eq!(setting.origin().to_string(), "variable DATABASE_POOL_SIZE");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveConfig {
    file: Option<Arc<Path>>,
    settings: Vec<EffectiveSetting>,
}

impl EffectiveConfig {
    pub(crate) fn new(file: Option<Arc<Path>>, settings: Vec<EffectiveSetting>) -> Self {
        Self { file, settings }
    }

    /// The file that was read, if any.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Every setting once, section by section.
    #[must_use]
    pub fn settings(&self) -> &[EffectiveSetting] {
        &self.settings
    }

    /// The setting with this path, such as `database.pool_size`.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&EffectiveSetting> {
        self.settings.iter().find(|setting| setting.key == key)
    }
}

impl Serialize for EffectiveConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("EffectiveConfig", 2)?;
        // A path need not be Unicode, and support must get the rest all the same.
        fields.serialize_field("file", &self.file().map(Path::to_string_lossy))?;
        fields.serialize_field("settings", &self.settings)?;
        fields.end()
    }
}

/// One line a setting, in columns: key, value, origin.
impl fmt::Display for EffectiveConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, setting) in self.settings.iter().enumerate() {
            let (key, value) = (setting.key, setting.value.to_string());
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{key:<32} {value:<24} {}", setting.origin)?;
        }
        Ok(())
    }
}

/// One setting of an [`EffectiveConfig`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EffectiveSetting {
    key: &'static str,
    value: EffectiveValue,
    origin: Origin,
}

impl EffectiveSetting {
    pub(crate) fn new(key: &'static str, value: EffectiveValue, origin: Origin) -> Self {
        Self { key, value, origin }
    }

    /// Its path in a file, such as `database.pool_size`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// What may be shown of its value.
    #[must_use]
    pub fn value(&self) -> &EffectiveValue {
        &self.value
    }

    /// Where the value comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// What may be shown of a value. Serialised as a number, a switch or text; `set` and `unset` are text.
///
/// ```
/// use lattice_lock_config::{AppConfig, EffectiveValue};
///
/// let config = AppConfig::builder().variables([("XAI_API_KEY", "xai-4711")]).build()?;
/// let effective = config.effective_config();
/// let value = |key| effective.find(key).map(|setting| setting.value().clone());
/// assert_eq!(value("providers.xai.api_key"), Some(EffectiveValue::Given(true)));
/// assert_eq!(value("analyzer.cache_size"), Some(EffectiveValue::Whole(1024)));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EffectiveValue {
    /// A whole number.
    Whole(u32),
    /// A number of seconds.
    Seconds(f64),
    /// On or off.
    Switch(bool),
    /// Text that is no secret.
    Text(String),
    /// A secret, or the lack of any value: `set` or `unset`.
    Given(bool),
}

impl Serialize for EffectiveValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(number) => serializer.serialize_u32(*number),
            Self::Seconds(seconds) => serializer.serialize_f64(*seconds),
            Self::Switch(switch) => serializer.serialize_bool(*switch),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Given(given) => serializer.serialize_str(word(*given)),
        }
    }
}

/// What is said of a value that is not shown.
fn word(given: bool) -> &'static str {
    if given { "set" } else { "unset" }
}

impl fmt::Display for EffectiveValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Seconds(seconds) => write!(f, "{seconds}"),
            Self::Switch(switch) => write!(f, "{switch}"),
            Self::Text(text) => f.write_str(text),
            Self::Given(given) => f.write_str(word(*given)),
        }
    }
}

/// What a value lets others see of itself.
pub(crate) trait Show {
    fn show(&self) -> EffectiveValue;
}

impl Show for u32 {
    fn show(&self) -> EffectiveValue {
        EffectiveValue::Whole(*self)
    }
}

impl Show for bool {
    fn show(&self) -> EffectiveValue {
        EffectiveValue::Switch(*self)
    }
}

impl Show for Duration {
    fn show(&self) -> EffectiveValue {
        EffectiveValue::Seconds(self.as_secs_f64())
    }
}

/// Those whose `Display` is fit to be shown.
macro_rules! shown_as_text {
    ($($shown:ty),+) => {$(
        impl Show for $shown {
            fn show(&self) -> EffectiveValue {
                EffectiveValue::Text(self.to_string())
            }
        }
    )+};
}

shown_as_text!(
    crate::TokenAlgorithm,
    DatabaseUrl,
    Endpoint,
    Environment,
    LogFilter,
    LogFormat,
    String
);
