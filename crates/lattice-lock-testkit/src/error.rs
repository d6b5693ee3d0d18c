use std::fmt;
use std::io;

/// What can go wrong in the testkit itself; the faults it plays are not errors of its own.
///
/// A caller's wrong request is none of these: it is refused over the wire, as the provider refuses it.
///
/// ```
/// use lattice_lock_testkit::{Error, Rates};
///
/// let error = Rates::per_million("1,25", "10").unwrap_err();
/// assert!(matches!(&error, Error::Price(text) if text == "1,25"));
/// assert_eq!(error.to_string(), r#"not a price per million tokens: "1,25""#);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server could not be started.
    ///
    /// No free port, thread or runtime is to be had on this machine.
    Start(io::Error),
    /// A price is not a decimal of at most twelve places, or too large.
    ///
    /// With the text that was given.
    Price(String),
    /// The server charged for a model that the price list does not know.
    ///
    /// With the name under which it was served. It is an error and not a price of 0, since a bill that leaves
    /// something out proves nothing.
    Unpriced(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(_) => f.write_str("the scripted server could not be started"),
            Self::Price(text) => write!(f, "not a price per million tokens: {text:?}"),
            Self::Unpriced(model) => write!(f, "no price for the model {model:?}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start(error) => Some(error),
            Self::Price(_) | Self::Unpriced(_) => None,
        }
    }
}
