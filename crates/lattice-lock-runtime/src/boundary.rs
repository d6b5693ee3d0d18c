mod blocking;
mod error_boundary;
#[cfg(feature = "tower")]
mod layer;
mod policy;
mod retry;
mod within;

pub use blocking::retry_blocking;
pub use error_boundary::ErrorBoundary;
#[cfg(feature = "tower")]
pub use layer::{BoundaryLayer, BoundaryService, FallbackLayer, FallbackService};
pub(crate) use policy::spread;
pub use policy::{Attempt, Jitter, RetryPolicy};
pub use retry::{Retry, retry};
