//! What contains what in a provider's usage, as data.
//!
//! Providers agree on no word: a prompt's count contains what was cached at `OpenAI` and does not at Anthropic. A
//! [`Layout`] says, for one API of one provider, which figures there are, which bucket each is for, and which other
//! figures are within it. [`Layout::sort`] takes these out, so that no token stands in two buckets, and holds the
//! result against the provider's own total.
//!
//! A new field of a provider's is one line: where it stands, its bucket, and its mention in the figure that
//! contains it. A figure that is missing takes nothing from its whole, and its bucket stays absent; a whole that is
//! missing stays absent even where its parts are known.
//!
//! For example, of `{"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 20}}` and a figure
//! `prompt_tokens` for the input that contains `cached_tokens` for what was read from a cache, 80 tokens are input
//! and 20 are read. Were 120 of 100 cached, nothing would be believed, since no one can say which of the two is
//! wrong.

use lattice_lock_providers::{Bucket, TokenUsage};

use super::counts::Counts;
use super::usage::{Sorted, against_total};
use crate::UsageFinding;

/// Where a figure stands: its name, and the object's that it is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    within: Within,
    name: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Within {
    /// The usage itself.
    Itself,
    /// An object in it.
    Object(&'static str),
    /// An object in an object in it.
    Deep([&'static str; 2]),
    /// The object of a list in it whose field has this text.
    List(&'static str, (&'static str, &'static str)),
}

/// A figure of the usage itself.
pub(super) const fn at(name: &'static str) -> At {
    At {
        within: Within::Itself,
        name,
    }
}

/// A figure of an object in the usage.
pub(super) const fn inside(object: &'static str, name: &'static str) -> At {
    At {
        within: Within::Object(object),
        name,
    }
}

/// A figure of an object in an object of the usage.
pub(super) const fn within(objects: [&'static str; 2], name: &'static str) -> At {
    At {
        within: Within::Deep(objects),
        name,
    }
}

/// A figure of the object in a list of the usage whose field has this text.
pub(super) const fn listed(
    list: &'static str,
    field: (&'static str, &'static str),
    name: &'static str,
) -> At {
    At {
        within: Within::List(list, field),
        name,
    }
}

/// A figure, and the bucket for what is left of it without the figures that it contains.
///
/// What two of these have in common, as cached sound is both cached and sound, is within each of them and stands
/// beside them too: of each only what is left of it is taken off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    pub(super) at: At,
    pub(super) bucket: Bucket,
    pub(super) contains: &'static [Self],
    /// A finer figure for the same bucket, which counts instead where it is reported.
    pub(super) unless: Option<At>,
}

/// A figure that contains no other.
pub(super) const fn alone(at: At, bucket: Bucket) -> Figure {
    whole(at, bucket, &[])
}

/// A figure that contains others.
pub(super) const fn whole(at: At, bucket: Bucket, contains: &'static [Figure]) -> Figure {
    Figure {
        at,
        bucket,
        contains,
        unless: None,
    }
}

/// How one API of one provider counts.
///
/// It is a constant of its wire: what contains what is the same for each reply, and where it is not, as with xAI's
/// reasoning, there are two of them.
#[derive(Debug)]
pub(super) struct Layout {
    /// Each figure; those of one bucket are added.
    pub(super) figures: &'static [Figure],
    /// The provider's own sum of everything, if it gives one.
    pub(super) total: Option<At>,
    /// A figure that others must add up to, where all of them are reported.
    pub(super) sum: Option<(At, [At; 2])>,
}

impl At {
    /// The figure; absent where it, or what it stands in, is missing.
    fn read(self, counts: Counts<'_>) -> Result<Option<u64>, UsageFinding> {
        match self.within {
            Within::Itself => counts.count(self.name),
            Within::Object(object) => counts.within(object)?.count(self.name),
            Within::Deep([outer, inner]) => counts.within(outer)?.within(inner)?.count(self.name),
            Within::List(list, field) => counts.listed(list, field)?.count(self.name),
        }
    }
}

impl Layout {
    /// Sorts the counts into buckets that do not overlap, and holds them against the provider's sums.
    pub(super) fn sort(&self, counts: Counts<'_>) -> Sorted {
        let mut usage = TokenUsage::new();
        for figure in self.figures {
            if let Some(count) = figure.rest(counts)? {
                let before = usage.get(figure.bucket).reported().unwrap_or(0);
                usage = usage.with(figure.bucket, before + count);
            }
        }
        let mut finding = self.against_sum(counts)?;
        if let Some(total) = self.total {
            usage = usage.with_total(total.read(counts)?);
            finding = finding.or_else(|| against_total(&usage, total.name));
        }
        Ok((usage, finding))
    }

    /// Holds a figure against two that are its parts. Where one of the three is missing, nothing can be said.
    fn against_sum(&self, counts: Counts<'_>) -> Result<Option<UsageFinding>, UsageFinding> {
        let Some((whole, [one, other])) = self.sum else {
            return Ok(None);
        };
        let read = (whole.read(counts)?, one.read(counts)?, other.read(counts)?);
        let (Some(sum), Some(one), Some(other)) = read else {
            return Ok(None);
        };
        let residual = i128::from(sum) - i128::from(one) - i128::from(other);
        Ok((residual != 0).then_some(UsageFinding::Mismatch {
            whole: whole.name,
            residual,
        }))
    }
}

impl Figure {
    /// What is left of the figure without what it contains. An unknown part takes nothing, an unknown whole stays
    /// unknown.
    fn rest(&self, counts: Counts<'_>) -> Result<Option<u64>, UsageFinding> {
        if let Some(finer) = self.unless
            && let Some(count) = finer.read(counts)?
        {
            return Ok(Some(count));
        }
        let parts = sum(self.contains, counts)?;
        let Some(whole) = self.at.read(counts)? else {
            return Ok(None);
        };
        match whole.checked_sub(parts) {
            Some(rest) => Ok(Some(rest)),
            None => Err(UsageFinding::Excess {
                whole: self.at.name,
                excess: parts - whole,
            }),
        }
    }
}

/// The sum of what is left of the figures that are reported. A few counts that are not beyond `LARGEST_COUNT` cannot
/// overflow.
fn sum(figures: &[Figure], counts: Counts<'_>) -> Result<u64, UsageFinding> {
    figures
        .iter()
        .try_fold(0, |sum, figure| Ok(sum + figure.rest(counts)?.unwrap_or(0)))
}
