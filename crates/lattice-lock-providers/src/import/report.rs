use std::collections::{BTreeMap, BTreeSet};

use crate::{ModelRef, ProviderId};

/// What became of one model of an imported file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Imported {
    /// Every price that the file has for a chat is held exactly.
    Exact,
    /// It has prices, and the file has more than these can say; each reason.
    Inexact(Vec<String>),
    /// The file has no price that can be used, and why.
    Unpriced(String),
}

/// What became of each entry of an imported file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    pub(super) models: BTreeMap<ModelRef, Imported>,
    pub(super) skipped: Vec<(String, &'static str)>,
    pub(super) unknown: BTreeSet<String>,
    pub(super) ignored: BTreeMap<String, &'static str>,
    pub(super) smoothed: usize,
}

impl ImportReport {
    /// Each imported model.
    #[must_use]
    pub fn models(&self) -> &BTreeMap<ModelRef, Imported> {
        &self.models
    }

    /// Entries that are no chat models, by the name in the file, and why.
    #[must_use]
    pub fn skipped(&self) -> &[(String, &'static str)] {
        &self.skipped
    }

    /// Fields that this version of the importer does not know. A model with an unknown field that may be a price is
    /// not counted as exact.
    #[must_use]
    pub fn unknown_fields(&self) -> &BTreeSet<String> {
        &self.unknown
    }

    /// Fields that stand in the file and change no price of a chat, each with the reason.
    #[must_use]
    pub fn ignored_fields(&self) -> &BTreeMap<String, &'static str> {
        &self.ignored
    }

    /// How many prices were written with a float's noise in the 16th or 17th digit, which was left off.
    #[must_use]
    pub fn smoothed(&self) -> usize {
        self.smoothed
    }

    /// How many models are priced exactly.
    #[must_use]
    pub fn exact(&self) -> usize {
        let exact = |became: &&Imported| matches!(became, Imported::Exact);
        self.models.values().filter(exact).count()
    }

    /// Per provider: how many are priced exactly, inexactly, and not at all.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&ProviderId, [usize; 3]> {
        let mut counts = BTreeMap::new();
        for (model, became) in &self.models {
            let row: &mut [usize; 3] = counts.entry(model.provider()).or_default();
            match became {
                Imported::Exact => row[0] += 1,
                Imported::Inexact(_) => row[1] += 1,
                Imported::Unpriced(_) => row[2] += 1,
            }
        }
        counts
    }
}
