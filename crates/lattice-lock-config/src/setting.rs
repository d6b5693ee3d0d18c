//! The catalogue of settings: names, rules and examples, without values.

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
    /// A value that may be shown.
    const fn plain(
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

    /// A provider's key.
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

    /// A secret that tokens are signed with.
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

/// What an endpoint must be; credentials have settings of their own, where they are kept secret.
const ADDRESS: &str =
    "must be an http:// or https:// address without user name, password, query and fragment";

/// What a token's issuer or audience must be.
const NAME: &str = "must be 1 to 256 bytes without white space and control characters";

/// What a switch must be.
const SWITCH: &str = "must be true or false (also 1, yes, on, 0, no, off)";

/// Declares the settings and, with them, the list of all; each line is a kind, a key, the variables, and what
/// the kind needs besides.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ident($key:literal, [$($variable:literal),*] $(, $more:expr)*);)+) => {
        $(
            $(#[doc = $doc])+
            pub(crate) static $name: Setting = Setting::$kind($key, &[$($variable),*] $(, $more)*);
        )+
        /// Every setting, in the order in which they are read and shown.
        pub(crate) static SETTINGS: &[&Setting] = &[$(&$name),+];
    };
}

settings! {
    /// Where the program runs. Only the four names: whoever writes another means something that we would
    /// have to guess, and the guess decides what is safe.
    ENV: plain("env", ["LATTICE_ENV"], "must be dev, test, staging or production", "production");

    /// Where data are kept. `DATABASE_URL` is what hosts have already; ours wins for those who keep both.
    DATABASE_URL: plain("database.url", ["LATTICE_DATABASE_URL", "DATABASE_URL"],
        "must begin with sqlite:, postgres:// or mysql:// (a driver, as in postgresql+asyncpg://, is passed over)", "postgres://db.example.com/app");

    /// Connections kept open. A thousand is ten times what PostgreSQL allows unless it is told otherwise.
    POOL_SIZE: plain("database.pool_size", ["DATABASE_POOL_SIZE"], "must be a whole number from 1 to 1000", "5");

    /// Connections opened beyond those. Unlike `SQLAlchemy`'s there is no -1 for any number.
    MAX_OVERFLOW: plain("database.max_overflow", ["DATABASE_MAX_OVERFLOW"], "must be a whole number from 0 to 1000", "10");

    /// Whether statements are logged.
    ECHO: plain("database.echo", ["DATABASE_ECHO"], SWITCH, "false");

    /// Whether the library knows who is calling. No variable: it is for the program to say that it has its
    /// own auth, not for whoever can set its environment.
    AUTH_ENABLED: plain("auth.enabled", [], SWITCH, "true");

    /// What tokens are signed with.
    SECRET_KEY: signing("auth.secret_key", ["LATTICE_LOCK_SECRET_KEY"]);

    /// What tokens were signed with before a rotation.
    SECRET_KEY_PREVIOUS: signing("auth.secret_key_previous", ["LATTICE_LOCK_SECRET_KEY_PREVIOUS"]);

    /// How access tokens are signed.
    TOKEN_ALGORITHM: plain("auth.token_algorithm", ["LATTICE_LOCK_TOKEN_ALGORITHM"], "must be HS256, EdDSA, ES256 or RS256", "HS256");

    /// Who issues tokens.
    ISSUER: plain("auth.issuer", ["LATTICE_LOCK_ISSUER"], NAME, "https://auth.example.com");

    /// For whom they are.
    AUDIENCE: plain("auth.audience", ["LATTICE_LOCK_AUDIENCE"], NAME, "https://api.example.com");

    /// Minutes that an access token is good for, up to a year.
    TOKEN_EXPIRY: plain("auth.token_expiry_minutes", ["TOKEN_EXPIRY_MINUTES"], "must be a whole number of minutes from 1 to 525600", "30");

    /// Days that a refresh token is good for, up to ten years.
    REFRESH_TOKEN_EXPIRY: plain("auth.refresh_token_expire_days", ["REFRESH_TOKEN_EXPIRE_DAYS"], "must be a whole number of days from 1 to 3650", "7");

    /// Analyses that are remembered.
    CACHE_SIZE: plain("analyzer.cache_size", ["ANALYZER_CACHE_SIZE"], "must be a whole number from 0 to 1000000", "1024");

    /// Tool calls of one operation.
    MAX_FUNCTION_CALLS: plain("orchestrator.max_function_calls", ["MAX_FUNCTION_CALLS"], "must be a whole number from 0 to 1000", "10");

    /// Seconds that background tasks have to end. More than a day would outlive any shutdown.
    TASK_TIMEOUT: plain("runtime.background_task_timeout", ["BACKGROUND_TASK_TIMEOUT"], "must be a number of seconds from 0.001 to 86400, without a unit", "5.0");

    /// OpenAI's key.
    OPENAI_KEY: secret("providers.openai.api_key", ["OPENAI_API_KEY"], "a key from OpenAI's console");

    /// Anthropic's key.
    ANTHROPIC_KEY: secret("providers.anthropic.api_key", ["ANTHROPIC_API_KEY"], "a key from Anthropic's console");

    /// Google's key. Of the two names Google's own clients prefer the first.
    GOOGLE_KEY: secret("providers.google.api_key", ["GOOGLE_API_KEY", "GEMINI_API_KEY"], "a key from Google AI Studio");

    /// xAI's key.
    XAI_KEY: secret("providers.xai.api_key", ["XAI_API_KEY"], "a key from xAI's console");

    /// The key of an Azure resource.
    AZURE_KEY: secret("providers.azure_openai.api_key", ["AZURE_OPENAI_API_KEY"], "a key of the Azure resource");

    /// The address of that resource.
    AZURE_ENDPOINT: plain("providers.azure_openai.endpoint", ["AZURE_OPENAI_ENDPOINT"], ADDRESS, "https://example.openai.azure.com");

    /// Bedrock's region; AWS's own chain gives the credentials.
    AWS_REGION: plain("providers.bedrock.region", ["AWS_REGION"], "must be a region of AWS: lower-case letters, digits and hyphens", "eu-central-1");

    /// The key of a DIAL deployment.
    DIAL_KEY: secret("providers.dial.api_key", ["DIAL_API_KEY"], "a key of the DIAL deployment");

    /// The address of that deployment.
    DIAL_ENDPOINT: plain("providers.dial.endpoint", ["DIAL_ENDPOINT"], ADDRESS, "https://dial.example.com");

    /// Where Ollama listens.
    OLLAMA_HOST: plain("providers.ollama.host", ["OLLAMA_HOST"],
        "must be a host with or without a port, or an address as http://host:port, without user name, password, query and fragment", "127.0.0.1:11434");

    /// Which events are logged. No variable: a host has its own (`RUST_LOG`) for its own subscriber.
    LOG_FILTER: plain("telemetry.filter", [], "must be off, error, warn, info, debug or trace, or a list of them with targets", "info,sqlx=warn");

    /// How they are written.
    LOG_FORMAT: plain("telemetry.format", [], "must be human or json", "json");
}

/// The variable that names the file; it gives no setting.
pub(crate) const CONFIG_VARIABLE: &str = "LATTICE_CONFIG";

/// What our own variables begin with; others (`DATABASE_URL`) are shared with the rest of the world.
pub(crate) const PREFIX: &str = "LATTICE_";

/// The setting with this path in a file.
pub(crate) fn with_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().copied().find(|setting| setting.key == key)
}

/// The setting that this variable gives, and the variable's name as a constant.
pub(crate) fn with_variable(name: &str) -> Option<(&'static Setting, &'static str)> {
    SETTINGS.iter().copied().find_map(|setting| {
        let variable = setting.variables.iter().find(|known| **known == name)?;
        Some((setting, *variable))
    })
}

/// Every section's path, such as `providers.openai`; some more than once.
pub(crate) fn sections() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().copied().flat_map(|setting| {
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
