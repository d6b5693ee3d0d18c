use std::sync::Arc;
use std::time::Duration;

use super::board::{Attempt, Board, Heard, Leaves};
use crate::{FailureClass, ModelRef};

/// Leave to make one call, with the key to make it with. Dropped without a word, nothing is learnt, and the place
/// among the calls of a half-open circuit is free again.
///
/// ```
/// use lattice_lock_providers::{Availability, BreakerPolicy, Catalogue, FailureClass, Provider, Registry};
///
/// let openai = Provider::openai().api_key("first".to_string()).another_key("second".to_string());
/// let registry = Registry::new(Catalogue::default(), [openai]);
/// let model = "openai/gpt-5-mini".parse()?;
///
/// let permit = registry.admit(&model, 0).expect("nothing speaks against it");
/// assert_eq!(permit.key(), Some(0));
/// permit.failed(FailureClass::InvalidKey, None, 1);
///
/// let permit = registry.admit(&model, 2).expect("there is another key");
/// assert_eq!(permit.key(), Some(1));
/// permit.answered(3);
/// assert_eq!(registry.availability(model.provider(), 4), Availability::Available);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "report what became of the call"]
pub struct Permit {
    board: Arc<Board>,
    model: ModelRef,
    key: Option<usize>,
    leaves: Option<Leaves>,
}

impl Permit {
    pub(crate) fn ask(
        board: &Arc<Board>,
        model: &ModelRef,
        now: i64,
    ) -> Result<Self, super::Availability> {
        let (key, leaves) = board.admit(model, now)?;
        Ok(Self {
            board: Arc::clone(board),
            model: model.clone(),
            key,
            leaves: Some(leaves),
        })
    }

    /// For which model.
    #[must_use]
    pub fn model(&self) -> &ModelRef {
        &self.model
    }

    /// Which of the provider's keys to use, by its place in [`Provider::keys`](crate::Provider::keys); none if it
    /// has none.
    #[must_use]
    pub fn key(&self) -> Option<usize> {
        self.key
    }

    /// The provider answered as it should.
    pub fn answered(self, now: i64) {
        self.heard(Heard::Answered, now);
    }

    /// The attempt failed; `retry_after` is what the provider asked for.
    pub fn failed(self, class: FailureClass, retry_after: Option<Duration>, now: i64) {
        self.heard(Heard::Failed { class, retry_after }, now);
    }

    fn heard(mut self, heard: Heard, now: i64) {
        if let Some(leaves) = self.leaves.take() {
            let attempt = Attempt {
                provider: self.model.provider(),
                model: Some(self.model.name()),
                key: self.key,
                leaves,
            };
            self.board.learn(attempt, heard, now);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(leaves) = self.leaves.take() {
            self.board.forget(&self.model, self.key, leaves);
        }
    }
}
