//! What the examples share: printing that is aligned, and coloured only for a terminal (`NO_COLOR` is respected).

use std::fmt::Display;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use lattice_lock::Error;
use lattice_lock::errors::{Code, Kind};

const HEADING: Style = Style::new().bold();
const FAINT: Style = AnsiColor::BrightBlack.on_default();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// How wide the column of names is.
const NAMES: usize = 16;

/// Prints a heading with a blank line before it.
pub fn heading(text: &str) {
    anstream::println!("\n{HEADING}{text}{HEADING:#}");
}

/// Prints a name and its value in two columns; further lines of the value stand below the first.
pub fn row(name: &str, value: impl Display) {
    let value = value
        .to_string()
        .replace('\n', &format!("\n{:1$}", "", NAMES + 3));
    anstream::println!("  {FAINT}{name:NAMES$}{FAINT:#} {value}");
}

/// Prints something that was checked and holds.
pub fn proved(text: impl Display) {
    anstream::println!("  {GOOD}✓{GOOD:#} {text}");
}

/// Prints an aside.
pub fn note(text: impl Display) {
    anstream::println!("  {FAINT}{text}{FAINT:#}");
}

/// Prints an error with everything that helps to mend it, and says how the process ends.
#[must_use]
pub fn failed(error: &Error) -> ExitCode {
    anstream::eprintln!("{BAD}error{BAD:#} {}", error.report());
    ExitCode::FAILURE
}

/// Something of this machine that an example needs and cannot have.
const UNUSABLE: Code = Code::new(
    "LL-EXA-001",
    Kind::Unavailable,
    "The example could not set up something that it needs.",
    "Read the cause below: a folder, a port, or an endpoint that was configured.",
);

/// The error for something that an example needs and cannot have.
#[must_use]
pub fn unusable(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Error {
    Error::new(UNUSABLE, what).with_foreign(error)
}

/// What an example was asked for; or how it ends, after printing its usage, when it was asked for help or wrongly.
///
/// # Errors
///
/// How the process ends.
pub fn asked<A>(parsed: Result<Option<A>, String>, usage: &str) -> Result<A, ExitCode> {
    match parsed {
        Ok(Some(arguments)) => Ok(arguments),
        Ok(None) => {
            anstream::println!("{usage}");
            Err(ExitCode::SUCCESS)
        }
        Err(fault) => Err(misused(&fault, usage)),
    }
}

/// Prints how the example is called, after a mistake in doing so.
#[must_use]
pub fn misused(fault: &str, usage: &str) -> ExitCode {
    anstream::eprintln!("{BAD}error{BAD:#} {fault}\n\n{usage}");
    ExitCode::from(2)
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
