//! What a deployment does with the tables: see where they are, bring them to the newest state, take steps back, and
//! carry everything out as lines of JSON and in again, also into another engine.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;
use std::process::ExitCode;

use lattice_lock::auth::Auth;
use lattice_lock::billing::Ledger;
use lattice_lock::repository::{DatabaseOptions, MigrationSet, MigrationStatus, Timestamp};
use lattice_lock::{Database, Result};
use lattice_lock_examples::{asked, failed, heading, misused, note, proved, row};

const USAGE: &str = "\
Usage: cargo run --example migrate -- COMMAND --url URL [OPTIONS]

  status              which migrations are applied
  up                  apply those that are not
  down                take the last one back, where there is a way back
  export              write every table to --file
  import              read --file into empty tables

  --url URL           sqlite:FILE, postgres://… or mysql://…
  --file FILE         what to export to, or import from
  --steps N           how many migrations `down` takes back; 1 by default
  --print-sql         print what `up` would run, and change nothing";

/// Everything that an application with auth has.
const TABLES: &[MigrationSet] = &[Ledger::MIGRATIONS[0], Auth::MIGRATIONS[0]];

#[derive(Clone, Copy)]
enum Command {
    Status,
    Up,
    Down,
    Export,
    Import,
}

struct Arguments {
    command: Command,
    url: String,
    file: Option<PathBuf>,
    steps: usize,
    print_sql: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match asked(parse(std::env::args().skip(1)), USAGE) {
        Ok(arguments) => arguments,
        Err(ended) => return ended,
    };
    match run(arguments).await {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

/// What was asked for; nothing if it was help.
fn parse(
    mut arguments: impl Iterator<Item = String>,
) -> std::result::Result<Option<Arguments>, String> {
    let (mut command, mut url, mut file, mut steps, mut print_sql) = (None, None, None, 1, false);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "status" => command = Some(Command::Status),
            "up" => command = Some(Command::Up),
            "down" => command = Some(Command::Down),
            "export" => command = Some(Command::Export),
            "import" => command = Some(Command::Import),
            "--url" => url = Some(value()?),
            "--file" => file = Some(value()?.into()),
            "--steps" => {
                let number = value()?;
                steps = number
                    .parse()
                    .map_err(|_| format!("not a number: {number}"))?;
            }
            "--print-sql" => print_sql = true,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("unknown option {other}")),
        }
    }
    Ok(Some(Arguments {
        command: command.ok_or("a command is missing")?,
        url: url.ok_or("--url is missing")?,
        file,
        steps,
        print_sql,
    }))
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let options = DatabaseOptions::default().pool_size(1).max_overflow(1);
    let database = Database::open_with(&arguments.url, options).await?;
    let done = execute(&database, &arguments).await;
    database.dispose().await;
    done
}

async fn execute(database: &Database, arguments: &Arguments) -> Result<ExitCode> {
    match (arguments.command, &arguments.file) {
        (Command::Status, _) => status(database).await?,
        (Command::Up, _) if arguments.print_sql => {
            for statement in database.migration_sql(TABLES).await? {
                anstream::println!("{statement};\n");
            }
        }
        (Command::Up, _) => {
            let steps = database.migrate(TABLES).await?;
            proved(format!("{steps} applied"));
        }
        (Command::Down, _) => {
            let steps = database.migrate_down(TABLES, arguments.steps);
            proved(format!("{} taken back", steps.await?));
        }
        (Command::Export | Command::Import, None) => {
            return Ok(misused("--file is missing", USAGE));
        }
        (Command::Export, Some(file)) => match File::create(file) {
            Ok(file) => {
                let exported = database.export(BufWriter::new(file)).await?;
                row("tables", exported.tables);
                row("rows", exported.rows);
            }
            Err(error) => return Ok(misused(&format!("{}: {error}", file.display()), USAGE)),
        },
        (Command::Import, Some(file)) => match File::open(file) {
            Ok(file) => {
                let imported = database.import(BufReader::new(file)).await?;
                row("tables", imported.tables);
                row("rows", imported.rows);
                proved("read back, with the same counts and hashes");
            }
            Err(error) => return Ok(misused(&format!("{}: {error}", file.display()), USAGE)),
        },
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(database: &Database) -> Result<()> {
    heading("Migrations");
    let status = database.migration_status(TABLES).await?;
    for step in &status {
        row(&step.set, describe(step));
    }
    if status.iter().all(|step| step.applied_at.is_some()) {
        proved("up to date");
    } else {
        note("bring it up to date with: migrate up");
    }
    Ok(())
}

/// To the second; what is beyond any calendar, as it is kept.
fn date(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros()).map_or_else(
        |_| format!("{} µs after 1970", at.as_micros()),
        |at| at.strftime("%F %T UTC").to_string(),
    )
}

fn describe(step: &MigrationStatus) -> String {
    let state = match (step.applied_at, step.known) {
        (None, _) => "not applied".into(),
        (Some(at), true) => format!("applied {}", date(at)),
        (Some(_), false) => "applied by a newer version".into(),
    };
    format!("{:>4} {:24} {state}", step.version, step.name)
}
