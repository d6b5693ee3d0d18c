//! The one error that says all that is wrong.

use std::fmt;

use lattice_lock_errors::Error;

use crate::Problem;
use crate::codes::SETTINGS_INVALID;
use crate::security::{SecretFault, SecurityConfigurationError};

/// Every problem of a configuration at once; found with `error.find::<ConfigurationError>()`.
///
/// ```
/// use lattice_lock_config::{AppConfig, ConfigurationError};
///
/// let variables = [("DATABASE_POOL_SIZE", "0"), ("DATABASE_ECHO", "perhaps")];
/// let error = AppConfig::builder().variables(variables).build().unwrap_err();
/// let detail = error.find::<ConfigurationError>().expect("the list");
/// let settings: Vec<_> = detail.problems().iter().map(|problem| problem.setting()).collect();
/// assert_eq!(settings, ["DATABASE_POOL_SIZE", "DATABASE_ECHO"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError {
    problems: Vec<Problem>,
}

impl ConfigurationError {
    /// The problems: those of the file as a whole, then of the settings, then unknown keys.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(f, "{count} problem{}", if count == 1 { "" } else { "s" })?;
        for (at, problem) in self.problems.iter().take(NUMBERS.len()).enumerate() {
            write!(
                f,
                "{}{}",
                if at == 0 { " with " } else { ", " },
                problem.setting()
            )?;
        }
        f.write_str(if count > NUMBERS.len() { ", …" } else { "" })
    }
}

impl std::error::Error for ConfigurationError {}

/// The keys under which the problems stand in an error's context; the typed detail has those beyond.
const NUMBERS: [&str; 64] = [
    "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16",
    "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "32",
    "33", "34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44", "45", "46", "47", "48",
    "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63", "64",
];

/// The one error for all `problems`: security decides the code, else a problem that stands alone.
pub(crate) fn failure(problems: Vec<Problem>) -> Error {
    let security = problems
        .iter()
        .find_map(|problem| Some((problem.fault()?, problem.setting().to_owned())));
    let error = with_context(headline(&problems, security.as_ref()), &problems);
    let all = ConfigurationError { problems };
    match security {
        Some((fault, setting)) => {
            error.with_source(SecurityConfigurationError::new(fault, setting, Some(all)))
        }
        None => error.with_source(all),
    }
}

/// The error without the list.
fn headline(problems: &[Problem], security: Option<&(SecretFault, String)>) -> Error {
    match (security, problems) {
        (Some((fault, _)), _) => Error::new(fault.code(), fault.message()),
        (None, [only]) => Error::new(only.code(), "the configuration has a problem"),
        (None, _) => Error::new(SETTINGS_INVALID, "the configuration has several problems"),
    }
}

/// Names every problem in the context, so that `Display` and a report name them all.
fn with_context(error: Error, problems: &[Problem]) -> Error {
    if let [only] = problems {
        return error.with("problem", only);
    }
    let error = NUMBERS
        .into_iter()
        .zip(problems)
        .fold(error, |error, (number, problem)| {
            error.with(number, problem)
        });
    match problems.len().saturating_sub(NUMBERS.len()) {
        0 => error,
        more => error.with("and", format_args!("{more} more")),
    }
}
