mod policy;
mod retry;

pub use policy::{Attempt, Jitter, RetryPolicy};
pub use retry::{Retry, retry};
