use std::fmt;
use std::marker::PhantomData;

use serde::{Serialize, Serializer};

pub(crate) trait Sealed {}

/// What can be in a [`Set`]: the enums of this crate, and nothing else.
#[expect(
    private_bounds,
    reason = "the trait is sealed: a set holds at most 64 values"
)]
pub trait Member: Sealed + Copy + 'static {
    /// Every value, in declaration order.
    const MEMBERS: &'static [Self];

    /// Its place in [`MEMBERS`](Self::MEMBERS).
    fn index(self) -> usize;

    /// Its stable name.
    fn name(self) -> &'static str;
}

/// A set of values of one enum, as small as a `u64`. Serialised as a list of names.
///
/// ```
/// use lattice_lock_analyzer::{Need, Set};
///
/// let needs = Set::new().with(Need::Json).with(Need::Vision);
/// assert!(needs.contains(Need::Vision));
/// assert_eq!(needs.to_string(), "vision, json");
/// ```
pub struct Set<T> {
    bits: u64,
    members: PhantomData<T>,
}

impl<T> Set<T> {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bits: 0,
            members: PhantomData,
        }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// How many values are in it.
    #[must_use]
    pub const fn len(self) -> usize {
        self.bits.count_ones() as usize
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            bits: self.bits | other.bits,
            members: PhantomData,
        }
    }

    pub(crate) const fn bits(self) -> u64 {
        self.bits
    }
}

impl<T: Member> Set<T> {
    /// Whether `value` is in it.
    #[must_use]
    pub fn contains(self, value: T) -> bool {
        self.bits & (1 << value.index()) != 0
    }

    /// The same set and `value`.
    #[must_use]
    pub fn with(self, value: T) -> Self {
        Self {
            bits: self.bits | (1 << value.index()),
            members: PhantomData,
        }
    }

    /// The values, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::MEMBERS
            .iter()
            .copied()
            .filter(move |value| self.contains(*value))
    }

    pub(crate) fn insert(&mut self, value: T) {
        *self = self.with(value);
    }
}

impl<T> Clone for Set<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Set<T> {}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> PartialEq for Set<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<T> Eq for Set<T> {}

impl<T: Member> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        values.into_iter().fold(Self::new(), Self::with)
    }
}

impl<T: Member> From<T> for Set<T> {
    fn from(value: T) -> Self {
        Self::new().with(value)
    }
}

impl<T: Member> fmt::Display for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, value) in self.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            f.write_str(value.name())?;
        }
        Ok(())
    }
}

impl<T: Member> fmt::Debug for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

impl<T: Member> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Member::name))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Attachment, CodeLanguage, Mark, Need, PromptLanguage, Set};

    #[test]
    fn every_enum_fits_into_a_set() {
        assert!(Need::ALL.len() <= 64);
        assert!(Mark::ALL.len() <= 64);
        assert!(Attachment::ALL.len() <= 64);
        assert!(CodeLanguage::ALL.len() <= 64);
        assert!(PromptLanguage::ALL.len() <= 64);
    }

    #[test]
    fn a_set_is_serialised_as_names_in_declaration_order() {
        let set: Set<Need> = [Need::Turns, Need::Vision].into_iter().collect();
        assert_eq!(
            serde_json::to_string(&set).unwrap(),
            r#"["vision","turns"]"#
        );
        assert_eq!(set.len(), 2);
        assert!(!set.contains(Need::Json));
        assert!(Set::<Need>::new().is_empty());
    }
}
