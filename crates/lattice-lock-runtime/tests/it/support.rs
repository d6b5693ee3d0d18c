//! Errors, and a subscriber that keeps its lines.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use lattice_lock_errors::{Code, Error, Kind};
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

pub(crate) const BUSY: Code = Code::new("LL-TSK-998", Kind::Busy, "busy", "wait");
pub(crate) const INVALID: Code = Code::new("LL-TSK-997", Kind::Invalid, "invalid", "do not");

pub(crate) fn busy() -> Error {
    Error::new(BUSY, "busy")
}

pub(crate) fn invalid() -> Error {
    Error::new(INVALID, "invalid")
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Panics, where an expression of any type is asked for.
pub(crate) fn panics<T>(message: &str) -> T {
    panic!("{message}")
}

/// What was written, shared between the writer and the test.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sees to it that the subscriber of this thread hears of everything. While there is just one in the process, `tracing`
/// asks only the thread that comes to an event first whether anybody wants to hear of it, and that may be another test's.
pub(crate) fn hear_all() {
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&ANOTHER);
}

/// Keeps what is logged on this thread until the guard is dropped.
pub(crate) fn capture() -> (Lines, tracing::subscriber::DefaultGuard) {
    hear_all();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .finish();
    (lines, tracing::subscriber::set_default(subscriber))
}
