//! The harness of the integration tests: repeated, shuffled, and watched for leaked state, in one process.
//!
//! A test is a function without arguments, sync or async, named in its module's list with [`test!`]. The suite
//! understands libtest's flags and two of its own, `--repeat N` and `--shuffle SEED`. After each test the
//! process-wide defaults are compared with what they were at the start, and the test fails if one of them
//! differs; a test that must touch one holds [`State::exclusive`].
//!
//! ```
//! use lattice_lock_tests::{State, Test, test};
//!
//! fn one_and_one_is_two() {
//!     assert_eq!(1 + 1, 2);
//! }
//!
//! async fn a_ready_future_is_ready() {
//!     std::future::ready(()).await;
//! }
//!
//! let tests = [test!(one_and_one_is_two), test!(async a_ready_future_is_ready)];
//! assert!(tests.iter().all(|test| test.run(&State::default()).is_ok()));
//! ```

mod flags;
mod state;
mod suite;
mod test;
mod workspace;

pub use flags::{BadFlag, Flags};
pub use state::{Exclusive, ProcessDefault, State};
pub use suite::{order, run};
pub use test::{Test, block_on};
pub use workspace::{Dependency, Package, Section, Workspace, rust_files};
