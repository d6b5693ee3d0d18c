use std::fmt;

use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result, Secret};

use super::hash::unknown_pepper;
use crate::codes::AUTH_SETTING_INVALID;

/// The secrets that are part of password hashes, and of which the hashes keep the id only.
#[derive(Clone, Default)]
pub(super) struct Peppers(Vec<(Box<str>, Secret<Vec<u8>>)>);

impl Peppers {
    /// Adds one; the last one is what new hashes are made with.
    pub(super) fn add(&mut self, id: &str, secret: &SigningSecret) {
        self.0
            .push((id.into(), Secret::new(secret.expose().to_vec())));
    }

    /// # Errors
    ///
    /// [`AUTH_SETTING_INVALID`].
    pub(super) fn check(&self) -> Result<()> {
        let plain =
            |id: &str| (1..=8).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let once = |at: usize| self.0[..at].iter().all(|(id, _)| *id != self.0[at].0);
        if (0..self.0.len()).all(|at| plain(&self.0[at].0) && once(at)) {
            return Ok(());
        }
        let error = Error::new(
            AUTH_SETTING_INVALID,
            "a setting of passwords is out of range",
        );
        Err(error.with("setting", "pepper").with(
            "rule",
            "each with an id of its own, 1 to 8 letters and digits",
        ))
    }

    /// The id in new hashes; empty where there is no pepper.
    pub(super) fn current_id(&self) -> &[u8] {
        self.0.last().map_or(&[], |(id, _)| id.as_bytes())
    }

    /// The pepper with this id; none for no id.
    ///
    /// # Errors
    ///
    /// [`PEPPER_UNKNOWN`](crate::codes::PEPPER_UNKNOWN).
    pub(super) fn secret(&self, id: &[u8]) -> Result<Option<&Secret<Vec<u8>>>> {
        if id.is_empty() {
            return Ok(None);
        }
        let known = self.0.iter().find(|(known, _)| known.as_bytes() == id);
        known
            .map(|(_, secret)| Some(secret))
            .ok_or_else(unknown_pepper)
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(id, _)| id))
            .finish()
    }
}
