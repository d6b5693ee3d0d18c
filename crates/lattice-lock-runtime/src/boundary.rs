mod policy;
mod retry;
mod within;

pub(crate) use policy::spread;
pub use policy::{Attempt, Jitter, RetryPolicy};
pub use retry::{Retry, retry};
