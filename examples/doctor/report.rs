//! What was found, and how bad it is.

use std::fmt::Display;

use serde_json::{Map, Value, json};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    #[default]
    Good,
    Warning,
    Error,
}

impl Grade {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Warning => 1,
            Self::Error => 2,
        }
    }
}

/// Facts and findings about one thing.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) findings: Vec<(Grade, String)>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    sections: Vec<Section>,
}

impl Report {
    pub(crate) fn section(&mut self, name: &'static str) {
        self.sections.push(Section {
            name,
            facts: Vec::new(),
            findings: Vec::new(),
        });
    }

    pub(crate) fn fact(&mut self, name: impl Display, value: impl Display) {
        if let Some(section) = self.sections.last_mut() {
            section.facts.push((name.to_string(), value.to_string()));
        }
    }

    pub(crate) fn finding(&mut self, grade: Grade, what: impl Display) {
        if let Some(section) = self.sections.last_mut() {
            section.findings.push((grade, what.to_string()));
        }
    }

    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    pub(crate) fn worst(&self) -> Grade {
        let findings = self.sections.iter().flat_map(|section| &section.findings);
        findings.map(|(grade, _)| *grade).max().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        let sections = self.sections.iter().map(|section| {
            let facts: Map<String, Value> = section
                .facts
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            let findings: Vec<_> = section
                .findings
                .iter()
                .map(|(grade, what)| json!({"grade": grade.as_str(), "what": what}))
                .collect();
            let section_json = json!({"facts": facts, "findings": findings});
            (section.name.to_owned(), section_json)
        });
        let sections: Map<String, Value> = sections.collect();
        json!({"worst": self.worst().as_str(), "sections": sections})
    }
}
