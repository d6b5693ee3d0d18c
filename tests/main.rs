//! The integration and guard tests of the workspace, in one process.

use std::process::ExitCode;
use std::sync::Arc;

use lattice_lock_tests::{BadFlag, Test, run};

mod credentials;
mod dependencies;
mod environment;
mod errors_doc;
mod examples_declared;
mod floats;
mod global_state;
mod layering;
mod public_api;
mod runtime_shutdown;
mod state;

fn main() -> Result<ExitCode, BadFlag> {
    let tests: Vec<Test> = [
        credentials::tests(),
        dependencies::tests(),
        environment::tests(),
        errors_doc::tests(),
        examples_declared::tests(),
        floats::tests(),
        global_state::tests(),
        layering::tests(),
        public_api::tests(),
        runtime_shutdown::tests(),
        state::tests(),
    ]
    .concat();
    run(&tests, &Arc::clone(state::process()), std::env::args())
}
