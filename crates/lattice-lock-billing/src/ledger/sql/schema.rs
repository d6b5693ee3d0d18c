use lattice_lock_repository::{Engine, Migration, MigrationSet};

/// The tables of the ledger.
pub(crate) const MIGRATIONS: MigrationSet = MigrationSet {
    name: "billing",
    migrations: &[Migration::new(1, "entries-and-intents", |engine| {
        vec![entries(engine), intents(engine)]
    })
    .verify(|_| {
        ["entries", "intents"]
            .map(|table| format!("SELECT 1 FROM lattice_{table} WHERE 1 = 0"))
            .to_vec()
    })],
};

/// What the engines call the same type. `SQLite`'s tables are STRICT: otherwise a number beyond 64 bits would
/// silently become a float.
struct Dialect {
    uuid: &'static str,
    text: fn(u32) -> String,
    long_text: &'static str,
    integer: &'static str,
    table: &'static str,
}

impl Dialect {
    fn of(engine: Engine) -> Self {
        let varchar = |length| format!("VARCHAR({length})");
        match engine {
            Engine::Mysql => Self {
                uuid: "BINARY(16)",
                text: varchar,
                long_text: "TEXT",
                integer: "BIGINT",
                // Keys differ when their bytes do, whatever the server's default collation.
                table: "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            },
            Engine::Postgres => Self {
                uuid: "UUID",
                text: varchar,
                long_text: "TEXT",
                integer: "BIGINT",
                table: "",
            },
            _ => Self {
                uuid: "BLOB",
                text: |_| "TEXT".into(),
                long_text: "TEXT",
                integer: "INTEGER",
                table: "STRICT",
            },
        }
    }
}

fn entries(engine: Engine) -> String {
    let Dialect {
        uuid,
        text,
        long_text,
        integer,
        table,
    } = Dialect::of(engine);
    let (name, label, model) = (text(64), text(128), text(256));
    format!(
        "CREATE TABLE IF NOT EXISTS lattice_entries (
    entry_id {uuid} NOT NULL PRIMARY KEY,
    idempotency_key {name} NOT NULL UNIQUE,
    payload_hash {name} NOT NULL,
    operation_id {uuid} NOT NULL,
    turn {integer} NOT NULL,
    attempt {integer} NOT NULL,
    principal_id {label} NOT NULL,
    principal_kind {name} NOT NULL,
    attribution {long_text} NOT NULL,
    provider {name} NOT NULL,
    requested_model {model} NOT NULL,
    served_model {model},
    provider_request_id {model},
    task_type {long_text},
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
    cost_nanos {integer},
    cost_state {name} NOT NULL,
    price_version {long_text},
    outcome {name} NOT NULL,
    latency_us {integer} NOT NULL,
    occurred_at {integer} NOT NULL,
    recorded_at {integer} NOT NULL,
    UNIQUE (operation_id, turn, attempt)
) {table}"
    )
}

fn intents(engine: Engine) -> String {
    let Dialect {
        uuid,
        text,
        integer,
        table,
        ..
    } = Dialect::of(engine);
    let (name, label, model) = (text(64), text(128), text(256));
    format!(
        "CREATE TABLE IF NOT EXISTS lattice_intents (
    attempt_key {name} NOT NULL PRIMARY KEY,
    operation_id {uuid} NOT NULL,
    turn {integer} NOT NULL,
    attempt {integer} NOT NULL,
    principal_id {label} NOT NULL,
    provider {name} NOT NULL,
    requested_model {model} NOT NULL,
    opened_at {integer} NOT NULL
) {table}"
    )
}
