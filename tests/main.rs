//! The integration and guard tests of the workspace, in one process.

use std::process::ExitCode;
use std::sync::Arc;

use lattice_lock_tests::{BadFlag, Test, run};

mod dependencies;
mod environment;
mod examples_declared;
mod global_state;
mod layering;
mod public_api;
mod state;

fn main() -> Result<ExitCode, BadFlag> {
    let tests: Vec<Test> = [
        dependencies::tests(),
        environment::tests(),
        examples_declared::tests(),
        global_state::tests(),
        layering::tests(),
        public_api::tests(),
        state::tests(),
    ]
    .concat();
    run(&tests, &Arc::clone(state::process()), std::env::args())
}
