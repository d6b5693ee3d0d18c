use std::time::Duration;

use lattice_lock_config::{AppConfig, Environment};
use proptest::prelude::*;

use crate::support::{STRONG, file, origin, over, shown, with, with_file};

#[test]
fn nothing_given_means_the_documented_defaults() {
    let config = AppConfig::builder().build().unwrap();
    assert_eq!(config.environment(), Environment::Dev);
    assert!(config.database().url.is_in_memory());
    assert_eq!(config.database().pool_size, 5);
    assert_eq!(config.database().max_overflow, 10);
    assert_eq!(config.database().max_connections(), 15);
    assert!(!config.database().echo);
    assert!(config.auth().enabled);
    assert_eq!(config.auth().token_expiry, Duration::from_mins(30));
    assert_eq!(
        config.auth().refresh_token_expiry,
        Duration::from_hours(7 * 24)
    );
    assert_eq!(config.analyzer().cache_size, 1024);
    assert_eq!(config.orchestrator().max_function_calls, 10);
    assert_eq!(
        config.runtime().background_task_timeout,
        Duration::from_secs(5)
    );
    assert!(config.providers().openai.api_key.is_none());
    assert_eq!(config.telemetry().filter.as_str(), "info");
}

#[test]
fn a_later_layer_wins_and_is_named_as_the_source() {
    let file = file("[database]\npool_size = 2\nmax_overflow = 3\n");
    let config = over(&file)
        .variables([("DATABASE_POOL_SIZE", "7"), ("DATABASE_ECHO", "true")])
        .set("database.echo", false)
        .build()
        .unwrap();
    assert_eq!(config.database().pool_size, 7);
    assert_eq!(config.database().max_overflow, 3);
    assert!(!config.database().echo);
    assert_eq!(
        origin(&config, "database.pool_size"),
        "variable DATABASE_POOL_SIZE"
    );
    assert_eq!(
        origin(&config, "database.max_overflow"),
        format!("file {}:3", file.path().display())
    );
    assert_eq!(origin(&config, "database.echo"), "override");
    assert_eq!(origin(&config, "analyzer.cache_size"), "default");
}

#[test]
fn of_two_overrides_the_last_wins() {
    let config = AppConfig::builder()
        .set("database.pool_size", 3)
        .set("database.pool_size", "4")
        .build()
        .unwrap();
    assert_eq!(config.database().pool_size, 4);
}

#[test]
fn of_two_variables_with_one_name_the_last_wins() {
    let config = with(&[("DATABASE_POOL_SIZE", "3"), ("DATABASE_POOL_SIZE", "4")]).unwrap();
    assert_eq!(config.database().pool_size, 4);
}

#[test]
fn our_variable_wins_over_the_common_one() {
    let ours = ("LATTICE_DATABASE_URL", "sqlite:ours.db");
    let common = ("DATABASE_URL", "mssql://the-hosts-own");
    for variables in [[ours, common], [common, ours]] {
        let config = with(&variables).unwrap();
        assert_eq!(config.database().url.path(), Some("ours.db"));
        assert_eq!(
            origin(&config, "database.url"),
            "variable LATTICE_DATABASE_URL"
        );
    }
    let config = with(&[
        ("LATTICE_DATABASE_URL", ""),
        ("DATABASE_URL", "sqlite:x.db"),
    ])
    .unwrap();
    assert_eq!(config.database().url.path(), Some("x.db"));
}

#[test]
fn google_may_be_spelled_gemini() {
    let key = |variables: &[(&str, &str)]| {
        let config = with(variables).unwrap();
        config
            .providers()
            .google
            .api_key
            .as_ref()
            .map(|key| key.expose().clone())
    };
    assert_eq!(key(&[("GEMINI_API_KEY", "a")]).as_deref(), Some("a"));
    assert_eq!(
        key(&[("GEMINI_API_KEY", "a"), ("GOOGLE_API_KEY", "b")]).as_deref(),
        Some("b")
    );
}

#[test]
fn the_file_is_named_by_a_variable_or_by_code() {
    let named = file("[analyzer]\ncache_size = 1\n");
    let given = file("[analyzer]\ncache_size = 2\n");
    let variable = [("LATTICE_CONFIG", named.path())];
    let config = AppConfig::builder().variables(variable).build().unwrap();
    assert_eq!(config.analyzer().cache_size, 1);
    let config = over(&given).variables(variable).build().unwrap();
    assert_eq!(config.analyzer().cache_size, 2);
    let config = AppConfig::from_file(given.path()).unwrap();
    assert_eq!(config.analyzer().cache_size, 2);
    assert_eq!(config.effective_config().file(), Some(given.path()));
}

#[test]
fn every_key_can_be_given_in_a_file() {
    let text = format!(
        r#"
        env = "production"
        [database]
        url = "postgresql+asyncpg://app:hunter2@db.example.com/app"
        pool_size = 20
        max_overflow = 0
        echo = false
        [auth]
        enabled = true
        secret_key = "{STRONG}"
        secret_key_previous = "{STRONG}x"
        token_algorithm = "ES256"
        issuer = "https://auth.example.com"
        audience = "https://api.example.com"
        token_expiry_minutes = 15
        refresh_token_expire_days = 30
        [analyzer]
        cache_size = 0
        [orchestrator]
        max_function_calls = 0
        [runtime]
        background_task_timeout = 2
        [providers.openai]
        api_key = "k-openai"
        [providers.anthropic]
        api_key = "k-anthropic"
        [providers.google]
        api_key = "k-google"
        [providers.xai]
        api_key = "k-xai"
        [providers.azure_openai]
        api_key = "k-azure"
        endpoint = "https://mine.openai.azure.com/"
        [providers.bedrock]
        region = "eu-central-1"
        [providers.dial]
        api_key = "k-dial"
        endpoint = "https://dial.example.com"
        [providers.ollama]
        host = "127.0.0.1:11434"
        [telemetry]
        filter = "warn,lattice_lock=debug"
        format = "json"
        "#
    );
    let config = with_file(&text, &[]).unwrap();
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
    let effective = config.effective_config();
    for setting in effective.settings() {
        assert!(
            setting.origin().to_string().starts_with("file "),
            "{}",
            setting.key()
        );
        assert_ne!(setting.value().to_string(), "unset", "{}", setting.key());
    }
    assert_eq!(
        config.providers().dial.endpoint.as_ref().unwrap().as_str(),
        "https://dial.example.com"
    );
    assert_eq!(shown(&config, "runtime.background_task_timeout"), "2");
}

#[test]
fn the_file_in_the_documentation_is_a_good_one() {
    let documentation = include_str!("../../src/lib.rs");
    let lines = documentation
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1);
    let text: Vec<_> = lines
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//!").trim_start())
        .collect();
    assert!(text.len() > 10);
    let secrets = [
        ("LATTICE_LOCK_SECRET_KEY", STRONG),
        ("AZURE_OPENAI_API_KEY", "k"),
    ];
    let config = with_file(&text.join("\n"), &secrets).unwrap();
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
}

#[test]
fn empty_text_counts_as_not_given() {
    let config = with(&[
        ("OPENAI_API_KEY", "  "),
        ("DATABASE_POOL_SIZE", ""),
        ("LATTICE_LOCK_SECRET_KEY", ""),
        ("LATTICE_CONFIG", ""),
    ])
    .unwrap();
    assert!(config.providers().openai.api_key.is_none());
    assert_eq!(config.database().pool_size, 5);
    let config = with_file("[providers.openai]\napi_key = ''\n", &[]).unwrap();
    assert_eq!(shown(&config, "providers.openai.api_key"), "unset");
}

#[test]
fn the_effective_configuration_says_where_each_value_comes_from() {
    let config = with(&[
        ("OPENAI_API_KEY", "sk-live-4711"),
        ("DATABASE_POOL_SIZE", "9"),
    ])
    .unwrap();
    let json = serde_json::to_value(config.effective_config()).unwrap();
    let setting = |key: &str| {
        json["settings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["key"] == key)
            .cloned()
            .unwrap()
    };
    assert_eq!(setting("database.pool_size")["value"], 9);
    assert_eq!(
        setting("database.pool_size")["origin"],
        "variable DATABASE_POOL_SIZE"
    );
    assert_eq!(setting("providers.openai.api_key")["value"], "set");
    assert_eq!(setting("providers.xai.api_key")["value"], "unset");
    assert_eq!(setting("auth.secret_key")["value"], "set");
    assert_eq!(setting("auth.secret_key")["origin"], "generated");
    assert_eq!(setting("database.url")["value"], "sqlite::memory:");
    let text = config.effective_config().to_string();
    assert!(text.contains("database.pool_size"), "{text}");
    assert_eq!(
        text.lines().count(),
        config.effective_config().settings().len()
    );
}

#[test]
fn a_clone_shares_what_the_original_holds() {
    let config = AppConfig::builder().build().unwrap();
    let clone = config.clone();
    assert!(std::ptr::eq(config.database(), clone.database()));
    assert!(config.auth().signing_secret == clone.auth().signing_secret);
}

const NUMBERS: [(&str, &str, &str); 4] = [
    ("database.pool_size", "DATABASE_POOL_SIZE", "5"),
    ("database.max_overflow", "DATABASE_MAX_OVERFLOW", "10"),
    ("analyzer.cache_size", "ANALYZER_CACHE_SIZE", "1024"),
    (
        "orchestrator.max_function_calls",
        "MAX_FUNCTION_CALLS",
        "10",
    ),
];

type Layers = [Option<u16>; 3];

/// The model: of the layers that give a value, the last one.
fn expected(default: &str, layers: Layers) -> (String, &'static str) {
    let named = ["file", "variable", "override"];
    layers
        .into_iter()
        .zip(named)
        .rev()
        .find_map(|(value, layer)| value.map(|value| (value.to_string(), layer)))
        .unwrap_or((default.to_owned(), "default"))
}

fn file_text(given: &[Layers; 4]) -> String {
    NUMBERS
        .iter()
        .zip(given)
        .filter_map(|((key, ..), layers)| Some(format!("{key} = {}\n", layers[0]?)))
        .collect::<Vec<_>>()
        .concat()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_last_layer_that_gives_a_value_wins(
        given in prop::array::uniform4(prop::array::uniform3(prop::option::of(1_u16..=900))),
    ) {
        let file = file(&file_text(&given));
        let mut builder = over(&file);
        for ((key, variable, _), layers) in NUMBERS.iter().zip(&given) {
            builder = builder.variables(layers[1].map(|value| (*variable, value.to_string())));
            builder = layers[2].into_iter().fold(builder, |builder, value| builder.set(*key, u32::from(value)));
        }
        let config = builder.build().unwrap();
        for ((key, _, default), layers) in NUMBERS.iter().zip(given) {
            let (value, layer) = expected(default, layers);
            prop_assert_eq!(shown(&config, key), value);
            prop_assert!(origin(&config, key).starts_with(layer));
        }
    }
}
