use std::fmt;
use std::io;

/// What can go wrong in the testkit itself; the faults it plays are not errors of its own.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server could not be started.
    Start(io::Error),
    /// A price is not a decimal of at most twelve places, or too large.
    Price(String),
    /// The server charged for a model that the price list does not know.
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
