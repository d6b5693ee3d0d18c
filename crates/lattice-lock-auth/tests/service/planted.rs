//! Nothing that opens anything is in a log, an error, the audit or a table, whatever a test does.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use lattice_lock_auth::Auth;
use lattice_lock_errors::Error;
use lattice_lock_repository::{Database, Engine};
use tracing_subscriber::fmt::MakeWriter;

use super::{OTHER_PASSWORD, PASSWORD, SECRET, WRONG, entries};

/// Where the claims of a token begin: `{"iss":"`.
const TOKEN: &str = ".eyJpc3MiOiJ";
/// What an API key begins with, and how long it is.
const KEY: (&str, usize) = ("llk_", 55);

/// The first credential in a text.
fn credential(bytes: &[u8]) -> Option<String> {
    let known = [PASSWORD, OTHER_PASSWORD, SECRET, WRONG, TOKEN];
    let has = |text: &&str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    let key = || {
        let whole = |part: &&[u8]| {
            part.starts_with(KEY.0.as_bytes()) && part[4..].iter().all(u8::is_ascii_alphanumeric)
        };
        bytes
            .windows(KEY.1)
            .find(whole)
            .map(String::from_utf8_lossy)
    };
    let planted = known.into_iter().find(has).map(str::to_owned);
    planted.or_else(|| key().map(String::from))
}

#[track_caller]
pub(crate) fn none_in(place: &str, bytes: &[u8]) {
    if let Some(found) = credential(bytes) {
        panic!("{found} in {place}");
    }
}

#[track_caller]
pub(crate) fn none_in_error(error: &Error) {
    let record = serde_json::to_string(&error.record()).unwrap();
    let text = format!("{error} {error:?} {error:#?} {record} {}", error.report());
    none_in("an error", text.as_bytes());
}

/// What was found in the logs; whichever test comes to its end next fails.
static LOGGED: Mutex<Option<String>> = Mutex::new(None);

#[derive(Clone, Copy)]
struct Watch;

impl Write for Watch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(found) = credential(bytes) {
            *LOGGED.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Watch {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Has every log of this process looked through, unless the test does that itself.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(Watch)
            .finish();
        let _ = tracing_subscriber::util::SubscriberInitExt::try_init(subscriber);
    });
}

/// Looks through what a test left: logs, `Debug`, the audit, and every text in the tables.
pub(crate) async fn none_left(auth: &Auth, database: &Database) {
    let logged = LOGGED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    assert_eq!(logged, None, "in the log");
    none_in("Debug", format!("{auth:?} {database:?}").as_bytes());
    if database.engine() == Engine::Memory {
        let audit = serde_json::to_string(&entries(auth).await).unwrap();
        none_in("the audit", audit.as_bytes());
    }
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    if database.engine() != Engine::Memory {
        tables(database).await;
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
async fn tables(database: &Database) {
    use sea_orm::ConnectionTrait;
    let columns = [
        ("users", &["name", "role", "password_hash"][..]),
        ("sessions", &["scopes"]),
        ("keys", &["id", "hash", "name", "scopes"]),
        ("gates", &["id"]),
        ("audit", &["actor", "target", "source", "outcome", "mac"]),
    ];
    let mut scope = database.reader().unwrap();
    let connection = scope.connection().unwrap();
    for (table, columns) in columns {
        for column in columns {
            let sql = format!("SELECT {column} FROM lattice_auth_{table}");
            let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
            for row in connection.query_all_raw(statement).await.unwrap() {
                let text: Option<String> = row.try_get_by_index(0).unwrap();
                none_in(column, text.unwrap_or_default().as_bytes());
            }
        }
    }
}
