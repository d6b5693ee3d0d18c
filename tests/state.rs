//! The process-wide defaults, each listed here and nowhere else, and proof that a leak of one is seen.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::{Arc, LazyLock};

use lattice_lock::AppConfig;
use lattice_lock::config::{global, replace_global, reset_global};
use lattice_lock_tests::{Exclusive, ProcessDefault, State, Test, test};

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test!(a_planted_leak_is_caught_and_mended_for_the_next),
        test!(who_is_exclusive_leaves_the_defaults_as_they_were),
        test!(the_working_directory_is_watched),
        test!(the_configuration_is_watched),
    ]
}

/// The defaults of this process.
pub(crate) fn process() -> &'static Arc<State> {
    static STATE: LazyLock<Arc<State>> =
        LazyLock::new(|| Arc::new(State::new([configuration(), working_directory()])));
    &STATE
}

/// Waits for its turn to touch a process-wide default, and resets them all when it ends.
pub(crate) fn exclusive() -> Exclusive<'static> {
    process().exclusive()
}

/// Looking at it must not make it: it is taken out and put back.
fn configuration() -> ProcessDefault {
    let show = || {
        let shown = reset_global();
        let text = format!("{shown:?}");
        if let Some(config) = shown {
            replace_global(config);
        }
        text
    };
    let reset = || drop(reset_global());
    ProcessDefault::new("configuration", show, reset)
}

fn working_directory() -> ProcessDefault {
    let start = std::env::current_dir().expect("cargo starts tests in a folder");
    let show = || format!("{:?}", std::env::current_dir());
    let reset =
        move || std::env::set_current_dir(&start).expect("the folder of the start is still there");
    ProcessDefault::new("working directory", show, reset)
}

thread_local! {
    /// Stands for a default. It is the thread's own, so that rounds of these tests cannot meet.
    static PLANTED: Cell<u32> = const { Cell::new(0) };
}

fn planted() -> State {
    State::new([ProcessDefault::new(
        "planted",
        || PLANTED.get().to_string(),
        || PLANTED.set(0),
    )])
}

fn a_planted_leak_is_caught_and_mended_for_the_next() {
    let state = planted();
    let leaking = Test::new("leaking", || PLANTED.set(7));
    let clean = Test::new("clean", || assert_eq!(PLANTED.get(), 0));
    for _ in 0..2 {
        let leak = leaking.run(&state).expect_err("a leak fails the test");
        assert_eq!(leak, "left process-wide defaults changed: planted");
        assert_eq!(clean.run(&state), Ok(()));
    }
}

fn who_is_exclusive_leaves_the_defaults_as_they_were() {
    let state = planted();
    PLANTED.set(1);
    {
        let _turn = state.exclusive();
        assert_eq!(PLANTED.get(), 0);
        PLANTED.set(7);
    }
    assert_eq!(PLANTED.get(), 0);
    let panicked = catch_unwind(|| {
        let state = planted();
        let _turn = state.exclusive();
        PLANTED.set(7);
        std::panic::resume_unwind(Box::new("in the middle"));
    });
    assert!(panicked.is_err());
    assert_eq!(PLANTED.get(), 0);
}

fn the_working_directory_is_watched() {
    let start = std::env::current_dir().expect("tests run in a folder");
    {
        let _turn = exclusive();
        std::env::set_current_dir("/").expect("there is a root");
    }
    assert_eq!(
        std::env::current_dir().expect("tests run in a folder"),
        start
    );
}

fn the_configuration_is_watched() {
    let _turn = exclusive();
    let state = State::new([configuration()]);
    let leaking = Test::new("leaking", || {
        replace_global(seven_connections());
    });
    let leak = leaking.run(&state).expect_err("a leak fails the test");
    assert_eq!(leak, "left process-wide defaults changed: configuration");
    {
        let _inner = state.exclusive();
        replace_global(seven_connections());
        assert_eq!(global().expect("it is set").database().pool_size, 7);
    }
    assert!(reset_global().is_none(), "the guard resets it");
}

fn seven_connections() -> AppConfig {
    let builder = AppConfig::builder().variables([("DATABASE_POOL_SIZE", "7")]);
    builder.build().expect("the value is valid")
}
