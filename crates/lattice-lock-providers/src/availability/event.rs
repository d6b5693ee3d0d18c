use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::Serialize;

use super::state::Availability;
use crate::{FailureClass, ModelRef, ProviderId};

/// Whose availability it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Subject {
    /// A provider as a whole.
    Provider(ProviderId),
    /// One model of it.
    Model(ModelRef),
    /// One of its keys, by its place in the list of keys.
    Key(ProviderId, usize),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(provider) => write!(f, "{provider}"),
            Self::Model(model) => write!(f, "{model}"),
            Self::Key(provider, place) => write!(f, "key {place} of {provider}"),
        }
    }
}

/// A change of somebody's availability.
///
/// What time alone changes (a pause that is over) is told when it is next looked at for a call, or by
/// [`Registry::tick`](crate::Registry::tick).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Transition {
    /// Whose.
    pub subject: Subject,
    /// What it was.
    pub from: Availability,
    /// What it is now.
    pub to: Availability,
    /// When: microseconds since 1970 (UTC).
    pub at: i64,
    /// The failure that caused it, if one did.
    pub cause: Option<FailureClass>,
}

type Listener = dyn Fn(&Transition) + Send + Sync;

/// As long as it lives, its listener hears of every [`Transition`].
#[must_use = "a dropped subscription hears nothing"]
pub struct Subscription {
    _listener: Arc<Listener>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// Who listens.
#[derive(Default)]
pub(super) struct Listeners(Mutex<Vec<Weak<Listener>>>);

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").finish_non_exhaustive()
    }
}

impl Listeners {
    pub(super) fn add(
        &self,
        listener: impl Fn(&Transition) + Send + Sync + 'static,
    ) -> Subscription {
        let listener: Arc<Listener> = Arc::new(listener);
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|known| known.strong_count() > 0);
        listeners.push(Arc::downgrade(&listener));
        Subscription {
            _listener: listener,
        }
    }

    pub(super) fn tell(&self, transition: &Transition) {
        let listeners = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            // A listener that panics must not end the call that it hears of.
            let _ = catch_unwind(AssertUnwindSafe(|| listener(transition)));
        }
    }
}
