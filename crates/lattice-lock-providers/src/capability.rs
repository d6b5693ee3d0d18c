use std::fmt;

use serde::{Deserialize, Serialize};

/// Something a model can do beyond text in, text out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Capability {
    /// Calls tools that the caller declares.
    Tools,
    /// Calls several tools in one turn.
    ParallelTools,
    /// Reads images.
    Vision,
    /// Reads or writes sound.
    Audio,
    /// Answers with some JSON value.
    JsonMode,
    /// Answers with JSON of a given schema.
    JsonSchema,
    /// Thinks before it answers.
    Reasoning,
    /// Reuses a prompt's beginning at a lower price.
    Caching,
    /// Sends its reply piece by piece.
    Streaming,
}

impl Capability {
    const ALL: [Self; 9] = [
        Self::Tools,
        Self::ParallelTools,
        Self::Vision,
        Self::Audio,
        Self::JsonMode,
        Self::JsonSchema,
        Self::Reasoning,
        Self::Caching,
        Self::Streaming,
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of [`Capability`] values, as small as a number.
///
/// ```
/// use lattice_lock_providers::{Capabilities, Capability};
///
/// let offered = Capabilities::from_iter([Capability::Tools, Capability::Vision]);
/// let needed = Capabilities::from_iter([Capability::Vision, Capability::Audio]);
/// assert_eq!(offered.missing(needed).iter().collect::<Vec<_>>(), [Capability::Audio]);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Capability>", into = "Vec<Capability>")]
pub struct Capabilities(u16);

impl Capabilities {
    /// Whether this one is in the set.
    #[must_use]
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// What of `needed` is not in this set.
    #[must_use]
    pub const fn missing(self, needed: Self) -> Self {
        Self(needed.0 & !self.0)
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in the set, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL
            .into_iter()
            .filter(move |capability| self.contains(*capability))
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(items: I) -> Self {
        Self(items.into_iter().fold(0, |set, item| set | item.bit()))
    }
}

impl From<Vec<Capability>> for Capabilities {
    fn from(items: Vec<Capability>) -> Self {
        items.into_iter().collect()
    }
}

impl From<Capabilities> for Vec<Capability> {
    fn from(set: Capabilities) -> Self {
        set.iter().collect()
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_has_a_bit_of_its_own() {
        let all: Capabilities = Capability::ALL.into_iter().collect();
        assert_eq!(all.iter().count(), Capability::ALL.len());
        assert_eq!(all.0.count_ones() as usize, Capability::ALL.len());
    }
}
