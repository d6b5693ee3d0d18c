use lattice_lock_repository::{Engine, Migration, MigrationSet};

/// The tables of the ledger.
pub(crate) const MIGRATIONS: MigrationSet = MigrationSet {
    name: "billing",
    migrations: &[Migration::new(1, "ledger", create)
        .down(|_| {
            TABLES
                .map(|table| format!("DROP TABLE IF EXISTS lattice_{table}"))
                .to_vec()
        })
        .verify(|_| {
            TABLES
                .map(|table| format!("SELECT 1 FROM lattice_{table} WHERE 1 = 0"))
                .to_vec()
        })],
};

const TABLES: [&str; 6] = [
    "entries",
    "intents",
    "instances",
    "ledger",
    "archives",
    "archived_keys",
];

fn create(engine: Engine) -> Vec<String> {
    let dialect = Dialect::of(engine);
    let mut statements = vec![
        entries(&dialect),
        intents(&dialect),
        instances(&dialect),
        ledger(&dialect),
        archives(&dialect),
        archived_keys(&dialect),
    ];
    if engine != Engine::Mysql {
        statements.push(BY_TIME.into());
    }
    statements
}

/// What periods are found by: archives and reports are of a period, and a ledger is of years.
const BY_TIME: &str =
    "CREATE INDEX IF NOT EXISTS lattice_entries_occurred_at ON lattice_entries (occurred_at)";

/// What the engines call the same type.
struct Dialect {
    uuid: &'static str,
    text: fn(u32) -> String,
    long_text: &'static str,
    integer: &'static str,
    /// [`BY_TIME`] where an index that is made apart cannot be made twice.
    by_time: &'static str,
    options: &'static str,
}

impl Dialect {
    fn of(engine: Engine) -> Self {
        let varchar = |length| format!("VARCHAR({length})");
        let (uuid, text, integer): (_, fn(u32) -> String, _) = match engine {
            Engine::Mysql => ("BINARY(16)", varchar, "BIGINT"),
            Engine::Postgres => ("UUID", varchar, "BIGINT"),
            _ => ("BLOB", |_| "TEXT".into(), "INTEGER"),
        };
        Self {
            uuid,
            text,
            long_text: "TEXT",
            integer,
            by_time: match engine {
                Engine::Mysql => ",\n    INDEX lattice_entries_occurred_at (occurred_at)",
                _ => "",
            },
            options: engine.table_options(),
        }
    }
}

/// Who an entry or an intent is for, and of what: the columns that both have.
fn common(dialect: &Dialect) -> String {
    let Dialect {
        text, long_text, ..
    } = dialect;
    let (name, label, model) = (text(64), text(128), text(256));
    format!(
        "principal_id {label} NOT NULL,
    principal_kind {name} NOT NULL,
    team {label},
    project {label},
    tags {long_text},
    conversation {label},
    provider {name} NOT NULL,
    requested_model {model} NOT NULL,
    task_type {label},
    service_tier {name} NOT NULL"
    )
}

fn entries(dialect: &Dialect) -> String {
    let Dialect {
        uuid,
        text,
        long_text,
        integer,
        by_time,
        options,
    } = dialect;
    let (name, label, key, model) = (text(64), text(128), text(192), text(256));
    let common = common(dialect);
    format!(
        "CREATE TABLE IF NOT EXISTS lattice_entries (
    position {integer} NOT NULL PRIMARY KEY,
    entry_id {uuid} NOT NULL,
    idempotency_key {key} NOT NULL UNIQUE,
    payload_hash {label} NOT NULL,
    kind {name} NOT NULL,
    operation_id {uuid},
    turn {integer},
    attempt {integer},
    charge_key {label},
    revision {integer} NOT NULL,
    reason {label},
    {common},
    served_model {model},
    provider_request_id {label},
    input_tokens {integer},
    cache_read_tokens {integer},
    cache_write_5m_tokens {integer},
    cache_write_1h_tokens {integer},
    input_audio_tokens {integer},
    cache_read_audio_tokens {integer},
    input_image_tokens {integer},
    output_tokens {integer},
    reasoning_tokens {integer},
    output_audio_tokens {integer},
    web_searches {integer},
    requests {integer},
    provider_total {integer},
    discount {integer} NOT NULL,
    cost_nanos {integer},
    cost_state {name} NOT NULL,
    price_version {long_text},
    foreign_amount {long_text},
    effect_nanos {integer} NOT NULL,
    effect_unpriced {integer} NOT NULL,
    outcome {name} NOT NULL,
    latency_us {integer},
    occurred_at {integer} NOT NULL,
    recorded_at {integer} NOT NULL,
    UNIQUE (operation_id, turn, attempt, revision){by_time}
) {options}"
    )
}

fn intents(dialect: &Dialect) -> String {
    let Dialect {
        uuid,
        text,
        integer,
        options,
        ..
    } = dialect;
    let (name, common) = (text(64), common(dialect));
    format!(
        "CREATE TABLE IF NOT EXISTS lattice_intents (
    attempt_key {name} NOT NULL PRIMARY KEY,
    operation_id {uuid} NOT NULL,
    turn {integer} NOT NULL,
    attempt {integer} NOT NULL,
    instance_id {uuid},
    held {integer} NOT NULL,
    {common},
    opened_at {integer} NOT NULL
) {options}"
    )
}

fn instances(dialect: &Dialect) -> String {
    let Dialect {
        uuid,
        integer,
        options,
        ..
    } = dialect;
    format!(
        "CREATE TABLE IF NOT EXISTS lattice_instances (
    instance_id {uuid} NOT NULL PRIMARY KEY,
    lease_until {integer} NOT NULL
) {options}"
    )
}

/// One row: whoever writes to the ledger locks it first.
fn ledger(dialect: &Dialect) -> String {
    let Dialect {
        integer, options, ..
    } = dialect;
    format!(
        "CREATE TABLE IF NOT EXISTS lattice_ledger (
    id {integer} NOT NULL PRIMARY KEY,
    position {integer} NOT NULL,
    archives {integer} NOT NULL
) {options}"
    )
}

fn archives(dialect: &Dialect) -> String {
    let Dialect {
        uuid,
        text,
        integer,
        options,
        ..
    } = dialect;
    let hash = text(64);
    format!(
        "CREATE TABLE IF NOT EXISTS lattice_archives (
    archive_id {uuid} NOT NULL PRIMARY KEY,
    period_from {integer} NOT NULL,
    period_to {integer} NOT NULL,
    up_to {integer} NOT NULL,
    entries {integer} NOT NULL,
    unpriced {integer} NOT NULL,
    dollars {integer} NOT NULL,
    nanos {integer} NOT NULL,
    sha256 {hash} NOT NULL
) {options}"
    )
}

fn archived_keys(dialect: &Dialect) -> String {
    let Dialect { text, options, .. } = dialect;
    let (key, hash) = (text(192), text(128));
    format!(
        "CREATE TABLE IF NOT EXISTS lattice_archived_keys (
    idempotency_key {key} NOT NULL PRIMARY KEY,
    payload_hash {hash} NOT NULL
) {options}"
    )
}
