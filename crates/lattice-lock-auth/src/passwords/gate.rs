use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

use crate::codes::{HASHING_FAILED, HASHING_OVERLOADED, HASHING_STOPPED, RUNTIME_MISSING};

/// When whoever found the queue full may come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Lets so many pieces of blocking work run at once, so many wait, and refuses the rest.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// One permit for everyone who runs or waits.
    places: Arc<Semaphore>,
    /// One permit for everyone who runs.
    turns: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new(at_once: usize, queue: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once + queue)),
            turns: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Runs `work` on a thread for blocking work, when it is its turn.
    ///
    /// Dropping the future before the work has begun takes it out of the queue. Later it changes nothing:
    /// both permits are inside the work and end with it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let runtime = Handle::try_current()
            .map_err(|_| Error::new(RUNTIME_MISSING, "there is no tokio runtime here"))?;
        let place = Arc::clone(&self.places);
        let place = place.try_acquire_owned().map_err(|_| overloaded())?;
        let turn = Arc::clone(&self.turns);
        let turn = turn.acquire_owned().await.map_err(|_| overloaded())?;
        let job = runtime.spawn_blocking(move || {
            let _until_done = (place, turn);
            work()
        });
        job.await.map_err(|error| stopped(&error))
    }
}

fn overloaded() -> Error {
    Error::new(HASHING_OVERLOADED, "too many passwords to hash").with_retry_after(RETRY_AFTER)
}

/// Without the error's text, which repeats what a panic said.
fn stopped(error: &JoinError) -> Error {
    if error.is_cancelled() {
        Error::new(HASHING_STOPPED, "the runtime is shutting down")
    } else {
        Error::new(HASHING_FAILED, "hashing panicked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use lattice_lock_errors::Code;
    use tokio::sync::oneshot;

    /// Work that says when it has begun and ends when it is told to.
    fn work(
        began: oneshot::Sender<()>,
        end: mpsc::Receiver<()>,
        done: Arc<AtomicUsize>,
    ) -> impl FnOnce() -> usize {
        move || {
            began.send(()).ok();
            end.recv().ok();
            done.fetch_add(1, Ordering::SeqCst)
        }
    }

    async fn begin(
        gate: &Gate,
    ) -> (
        tokio::task::JoinHandle<Result<usize>>,
        mpsc::Sender<()>,
        Arc<AtomicUsize>,
    ) {
        let (begun, has_begun) = oneshot::channel();
        let (end, ends) = mpsc::channel();
        let done = Arc::new(AtomicUsize::new(0));
        let (gate, work) = (gate.clone(), work(begun, ends, Arc::clone(&done)));
        let task = tokio::spawn(async move { gate.run(work).await });
        has_begun.await.unwrap();
        (task, end, done)
    }

    #[tokio::test]
    async fn whoever_finds_no_place_is_told_to_come_again() {
        let gate = Gate::new(1, 1);
        let (task, end, _) = begin(&gate).await;
        let mut waiting = Box::pin(gate.run(|| 7));
        assert!(poll(&mut waiting).await.is_pending());
        let error = gate.run(|| ()).await.unwrap_err();
        assert_eq!(error.code(), HASHING_OVERLOADED);
        assert!(error.is_retryable());
        assert_eq!(error.retry_after(), Some(RETRY_AFTER));
        end.send(()).unwrap();
        assert_eq!(waiting.await.unwrap(), 7);
        assert!(task.await.unwrap().is_ok());
        assert!(gate.run(|| ()).await.is_ok());
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_keeps_its_turn_until_the_work_is_done() {
        let gate = Gate::new(1, 1);
        let (task, end, done) = begin(&gate).await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        let seen = Arc::clone(&done);
        let mut next = Box::pin(gate.run(move || seen.load(Ordering::SeqCst)));
        assert!(poll(&mut next).await.is_pending());
        let error = gate.run(|| ()).await.unwrap_err();
        assert_eq!(error.code(), HASHING_OVERLOADED);
        end.send(()).unwrap();
        assert_eq!(next.await.unwrap(), 1, "it ran before the first was done");
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_while_waiting_gives_its_place_back() {
        let gate = Gate::new(1, 1);
        let (_task, end, _) = begin(&gate).await;
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let mut waiting = Box::pin(gate.run(move || count.fetch_add(1, Ordering::SeqCst)));
        assert!(poll(&mut waiting).await.is_pending());
        drop(waiting);
        let mut next = Box::pin(gate.run(|| ()));
        assert!(poll(&mut next).await.is_pending(), "there was no place");
        end.send(()).unwrap();
        next.await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_panic_gives_everything_back_and_is_not_repeated() {
        let gate = Gate::new(1, 0);
        let error = gate.run(|| panic!("planted-4711")).await.unwrap_err();
        assert_eq!(error.code(), HASHING_FAILED);
        assert!(!format!("{error:?}").contains("planted-4711"));
        // The permits are dropped while the panic unwinds, before the caller learns of it.
        assert!(gate.run(|| ()).await.is_ok());
    }

    #[test]
    fn without_a_runtime_there_is_an_error_and_no_panic() {
        assert_eq!(refused_at_once(), RUNTIME_MISSING);
    }

    #[test]
    fn work_that_a_shutdown_prevents_is_reported_as_stopped() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let _inside = handle.enter();
        assert_eq!(refused_at_once(), HASHING_STOPPED);
    }

    fn refused_at_once() -> Code {
        let gate = Gate::new(1, 0);
        let mut future = Box::pin(gate.run(|| ()));
        let mut context = Context::from_waker(Waker::noop());
        match future.as_mut().poll(&mut context) {
            Poll::Ready(Err(error)) => error.code(),
            other => panic!("{other:?}"),
        }
    }

    async fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        std::future::poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
    }
}
