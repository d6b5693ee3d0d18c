/// What is known about one setting before anyone gives it a value.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its path in a file, such as `database.pool_size`.
    pub(crate) key: &'static str,
    /// The variables that give it; the first one wins.
    pub(crate) variables: &'static [&'static str],
    /// What a value must be, as the rest of a sentence that begins with the name.
    pub(crate) rule: &'static str,
    /// A right value, or for a secret the way to one.
    pub(crate) example: &'static str,
    /// Whether empty text means that it is not given, wherever it stands.
    pub(crate) blank_is_absent: bool,
}

impl Setting {
    const fn new(
        key: &'static str,
        variables: &'static [&'static str],
        rule: &'static str,
        example: &'static str,
    ) -> Self {
        Self {
            key,
            variables,
            rule,
            example,
            blank_is_absent: false,
        }
    }

    const fn secret(
        key: &'static str,
        variables: &'static [&'static str],
        example: &'static str,
    ) -> Self {
        Self {
            key,
            variables,
            rule: "must be visible ASCII text without spaces, of at most 4096 bytes",
            example,
            blank_is_absent: true,
        }
    }

    const fn signing(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self {
            key,
            variables,
            rule: "must be text of 32 random bytes or more",
            example: "the output of `openssl rand -base64 32`",
            blank_is_absent: true,
        }
    }
}

const ADDRESS: &str =
    "must be an http:// or https:// address without user name, password, query and fragment";

pub(crate) static ENV: Setting = Setting::new(
    "env",
    &["LATTICE_ENV"],
    "must be dev, test, staging or production",
    "production",
);
pub(crate) static DATABASE_URL: Setting = Setting::new(
    "database.url",
    &["LATTICE_DATABASE_URL", "DATABASE_URL"],
    "must begin with sqlite:, postgres:// or mysql:// (a driver, as in postgresql+asyncpg://, is passed over)",
    "postgres://db.example.com/app",
);
pub(crate) static POOL_SIZE: Setting = Setting::new(
    "database.pool_size",
    &["DATABASE_POOL_SIZE"],
    "must be a whole number from 1 to 1000",
    "5",
);
pub(crate) static MAX_OVERFLOW: Setting = Setting::new(
    "database.max_overflow",
    &["DATABASE_MAX_OVERFLOW"],
    "must be a whole number from 0 to 1000",
    "10",
);
pub(crate) static ECHO: Setting = Setting::new(
    "database.echo",
    &["DATABASE_ECHO"],
    "must be true or false (also 1, yes, on, 0, no, off)",
    "false",
);
pub(crate) static AUTH_ENABLED: Setting = Setting::new(
    "auth.enabled",
    &[],
    "must be true or false (also 1, yes, on, 0, no, off)",
    "true",
);
pub(crate) static SECRET_KEY: Setting =
    Setting::signing("auth.secret_key", &["LATTICE_LOCK_SECRET_KEY"]);
pub(crate) static SECRET_KEY_PREVIOUS: Setting = Setting::signing(
    "auth.secret_key_previous",
    &["LATTICE_LOCK_SECRET_KEY_PREVIOUS"],
);
pub(crate) static TOKEN_EXPIRY: Setting = Setting::new(
    "auth.token_expiry_minutes",
    &["TOKEN_EXPIRY_MINUTES"],
    "must be a whole number of minutes from 1 to 525600",
    "30",
);
pub(crate) static REFRESH_TOKEN_EXPIRY: Setting = Setting::new(
    "auth.refresh_token_expire_days",
    &["REFRESH_TOKEN_EXPIRE_DAYS"],
    "must be a whole number of days from 1 to 3650",
    "7",
);
pub(crate) static CACHE_SIZE: Setting = Setting::new(
    "analyzer.cache_size",
    &["ANALYZER_CACHE_SIZE"],
    "must be a whole number from 0 to 1000000",
    "1024",
);
pub(crate) static MAX_FUNCTION_CALLS: Setting = Setting::new(
    "orchestrator.max_function_calls",
    &["MAX_FUNCTION_CALLS"],
    "must be a whole number from 0 to 1000",
    "10",
);
pub(crate) static TASK_TIMEOUT: Setting = Setting::new(
    "runtime.background_task_timeout",
    &["BACKGROUND_TASK_TIMEOUT"],
    "must be a number of seconds from 0.001 to 86400, without a unit",
    "5.0",
);
pub(crate) static OPENAI_KEY: Setting = Setting::secret(
    "providers.openai.api_key",
    &["OPENAI_API_KEY"],
    "a key from OpenAI's console",
);
pub(crate) static ANTHROPIC_KEY: Setting = Setting::secret(
    "providers.anthropic.api_key",
    &["ANTHROPIC_API_KEY"],
    "a key from Anthropic's console",
);
pub(crate) static GOOGLE_KEY: Setting = Setting::secret(
    "providers.google.api_key",
    &["GOOGLE_API_KEY", "GEMINI_API_KEY"],
    "a key from Google AI Studio",
);
pub(crate) static XAI_KEY: Setting = Setting::secret(
    "providers.xai.api_key",
    &["XAI_API_KEY"],
    "a key from xAI's console",
);
pub(crate) static AZURE_KEY: Setting = Setting::secret(
    "providers.azure_openai.api_key",
    &["AZURE_OPENAI_API_KEY"],
    "a key of the Azure resource",
);
pub(crate) static AZURE_ENDPOINT: Setting = Setting::new(
    "providers.azure_openai.endpoint",
    &["AZURE_OPENAI_ENDPOINT"],
    ADDRESS,
    "https://example.openai.azure.com",
);
pub(crate) static AWS_REGION: Setting = Setting::new(
    "providers.bedrock.region",
    &["AWS_REGION"],
    "must be a region of AWS: lower-case letters, digits and hyphens",
    "eu-central-1",
);
pub(crate) static DIAL_KEY: Setting = Setting::secret(
    "providers.dial.api_key",
    &["DIAL_API_KEY"],
    "a key of the DIAL deployment",
);
pub(crate) static DIAL_ENDPOINT: Setting = Setting::new(
    "providers.dial.endpoint",
    &["DIAL_ENDPOINT"],
    ADDRESS,
    "https://dial.example.com",
);
pub(crate) static OLLAMA_HOST: Setting = Setting::new(
    "providers.ollama.host",
    &["OLLAMA_HOST"],
    "must be a host with or without a port, or an address as http://host:port, without user name, password, query and fragment",
    "127.0.0.1:11434",
);
pub(crate) static LOG_FILTER: Setting = Setting::new(
    "telemetry.filter",
    &[],
    "must be off, error, warn, info, debug or trace, or a list of them with targets",
    "info,sqlx=warn",
);
pub(crate) static LOG_FORMAT: Setting =
    Setting::new("telemetry.format", &[], "must be human or json", "json");

/// The variable that names the file; it gives no setting.
pub(crate) const CONFIG_VARIABLE: &str = "LATTICE_CONFIG";

/// What our own variables begin with; others (`DATABASE_URL`) are shared with the rest of the world.
pub(crate) const PREFIX: &str = "LATTICE_";

/// Every setting, in the order in which they are read and shown.
pub(crate) static SETTINGS: [&Setting; 25] = [
    &ENV,
    &DATABASE_URL,
    &POOL_SIZE,
    &MAX_OVERFLOW,
    &ECHO,
    &AUTH_ENABLED,
    &SECRET_KEY,
    &SECRET_KEY_PREVIOUS,
    &TOKEN_EXPIRY,
    &REFRESH_TOKEN_EXPIRY,
    &CACHE_SIZE,
    &MAX_FUNCTION_CALLS,
    &TASK_TIMEOUT,
    &OPENAI_KEY,
    &ANTHROPIC_KEY,
    &GOOGLE_KEY,
    &XAI_KEY,
    &AZURE_KEY,
    &AZURE_ENDPOINT,
    &AWS_REGION,
    &DIAL_KEY,
    &DIAL_ENDPOINT,
    &OLLAMA_HOST,
    &LOG_FILTER,
    &LOG_FORMAT,
];

/// The setting with this path in a file.
pub(crate) fn with_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.into_iter().find(|setting| setting.key == key)
}

/// The setting that this variable gives, and the variable's name as a constant.
pub(crate) fn with_variable(name: &str) -> Option<(&'static Setting, &'static str)> {
    SETTINGS.into_iter().find_map(|setting| {
        let variable = setting.variables.iter().find(|known| **known == name)?;
        Some((setting, *variable))
    })
}

/// Every section's path, such as `providers.openai`; some more than once.
pub(crate) fn sections() -> impl Iterator<Item = &'static str> {
    SETTINGS.into_iter().flat_map(|setting| {
        setting
            .key
            .match_indices('.')
            .map(|(end, _)| &setting.key[..end])
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_and_no_variable_stands_for_two_settings() {
        let keys: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        assert_eq!(keys.len(), SETTINGS.len());
        let variables: Vec<_> = SETTINGS.iter().flat_map(|one| one.variables).collect();
        assert_eq!(
            variables.iter().collect::<BTreeSet<_>>().len(),
            variables.len()
        );
    }

    #[test]
    fn a_key_is_never_a_section_too() {
        assert!(sections().all(|section| with_key(section).is_none()));
    }

    #[test]
    fn the_crates_documentation_names_every_setting() {
        let documentation = include_str!("lib.rs");
        for setting in SETTINGS {
            let (section, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
            let row = documentation
                .lines()
                .find(|line| line.contains(&format!("`{name}`")) && line.contains(section));
            let row = row.unwrap_or_else(|| panic!("{} is not documented", setting.key));
            for variable in setting.variables {
                assert!(row.contains(variable), "{variable} is not documented");
            }
        }
    }
}
