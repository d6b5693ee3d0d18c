//! The process-wide default: the only state in this crate that outlives a value.

use std::sync::{PoisonError, RwLock};

use lattice_lock_errors::Result;

use crate::AppConfig;

/// Poisoning does not matter: the value is only ever replaced as a whole.
static GLOBAL: RwLock<Option<AppConfig>> = RwLock::new(None);

/// The configuration that the process shares; on first use made by [`AppConfig::from_env`].
///
/// A failure is not kept: the next call tries again. No crate of the library calls this unless it is asked
/// to; a host that builds its own configuration and passes it on never needs it.
///
/// ```
/// use lattice_lock_config::{AppConfig, global, replace_global, reset_global};
///
/// let config = AppConfig::builder().set("database.pool_size", 3).build()?;
/// let before = replace_global(config);
/// assert_eq!(global()?.database().pool_size, 3);
/// reset_global();
/// before.map(replace_global);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
///
/// # Errors
///
/// On first use as [`AppConfig::from_env`].
pub fn global() -> Result<AppConfig> {
    if let Some(config) = &*GLOBAL.read().unwrap_or_else(PoisonError::into_inner) {
        return Ok(config.clone());
    }
    // The lock is held while it is made, so that all who come first get the same random secret.
    let mut global = GLOBAL.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = &*global {
        return Ok(config.clone());
    }
    let config = AppConfig::from_env()?;
    *global = Some(config.clone());
    Ok(config)
}

/// Makes `config` the one that [`global`] gives from now on, and returns the one before, if there was any.
///
/// Whoever holds a clone of the one before keeps it: a configuration never changes under its reader.
pub fn replace_global(config: AppConfig) -> Option<AppConfig> {
    GLOBAL
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(config)
}

/// Forgets the process-wide configuration and returns it, so that [`global`] reads the environment anew.
pub fn reset_global() -> Option<AppConfig> {
    GLOBAL
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
}
