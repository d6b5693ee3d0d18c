use lattice_lock_config::{
    AppConfig, DatabaseUrl, Endpoint, Engine, Environment, LogFilter, LogFormat,
};
use lattice_lock_errors::Result;

use crate::support::{shown, with, with_file};

#[track_caller]
fn number(variable: &str, key: &str, accepted: &[(&str, &str)], refused: &[&str]) {
    for (given, expected) in accepted {
        let config = with(&[(variable, given)]).expect("within its range");
        assert_eq!(shown(&config, key), *expected, "{variable}={given}");
    }
    for given in refused {
        let error = with(&[(variable, given)]).expect_err("out of its range");
        assert!(
            error.to_string().contains(variable),
            "{variable}={given}: {error}"
        );
        assert!(
            error.to_string().contains("such as"),
            "{variable}={given}: {error}"
        );
    }
}

const NEVER_WHOLE: [&str; 11] = [
    "-1",
    "1.0",
    "5s",
    "1e3",
    "1_000",
    "0x10",
    "NaN",
    "ten",
    "１０",
    "99999999999999999999999",
    "170141183460469231731687303715884105728",
];

#[test]
fn whole_numbers_keep_their_range() {
    let check = |variable, key, accepted: &[(&str, &str)], more: &[&str]| {
        number(variable, key, accepted, &NEVER_WHOLE);
        number(variable, key, &[], more);
    };
    check(
        "DATABASE_POOL_SIZE",
        "database.pool_size",
        &[("1", "1"), (" 1000 ", "1000")],
        &["0", "1001"],
    );
    check(
        "DATABASE_MAX_OVERFLOW",
        "database.max_overflow",
        &[("0", "0"), ("1000", "1000")],
        &["1001"],
    );
    check(
        "ANALYZER_CACHE_SIZE",
        "analyzer.cache_size",
        &[("0", "0"), ("1000000", "1000000")],
        &["1000001"],
    );
    check(
        "MAX_FUNCTION_CALLS",
        "orchestrator.max_function_calls",
        &[("0", "0"), ("1000", "1000")],
        &["1001"],
    );
    check(
        "TOKEN_EXPIRY_MINUTES",
        "auth.token_expiry_minutes",
        &[("1", "1"), ("525600", "525600")],
        &["0", "525601"],
    );
    check(
        "REFRESH_TOKEN_EXPIRE_DAYS",
        "auth.refresh_token_expire_days",
        &[("1", "1"), ("3650", "3650")],
        &["0", "3651"],
    );
}

#[test]
fn seconds_are_finite_positive_and_without_a_unit() {
    number(
        "BACKGROUND_TASK_TIMEOUT",
        "runtime.background_task_timeout",
        &[
            ("5", "5"),
            ("0.001", "0.001"),
            ("2.5", "2.5"),
            ("86400", "86400"),
        ],
        &[
            "0",
            "0.0",
            "-0.0",
            "-5",
            "NaN",
            "nan",
            "inf",
            "-inf",
            "infinity",
            "5s",
            "5 seconds",
            "1e-300",
            "1e308",
            "1e999",
            "86400.1",
            "0.0001",
        ],
    );
    for number in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        f64::MAX,
        -0.0,
    ] {
        let builder = AppConfig::builder().set("runtime.background_task_timeout", number);
        assert!(builder.build().is_err(), "{number}");
    }
    for text in [
        "nan",
        "inf",
        "-inf",
        "0",
        "-1.5",
        "1e309",
        "0x7fffffffffffffffffff",
        "9e18",
    ] {
        let text = format!("[runtime]\nbackground_task_timeout = {text}\n");
        assert!(with_file(&text, &[]).is_err(), "{text}");
    }
    let config = with_file(
        "[database]\npool_size = 0x10\n[runtime]\nbackground_task_timeout = 1e1\n",
        &[],
    )
    .unwrap();
    assert_eq!(config.database().pool_size, 16);
    assert_eq!(config.runtime().background_task_timeout.as_secs(), 10);
}

#[test]
fn switches_take_the_usual_words() {
    for (given, expected) in [
        ("1", "true"),
        ("TRUE", "true"),
        ("yes", "true"),
        ("On", "true"),
        ("0", "false"),
        ("off", "false"),
        ("No", "false"),
        ("false", "false"),
    ] {
        assert_eq!(
            shown(&with(&[("DATABASE_ECHO", given)]).unwrap(), "database.echo"),
            expected
        );
    }
    for given in ["2", "maybe", "t", "truee"] {
        assert!(with(&[("DATABASE_ECHO", given)]).is_err(), "{given}");
    }
}

#[test]
fn an_unknown_environment_is_an_error_and_not_dev() {
    for (name, environment) in [("dev", Environment::Dev), ("test", Environment::Test)] {
        assert_eq!(
            with(&[("LATTICE_ENV", name)]).unwrap().environment(),
            environment
        );
        assert_eq!(name.parse::<Environment>().unwrap(), environment);
        assert_eq!(environment.to_string(), name);
    }
    for name in ["", " ", "prod", "Production", "DEV", "dev,test", "live"] {
        let error = with(&[("LATTICE_ENV", name)]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("LATTICE_ENV must be dev, test, staging or production"),
            "{error}"
        );
    }
}

#[track_caller]
fn url(given: &str, engine: Engine, normalised: &str) {
    let url: DatabaseUrl = given
        .parse()
        .unwrap_or_else(|error| panic!("{given}: {error}"));
    assert_eq!(url.engine(), engine, "{given}");
    assert_eq!(url.expose(), normalised, "{given}");
    let again: DatabaseUrl = url.expose().parse().expect("what was normalised");
    assert_eq!(again.expose(), normalised, "normalising twice: {given}");
}

#[test]
fn a_database_url_is_normalised() {
    for memory in [
        "sqlite::memory:",
        "sqlite:///:memory:",
        "sqlite://:memory:",
        "sqlite://",
        "sqlite:///",
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite://",
        " sqlite::memory: ",
        "sqlite://?mode=memory",
        "sqlite::memory:?cache=shared",
    ] {
        url(memory, Engine::Sqlite, "sqlite::memory:");
        assert!(
            memory.parse::<DatabaseUrl>().unwrap().is_in_memory(),
            "{memory}"
        );
    }
    url("sqlite:app.db", Engine::Sqlite, "sqlite:app.db");
    url("sqlite://app.db", Engine::Sqlite, "sqlite:app.db");
    url("sqlite:///app.db", Engine::Sqlite, "sqlite:app.db");
    url(
        "sqlite+aiosqlite:///data/app.db",
        Engine::Sqlite,
        "sqlite:data/app.db",
    );
    url(
        "sqlite:////var/app.db",
        Engine::Sqlite,
        "sqlite:/var/app.db",
    );
    url(
        "sqlite:/var/app.db?mode=rwc",
        Engine::Sqlite,
        "sqlite:/var/app.db?mode=rwc",
    );
    url("sqlite:my%20app.db", Engine::Sqlite, "sqlite:my%20app.db");
    url("postgres://h/d", Engine::Postgres, "postgres://h/d");
    url(
        "postgresql+asyncpg://u:p%40@h:5433/d",
        Engine::Postgres,
        "postgres://u:p%40@h:5433/d",
    );
    url(
        "postgresql+psycopg2://[::1]:5432/d?sslmode=require",
        Engine::Postgres,
        "postgres://[::1]:5432/d?sslmode=require",
    );
    url(
        "postgresql+asyncpg://h/d?ssl=verify-full",
        Engine::Postgres,
        "postgres://h/d?sslmode=verify-full",
    );
    url(
        "postgresql+asyncpg://h/d?ssl=true",
        Engine::Postgres,
        "postgres://h/d?sslmode=require",
    );
    url(
        "postgres:///d?host=/run/postgresql",
        Engine::Postgres,
        "postgres:///d?host=/run/postgresql",
    );
    url(
        "postgres://%2Frun%2Fpg/d",
        Engine::Postgres,
        "postgres://%2Frun%2Fpg/d",
    );
    url(
        "mysql+pymysql://u:p@h/d?charset=utf8mb4",
        Engine::Mysql,
        "mysql://u:p@h/d?charset=utf8mb4",
    );
    url(
        "mariadb+asyncmy://h:3306/d?ssl_ca=/ca.pem",
        Engine::Mysql,
        "mysql://h:3306/d?ssl-ca=/ca.pem",
    );
    url(
        "postgres://u:p@ss@h/d",
        Engine::Postgres,
        "postgres://u:p@ss@h/d",
    );
}

#[test]
fn the_path_of_a_sqlite_file_is_decoded() {
    let path = |url: &str| {
        url.parse::<DatabaseUrl>()
            .unwrap()
            .path()
            .map(str::to_owned)
    };
    assert_eq!(path("sqlite:my%20app.db").as_deref(), Some("my app.db"));
    assert_eq!(path("sqlite:////a/b.db").as_deref(), Some("/a/b.db"));
    assert_eq!(path("sqlite::memory:"), None);
    assert_eq!(path("sqlite:x?mode=memory"), None);
    assert_eq!(path("postgres://h/d"), None);
    assert!(
        "sqlite:x?mode=memory"
            .parse::<DatabaseUrl>()
            .unwrap()
            .is_in_memory()
    );
    assert!(
        "sqlite:%3Amemory%3A"
            .parse::<DatabaseUrl>()
            .unwrap()
            .is_in_memory()
    );
}

#[test]
fn a_database_url_that_cannot_be_meant_is_explained() {
    for (given, part) in [
        ("", "must begin with"),
        ("app.db", "must begin with"),
        ("mssql://h/d", "must begin with"),
        ("postgress://h/d", "did you mean postgres?"),
        ("oracle+cx://h/d", "must begin with"),
        ("sqlite:file:x?mode=memory", "file:"),
        (
            "sqlite:x.db?check_same_thread=false",
            "mode, cache, immutable",
        ),
        ("sqlite:x.db?mode=rwcx", "mode, cache, immutable"),
        ("sqlite:", "path"),
        ("sqlite:a%2", "path"),
        ("sqlite:a%00b", "path"),
        ("postgres:h/d", "host"),
        ("postgres:///d", "host"),
        ("postgres://", "host"),
        ("postgres://h:0/d", "host"),
        ("postgres://h:port/d", "host"),
        ("postgres://u:a/b@h/d", "%2F"),
        ("postgres://u:1/b@h/d", "%2F"),
        ("postgres://u:1/b@h", "%2F"),
        ("postgres://u:a#b@h/d", "%23"),
        ("postgres://u:1?b@h/d", "parameters"),
        ("postgres://u:a%zz@h/d", "%2F"),
        ("postgres://u:a b@h/d", "%2F"),
        ("postgres://h/d?passwd=hunter2", "parameters"),
        ("postgresql+asyncpg://h/d?ssl=maybe", "parameters"),
        ("mysql://h/d?ssl_verify_cert=true", "parameters"),
        ("mysql://h1,h2/d", "host"),
    ] {
        let error = given.parse::<DatabaseUrl>().unwrap_err();
        assert!(error.to_string().contains(part), "{given}: {error}");
        assert!(!error.report().to_string().contains("hunter2"));
    }
    assert!(
        format!("sqlite:{}", "a".repeat(1 << 20))
            .parse::<DatabaseUrl>()
            .is_err()
    );
}

#[test]
fn credentials_of_a_database_url_are_never_shown() {
    for (given, redacted) in [
        (
            "postgresql+asyncpg://app:hunter2@db.example.com:5432/app",
            "postgres://***@db.example.com:5432/app",
        ),
        (
            "postgres://app:hunter2@h/d?password=hunter2&sslmode=require",
            "postgres://***@h/d?***",
        ),
        ("postgres://hunter2@hunter2@h/d", "postgres://***@h/d"),
        ("mysql://h/d", "mysql://h/d"),
        ("sqlite:///app.db", "sqlite:app.db"),
        ("sqlite::memory:", "sqlite::memory:"),
    ] {
        let url: DatabaseUrl = given.parse().unwrap();
        assert_eq!(url.redacted(), redacted);
        assert_eq!(url.to_string(), redacted);
        assert_eq!(format!("{url:?}"), format!("DatabaseUrl(\"{redacted}\")"));
    }
}

fn ollama(given: &str) -> Result<Endpoint> {
    let config = with(&[("OLLAMA_HOST", given)])?;
    Ok(config
        .providers()
        .ollama
        .host
        .clone()
        .expect("it was given"))
}

#[test]
fn ollamas_host_takes_every_form_that_ollama_takes() {
    for (given, expected) in [
        ("127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("localhost", "http://localhost:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:99", "http://127.0.0.1:99"),
        ("[::]:99", "http://[::1]:99"),
        ("::1", "http://[::1]:11434"),
        ("[::1]:99", "http://[::1]:99"),
        ("http://gpu.local", "http://gpu.local:80"),
        ("https://gpu.example.com", "https://gpu.example.com:443"),
        (
            "https://gpu.example.com:8443/ollama/",
            "https://gpu.example.com:8443/ollama",
        ),
        ("HTTP://GPU:1", "http://gpu:1"),
    ] {
        assert_eq!(ollama(given).unwrap().as_str(), expected, "{given}");
    }
    for given in [
        "http://",
        "ftp://x",
        "a b",
        "x:99999",
        "x:0",
        "http://u:p@x",
        "http://x?q=1",
        "x#f",
        "http://x:y",
        "[::1",
        "zürich",
    ] {
        assert!(ollama(given).is_err(), "{given}");
    }
}

#[test]
fn an_endpoint_is_an_http_address_without_credentials() {
    for (given, expected, loopback) in [
        (
            "https://mine.openai.azure.com/",
            "https://mine.openai.azure.com",
            false,
        ),
        (
            "https://dial.example.com/v1//",
            "https://dial.example.com/v1",
            false,
        ),
        ("http://localhost:8080", "http://localhost:8080", true),
        ("http://dial.localhost", "http://dial.localhost", true),
        ("http://127.9.9.9", "http://127.9.9.9", true),
        ("http://[::1]:1", "http://[::1]:1", true),
        ("http://128.0.0.1", "http://128.0.0.1", false),
        (
            "http://localhost.example.com",
            "http://localhost.example.com",
            false,
        ),
    ] {
        let endpoint: Endpoint = given.parse().unwrap();
        assert_eq!(endpoint.as_str(), expected);
        assert_eq!(endpoint.is_loopback(), loopback, "{given}");
        assert_eq!(endpoint.is_encrypted(), given.starts_with("https"));
    }
    for given in [
        "",
        "mine.openai.azure.com",
        "https://",
        "https:///x",
        "ftp://x",
        "https://u:p@x",
        "https://x?api-key=1",
        "https://x/v1?api-key=1",
        "https://x/v1#f",
        "https://x\\@y",
        "https://x/#f",
        "https://x y",
        "https://-",
        "file:///etc/passwd",
    ] {
        assert!(given.parse::<Endpoint>().is_err(), "{given}");
    }
}

#[test]
fn log_settings_are_checked() {
    for given in [
        "info",
        "WARN",
        "off",
        "info,sqlx=warn",
        " warn , lattice_lock::billing=trace ",
        "my-app=debug",
    ] {
        assert_eq!(given.parse::<LogFilter>().unwrap().as_str(), given.trim());
    }
    for given in [
        "",
        "loud",
        "info,,",
        "=info",
        "sqlx=",
        "sqlx=loud",
        "a b=info",
        "info;warn",
    ] {
        assert!(given.parse::<LogFilter>().is_err(), "{given}");
    }
    assert_eq!("json".parse::<LogFormat>().unwrap(), LogFormat::Json);
    assert_eq!("human".parse::<LogFormat>().unwrap(), LogFormat::Human);
    assert!("xml".parse::<LogFormat>().is_err());
}

#[test]
fn a_region_is_a_region() {
    assert_eq!(
        shown(
            &with(&[("AWS_REGION", "us-gov-west-1")]).unwrap(),
            "providers.bedrock.region"
        ),
        "us-gov-west-1"
    );
    for given in ["US East", "us_east_1", "-", "a/b"] {
        assert!(with(&[("AWS_REGION", given)]).is_err(), "{given}");
    }
}

#[test]
fn a_credential_can_stand_in_a_header() {
    let key = |given: &str| {
        with(&[("OPENAI_API_KEY", given)]).map(|config| {
            config
                .providers()
                .openai
                .api_key
                .as_ref()
                .map(|key| key.expose().clone())
        })
    };
    assert_eq!(
        key("sk-live-4711\n").unwrap().as_deref(),
        Some("sk-live-4711")
    );
    assert_eq!(key("test-key").unwrap().as_deref(), Some("test-key"));
    for given in ["a b", "a\nb", "a\u{7f}", "schlüssel"] {
        let error = key(given).unwrap_err();
        assert!(!error.to_string().contains(given), "{error}");
    }
    assert!(key(&"k".repeat(1 << 20)).is_err());
}
