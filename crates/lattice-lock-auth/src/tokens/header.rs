use lattice_lock_errors::{Error, Result};
use serde::{Deserialize, Serialize};

use super::compact;
use crate::codes::TOKEN_HEADER_REFUSED;

/// The one algorithm.
const ALGORITHM: &str = "HS256";
/// The type of access tokens (RFC 9068), so that no token of another use is taken for one.
const TYPE: &str = "at+jwt";

/// Everything that may stand in a header. Members that could change how the token is to be verified (`crit`,
/// `b64`, `jwk`, `jku`, `x5u`, …) are unknown here, and what is unknown is refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    alg: String,
    typ: String,
    kid: String,
}

impl Header {
    pub(super) fn of(key_id: &str) -> Self {
        Self {
            alg: ALGORITHM.to_owned(),
            typ: TYPE.to_owned(),
            kid: key_id.to_owned(),
        }
    }

    /// # Errors
    ///
    /// [`TOKEN_HEADER_REFUSED`]; [`TOKEN_MALFORMED`](crate::codes::TOKEN_MALFORMED) when it is no object.
    pub(super) fn read(json: &[u8]) -> Result<Self> {
        let header: Self = compact::read(json, refused("not exactly alg, typ and kid as text"))?;
        if header.alg != ALGORITHM {
            return Err(refused("alg is not HS256"));
        }
        if header.typ != TYPE {
            return Err(refused("typ is not at+jwt"));
        }
        Ok(header)
    }

    pub(super) fn key_id(&self) -> &str {
        &self.kid
    }
}

fn refused(fault: &'static str) -> Error {
    Error::new(TOKEN_HEADER_REFUSED, "the token's header is refused").with("fault", fault)
}
