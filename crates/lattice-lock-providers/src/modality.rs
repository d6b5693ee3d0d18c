use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of content that a model reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Modality {
    /// Text.
    Text,
    /// Images.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Documents, such as PDF.
    Document,
}

impl Modality {
    const ALL: [Self; 5] = [
        Self::Text,
        Self::Image,
        Self::Audio,
        Self::Video,
        Self::Document,
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of [`Modality`] values, as small as a number.
///
/// ```
/// use lattice_lock_providers::{Modalities, Modality};
///
/// let read = Modalities::from_iter([Modality::Text, Modality::Image]);
/// assert!(read.contains(Modality::Image));
/// assert!(!read.contains(Modality::Video));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Modality>", into = "Vec<Modality>")]
pub struct Modalities(u8);

impl Modalities {
    /// Whether this one is in the set.
    #[must_use]
    pub const fn contains(self, modality: Modality) -> bool {
        self.0 & modality.bit() != 0
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// What is in the set, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Modality> {
        let contains = move |modality: &Modality| self.contains(*modality);
        Modality::ALL.into_iter().filter(contains)
    }
}

impl FromIterator<Modality> for Modalities {
    fn from_iter<I: IntoIterator<Item = Modality>>(items: I) -> Self {
        Self(items.into_iter().fold(0, |set, item| set | item.bit()))
    }
}

impl From<Vec<Modality>> for Modalities {
    fn from(items: Vec<Modality>) -> Self {
        items.into_iter().collect()
    }
}

impl From<Modalities> for Vec<Modality> {
    fn from(set: Modalities) -> Self {
        set.iter().collect()
    }
}

impl fmt::Debug for Modalities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
