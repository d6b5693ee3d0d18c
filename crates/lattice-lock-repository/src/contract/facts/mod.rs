//! The facts, each a function.

mod concurrency;
mod dropping;
mod entities;
mod nesting;
mod pages;
mod transactions;

pub use concurrency::*;
pub use dropping::*;
pub use entities::*;
pub use nesting::*;
pub use pages::*;
pub use transactions::*;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use lattice_lock_errors::{Code, Error, Kind, Result};

use super::Note;
use super::subject::{Subject, refused};

/// What work fails with on purpose.
const ON_PURPOSE: Code = Code::new("LL-DB-900", Kind::Invalid, "on purpose", "none");

fn on_purpose() -> Error {
    Error::new(ON_PURPOSE, "on purpose")
}

/// Polls a future so often, with time in between for others to answer, and drops it. True if it had ended.
async fn polled<T>(mut future: Pin<&mut (impl Future<Output = T> + Send)>, polls: usize) -> bool {
    for _ in 0..polls {
        let ready = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready();
        if ready {
            return true;
        }
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    false
}
