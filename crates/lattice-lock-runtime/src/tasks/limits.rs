use std::future::Future;
use std::sync::Arc;

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

/// A place that was given, with a slot if one was free.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) slot: Option<OwnedSemaphorePermit>,
    slots: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
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
        let slot = self.slots.clone().try_acquire_owned().ok();
        Admission {
            slot,
            slots: self.slots.clone(),
            _place: place,
        }
    }
}

impl Admission {
    /// Waits for a slot. It is never refused, because slots are never closed.
    pub(crate) fn next_slot(
        &self,
    ) -> impl Future<Output = Option<OwnedSemaphorePermit>> + Send + 'static {
        let slots = self.slots.clone();
        async move { slots.acquire_owned().await.ok() }
    }
}
