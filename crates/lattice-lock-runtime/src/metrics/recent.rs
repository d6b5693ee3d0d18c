use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use lattice_lock_errors::{Error, ErrorRecord};

/// An error that was recorded, without its causes. Its texts were redacted when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Occurrence {
    /// When it was recorded.
    pub at: SystemTime,
    /// What it was.
    pub error: ErrorRecord,
}

/// The last occurrences, a bounded number of them.
#[derive(Debug)]
pub(crate) struct Recent {
    kept: Mutex<VecDeque<Occurrence>>,
    most: usize,
}

impl Recent {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            kept: Mutex::new(VecDeque::new()),
            most,
        }
    }

    pub(crate) fn keep(&self, error: &Error) {
        if self.most == 0 {
            return;
        }
        let occurrence = Occurrence {
            at: SystemTime::now(),
            error: error.record(),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most {
            kept.pop_front();
        }
        kept.push_back(occurrence);
    }

    /// What was kept, the latest last.
    pub(crate) fn all(&self) -> Vec<Occurrence> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    pub(crate) fn clear(&self) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
