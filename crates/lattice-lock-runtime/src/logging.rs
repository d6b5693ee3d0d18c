mod correlation;
mod emit;
mod event;
#[cfg(feature = "tracing-init")]
mod init;
#[cfg(feature = "tracing-init")]
mod redacting;

pub use correlation::Correlation;
pub use emit::log_error;
pub use event::LogEvent;
#[cfg(feature = "tracing-init")]
pub use init::{LogConfig, LogFormat, init_tracing};
#[cfg(feature = "tracing-init")]
pub use redacting::{Redacting, RedactingWriter};
