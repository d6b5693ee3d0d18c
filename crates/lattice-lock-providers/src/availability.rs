//! Whether somebody may be called now: circuit breakers for providers, models and keys.

mod board;
mod circuit;
mod event;
mod permit;
mod policy;
mod state;
#[cfg(test)]
mod tests;
mod upkeep;
mod window;

pub(crate) use board::{Attempt, Board, Leaves};
pub use board::{CapturedAvailability, Heard};
pub use event::{Subject, Subscription, Transition};
pub use permit::Permit;
pub use policy::BreakerPolicy;
pub use state::Availability;
