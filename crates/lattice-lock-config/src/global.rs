//! The process-wide default: the only state in this crate that outlives a value.

use std::sync::{PoisonError, RwLock};

use lattice_lock_errors::Result;
use once_cell::sync::OnceCell;

use crate::AppConfig;

/// Made once, by whoever comes first, so that all get the same random secret. Poisoning does not matter: the value
/// is only ever replaced as a whole.
static GLOBAL: RwLock<OnceCell<AppConfig>> = RwLock::new(OnceCell::new());

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
    let global = GLOBAL.read().unwrap_or_else(PoisonError::into_inner);
    global.get_or_try_init(AppConfig::from_env).cloned()
}

/// Makes `config` the one that [`global`] gives from now on, and returns the one before, if there was any.
///
/// Whoever holds a clone of the one before keeps it: a configuration never changes under its reader.
pub fn replace_global(config: AppConfig) -> Option<AppConfig> {
    let mut global = GLOBAL.write().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut *global, OnceCell::with_value(config)).into_inner()
}

/// Forgets the process-wide configuration and returns it, so that [`global`] reads the environment anew.
pub fn reset_global() -> Option<AppConfig> {
    GLOBAL
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
}
