use std::sync::Arc;

use tokio::sync::watch;

/// Holds an exchange back until the test lets it go, without a clock.
///
/// What happens to a caller that is cancelled, or to a process that stops, while a provider works: hold the reply, wait until it
/// is [reached](Self::reached), do it, and open. A gate may hold any number of exchanges, and stays open once it is. A server
/// that is dropped does not wait for its gates.
///
/// ```
/// use lattice_lock_testkit::{Exchange, Gate};
///
/// let gate = Gate::new();
/// let exchange = Exchange::reply("late").gate(&gate);
/// // … send the request, then `gate.reached().await`, cancel the caller, and at last:
/// gate.open();
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    reached: Arc<watch::Sender<usize>>,
    open: Arc<watch::Sender<bool>>,
}

impl Gate {
    /// A closed gate that nobody has reached.
    #[must_use]
    pub fn new() -> Self {
        Self {
            reached: Arc::new(watch::Sender::new(0)),
            open: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Waits until a request stands at the gate: the server has taken it, charged for it, and not replied.
    pub async fn reached(&self) {
        self.count_reached(1).await;
    }

    /// Waits until `requests` of them have come to the gate.
    pub async fn count_reached(&self, requests: usize) {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self
            .reached
            .subscribe()
            .wait_for(|count| *count >= requests)
            .await;
    }

    /// Lets through whoever waits and whoever comes later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        self.reached.send_modify(|count| *count += 1);
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
