mod format;
mod model;
mod votes;

pub use format::ModelCard;
pub(crate) use format::{FNV, Fusion, MOST_ROWS, encode, fnv};
pub use model::Model;
pub(crate) use votes::{Votes, norm, row_and_tag};

/// The bytes of one row: a weight per task type and a tag that tells most strangers apart.
pub(crate) const ROW: usize = crate::task::TASKS + 1;
