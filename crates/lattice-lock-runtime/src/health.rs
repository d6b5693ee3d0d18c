mod aggregate;
mod component;
mod report;

pub use aggregate::Health;
pub use component::{Component, Vitals};
pub use report::{ComponentHealth, HealthReport, HealthStatus};
