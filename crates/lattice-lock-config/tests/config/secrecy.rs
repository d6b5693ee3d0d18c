use std::ffi::OsString;

use lattice_lock_config::AppConfig;
use proptest::prelude::*;

use crate::support::{everything_said_by, everything_shown_by, file, over};

/// Long enough to be found again, and shaped like no key of ours.
const PLANTED: &str = "Pl4nt3d.9f8e7d6c5b4a3210.Pl4nt3d";

const SECRETS: [(&str, &str); 9] = [
    ("auth.secret_key", "LATTICE_LOCK_SECRET_KEY"),
    (
        "auth.secret_key_previous",
        "LATTICE_LOCK_SECRET_KEY_PREVIOUS",
    ),
    ("providers.openai.api_key", "OPENAI_API_KEY"),
    ("providers.anthropic.api_key", "ANTHROPIC_API_KEY"),
    ("providers.google.api_key", "GEMINI_API_KEY"),
    ("providers.xai.api_key", "XAI_API_KEY"),
    ("providers.azure_openai.api_key", "AZURE_OPENAI_API_KEY"),
    ("providers.dial.api_key", "DIAL_API_KEY"),
    ("database.url", "DATABASE_URL"),
];

const OTHERS: [(&str, &str); 13] = [
    ("env", "LATTICE_ENV"),
    ("database.pool_size", "DATABASE_POOL_SIZE"),
    ("database.max_overflow", "DATABASE_MAX_OVERFLOW"),
    ("database.echo", "DATABASE_ECHO"),
    ("auth.token_expiry_minutes", "TOKEN_EXPIRY_MINUTES"),
    (
        "auth.refresh_token_expire_days",
        "REFRESH_TOKEN_EXPIRE_DAYS",
    ),
    ("auth.token_algorithm", "LATTICE_LOCK_TOKEN_ALGORITHM"),
    ("analyzer.cache_size", "ANALYZER_CACHE_SIZE"),
    ("orchestrator.max_function_calls", "MAX_FUNCTION_CALLS"),
    ("runtime.background_task_timeout", "BACKGROUND_TASK_TIMEOUT"),
    ("providers.bedrock.region", "AWS_REGION"),
    ("telemetry.format", "LATTICE_UNKNOWN"),
    ("telemetry.filter", "LATTICE_ENW"),
];

fn planted(key: &str) -> String {
    match key {
        "database.url" => format!("postgres://app:{PLANTED}@db.example.com/app?password={PLANTED}"),
        _ => PLANTED.to_owned(),
    }
}

/// Nothing that the builder gives back repeats the planted text.
fn check(builder: lattice_lock_config::AppConfigBuilder) {
    assert!(!format!("{builder:?} {builder:#?}").contains("Pl4nt3d"));
    let said = match builder.build() {
        Ok(config) => everything_shown_by(&config),
        Err(error) => everything_said_by(&error),
    };
    assert!(
        !said.contains("Pl4nt3d") && !said.contains("9f8e7d6c"),
        "{said}"
    );
}

fn line(key: &str, value: &str) -> String {
    match key.rsplit_once('.') {
        Some((section, name)) => format!("[{section}]\n{name} = \"{value}\"\n"),
        None => format!("{key} = \"{value}\"\n"),
    }
}

#[test]
fn a_planted_secret_is_shown_by_nothing_from_any_layer() {
    for environment in ["dev", "production"] {
        for (key, variable) in SECRETS.into_iter().chain(OTHERS) {
            let value = planted(key);
            let base = || AppConfig::builder().set("env", environment);
            check(base().variables([(variable, &value)]));
            check(base().set(key, value.as_str()));
            let file = file(&line(key, &value));
            check(over(&file).set("env", environment));
        }
    }
}

#[test]
fn a_planted_secret_in_a_wrong_place_is_not_repeated_either() {
    for text in [
        format!("{PLANTED} = 1\n"),
        format!("\"{PLANTED}\" = 1\n"),
        format!("[{PLANTED}]\n"),
        format!("[\"{PLANTED}\".x]\n"),
        format!("[database.\"{PLANTED}\"]\n"),
        format!("database = \"{PLANTED}\"\n"),
        format!("[database]\npool_size = [\"{PLANTED}\"]\n"),
        format!("[database]\npool_size = {{ \"{PLANTED}\" = 1 }}\n"),
        format!("unknown = \"{PLANTED}\"\n"),
    ] {
        check(over(&file(&text)));
    }
    check(AppConfig::builder().set(PLANTED, PLANTED));
    check(AppConfig::builder().variables([(format!("LATTICE_{PLANTED}"), PLANTED)]));
}

fn template() -> String {
    SECRETS
        .iter()
        .chain(&OTHERS)
        .fold(String::new(), |text, (key, _)| {
            text + &line(key, &planted(key))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_a_file_is_damaged_its_secrets_stay_in_it(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, "[\\[\\]='\"{}.,#\\\\\n a0]{0,4}"), 1..6),
    ) {
        let mut text = template();
        for (at, length, inserted) in cuts {
            let start = at.index(text.len());
            let end = (start + length).min(text.len());
            // A cut through the planted text would hide a leak from the search below.
            let whole = text.match_indices(PLANTED).all(|(at, _)| end <= at || start >= at + PLANTED.len());
            if whole {
                text.replace_range(start..end, &inserted);
            }
        }
        check(over(&file(&text)));
    }

    #[test]
    fn no_file_makes_it_panic(text in "(?s).{0,200}") {
        check(over(&file(&text)));
    }

    #[test]
    fn nothing_shaped_like_a_file_makes_it_panic(
        text in "((\\[{1,2}|)(env|database|auth|providers|openai|\"a\"|'b')(\\.|\\]{1,2}|=|\n|) ?(1|0x|-|\"|'|\\{|\\[|true|1979-05-27|nan|inf|)\n?){0,20}",
    ) {
        check(over(&file(&text)));
    }

    #[test]
    fn no_variable_makes_it_panic(
        given in prop::collection::vec((prop::sample::select(names()), any::<Vec<u8>>()), 0..8),
        foreign in prop::collection::vec((".{0,20}", ".{0,20}"), 0..4),
    ) {
        let variables = given.into_iter().map(|(name, value)| (OsString::from(name), text_of(value)));
        check(AppConfig::builder().variables(variables).variables(foreign));
    }

    #[test]
    fn no_value_of_a_url_makes_it_panic(
        scheme in prop::sample::select(vec!["sqlite:", "sqlite:///", "postgres://", "postgresql+asyncpg://", "mysql://", "http://", "https://", ""]),
        rest in "[a-c0-9:/?#@%&=.\\[\\]ä \u{0}-]{0,30}",
    ) {
        let value = format!("{scheme}{rest}");
        for variable in ["DATABASE_URL", "OLLAMA_HOST", "DIAL_ENDPOINT"] {
            check(AppConfig::builder().variables([(variable, &value)]));
        }
    }

    #[test]
    fn credentials_in_a_database_url_are_shown_by_nothing(
        before in "[a-z0-9:/?#@%&=.]{0,8}",
        after in "[a-z0-9:/?#@%&=.]{0,8}",
        scheme in prop::sample::select(vec!["postgres", "postgresql+asyncpg", "mysql"]),
    ) {
        let url = format!("{scheme}://app:{before}{PLANTED}{after}@db.example.com/app");
        check(AppConfig::builder().variables([("DATABASE_URL", &url)]));
    }
}

fn names() -> Vec<&'static str> {
    SECRETS
        .iter()
        .chain(&OTHERS)
        .map(|(_, variable)| *variable)
        .chain(["OLLAMA_HOST", "LATTICE_"])
        .collect()
}

#[cfg(unix)]
fn text_of(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn text_of(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
