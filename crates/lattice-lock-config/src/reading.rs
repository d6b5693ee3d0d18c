//! Where layers become values: who wins, what is wrong, what is shown.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lattice_lock_errors::{Error, Secret};

use crate::credential::{self, Credential};
use crate::effective::{EffectiveSetting, EffectiveValue, Show};
use crate::failure::failure;
use crate::parse::Parsed;
use crate::problem::{Problem, given_as};
use crate::setting::{ENV, PREFIX, Setting};
use crate::value::Raw;
use crate::{EffectiveConfig, Origin, Warning, WarningKind};

/// The layers, and what is found out while they are read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// For each key what the layers give, the later ones last.
    given: BTreeMap<&'static str, Vec<(Raw, Origin)>>,
    pub(crate) file: Option<Arc<Path>>,
    /// Whether the file could not be read as a whole, so that what is missing may stand in it.
    pub(crate) is_incomplete: bool,
    /// What is wrong, in the order in which it is found.
    problems: Vec<Problem>,
    /// Kept apart and told last: of these alone there can be any number.
    unknown: Vec<Problem>,
    /// What works and is probably not meant.
    warnings: Vec<Warning>,
    /// What is shown of every setting that has been read.
    effective: Vec<EffectiveSetting>,
}

impl Reading {
    /// Adds what a layer gives; layers come in order.
    pub(crate) fn give(&mut self, setting: &'static Setting, raw: Raw, origin: Origin) {
        if !self.is_absent(setting, &raw, &origin) {
            self.given
                .entry(setting.key)
                .or_default()
                .push((raw, origin));
        }
    }

    /// Empty text counts as nothing in a variable, and anywhere for a secret. Not so an empty
    /// `LATTICE_ENV`: production must not become dev because a template was filled with nothing.
    fn is_absent(&mut self, setting: &'static Setting, raw: &Raw, origin: &Origin) -> bool {
        let blank = raw.is_blank() && setting.key != ENV.key;
        match origin {
            Origin::Variable(name) if blank => {
                if name.starts_with(PREFIX) {
                    self.warn(WarningKind::EmptyVariable, *name);
                }
                true
            }
            _ => blank && setting.blank_is_absent,
        }
    }

    /// The value of the last layer that gives one, else `default`.
    pub(crate) fn value<T: Show>(
        &mut self,
        setting: &'static Setting,
        default: T,
        parse: impl Fn(&Raw) -> Parsed<T>,
    ) -> T {
        let (value, origin) = self
            .winner(setting, parse)
            .unwrap_or((default, Origin::Default));
        self.show(setting, value.show(), origin);
        value
    }

    /// The value of the last layer that gives one, if any does.
    pub(crate) fn optional<T: Show>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&Raw) -> Parsed<T>,
    ) -> Option<T> {
        let found = self.winner(setting, parse);
        let (shown, origin) = match &found {
            Some((value, origin)) => (value.show(), origin.clone()),
            None => (EffectiveValue::Given(false), Origin::Default),
        };
        self.show(setting, shown, origin);
        found.map(|(value, _)| value)
    }

    /// A provider's key, unless it is a placeholder.
    pub(crate) fn credential(&mut self, setting: &'static Setting) -> Option<Secret<String>> {
        let (found, origin) = self
            .winner(setting, credential::read)
            .unwrap_or((Credential::Placeholder, Origin::Default));
        let key = match found {
            Credential::Key(key) => Some(key),
            Credential::Placeholder if origin == Origin::Default => None,
            Credential::Placeholder => {
                self.warn(
                    WarningKind::PlaceholderCredential,
                    given_as(setting, &origin),
                );
                None
            }
        };
        self.show(setting, EffectiveValue::Given(key.is_some()), origin);
        key
    }

    /// What the last layer gives, read by `parse`; what it hides is read too, so that no mistake in the file
    /// waits for the day when nothing hides it.
    pub(crate) fn winner<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&Raw) -> Parsed<T>,
    ) -> Option<(T, Origin)> {
        let mut given = self.given.remove(setting.key)?;
        let (raw, origin) = given.pop()?;
        for (hidden, place) in given {
            if let (Origin::File(path, line), Err(_)) = (place, parse(&hidden)) {
                let name = format!("{} ({}:{line})", setting.key, path.display());
                self.warn(WarningKind::HiddenMistake, name);
            }
        }
        match parse(&raw) {
            Ok(value) => Some((value, origin)),
            Err(fault) => {
                self.problem(Problem::value(setting, &origin, fault));
                None
            }
        }
    }

    /// Whether any layer gives it.
    pub(crate) fn is_given(&self, setting: &'static Setting) -> bool {
        self.given.contains_key(setting.key)
    }

    /// Notes what may be seen of a setting.
    pub(crate) fn show(
        &mut self,
        setting: &'static Setting,
        value: EffectiveValue,
        origin: Origin,
    ) {
        self.effective
            .push(EffectiveSetting::new(setting.key, value, origin));
    }

    /// Notes a mistake; reading goes on, so that the others are found too.
    pub(crate) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// A key that nothing knows. Only the first ones are compared with the known names, since that takes time.
    pub(crate) fn unknown(&mut self, key: &str, origin: &Origin) {
        let compare = self.unknown.len() < 100;
        self.unknown.push(Problem::unknown(key, origin, compare));
    }

    /// Warns about what is known by this name.
    pub(crate) fn warn(&mut self, kind: WarningKind, setting: impl Into<String>) {
        self.add(Warning::new(kind, setting));
    }

    /// Notes a warning.
    pub(crate) fn add(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    /// Warns under the name of whoever gave the value, or the key if nobody did.
    pub(crate) fn warn_about(&mut self, kind: WarningKind, setting: &'static Setting) {
        let shown = self.effective.iter().find(|one| one.key() == setting.key);
        let name = match shown.map(EffectiveSetting::origin) {
            Some(Origin::Variable(name)) => name,
            _ => setting.key,
        };
        self.warn(kind, name);
    }

    /// The warnings and the effective values, if nothing is wrong.
    pub(crate) fn finish(mut self) -> Result<(Vec<Warning>, EffectiveConfig), Error> {
        self.problems.append(&mut self.unknown);
        if self.problems.is_empty() {
            Ok((
                self.warnings,
                EffectiveConfig::new(self.file, self.effective),
            ))
        } else {
            Err(failure(self.problems))
        }
    }
}
