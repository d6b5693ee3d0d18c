use std::borrow::Cow;

use lattice_lock_errors::{Error, Result};
use serde::{Deserialize, Serialize};

use super::compact;
use crate::codes::TOKEN_HEADER_REFUSED;

/// What a token is for (RFC 8725, section 3.11), so that none is taken for one of another use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Refresh,
}

impl Kind {
    /// The type in a header; that of access tokens is RFC 9068's.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "rt+jwt",
        }
    }
}

/// Everything that may stand in a header. Members that could change how the token is to be verified (`crit`,
/// `b64`, `jwk`, `jku`, `x5u`, …) are unknown here, and what is unknown is refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header<'a> {
    #[serde(borrow)]
    pub(super) alg: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) typ: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) kid: Cow<'a, str>,
}

impl<'a> Header<'a> {
    /// # Errors
    ///
    /// [`TOKEN_HEADER_REFUSED`]; [`TOKEN_MALFORMED`](crate::codes::TOKEN_MALFORMED) when it is no object.
    pub(super) fn read(json: &'a [u8]) -> Result<Self> {
        compact::read(json, || refused("not exactly alg, typ and kid as text"))
    }

    /// # Errors
    ///
    /// [`TOKEN_HEADER_REFUSED`].
    pub(super) fn require(&self, kind: Kind) -> Result<()> {
        if self.typ.as_deref() == Some(kind.as_str()) {
            return Ok(());
        }
        Err(refused("typ is that of another use, or missing"))
    }
}

pub(super) fn refused(fault: &'static str) -> Error {
    Error::new(TOKEN_HEADER_REFUSED, "the token's header is refused").with("fault", fault)
}
