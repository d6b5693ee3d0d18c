use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::Bucket;

use crate::codes::TOTALS_DISAGREE;
use crate::{OperationId, UsageAccumulator};

/// Figures that must agree do not, or cannot be kept: the typed cause of [`TOTALS_DISAGREE`] and of
/// [`OUT_OF_RANGE`](crate::codes::OUT_OF_RANGE) where a sum is made. Critical, and never repaired silently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BillingIntegrityError {
    /// Entries do not add up to what the replies said.
    #[error(
        "operation {operation}: {figure} is {booked} in the ledger and {returned} in the replies"
    )]
    Disagreement {
        /// Which operation.
        operation: OperationId,
        /// Which figure disagrees first.
        figure: &'static str,
        /// What the ledger says.
        booked: String,
        /// What the replies said.
        returned: String,
    },
    /// A sum is larger than what is counted.
    #[error("the sum of {figure} is larger than what is counted")]
    Overflow {
        /// Which figure.
        figure: &'static str,
    },
}

impl BillingIntegrityError {
    /// The first figure that is wrong, such as `input` or `cost`.
    #[must_use]
    pub const fn figure(&self) -> &'static str {
        match self {
            Self::Disagreement { figure, .. } | Self::Overflow { figure } => figure,
        }
    }
}

/// Proves that what was read back from the ledger is what the replies of the operation said.
///
/// # Errors
///
/// [`TOTALS_DISAGREE`] with a [`BillingIntegrityError`] that names the first figure that differs.
///
/// ```
/// use lattice_lock_billing::{OperationId, UsageAccumulator, prove};
///
/// let nothing = UsageAccumulator::default();
/// assert!(prove(OperationId::generate(), &nothing, &nothing).is_ok());
/// ```
pub fn prove(
    operation: OperationId,
    returned: &UsageAccumulator,
    booked: &UsageAccumulator,
) -> Result<()> {
    match disagreement(returned, booked) {
        None => Ok(()),
        Some((figure, returned, booked)) => {
            let cause = BillingIntegrityError::Disagreement {
                operation,
                figure,
                booked,
                returned,
            };
            Err(
                Error::new(TOTALS_DISAGREE, "the ledger disagrees with the replies")
                    .with("operation", operation)
                    .with("figure", figure)
                    .with_source(cause),
            )
        }
    }
}

fn disagreement(
    returned: &UsageAccumulator,
    booked: &UsageAccumulator,
) -> Option<(&'static str, String, String)> {
    let number = |count: Option<u64>| count.map_or("absent".to_owned(), |count| count.to_string());
    let sides =
        |figure, left: String, right: String| (left != right).then_some((figure, left, right));
    let figure =
        |figure, of: fn(&UsageAccumulator) -> String| sides(figure, of(returned), of(booked));
    figure("attempts", |sum| sum.attempts().to_string())
        .or_else(|| figure("unpriced attempts", |sum| sum.unpriced().to_string()))
        .or_else(|| figure("estimated attempts", |sum| sum.estimated().to_string()))
        .or_else(|| figure("cost", |sum| sum.cost().to_string()))
        .or_else(|| {
            Bucket::ALL.into_iter().find_map(|bucket| {
                sides(
                    bucket.as_str(),
                    number(returned.count(bucket)),
                    number(booked.count(bucket)),
                )
            })
        })
        // Whatever the texts above do not show.
        .or_else(|| {
            (returned != booked).then(|| ("reported buckets", String::new(), String::new()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cost, Money, Unpriced};
    use lattice_lock_providers::{PriceVersion, TokenUsage};

    fn sum(input: Option<u64>, nanos: Option<i64>) -> UsageAccumulator {
        let mut sum = UsageAccumulator::default();
        let cost = match nanos {
            Some(nanos) => Cost::Priced {
                amount: Money::from_nanos(nanos),
                version: PriceVersion::new("v"),
            },
            None => Cost::Unpriced(Unpriced::NoPrice),
        };
        sum.add(&TokenUsage::new().with(Bucket::Input, input), &cost)
            .unwrap();
        sum
    }

    fn check(returned: &UsageAccumulator, booked: &UsageAccumulator, figure: Option<&str>) {
        let found = prove(OperationId::generate(), returned, booked).err();
        let found = found.as_ref().map(|error| {
            assert_eq!(error.code(), TOTALS_DISAGREE);
            error.find::<BillingIntegrityError>().unwrap().figure()
        });
        assert_eq!(found, figure);
    }

    #[test]
    fn whichever_side_is_corrupted_the_figure_is_named() {
        let right = sum(Some(10), Some(5));
        check(&right, &right, None);
        for (wrong, figure) in [
            (sum(Some(11), Some(5)), "input"),
            (sum(None, Some(5)), "input"),
            (sum(Some(10), Some(6)), "cost"),
            (sum(Some(10), None), "unpriced attempts"),
            (UsageAccumulator::default(), "attempts"),
        ] {
            check(&wrong, &right, Some(figure));
            check(&right, &wrong, Some(figure));
        }
    }

    #[test]
    fn equal_sums_of_different_reports_are_told_apart() {
        let mut partial = sum(Some(10), Some(5));
        partial.merge(&sum(None, Some(0))).unwrap();
        let mut whole = sum(Some(10), Some(5));
        whole.merge(&sum(Some(0), Some(0))).unwrap();
        check(&partial, &whole, Some("reported buckets"));
    }
}
