//! Trains the learned layer and measures it.
//!
//! Everything here is deterministic: the same samples, patterns and settings give the same bytes on every machine.
//! The arithmetic is ordered and uses no function of the platform.
//!
//! ```
//! use lattice_lock_analyzer::training::{Sample, Settings, train};
//! use lattice_lock_analyzer::{PatternSet, TaskType};
//!
//! let samples: Vec<Sample> = TaskType::ALL
//!     .into_iter()
//!     .flat_map(|task| (0..4).map(move |n| Sample::new(format!("{task} number {n}"), task, "example")))
//!     .collect();
//! let settings = Settings::default().epochs(2);
//! let model = train(&samples, &PatternSet::builtin(), &settings)?;
//! assert_eq!(model.card().map(|card| card.samples), Some(48));
//! # Ok::<(), lattice_lock_errors::Error>(())
//! ```

mod descent;
mod evaluate;
mod extract;
mod report;
mod select;
mod settings;
mod train;

pub use evaluate::{Folds, cross_validate};
pub use report::{LengthBand, Report};
pub use settings::{Sample, Settings};
pub use train::{Figures, data_hash, train, train_with_figures};
