//! Values on their way from a layer to a setting.

use lattice_lock_errors::Secret;

/// A value that the program itself sets, with [`AppConfigBuilder::set`](crate::AppConfigBuilder::set).
///
/// Made from text, numbers and switches. Text is read as a variable's would be, so `"7"` serves where `7`
/// does; it is kept as a secret, because the value does not know which setting it will become.
///
/// ```
/// use lattice_lock_config::{AppConfig, Value};
///
/// let from_the_command_line = [("database.pool_size", Value::from("7")), ("database.echo", Value::from(true))];
/// let mut builder = AppConfig::builder();
/// for (key, value) in from_the_command_line {
///     builder = builder.set(key, value);
/// }
/// assert_eq!(builder.build()?.database().pool_size, 7);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Value(pub(crate) Raw);

/// A value as a layer gives it, before its setting reads it.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    /// Text, as every variable gives it.
    Text(Secret<String>),
    /// A whole number of a file or of the program.
    Whole(i128),
    /// Another number of a file or of the program; infinities and what is no number included.
    Number(f64),
    /// A switch of a file or of the program.
    Switch(bool),
    /// The text of a variable that is not Unicode.
    NotUnicode,
    /// What no setting is: a date, a list, a table, a number out of all bounds.
    Other,
}

impl Raw {
    /// Takes charge of `text`.
    pub(crate) fn text(text: String) -> Self {
        Self::Text(Secret::new(text))
    }

    /// Whether it is text with nothing but white space in it.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.expose().trim().is_empty())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(Raw::text(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(Raw::text(text))
    }
}

impl From<Secret<String>> for Value {
    fn from(text: Secret<String>) -> Self {
        Self(Raw::Text(text))
    }
}

impl From<bool> for Value {
    fn from(switch: bool) -> Self {
        Self(Raw::Switch(switch))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self(Raw::Number(number))
    }
}

/// Every whole number that fits: a setting's own range is checked when it is read.
macro_rules! whole {
    ($($number:ty),+) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self(Raw::Whole(i128::from(number)))
            }
        }
    )+};
}

whole!(u8, u16, u32, u64, i32, i64);
