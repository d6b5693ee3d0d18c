use std::process::Command;
use std::sync::Barrier;

use lattice_lock_config::{AppConfig, global, replace_global, reset_global};

/// The only test in this process that touches the process-wide default.
#[test]
fn the_default_is_replaced_captured_and_reset() {
    let of = |size: u32| {
        AppConfig::builder()
            .set("analyzer.cache_size", size)
            .build()
            .unwrap()
    };
    let before = replace_global(of(1));
    assert_eq!(global().unwrap().analyzer().cache_size, 1);
    let captured = replace_global(of(2)).unwrap();
    assert_eq!(captured.analyzer().cache_size, 1);
    assert_eq!(global().unwrap().analyzer().cache_size, 2);
    assert_eq!(reset_global().unwrap().analyzer().cache_size, 2);
    assert!(reset_global().is_none());
    assert!(before.is_none());
}

/// What a new process with exactly these variables prints when it runs the test `name` alone.
fn child(name: &str, variables: &[(&str, &str)]) -> String {
    let itself = std::env::current_exe().expect("the path of this test");
    let output = Command::new(itself)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the test runs again");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Started by the tests below with variables of their own; alone, it only has to end.
#[test]
fn prints_what_the_process_holds() {
    match AppConfig::from_env() {
        Ok(config) => println!("{}", config.effective_config()),
        Err(error) => println!("{error}"),
    }
}

#[test]
fn from_env_reads_the_variables_of_the_process() {
    let printed = child(
        "process::prints_what_the_process_holds",
        &[("DATABASE_POOL_SIZE", "77")],
    );
    assert!(printed.contains("variable DATABASE_POOL_SIZE"), "{printed}");
    let printed = child(
        "process::prints_what_the_process_holds",
        &[("LATTICE_ENV", "production")],
    );
    assert!(printed.contains("LL-SEC-001"), "{printed}");
}

/// Started by the test below in a process of its own, where nothing else touches the default.
#[test]
fn first_use_is_shared() {
    if std::env::args().all(|argument| argument != "--exact") {
        return;
    }
    let barrier = Barrier::new(8);
    let first_use = || {
        barrier.wait();
        global().map(|config| config.auth().signing_secret.clone())
    };
    let found: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(first_use)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    match &found[0] {
        Ok(first) => {
            assert!(
                found
                    .iter()
                    .all(|one| one.as_ref().is_ok_and(|one| one == first))
            );
            println!("all eight hold one configuration");
        }
        Err(error) => {
            assert!(found.iter().all(Result::is_err));
            println!("all eight are refused with {}", error.code());
        }
    }
}

#[test]
fn concurrent_first_uses_end_with_one_configuration() {
    let printed = child("process::first_use_is_shared", &[]);
    assert!(
        printed.contains("all eight hold one configuration"),
        "{printed}"
    );
    let printed = child(
        "process::first_use_is_shared",
        &[("DATABASE_POOL_SIZE", "x")],
    );
    assert!(
        printed.contains("all eight are refused with LL-CFG-005"),
        "{printed}"
    );
}
