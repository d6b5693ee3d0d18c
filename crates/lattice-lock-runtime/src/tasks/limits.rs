use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// How many tasks run at a time, and how many may wait for that.
///
/// A place is held from acceptance to the end, a slot while running. Both are handed out in the order of asking.
#[derive(Debug)]
pub(crate) struct Limits {
    places: Arc<Semaphore>,
    slots: Arc<Semaphore>,
}

/// Why there was no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    Full,
    Closed,
}

/// A place that was given, and a slot or a turn in the queue for one.
pub(crate) struct Admission {
    pub(crate) slot: Slot,
    _place: OwnedSemaphorePermit,
}

/// Where a task stands that needs a slot. What it holds while running is given back by being dropped.
pub(crate) enum Slot {
    Held { _slot: Option<OwnedSemaphorePermit> },
    Waiting(Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>),
}

impl Limits {
    pub(crate) fn new(max_concurrent: usize, max_queued: usize) -> Self {
        let most = Semaphore::MAX_PERMITS;
        Self {
            places: Arc::new(Semaphore::new(
                max_concurrent.saturating_add(max_queued).min(most),
            )),
            slots: Arc::new(Semaphore::new(max_concurrent.min(most))),
        }
    }

    pub(crate) fn try_enter(&self) -> Result<Admission, NoPlace> {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => Ok(self.admission(place)),
            Err(TryAcquireError::NoPermits) => Err(NoPlace::Full),
            Err(TryAcquireError::Closed) => Err(NoPlace::Closed),
        }
    }

    pub(crate) async fn enter(&self) -> Result<Admission, NoPlace> {
        let place = self
            .places
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| NoPlace::Closed)?;
        Ok(self.admission(place))
    }

    /// Sends away whoever waits for a place. Those that have one still get their slot.
    pub(crate) fn close(&self) {
        self.places.close();
    }

    fn admission(&self, place: OwnedSemaphorePermit) -> Admission {
        let slots = self.slots.clone();
        let slot = match slots.clone().try_acquire_owned() {
            Ok(slot) => Slot::Held { _slot: Some(slot) },
            Err(_) => Slot::turn(slots),
        };
        Admission {
            slot,
            _place: place,
        }
    }
}

impl Slot {
    /// Takes a turn now, not when the task first runs: the order is that of acceptance. It is never refused, because
    /// slots are never closed.
    fn turn(slots: Arc<Semaphore>) -> Self {
        let mut turn: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(async move { slots.acquire_owned().await.ok() });
        match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(slot) => Self::Held { _slot: slot },
            Poll::Pending => Self::Waiting(turn),
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }

    /// Ready once it is held.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Waiting(turn) = self {
            *self = Self::Held {
                _slot: ready!(turn.as_mut().poll(cx)),
            };
        }
        Poll::Ready(())
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("held", &self.slot.is_held())
            .finish_non_exhaustive()
    }
}
