//! The layers, before they are read.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use lattice_lock_errors::Result;

use crate::nearest::nearest_variable;
use crate::reading::Reading;
use crate::setting::{CONFIG_VARIABLE, PREFIX, Setting, with_key, with_variable};
use crate::value::Raw;
use crate::{AppConfig, Origin, Value, Warning, WarningKind, file, shape};

/// Gathers the layers of an [`AppConfig`]: a file, variables, and what the program itself sets.
///
/// Nothing is read before [`build`](Self::build), which reports every mistake at once. Later layers win: the
/// defaults yield to the file, the file to the variables, the variables to [`set`](Self::set).
///
/// ```
/// use lattice_lock_config::AppConfig;
///
/// let config = AppConfig::builder()
///     .variables([("DATABASE_POOL_SIZE", "7"), ("DATABASE_ECHO", "true")])
///     .set("database.echo", false)
///     .build()?;
/// assert_eq!(config.database().pool_size, 7);
/// assert!(!config.database().echo);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct AppConfigBuilder {
    file: Option<PathBuf>,
    named_file: Option<OsString>,
    variables: BTreeMap<&'static str, (&'static Setting, Raw)>,
    unknown: BTreeSet<String>,
    overrides: Vec<(String, Value)>,
}

impl AppConfigBuilder {
    /// The TOML file to read; without one, the variable `LATTICE_CONFIG` may name it, and else there is none.
    ///
    /// A file that is named must be there: a path with a slip in it must not mean the defaults.
    ///
    /// ```
    /// use lattice_lock_config::AppConfig;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("lattice.toml");
    /// std::fs::write(&path, "[database]\npool_size = 7\n")?;
    /// assert_eq!(AppConfig::builder().file(&path).build()?.database().pool_size, 7);
    ///
    /// let error = AppConfig::builder().file("lattice.tmol").build().unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-CFG-002");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Adds environment variables, as from [`std::env::vars_os`]; of a name given twice the last wins.
    ///
    /// Any iterator of pairs will do, so that tests never touch the process's own. Text that is not Unicode
    /// is an error only as the value of one of our variables.
    ///
    /// Only the values of our own are kept. An unknown name that begins with `LATTICE_` becomes a
    /// [`Warning`], not an error: an older version beside this one may know it.
    #[must_use]
    pub fn variables<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        for (name, value) in variables {
            if let Ok(name) = name.into().into_string() {
                self.variable(name, value.into());
            }
        }
        self
    }

    /// Keeps what is ours, and forgets the rest at once: the environment is full of other people's secrets.
    fn variable(&mut self, name: String, value: OsString) {
        if let Some((setting, name)) = with_variable(&name) {
            let raw = value.into_string().map_or(Raw::NotUnicode, Raw::text);
            self.variables.insert(name, (setting, raw));
        } else if name == CONFIG_VARIABLE {
            self.named_file = Some(value);
        } else if name.starts_with(PREFIX) {
            self.unknown.insert(name);
        }
    }

    /// Sets one value by its path in a file, such as `database.pool_size`; the last one wins.
    ///
    /// An unknown path is an error of [`build`](Self::build), with the nearest known one.
    ///
    /// ```
    /// use lattice_lock_config::AppConfig;
    ///
    /// let error = AppConfig::builder().set("database.poolsize", 7).build().unwrap_err();
    /// assert!(error.to_string().contains("did you mean database.pool_size?"));
    /// ```
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.overrides.push((key.into(), value.into()));
        self
    }

    /// Reads the file and checks everything.
    ///
    /// What can be checked is checked, whatever else is wrong: of a file that is not TOML somewhere the rest
    /// is read all the same, and only its unknown keys are passed over, since they may be parts of what broke.
    ///
    /// # Errors
    ///
    /// One error for all that is wrong, with a [`ConfigurationError`](crate::ConfigurationError) that lists
    /// it. Its code is `LL-SEC-001` to `LL-SEC-004` if a signing secret is missing or refused (then there is
    /// a [`SecurityConfigurationError`](crate::SecurityConfigurationError) too), else the code of the only
    /// problem (`LL-CFG-002` unreadable file, `LL-CFG-003` not TOML, `LL-CFG-004` unknown key, `LL-CFG-005`
    /// wrong value), else `LL-CFG-001`. `LL-CFG-006` if the operating system gives no random bytes.
    pub fn build(self) -> Result<AppConfig> {
        let mut reading = Reading::default();
        self.load_file(&mut reading);
        self.load_variables(&mut reading);
        self.load_overrides(&mut reading);
        AppConfig::read(reading)
    }

    /// The file that the program names, else the one that the variable names, else none.
    fn load_file(&self, reading: &mut Reading) {
        let named = self.named_file.as_deref().map(PathBuf::from);
        match (&self.file, named) {
            (Some(path), _) => file::load(path, reading),
            (None, Some(path)) if path.as_os_str().is_empty() => {
                reading.warn(WarningKind::EmptyVariable, CONFIG_VARIABLE);
            }
            (None, Some(path)) => file::load(&path, reading),
            (None, None) => {}
        }
    }

    /// The first of a setting's variables wins, so it comes last.
    fn load_variables(&self, reading: &mut Reading) {
        for (setting, _) in self.variables.values() {
            for name in setting.variables.iter().rev() {
                if let Some((_, raw)) = self.variables.get(name) {
                    reading.give(setting, raw.clone(), Origin::Variable(name));
                }
            }
        }
        for (at, name) in self.unknown.iter().enumerate() {
            let suggestion = if at < 100 {
                nearest_variable(name)
            } else {
                None
            };
            let name = shape::shown_variable(name);
            reading.add(Warning::new(WarningKind::UnknownVariable, name).suggesting(suggestion));
        }
    }

    /// What the program sets is the last layer.
    fn load_overrides(&self, reading: &mut Reading) {
        for (key, Value(raw)) in &self.overrides {
            match with_key(key) {
                Some(setting) => reading.give(setting, raw.clone(), Origin::Override),
                None => reading.unknown(key, &Origin::Override),
            }
        }
    }
}

/// Only how much there is: names and values may be anything.
impl fmt::Debug for AppConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppConfigBuilder")
            .field("file", &self.file)
            .field("variables", &self.variables.len())
            .field("overrides", &self.overrides.len())
            .finish_non_exhaustive()
    }
}
