mod alert;
mod builder;
mod errors;
mod recent;
mod shard;
mod snapshot;

pub use alert::{Alert, AlertRule};
pub use builder::ErrorMetricsBuilder;
pub use errors::ErrorMetrics;
pub use recent::Occurrence;
pub use snapshot::{ErrorCounts, ErrorSnapshot};
