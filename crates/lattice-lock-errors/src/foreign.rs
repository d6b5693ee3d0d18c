use std::fmt;

use crate::error::DEEPEST_CAUSE;
use crate::tame::tamed;

/// The redacted text of an error of another crate, with the causes behind it.
///
/// Each text is cut after 1 KiB, and 32 causes are kept. Made by [`Error::with_foreign`](crate::Error::with_foreign).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    message: String,
    source: Option<Box<Foreign>>,
}

impl Foreign {
    pub(crate) fn new(error: &(dyn std::error::Error + 'static)) -> Self {
        let chain: Vec<String> = std::iter::successors(Some(error), |cause| cause.source())
            .take(DEEPEST_CAUSE)
            .map(tamed)
            .collect();
        let mut messages = chain.into_iter().rev();
        let deepest = Self {
            message: messages.next().unwrap_or_default(),
            source: None,
        };
        messages.fold(deepest, |inner, message| Self {
            message,
            source: Some(Box::new(inner)),
        })
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Foreign {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
