use std::future::poll_fn;
use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use lattice_lock_errors::{Error, Result};
use tokio::runtime::Handle;

use crate::codes::SIGNALS_UNAVAILABLE;
use crate::{Shutdown, panics};

impl Shutdown {
    /// Begins the shutdown on SIGTERM or SIGINT (Ctrl-C, elsewhere), and forces it on the second one.
    ///
    /// Nothing listens before this is called, and calling it again changes nothing. The process's own reaction to
    /// these signals is gone for good afterwards: it is for the host to exit once [`finished`](Self::finished)
    /// has its report, with its [`exit_code`](crate::ShutdownReport::exit_code).
    ///
    /// # Errors
    ///
    /// [`SIGNALS_UNAVAILABLE`] outside of a tokio runtime with I/O, or if the system refuses.
    pub fn listen_for_signals(&self) -> Result<()> {
        if self.inner.listening.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let listening = listen(self);
        self.inner
            .listening
            .store(listening.is_ok(), Ordering::Release);
        listening
    }

    async fn follow(self, mut signals: Signals) {
        signals.next().await;
        tracing::info!("a signal began the shutdown");
        self.begin(self.timeout());
        signals.next().await;
        tracing::warn!("a second signal forces the shutdown");
        self.force();
    }
}

fn listen(shutdown: &Shutdown) -> Result<()> {
    let unavailable = || Error::new(SIGNALS_UNAVAILABLE, "signals cannot be listened to");
    let runtime = Handle::try_current().map_err(|error| unavailable().with_foreign(&error))?;
    // Tokio panics when its runtime has no I/O.
    let signals =
        panics::caught(Signals::new).map_err(|panic| unavailable().with("panic", panic))?;
    let signals = signals.map_err(|error| unavailable().with_foreign(&error))?;
    runtime.spawn(shutdown.clone().follow(signals));
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let terminate = self.terminate.poll_recv(cx).is_ready();
        let interrupt = self.interrupt.poll_recv(cx).is_ready();
        if terminate || interrupt {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c()?,
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.interrupt.poll_recv(cx).map(|_| ())
    }
}

impl Signals {
    async fn next(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }
}
