use std::any::Any;
use std::panic::catch_unwind;

use crate::State;

/// One test, which can run any number of times. Made by [`test!`](crate::test).
#[derive(Clone, Copy, Debug)]
pub struct Test {
    name: &'static str,
    body: fn(),
}

impl Test {
    /// Names a function; it fails by panicking.
    #[must_use]
    pub fn new(name: &'static str, body: fn()) -> Self {
        Self { name, body }
    }

    /// The name, with the module in front.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs it once, and looks for process-wide defaults that it left changed.
    ///
    /// # Errors
    ///
    /// What the panic said, or which defaults leaked. When tests run beside each other, the leak may be
    /// another's that ran at the same time: `--test-threads 1` tells.
    pub fn run(&self, state: &State) -> Result<(), String> {
        let outcome = catch_unwind(self.body).map_err(|panic| said(&*panic));
        let leaks = state.leaks();
        match outcome {
            Ok(()) if leaks.is_empty() => Ok(()),
            Ok(()) => Err(format!(
                "left process-wide defaults changed: {}",
                leaks.join(", ")
            )),
            Err(panic) => Err(panic),
        }
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panicked".to_owned())
}

/// Runs a future to its end on a runtime of its own, which is dropped with everything it still carries.
///
/// # Panics
///
/// When no runtime is to be had.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .expect("a runtime needs a few file descriptors")
        .block_on(future)
}

/// Makes a [`Test`](crate::Test) of a function, named by its path: `test!(fact)` or `test!(async fact)`.
#[macro_export]
macro_rules! test {
    (async $body:ident) => {
        $crate::Test::new(concat!(module_path!(), "::", stringify!($body)), || {
            $crate::block_on($body());
        })
    };
    ($body:ident) => {
        $crate::Test::new(concat!(module_path!(), "::", stringify!($body)), $body)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_reported_in_its_own_words() {
        let run = |body: fn()| Test::new("x", body).run(&State::default());
        assert_eq!(run(|| panic!("static")), Err("static".to_owned()));
        assert_eq!(run(|| panic!("{}", 1 + 1)), Err("2".to_owned()));
        assert_eq!(run(|| std::panic::panic_any(7)), Err("panicked".to_owned()));
    }

    #[test]
    fn a_name_says_where_the_test_stands() {
        fn fact() {}
        assert_eq!(
            crate::test!(fact).name(),
            "lattice_lock_tests::test::tests::fact"
        );
    }
}
