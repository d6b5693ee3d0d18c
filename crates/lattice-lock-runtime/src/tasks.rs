mod counters;
mod error;
mod handle;
mod report;
mod spawn;
mod supervised;
mod tracker;

pub use counters::TaskCounters;
pub use error::{BackgroundTaskError, TaskFailure};
pub use handle::TaskHandle;
pub use report::{Ending, LeftoverTask, ShutdownReport};
pub use spawn::{BackgroundTasks, BackgroundTasksBuilder};
