use lattice_lock_repository::{Engine, Migration, MigrationSet};

/// The tables of auth.
pub(crate) const MIGRATIONS: MigrationSet = MigrationSet {
    name: "auth",
    migrations: &[Migration::new(1, "auth", create)
        .down(|_| {
            TABLES
                .iter()
                .map(|table| format!("DROP TABLE IF EXISTS lattice_auth_{table}"))
                .collect()
        })
        .verify(|_| {
            TABLES
                .iter()
                .map(|table| format!("SELECT 1 FROM lattice_auth_{table} WHERE 1 = 0"))
                .collect()
        })],
};

const TABLES: [&str; 7] = [
    "users",
    "marks",
    "sessions",
    "revocations",
    "keys",
    "gates",
    "audit",
];

/// Times are microseconds since 1970; flags are 0 or 1; ids are compared byte by byte.
fn create(engine: Engine) -> Vec<String> {
    let (uuid, integer) = match engine {
        Engine::Mysql => ("BINARY(16)", "BIGINT"),
        Engine::Postgres => ("UUID", "BIGINT"),
        _ => ("BLOB", "INTEGER"),
    };
    let text = |length: u32| match engine {
        Engine::Mysql | Engine::Postgres => format!("VARCHAR({length})"),
        _ => "TEXT".into(),
    };
    let (short, name, long) = (text(64), text(256), "TEXT");
    // There is no way to make an index apart on MySQL that bears repetition.
    let inline = |column| match engine {
        Engine::Mysql => format!(",\n    INDEX ({column})"),
        _ => String::new(),
    };
    let (of_user, of_owner) = (inline("user_id"), inline("owner_id"));
    let tables = [
        format!(
            "users (
    id {uuid} NOT NULL PRIMARY KEY,
    version {integer} NOT NULL,
    name {name} NOT NULL UNIQUE,
    role {short} NOT NULL,
    disabled {integer} NOT NULL,
    epoch {integer} NOT NULL,
    ended_at {integer} NOT NULL,
    created_at {integer} NOT NULL,
    password_hash {name} NOT NULL
)"
        ),
        format!(
            "marks (
    name {short} NOT NULL PRIMARY KEY,
    set_at {integer} NOT NULL
)"
        ),
        format!(
            "sessions (
    id {uuid} NOT NULL PRIMARY KEY,
    user_id {uuid} NOT NULL,
    token_id {uuid} NOT NULL,
    generation {integer} NOT NULL,
    epoch {integer} NOT NULL,
    scopes {long},
    created_at {integer} NOT NULL,
    rotated_at {integer} NOT NULL,
    expires_at {integer} NOT NULL,
    ended_at {integer}{of_user}
)"
        ),
        format!(
            "revocations (
    token_id {uuid} NOT NULL PRIMARY KEY,
    expires_at {integer} NOT NULL
)"
        ),
        format!(
            "keys (
    id {short} NOT NULL PRIMARY KEY,
    hash {short} NOT NULL,
    owner_id {uuid} NOT NULL,
    name {name} NOT NULL,
    scopes {long} NOT NULL,
    created_at {integer} NOT NULL,
    expires_at {integer},
    last_used_at {integer}{of_owner}
)"
        ),
        format!(
            "gates (
    id {short} NOT NULL PRIMARY KEY,
    failures {integer} NOT NULL,
    closed_since {integer} NOT NULL,
    closed_until {integer} NOT NULL,
    touched_at {integer} NOT NULL,
    trusted_until {integer} NOT NULL,
    opened_at {integer} NOT NULL
)"
        ),
        format!(
            "audit (
    sequence {integer} NOT NULL PRIMARY KEY,
    happened_at {integer} NOT NULL,
    action {short} NOT NULL,
    actor {name} NOT NULL,
    target {name} NOT NULL,
    source {short} NOT NULL,
    outcome {short} NOT NULL,
    key_id {short} NOT NULL,
    digest {short} NOT NULL,
    mac {short} NOT NULL
)"
        ),
    ];
    let options = engine.table_options();
    let create = |table| format!("CREATE TABLE IF NOT EXISTS lattice_auth_{table} {options}");
    let mut statements: Vec<_> = tables.into_iter().map(create).collect();
    if engine != Engine::Mysql {
        statements.extend([("sessions", "user_id"), ("keys", "owner_id")].map(index));
    }
    statements
}

fn index((table, column): (&str, &str)) -> String {
    format!(
        "CREATE INDEX IF NOT EXISTS lattice_auth_{table}_{column} ON lattice_auth_{table} ({column})"
    )
}
