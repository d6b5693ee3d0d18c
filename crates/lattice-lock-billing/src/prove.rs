use std::collections::BTreeMap;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::Bucket;

use crate::codes::TOTALS_DISAGREE;
use crate::{Entry, MoneySum, OperationId, Outcome, UsageAccumulator};

/// Figures that must agree do not, or cannot be kept: the typed cause of [`TOTALS_DISAGREE`] and of
/// [`OUT_OF_RANGE`](crate::codes::OUT_OF_RANGE) where a sum is made. Critical, and never repaired silently.
///
/// It is found in the error with [`Error::find`](lattice_lock_errors::Error::find); see [`prove`] for an example.
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
        /// Which figure disagrees first, by the names of [`prove`].
        figure: &'static str,
        /// What the ledger says: a number, an amount in dollars, or `absent`.
        booked: String,
        /// What the replies said, or where corrections do not add up, what they should. Of `reported buckets` both are
        /// empty.
        returned: String,
    },
    /// A sum is larger than what is counted: 64 bits of units, 128 of nano-USD.
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

/// Proves that the entries of an operation, read back from the ledger at once, say what its replies said.
///
/// What a reply said is booked once, and stands whatever is corrected later: it is held against the first statement of
/// each attempt, or against what was booked late for one that had been given up. That the corrections behind it change
/// the total, and the number of unpriced attempts, by what they say is proved too, and that no revision is there twice.
///
/// `returned` is what the host itself added up while the replies came, and not what it read from the ledger. `entries`
/// are those of [`Ledger::of_operation`](crate::Ledger::of_operation), all of them and in any order. They are not
/// chosen by `operation`, which only names the operation in the error; charges among them are passed over. What still
/// waits in memory or in a spool is not among them and so is missed: prove once it is in the database.
///
/// The figures, in the order in which they are compared: `doubled entries`, `attempts`, `unpriced attempts`,
/// `estimated attempts`, `cost`, each bucket by its name, `reported buckets` (where sums agree, and which attempts
/// reported them does not), `changes` (the dollars by which corrections change the total) and `unpriced changes`.
///
/// ```
/// use lattice_lock_billing::{
///     AttemptId, BillingIntegrityError, Entry, Ledger, OperationId, Outcome, UsageAccumulator, prove,
/// };
/// use lattice_lock_principal::Principal;
/// use lattice_lock_providers::{Bucket, TokenUsage};
/// use lattice_lock_repository::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let ledger = Ledger::new(&Database::in_memory());
/// let (operation, who) = (OperationId::generate(), Principal::external("user-17")?);
/// let attempt = AttemptId::first(operation);
/// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?
///     .used(TokenUsage::new().with(Bucket::Input, 10), None)
///     .reported_cost("0.02".parse()?);
/// let mut returned = UsageAccumulator::default();
/// returned.add(entry.usage(), entry.cost())?;
/// let kept = ledger.record(entry, None).await?.entry;
/// prove(operation, &returned, &ledger.of_operation(operation).await?)?;
///
/// // A correction is no disagreement, for the reply said what it said.
/// ledger.record(kept.corrected("credit note 12").reported_cost("0.01".parse()?), None).await?;
/// prove(operation, &returned, &ledger.of_operation(operation).await?)?;
///
/// // A reply that was never booked is one.
/// returned.add(&TokenUsage::new(), kept.cost())?;
/// let wrong = prove(operation, &returned, &ledger.of_operation(operation).await?).unwrap_err();
/// let cause = wrong.find::<BillingIntegrityError>().expect("the figure");
/// assert_eq!(cause.figure(), "attempts");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`TOTALS_DISAGREE`] with a [`BillingIntegrityError`] that names the first figure that differs;
/// [`OUT_OF_RANGE`](crate::codes::OUT_OF_RANGE).
pub fn prove<'a>(
    operation: OperationId,
    returned: &UsageAccumulator,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<()> {
    let mut attempts = BTreeMap::<_, BTreeMap<_, &Entry>>::new();
    let mut doubled = 0_u64;
    for entry in entries {
        if let Some(attempt) = entry.attempt() {
            let revisions = attempts.entry(attempt).or_default();
            doubled += u64::from(revisions.insert(entry.revision(), entry).is_some());
        }
    }
    let mut booked = UsageAccumulator::default();
    let (mut effects, mut last) = (0, 0);
    let (mut unpriced, mut last_unpriced) = (0_i64, 0_i64);
    for revisions in attempts.values() {
        let mut known = revisions.values();
        let known = known.find(|entry| entry.outcome() != Outcome::Unknown);
        if let Some(said) = known.or_else(|| revisions.values().next()) {
            booked.add(said.usage(), said.cost())?;
        }
        let each = revisions.values().map(|it| i128::from(it.effect().nanos()));
        effects += each.sum::<i128>();
        let each = revisions.values();
        unpriced += each
            .map(|it| i64::from(it.fact.effect.unpriced))
            .sum::<i64>();
        let amount = revisions.values().next_back();
        let amount = amount.and_then(|entry| entry.cost().amount());
        last_unpriced += i64::from(amount.is_none());
        last += amount.map_or(0, |amount| i128::from(amount.nanos()));
    }
    let sums = [effects, last].map(|nanos| MoneySum::from_nanos(nanos).to_string());
    let changes = || (effects != last).then(|| ("changes", sums[1].clone(), sums[0].clone()));
    let differ = |figure, left: i64, right: i64| {
        (left != right).then(|| (figure, left.to_string(), right.to_string()))
    };
    let twice = (doubled > 0).then(|| ("doubled entries", "0".to_owned(), doubled.to_string()));
    let found = twice
        .or_else(|| disagreement(returned, &booked))
        .or_else(changes)
        .or_else(|| differ("unpriced changes", last_unpriced, unpriced));
    match found {
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
    use crate::entry::Effect;
    use crate::{AttemptId, Money, Unpriced};
    use lattice_lock_principal::Principal;
    use lattice_lock_providers::TokenUsage;

    fn entry(number: u16, input: Option<u64>, nanos: Option<i64>) -> Entry {
        let operation = OperationId::from_uuid(uuid::Uuid::from_u128(7));
        let attempt = AttemptId::new(operation, 1, number);
        let who = Principal::external("user-17").unwrap();
        let model = "openai/gpt-5-mini".parse().unwrap();
        let entry = Entry::new(attempt, &who, model, Outcome::Replied).unwrap();
        let entry = entry.used(TokenUsage::new().with(Bucket::Input, input), None);
        match nanos {
            Some(nanos) => entry.reported_cost(Money::from_nanos(nanos)),
            None => entry,
        }
    }

    fn sum(entries: &[Entry]) -> UsageAccumulator {
        UsageAccumulator::of_entries(entries).unwrap()
    }

    fn check(returned: &UsageAccumulator, entries: &[Entry], figure: Option<&str>) {
        let found = prove(OperationId::generate(), returned, entries).err();
        let found = found.as_ref().map(|error| {
            assert_eq!(error.code(), TOTALS_DISAGREE);
            error.find::<BillingIntegrityError>().unwrap().figure()
        });
        assert_eq!(found, figure);
    }

    fn corrected(entry: &Entry, nanos: i64) -> Entry {
        let mut corrected = entry
            .corrected("repriced")
            .reported_cost(Money::from_nanos(nanos));
        corrected.fact.effect = Effect::between(entry.cost(), corrected.cost()).unwrap();
        corrected
    }

    #[test]
    fn whichever_side_is_corrupted_the_figure_is_named() {
        let right = entry(1, Some(10), Some(5));
        check(
            &sum(std::slice::from_ref(&right)),
            std::slice::from_ref(&right),
            None,
        );
        for (wrong, figure) in [
            (vec![entry(1, Some(11), Some(5))], "input"),
            (vec![entry(1, None, Some(5))], "input"),
            (vec![entry(1, Some(10), Some(6))], "cost"),
            (vec![entry(1, Some(10), None)], "unpriced attempts"),
            (vec![], "attempts"),
        ] {
            check(&sum(&wrong), std::slice::from_ref(&right), Some(figure));
            check(&sum(std::slice::from_ref(&right)), &wrong, Some(figure));
        }
    }

    #[test]
    fn equal_sums_of_different_reports_are_told_apart() {
        let partial = [entry(1, Some(10), Some(5)), entry(2, None, Some(0))];
        let whole = [entry(1, Some(10), Some(5)), entry(2, Some(0), Some(0))];
        check(&sum(&partial), &whole, Some("reported buckets"));
    }

    #[test]
    fn a_correction_that_comes_between_is_no_disagreement_and_a_wrong_one_is() {
        let first = entry(1, Some(10), Some(5));
        let returned = sum(std::slice::from_ref(&first));
        let dearer = corrected(&first, 7);
        let mut wrong = corrected(&dearer, 3);
        let void = dearer.voided("never happened");
        check(&returned, &[first.clone(), dearer.clone()], None);
        wrong.fact.effect.amount = Money::from_nanos(1);
        let entries = [first.clone(), dearer.clone(), wrong];
        check(&returned, &entries, Some("changes"));
        // It changes the total by what was owed before, and this one does not say so.
        check(&returned, &[first, dearer, void], Some("changes"));
    }

    #[test]
    fn an_entry_that_is_there_twice_is_no_proof() {
        let once = entry(1, Some(10), Some(5));
        let returned = sum(std::slice::from_ref(&once));
        check(&returned, &[once.clone(), once], Some("doubled entries"));
    }

    #[test]
    fn what_an_entry_says_of_unpriced_attempts_is_proved_too() {
        let mut wrong = entry(1, Some(10), Some(5));
        let returned = sum(std::slice::from_ref(&wrong));
        wrong.fact.effect.unpriced = 1;
        check(&returned, &[wrong], Some("unpriced changes"));
    }

    #[test]
    fn what_was_booked_late_is_what_the_reply_said() {
        let said = entry(1, Some(10), Some(5));
        let mut assumed = entry(1, None, None);
        assumed.fact.outcome = Outcome::Unknown;
        assumed = assumed.used(TokenUsage::new(), None);
        assert_eq!(assumed.cost().state(), Unpriced::NoUsage.as_str());
        let mut late = said.corrected("late");
        late.fact.effect = Effect::between(assumed.cost(), late.cost()).unwrap();
        check(&sum(&[said]), &[assumed, late], None);
    }
}
