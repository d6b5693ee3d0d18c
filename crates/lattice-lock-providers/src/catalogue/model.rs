use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::MatchRule;
use crate::{Capabilities, Modalities, ModelName, ModelRef, PriceHistory};

/// One model that a catalogue knows: what it is called, what it can do, and what it costs.
///
/// What no source says is absent, and absent is not a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub(crate) reference: ModelRef,
    pub(crate) facts: Facts,
    pub(crate) prices: PriceHistory,
}

/// What is known of a model beside its name and its prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) api_name: Option<ModelName>,
    pub(crate) rules: Vec<MatchRule>,
    pub(crate) context_window: Option<u64>,
    pub(crate) output_limit: Option<u64>,
    pub(crate) input: Modalities,
    pub(crate) output: Modalities,
    pub(crate) capabilities: Capabilities,
    pub(crate) quality: BTreeMap<Quality, Figure>,
    pub(crate) deprecated: bool,
    pub(crate) named_only: bool,
    pub(crate) retires: Option<Date>,
    pub(crate) surcharges: BTreeMap<String, Decimal>,
    pub(crate) source: Option<String>,
}

/// What a quality figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Quality {
    /// How well it reasons, from 0 to 100.
    Reasoning,
    /// How well it writes code, from 0 to 100.
    Coding,
    /// How fast it answers, from 0 to 10.
    Speed,
}

impl Quality {
    /// The largest figure that there can be.
    #[must_use]
    pub const fn largest(self) -> u8 {
        match self {
            Self::Reasoning | Self::Coding => 100,
            Self::Speed => 10,
        }
    }
}

/// A quality figure with who says so.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// From 0 to [`Quality::largest`].
    pub value: u8,
    /// The publication that it comes from.
    pub source: String,
}

/// Whether a model is still served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum Lifecycle {
    /// It is, and no end is announced.
    Active,
    /// It is, and its end is announced.
    Deprecated {
        /// The day from which it is no longer served, if that was said.
        retires: Option<Date>,
    },
    /// It is not.
    Retired {
        /// The first day on which it was not.
        since: Date,
    },
}

impl Model {
    /// Its provider and name.
    #[must_use]
    pub fn reference(&self) -> &ModelRef {
        &self.reference
    }

    /// What the provider's API calls it: its name, unless the catalogue says otherwise.
    #[must_use]
    pub fn api_name(&self) -> &ModelName {
        self.facts
            .api_name
            .as_ref()
            .unwrap_or_else(|| self.reference.name())
    }

    /// By which other names the provider may call it.
    #[must_use]
    pub fn rules(&self) -> &[MatchRule] {
        &self.facts.rules
    }

    /// The largest prompt, in tokens.
    #[must_use]
    pub fn context_window(&self) -> Option<u64> {
        self.facts.context_window
    }

    /// The longest reply, in tokens.
    #[must_use]
    pub fn output_limit(&self) -> Option<u64> {
        self.facts.output_limit
    }

    /// What it reads; empty if no source says.
    #[must_use]
    pub fn input(&self) -> Modalities {
        self.facts.input
    }

    /// What it writes; empty if no source says.
    #[must_use]
    pub fn output(&self) -> Modalities {
        self.facts.output
    }

    /// What it can do beyond text.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.facts.capabilities
    }

    /// How good it is at something, if a source says.
    #[must_use]
    pub fn quality(&self, of: Quality) -> Option<&Figure> {
        self.facts.quality.get(&of)
    }

    /// The day from which its provider no longer serves it, if announced.
    #[must_use]
    pub fn retires(&self) -> Option<Date> {
        self.facts.retires
    }

    /// Whether it is still served on a day (UTC).
    #[must_use]
    pub fn lifecycle(&self, day: Date) -> Lifecycle {
        match self.facts.retires {
            Some(since) if since <= day => Lifecycle::Retired { since },
            None if !self.facts.deprecated => Lifecycle::Active,
            retires => Lifecycle::Deprecated { retires },
        }
    }

    /// Whether it is called only if a caller names it, and never chosen by a router.
    #[must_use]
    pub fn is_named_only(&self) -> bool {
        self.facts.named_only
    }

    /// By which factor everything costs more for calls that ask for something special, such as `us` for processing
    /// in one country. These calls are not priced by [`prices`](Self::prices).
    #[must_use]
    pub fn surcharges(&self) -> &BTreeMap<String, Decimal> {
        &self.facts.surcharges
    }

    /// Where its prices come from, if the catalogue says.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.facts.source.as_deref()
    }

    /// Its prices over time; empty if none is known.
    #[must_use]
    pub fn prices(&self) -> &PriceHistory {
        &self.prices
    }
}
