mod builder;
mod driver;
mod phases;
mod report;
#[cfg(feature = "signals")]
mod signals;

pub use builder::ShutdownBuilder;
pub use phases::Shutdown;
pub use report::{PhaseOutcome, PhaseReport, ShutdownReport};
