use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// As many permits as a pool has connections. Whoever waits, waits here, where it can be measured: sqlx's pool
/// counts neither those who wait nor how long they did.
#[derive(Clone)]
pub(crate) struct Gate {
    permits: Arc<Semaphore>,
    size: u32,
    waiting: Arc<AtomicUsize>,
    patience: Duration,
}

pub(crate) type Permit = OwnedSemaphorePermit;

impl Gate {
    pub(crate) fn new(size: u32, patience: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(size as usize)),
            size,
            waiting: Arc::default(),
            patience,
        }
    }

    pub(crate) async fn enter(&self) -> Result<Permit, DbErr> {
        let waiting = Waiting::new(&self.waiting);
        let entered =
            tokio::time::timeout(self.patience, Arc::clone(&self.permits).acquire_owned()).await;
        drop(waiting);
        match entered {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    /// Lets nobody in any more, and waits until those who are in have left, but no longer than `longest`.
    pub(crate) async fn close(&self, longest: Duration) {
        let all = Arc::clone(&self.permits).acquire_many_owned(self.size);
        let emptied = tokio::time::timeout(longest, all).await;
        self.permits.close();
        drop(emptied);
    }
}

/// One more waits, for as long as this lives.
struct Waiting<'a> {
    counter: &'a AtomicUsize,
}

impl<'a> Waiting<'a> {
    fn new(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self { counter }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::Relaxed);
    }
}
