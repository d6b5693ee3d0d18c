use std::collections::BTreeMap;

use lattice_lock_errors::Result;
use lattice_lock_providers::Catalogue;
use serde::Serialize;

use super::{LARGEST_LISTING, Ledger, Period};
use crate::entry::Effect;
use crate::{Cost, Entry, MoneySum, Position, Tariff, Unpriced};

/// What a [repricing](Ledger::reprice) did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Repriced {
    /// How many attempts were looked at: all of the period, also those that no price could change.
    pub examined: u64,
    /// How many got a correction: those whose amount is another one now, or is known now.
    pub corrected: u64,
    /// By how much the total changed, in nano-USD and exact; below zero where it became less.
    pub difference_usd: MoneySum,
}

impl Ledger {
    /// Prices the attempts of a period again, by the prices that a catalogue has for their days, and appends a
    /// correction to each whose cost is another one. Doing so again changes nothing.
    ///
    /// What the provider itself charged, what was voided, and what has no usage is left alone; so is what the catalogue
    /// has no price for. Discounts are kept, as are the service tier and whether a cost is an estimate. Each cost is
    /// computed anew from the kept usage and rounded once. One that comes to the same amount gets no correction, also
    /// where the version of the prices is another.
    ///
    /// An attempt belongs to the period in which it [happened](Entry::happened_at), as its first statement says; its
    /// last revision is what is priced. Charges are no attempts, and what is archived is not there any more. It reads
    /// each attempt's operation and makes a transaction for each correction, so that it takes its time for a large
    /// period.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome, Period};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, Catalogue, TokenUsage};
    /// use lattice_lock_repository::{Database, Timestamp};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let day = Timestamp::from_micros(1_793_491_200_000_000); // 2026-11-01
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5-mini".parse()?, Outcome::Replied)?
    ///     .used(TokenUsage::new().with(Bucket::Input, 1_000), None)
    ///     .occurred_at(day);
    /// ledger.record(entry, None).await?;
    ///
    /// let catalogue = Catalogue::from_json(
    ///     r#"{"version": "mine", "sources": [], "models": [{"provider": "openai", "name": "gpt-5-mini",
    ///         "context_window": 400000, "output_limit": 128000,
    ///         "prices": [{"from": "2026-01-01", "usd_per_million": {"input": "0.25"}}]}]}"#,
    /// )?;
    /// let hour = Period::new(day, Timestamp::from_micros(day.as_micros() + 3_600_000_000));
    /// let done = ledger.reprice(hour, &catalogue).await?;
    /// assert_eq!((done.corrected, done.difference_usd.to_string()), (1, "0.00025".into()));
    /// assert_eq!(ledger.reprice(hour, &catalogue).await?.corrected, 0);
    /// assert_eq!(ledger.total().await?.unpriced, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ENTRY_CONFLICT`](crate::codes::ENTRY_CONFLICT) when somebody corrects the same entry at the same time; those
    /// of [`record`](Self::record). What was corrected before stays so: run it again.
    pub async fn reprice(&self, period: Period, catalogue: &Catalogue) -> Result<Repriced> {
        let mut done = Repriced::default();
        // A correction is of the same period and stands behind what is listed here.
        let last = self.store.head().await?;
        let mut after = Position::default();
        loop {
            let page = self.store.within(period, after, LARGEST_LISTING).await?;
            let page: Vec<_> = page
                .into_iter()
                .filter(|entry| entry.position <= Some(last))
                .collect();
            let Some(position) = page.last().and_then(Entry::position) else {
                return Ok(done);
            };
            after = position;
            for entry in page.iter().filter(|entry| entry.revision() == 0) {
                self.reprice_one(entry, catalogue, &mut done).await?;
            }
        }
    }

    async fn reprice_one(
        &self,
        first: &Entry,
        catalogue: &Catalogue,
        done: &mut Repriced,
    ) -> Result<()> {
        let Some(attempt) = first.attempt() else {
            return Ok(());
        };
        done.examined += 1;
        let entries = self.of_operation(attempt.operation()).await?;
        let revisions: BTreeMap<_, _> = entries
            .iter()
            .filter(|entry| entry.attempt() == Some(attempt))
            .map(|entry| (entry.revision(), entry))
            .collect();
        let Some((_, last)) = revisions.last_key_value() else {
            return Ok(());
        };
        if let Some(draft) = repriced(last, catalogue) {
            // Made here: what waits for a database that is away has no effect yet.
            let effect = Effect::between(last.cost(), draft.cost())?;
            self.record(draft, None).await?;
            done.corrected += 1;
            let difference = done.difference_usd.nanos() + i128::from(effect.amount.nanos());
            done.difference_usd = MoneySum::from_nanos(difference);
        }
        Ok(())
    }
}

/// The correction that says what an entry costs by a catalogue; none if it says so already.
fn repriced(entry: &Entry, catalogue: &Catalogue) -> Option<Entry> {
    let is_ours = match entry.cost() {
        Cost::Priced { .. } | Cost::Estimated { .. } => true,
        Cost::Unpriced(why) => matches!(why, Unpriced::NoPrice | Unpriced::NoBucketPrice),
        Cost::ProviderReported { .. } | Cost::Void => false,
    };
    if !is_ours {
        return None;
    }
    let tariff = Tariff::find(
        catalogue,
        entry.requested_model(),
        entry.served_model(),
        entry.happened_at(),
        entry.tier(),
    )?;
    let tariff = tariff.discounted(entry.discount());
    let draft = entry.corrected("repriced");
    let draft = if entry.cost().is_estimated() {
        draft.estimated(*entry.usage(), Some(&tariff))
    } else {
        draft.rated(*entry.usage(), Some(&tariff))
    };
    let is_better = draft.cost().amount().is_some();
    (is_better && draft.cost().amount() != entry.cost().amount()).then_some(draft)
}
