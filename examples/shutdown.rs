//! A worker under load that ends well: on SIGTERM or Ctrl-C it accepts nothing more, lets what it accepted finish,
//! and names what it had to cut. A second signal ends it at once, with another exit code.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lattice_lock::runtime::{BackgroundTasks, Shutdown, ShutdownReport, codes};
use lattice_lock::{Error, Result};
use lattice_lock_examples::{asked, failed, heading, note, row};
use tokio::time::sleep;

const USAGE: &str = "\
Usage: cargo run --example shutdown -- [--deadline SECONDS] [--hang TASKS]

  --deadline SECONDS  how long the shutdown may take; 5 by default
  --hang TASKS        how many of the tasks never finish; 3 by default";

/// How many orders are in work at a time, and how many wait.
const RUNNING: usize = 64;
const WAITING: usize = 256;

#[derive(Clone, Copy)]
struct Arguments {
    deadline: Duration,
    hang: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match asked(parse(std::env::args().skip(1)), USAGE) {
        Ok(arguments) => arguments,
        Err(ended) => return ended,
    };
    match run(arguments).await {
        Ok(report) => ExitCode::from(report.exit_code()),
        Err(error) => failed(&error),
    }
}

/// What was asked for; nothing if it was help.
fn parse(
    mut arguments: impl Iterator<Item = String>,
) -> std::result::Result<Option<Arguments>, String> {
    let mut parsed = Arguments {
        deadline: Duration::from_secs(5),
        hang: 3,
    };
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let number = arguments.next().and_then(|number| number.parse().ok());
            number.ok_or(format!("{argument} needs a number"))
        };
        match argument.as_str() {
            "--deadline" => parsed.deadline = Duration::from_secs(number()?),
            "--hang" => parsed.hang = number()?,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("unknown option {other}")),
        }
    }
    Ok(Some(parsed))
}

async fn run(arguments: Arguments) -> Result<Arc<ShutdownReport>> {
    let tasks = BackgroundTasks::builder()
        .max_concurrent(RUNNING)
        .max_queued(WAITING)
        .build()?;
    let flushed = Arc::new(AtomicU64::new(0));
    let shutdown = Shutdown::builder()
        .tasks("stop tasks", arguments.deadline, tasks.clone())
        .phase("flush", Duration::from_secs(1), {
            let (tasks, flushed) = (tasks.clone(), Arc::clone(&flushed));
            async move |_| {
                flushed.store(tasks.counters().completed, Ordering::Relaxed);
                Ok(())
            }
        })
        .timeout(arguments.deadline)
        .build();
    // From here on the process is ours to end: before, a signal would just have killed it.
    shutdown.listen_for_signals()?;

    heading("Working");
    note(format!(
        "end it with Ctrl-C, or with: kill -TERM {}",
        std::process::id()
    ));
    let accepted = accept_orders(&tasks, arguments.hang).await?;
    heading("Ending");
    note("a second signal forces it");
    let report = shutdown.finished().await;

    heading("Ended");
    row("accepted", accepted);
    row("completed", tasks.counters().completed);
    row("flushed", flushed.load(Ordering::Relaxed));
    row("left", report.leftovers.len());
    row("report", &report);
    Ok(report)
}

/// Takes one order after the other, waiting while the queue is full, until the shutdown refuses one. Says how many
/// were accepted.
async fn accept_orders(tasks: &BackgroundTasks, hang: u64) -> Result<u64> {
    for number in 0.. {
        let order = async move {
            let work = if number < hang {
                Duration::MAX
            } else {
                Duration::from_millis(number % 50)
            };
            sleep(work).await;
            Ok(())
        };
        match tasks
            .spawn_when_ready(format!("order-{number}"), order)
            .await
        {
            Ok(handle) => handle.detach(),
            Err(error) => return refused(error, number),
        }
        if number == 1000 {
            note("1000 orders accepted");
        }
    }
    Ok(0)
}

/// A refusal for the shutdown's sake is what was waited for.
fn refused(error: Error, accepted: u64) -> Result<u64> {
    if error.code() == codes::SHUTTING_DOWN {
        Ok(accepted)
    } else {
        Err(error)
    }
}
