use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{ConnAcquireErr, DbErr};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many waits are remembered.
const MOST_WAITS: usize = 512;

/// As many permits as a pool has connections. Whoever waits, waits here, where it can be measured: sqlx's pool
/// counts neither those who wait nor how long they did.
#[derive(Clone)]
pub(crate) struct Gate {
    permits: Arc<Semaphore>,
    size: u32,
    waiting: Arc<AtomicUsize>,
    patience: Duration,
    waits: Arc<Mutex<VecDeque<Duration>>>,
}

pub(crate) type Permit = OwnedSemaphorePermit;

impl Gate {
    pub(crate) fn new(size: u32, patience: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(size as usize)),
            size,
            waiting: Arc::default(),
            patience,
            waits: Arc::default(),
        }
    }

    /// How many may be in, how many are, and how many wait.
    pub(crate) fn occupancy(&self) -> (u32, usize, usize) {
        let free = self.permits.available_permits();
        let waiting = self.waiting.load(Ordering::Relaxed);
        let used = (self.size as usize).saturating_sub(free);
        (self.size, used, waiting)
    }

    /// How long the last ones waited, shortest first. Who gave up counts too.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waits: Vec<_> = waits.iter().copied().collect();
        waits.sort_unstable();
        waits
    }

    fn note(&self, wait: Duration) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if waits.len() == MOST_WAITS {
            waits.pop_front();
        }
        waits.push_back(wait);
    }

    pub(crate) async fn enter(&self) -> Result<Permit, DbErr> {
        // Nobody in the way: there is nothing to measure.
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            self.note(Duration::ZERO);
            return Ok(permit);
        }
        let (waiting, began) = (Waiting::new(&self.waiting), Instant::now());
        let entered =
            tokio::time::timeout(self.patience, Arc::clone(&self.permits).acquire_owned()).await;
        drop(waiting);
        self.note(began.elapsed());
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
