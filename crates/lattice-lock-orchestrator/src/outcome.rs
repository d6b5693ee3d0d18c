use std::sync::Arc;

use lattice_lock_analyzer::TaskAnalysis;
use lattice_lock_billing::{Booking, Cost, Entry, OperationId, UsageAccumulator};
use lattice_lock_clients::ChatReply;
use lattice_lock_providers::{ModelName, ModelRef};

use crate::Selection;

/// What came of an operation: the reply, and what it used and cost, as the ledger has it.
#[derive(Clone, Debug)]
pub struct ChatOutcome {
    pub(crate) operation: OperationId,
    pub(crate) analysis: Arc<TaskAnalysis>,
    pub(crate) selection: Selection,
    pub(crate) model: ModelRef,
    pub(crate) reply: ChatReply,
    pub(crate) entries: Vec<Entry>,
    pub(crate) sum: UsageAccumulator,
    pub(crate) booking: Booking,
}

impl ChatOutcome {
    /// The operation's id, which its entries carry.
    #[must_use]
    pub fn operation(&self) -> OperationId {
        self.operation
    }

    /// What the prompt was found to need.
    #[must_use]
    pub fn analysis(&self) -> &TaskAnalysis {
        &self.analysis
    }

    /// Who could have answered, and who could not.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The model that was asked and answered.
    #[must_use]
    pub fn model(&self) -> &ModelRef {
        &self.model
    }

    /// The model that the provider says it served.
    #[must_use]
    pub fn served_model(&self) -> &ModelName {
        self.reply.served_model()
    }

    /// The reply's text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.reply.text()
    }

    /// The whole reply.
    #[must_use]
    pub fn reply(&self) -> &ChatReply {
        &self.reply
    }

    /// The operation's entries as read back from the ledger, failed attempts included.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The sum over all attempts, proved equal to the entries.
    #[must_use]
    pub fn total(&self) -> &UsageAccumulator {
        &self.sum
    }

    /// What the attempt that answered cost.
    #[must_use]
    pub fn cost(&self) -> &Cost {
        // The last entry is the one of the attempt that answered; a proved operation has one.
        self.entries.last().map_or(
            &Cost::Unpriced(lattice_lock_billing::Unpriced::NoUsage),
            Entry::cost,
        )
    }

    /// How safe the entries are.
    #[must_use]
    pub fn booking(&self) -> Booking {
        self.booking
    }
}
