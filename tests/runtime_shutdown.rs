//! A real process under load is told to end.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use lattice_lock_tests::{Test, Workspace, test};

pub(crate) fn tests() -> Vec<Test> {
    if cfg!(unix) {
        vec![
            test!(whatever_was_accepted_finishes_or_is_named),
            test!(a_second_signal_ends_it_at_once),
        ]
    } else {
        Vec::new()
    }
}

/// How long the shutdown may take. Tasks that hang are cut shortly before.
const DEADLINE: Duration = Duration::from_secs(2);

fn whatever_was_accepted_finishes_or_is_named() {
    let worker = Worker::start(DEADLINE, 3);
    let told = Instant::now();
    worker.terminate();
    let (status, output) = worker.wait();
    assert!(
        told.elapsed() < DEADLINE + Duration::from_secs(1),
        "it took {:?}",
        told.elapsed()
    );
    assert_eq!(status.code(), Some(0), "{output}");
    let [accepted, completed, left] =
        ["accepted", "completed", "left"].map(|name| number(&output, name));
    assert!(accepted > 1000, "{output}");
    assert_eq!((accepted, left), (completed + 3, 3), "{output}");
    for name in ["order-0", "order-1", "order-2"] {
        assert!(output.contains(&format!("task {name} (cut)")), "{output}");
    }
    assert_eq!(
        number(&output, "flushed"),
        completed,
        "the phase after was run: {output}"
    );
}

fn a_second_signal_ends_it_at_once() {
    let mut worker = Worker::start(Duration::from_mins(10), 3);
    worker.terminate();
    // Signals that come at once are one signal.
    worker.wait_for("Ending");
    worker.terminate();
    let told = Instant::now();
    let (status, output) = worker.wait();
    assert!(
        told.elapsed() < Duration::from_secs(5),
        "it took {:?}",
        told.elapsed()
    );
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.contains("forced"), "{output}");
}

/// The example, under load.
struct Worker {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Worker {
    fn start(deadline: Duration, hang: u32) -> Self {
        let mut process = Command::new(example())
            .args([
                "--deadline",
                &deadline.as_secs().to_string(),
                "--hang",
                &hang.to_string(),
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("an example that was built can be run");
        let output = BufReader::new(process.stdout.take().expect("it was piped"));
        let mut worker = Self { process, output };
        worker.wait_for("1000 orders accepted");
        worker
    }

    fn wait_for(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let read = self
                .output
                .read_line(&mut line)
                .expect("the output is UTF-8");
            assert_ne!(read, 0, "it ended before it printed: {text}");
        }
    }

    fn terminate(&self) {
        let killed = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(killed.expect("every Unix has kill").success());
    }

    fn wait(mut self) -> (ExitStatus, String) {
        let mut output = String::new();
        self.output
            .read_to_string(&mut output)
            .expect("the output is UTF-8");
        (
            self.process.wait().expect("it was not waited for before"),
            output,
        )
    }
}

/// The number in the row of this name.
fn number(output: &str, name: &str) -> u64 {
    let row = output
        .lines()
        .map(str::trim)
        .find_map(|line| line.strip_prefix(name));
    row.and_then(|value| value.trim().parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {output}"))
}

/// Where the example is. A build of the whole workspace has made it; one of this package alone has not.
fn example() -> PathBuf {
    let suite = std::env::current_exe().expect("a running program has a file");
    let folder = suite
        .ancestors()
        .nth(2)
        .expect("cargo puts tests in PROFILE/deps");
    let example = folder.join("examples/shutdown");
    if !example.exists() {
        let build = [
            "build",
            "--package",
            "lattice-lock-examples",
            "--example",
            "shutdown",
        ];
        let _printed = Workspace::read().cargo(&build);
    }
    example
}
