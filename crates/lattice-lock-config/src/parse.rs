//! How the values of simple settings are read.

use std::ops::RangeInclusive;
use std::time::Duration;

use lattice_lock_errors::Error;

use crate::codes::VALUE_INVALID;
use crate::setting::Setting;
use crate::value::Raw;

/// Why a value was refused: a rule more exact than the setting's own, and what was probably meant.
///
/// It holds nothing of the value, so whatever is made of it cannot either.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fault {
    pub(crate) rule: Option<&'static str>,
    pub(crate) suggestion: Option<&'static str>,
}

impl Fault {
    /// A fault with a rule more exact than the setting's own.
    pub(crate) const fn rule(rule: &'static str) -> Self {
        Self {
            rule: Some(rule),
            suggestion: None,
        }
    }

    /// A fault against the setting's own rule, with what was probably meant.
    pub(crate) const fn meant(suggestion: Option<&'static str>) -> Self {
        Self {
            rule: None,
            suggestion,
        }
    }

    /// The fault as an error of its own, for a value that is parsed without a configuration around it.
    pub(crate) fn into_error(self, setting: &'static Setting) -> Error {
        let error = Error::new(VALUE_INVALID, "the value is not valid")
            .with("rule", self.rule.unwrap_or(setting.rule))
            .with("example", setting.example);
        match self.suggestion {
            Some(suggestion) => error.with("hint", format_args!("did you mean {suggestion}?")),
            None => error,
        }
    }
}

/// A value, or why not.
pub(crate) type Parsed<T> = Result<T, Fault>;

const NOT_UNICODE: Fault = Fault::rule("must be UTF-8 text");

/// The longest text that a setting takes, in bytes.
pub(crate) const LONGEST: usize = 4096;

/// The text without the white space around it.
pub(crate) fn text(raw: &Raw) -> Parsed<&str> {
    match raw {
        Raw::Text(text) => Ok(text.expose().trim()),
        Raw::NotUnicode => Err(NOT_UNICODE),
        _ => Err(Fault::default()),
    }
}

/// A whole number. Text has neither point, exponent, underscore nor unit.
pub(crate) fn whole(raw: &Raw, range: RangeInclusive<u32>) -> Parsed<u32> {
    let number = match raw {
        Raw::Whole(number) => u32::try_from(*number).ok(),
        _ => text(raw)?.parse().ok(),
    };
    number
        .filter(|number| range.contains(number))
        .ok_or_else(Fault::default)
}

/// On or off, in the words that people use for it.
pub(crate) fn switch(raw: &Raw) -> Parsed<bool> {
    if let Raw::Switch(switch) = raw {
        return Ok(*switch);
    }
    match text(raw)?.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(Fault::default()),
    }
}

/// Seconds from a thousandth to a day. The comparison also refuses what is not a number.
pub(crate) fn seconds(raw: &Raw) -> Parsed<Duration> {
    let seconds = match raw {
        Raw::Number(number) => Some(*number),
        Raw::Whole(number) => i32::try_from(*number).ok().map(f64::from),
        _ => text(raw)?.parse().ok(),
    };
    seconds
        .filter(|seconds| (0.001..=86_400.0).contains(seconds))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(Fault::default)
}

/// A region's name: lower-case letters, digits and hyphens, beginning with a letter.
pub(crate) fn region(raw: &Raw) -> Parsed<String> {
    let text = text(raw)?;
    let shaped = text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if shaped {
        Ok(text.to_owned())
    } else {
        Err(Fault::default())
    }
}
