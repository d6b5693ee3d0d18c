use std::collections::BTreeMap;

use lattice_lock_errors::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::codes::{LABEL_INVALID, TOO_MANY_TAGS};

/// The longest label, in characters.
const LONGEST: usize = 128;
/// The most tags of one principal.
const MOST_TAGS: usize = 32;

/// Whom a call's cost is attributed to: a team, a project, and tags of the caller's own choice.
///
/// Made by [`Principal::team`](crate::Principal::team), [`project`](crate::Principal::project) and
/// [`tag`](crate::Principal::tag), and read through
/// [`Principal::attribution`](crate::Principal::attribution).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", deny_unknown_fields)]
pub struct Attribution {
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

impl Attribution {
    /// The team, if one was named.
    #[must_use]
    pub fn team(&self) -> Option<&str> {
        self.team.as_deref()
    }

    /// The project, if one was named.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The tags, by name.
    #[must_use]
    pub fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    pub(crate) fn set_team(&mut self, team: &str) -> Result<()> {
        self.team = Some(label("team", team)?);
        Ok(())
    }

    pub(crate) fn set_project(&mut self, project: &str) -> Result<()> {
        self.project = Some(label("project", project)?);
        Ok(())
    }

    pub(crate) fn set_tag(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, value) = (tag_name(name)?, label("tag", value)?);
        if self.tags.len() >= MOST_TAGS && !self.tags.contains_key(&name) {
            return Err(Error::new(TOO_MANY_TAGS, "too many tags").with("most", MOST_TAGS));
        }
        self.tags.insert(name, value);
        Ok(())
    }
}

fn label(what: &'static str, text: &str) -> Result<String> {
    let fault = if text.trim().is_empty() {
        "empty"
    } else if text.chars().nth(LONGEST).is_some() {
        "too long"
    } else if text.chars().any(char::is_control) {
        "control characters"
    } else {
        return Ok(text.to_owned());
    };
    Err(invalid(what, fault))
}

fn tag_name(text: &str) -> Result<String> {
    let name = label("tag name", text)?;
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
    if name.bytes().all(plain) {
        Ok(name)
    } else {
        Err(invalid(
            "tag name",
            "characters other than a-z, 0-9, '_', '-', '.'",
        ))
    }
}

fn invalid(what: &'static str, fault: &'static str) -> Error {
    Error::new(LABEL_INVALID, "not a label")
        .with("label", what)
        .with("fault", fault)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    team: Option<String>,
    project: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

impl TryFrom<Unchecked> for Attribution {
    type Error = Error;

    fn try_from(raw: Unchecked) -> Result<Self> {
        let mut checked = Self::default();
        raw.team
            .iter()
            .try_for_each(|team| checked.set_team(team))?;
        raw.project
            .iter()
            .try_for_each(|project| checked.set_project(project))?;
        raw.tags
            .iter()
            .try_for_each(|(name, value)| checked.set_tag(name, value))?;
        Ok(checked)
    }
}
