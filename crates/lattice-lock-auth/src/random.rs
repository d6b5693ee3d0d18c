use lattice_lock_errors::{Error, Result};

use crate::codes::RANDOM_UNAVAILABLE;

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(RANDOM_UNAVAILABLE, "no random bytes").with("cause", error))?;
    Ok(bytes)
}
