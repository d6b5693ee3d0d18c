use lattice_lock_config::{
    AppConfig, Environment, SecretFault, SecurityConfigurationError, SigningSecret, WarningKind,
    codes,
};
use lattice_lock_errors::{Code, Kind, Severity};

use crate::support::{STRONG, everything_said_by, kinds, problems, with, with_file};

const STRICT: [&str; 2] = ["production", "staging"];

#[track_caller]
fn refused(secret: Option<&str>, code: Code) {
    for environment in STRICT {
        let mut variables = vec![("LATTICE_ENV", environment)];
        variables.extend(secret.map(|secret| ("LATTICE_LOCK_SECRET_KEY", secret)));
        let error = with(&variables).expect_err("a refused secret");
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(error.kind(), Kind::Insecure);
        assert_eq!(error.severity(), Severity::Critical);
        let detail = error
            .find::<SecurityConfigurationError>()
            .expect("the typed detail");
        assert_eq!(detail.fault().code(), code);
        assert_eq!(detail.setting(), "LATTICE_LOCK_SECRET_KEY");
        let said = everything_said_by(&error);
        assert!(said.contains("LATTICE_LOCK_SECRET_KEY"), "{said}");
        let value = secret.unwrap_or("").trim();
        assert!(value.len() < 8 || !said.contains(value), "{said}");
    }
}

#[test]
fn without_a_secret_production_does_not_start() {
    refused(None, codes::SECRET_MISSING);
    refused(Some(""), codes::SECRET_MISSING);
    refused(Some(" \n"), codes::SECRET_MISSING);
}

#[test]
fn a_short_secret_is_refused() {
    refused(Some("short"), codes::SECRET_SHORT);
    refused(Some(&STRONG[..31]), codes::SECRET_SHORT);
    refused(Some("ÄÖÜäöüßÄÖÜäöü"), codes::SECRET_SHORT);
}

#[test]
fn a_placeholder_is_refused_however_it_is_dressed() {
    for secret in [
        "changeme",
        "secret",
        "Secret_Key!",
        "your-secret-key",
        "your-secret-key-here-change-it-in-production",
        "change-me-change-me-change-me-change-me",
        "CHANGEME-q0Zk3mB7xW1yVtR9uHc5aLd8eNf2gJp6",
        "supersecretsupersecretsupersecret",
        "c h a n g e m e x2kd83jdhs9",
        "password12345678901234567890abcdef",
        "dev-only-insecure-key-do-not-use-0001",
        "replace_me_with_a_long_random_string",
        "the-output-of-openssl-rand-base64-32",
        "this-is-a-very-long-key-for-jwt-0123456",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
        "lattice-lock-4f8a0c1b2d3e5f6a7b8c9d0e",
    ] {
        refused(Some(secret), codes::SECRET_PLACEHOLDER);
    }
}

#[test]
fn a_predictable_secret_is_refused() {
    for secret in [
        "a".repeat(32),
        "A".repeat(4096),
        "abc".repeat(20),
        "abcabcabcabcabcabcabcabcabcabcabcX".to_owned(),
        "ab".repeat(16),
        "0123456789abcdef".repeat(2),
        "0123456789abcdefghijklmnopqrstuvwxyz".to_owned(),
        "zyxwvutsrqponmlkjihgfedcba9876543210".to_owned(),
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".to_owned(),
        "aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQ".to_owned(),
        "1a2b3c4d5e6f7g8h9i0j1k2l3m4n5o6p".to_owned(),
        "01".repeat(16) + &"10".repeat(16),
        "00000000000000000000000000000000000000000000000000000000deadbeef".to_owned(),
        "mycompanymycompanymycompany2024!".to_owned(),
        "0316524413062501364210536245103642015346".to_owned(),
        "\u{1}\u{2}\u{3}\u{4}".repeat(8),
    ] {
        refused(Some(&secret), codes::SECRET_PREDICTABLE);
    }
}

#[test]
fn a_file_that_cannot_be_read_may_hold_the_secret_so_only_the_file_is_at_fault() {
    let production = [("LATTICE_ENV", "production")];
    let error = with_file("[auth]\nsecret_key = \"\n", &production).unwrap_err();
    assert_eq!(error.code(), codes::FILE_MALFORMED);
    let error = with_file("[auth]\nenabled = true\n", &production).unwrap_err();
    assert_eq!(error.code(), codes::SECRET_MISSING);
}

#[test]
fn the_previous_secret_is_held_to_the_same_rules() {
    let of = |previous: &str| {
        with(&[
            ("LATTICE_ENV", "production"),
            ("LATTICE_LOCK_SECRET_KEY", STRONG),
            ("LATTICE_LOCK_SECRET_KEY_PREVIOUS", previous),
        ])
    };
    let error = of("short").unwrap_err();
    assert_eq!(error.code(), codes::SECRET_SHORT);
    assert!(
        error
            .to_string()
            .contains("LATTICE_LOCK_SECRET_KEY_PREVIOUS"),
        "{error}"
    );
    assert!(of("").unwrap().auth().previous_secret.is_none());
    let config = of("Zt8Ck1Vn5Xq0Ls7Mw3Rb9Yf2Gd6Hj4Pu").unwrap();
    assert!(config.auth().previous_secret.is_some());
    assert!(kinds(&of(STRONG).unwrap()).contains(&WarningKind::SameSecretTwice));
}

#[test]
fn a_security_problem_among_others_decides_the_code_and_all_are_named() {
    let error = with_file(
        "[database]\npool_size = 0\n[auth]\nsecret_key = 'changeme'\n",
        &[("LATTICE_ENV", "production"), ("MAX_FUNCTION_CALLS", "x")],
    )
    .unwrap_err();
    assert_eq!(error.code(), codes::SECRET_PLACEHOLDER);
    assert_eq!(
        error.find::<SecurityConfigurationError>().unwrap().fault(),
        SecretFault::Placeholder
    );
    assert_eq!(problems(&error).len(), 3);
    let said = error.to_string();
    for part in [
        "auth.secret_key",
        ":4",
        "database.pool_size",
        "MAX_FUNCTION_CALLS",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a_host_with_its_own_auth_needs_no_secret_but_may_not_give_a_weak_one() {
    let of = |secret: Option<&'static str>| {
        AppConfig::builder()
            .variables([("LATTICE_ENV", "production")])
            .variables(secret.map(|secret| ("LATTICE_LOCK_SECRET_KEY", secret)))
            .set("auth.enabled", false)
            .build()
    };
    let config = of(None).unwrap();
    assert!(!config.auth().enabled);
    assert!(config.auth().signing_secret.is_none());
    assert_eq!(of(Some("short")).unwrap_err().code(), codes::SECRET_SHORT);
    assert!(of(Some(STRONG)).unwrap().auth().signing_secret.is_some());
}

#[test]
fn outside_production_a_secret_is_made_and_the_caller_is_told() {
    for environment in ["dev", "test"] {
        let make = || with(&[("LATTICE_ENV", environment)]).unwrap();
        let (one, other) = (make(), make());
        let secret = |config: &AppConfig| config.auth().signing_secret.clone().unwrap();
        assert!(secret(&one).is_random());
        assert_eq!(secret(&one).expose().len(), 32);
        assert!(secret(&one) != secret(&other));
        assert_eq!(kinds(&one), [WarningKind::RandomSecret]);
    }
}

#[test]
fn outside_production_a_weak_secret_is_a_warning() {
    let config = with(&[("LATTICE_LOCK_SECRET_KEY", "changeme")]).unwrap();
    assert_eq!(kinds(&config), [WarningKind::WeakSecret]);
    let secret = config.auth().signing_secret.as_ref().unwrap();
    assert_eq!(secret.weakness(), Some(SecretFault::Placeholder));
    assert_eq!(secret.expose(), b"changeme");
    assert!(!config.warnings()[0].to_string().contains("changeme"));
    assert!(kinds(&with(&[("LATTICE_LOCK_SECRET_KEY", STRONG)]).unwrap()).is_empty());
}

#[test]
fn a_signing_secret_comes_only_through_the_checks() {
    let parse = |text: &str, environment| SigningSecret::parse(text, environment);
    assert!(parse("", Environment::Dev).is_err());
    assert_eq!(
        parse("short", Environment::Production).unwrap_err().code(),
        codes::SECRET_SHORT
    );
    let secret = parse(&format!(" {STRONG}\n"), Environment::Production).unwrap();
    assert_eq!(secret.expose(), STRONG.as_bytes());
    assert_eq!(format!("{secret:?}"), "SigningSecret([redacted])");
    assert!(SigningSecret::random().unwrap() != SigningSecret::random().unwrap());
}

/// A generator with a fixed start, so that the figure is the same on every run.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A character of each byte that is below a multiple of the alphabet's size, so that all are as likely.
    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        let fair = 256 / alphabet.len() * alphabet.len();
        std::iter::repeat_with(|| self.next().to_le_bytes())
            .flatten()
            .map(usize::from)
            .filter(|byte| *byte < fair)
            .map(|byte| char::from(alphabet[byte % alphabet.len()]))
            .take(length)
            .collect()
    }
}

#[test]
fn random_secrets_of_32_characters_pass() {
    let mut random = SplitMix(7);
    for alphabet in [
        "0123456789abcdef",
        "0123456789ABCDEF",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    ] {
        for at in 0..4_000 {
            let secret = random.text(alphabet.as_bytes(), 32 + at % 33);
            let parsed = SigningSecret::parse(&secret, Environment::Production);
            assert!(
                parsed.is_ok(),
                "{secret} was refused: {}",
                parsed.unwrap_err()
            );
        }
    }
}

#[test]
fn what_is_unwise_in_production_is_told_to_the_caller() {
    let of = |environment| {
        with(&[
            ("LATTICE_ENV", environment),
            ("LATTICE_LOCK_SECRET_KEY", STRONG),
            ("DATABASE_ECHO", "1"),
            ("OLLAMA_HOST", "http://gpu.example.com"),
            ("DIAL_ENDPOINT", "http://localhost:9"),
            ("DIAL_API_KEY", "k"),
        ])
        .unwrap()
    };
    let config = of("production");
    assert_eq!(
        kinds(&config),
        [
            WarningKind::InMemory,
            WarningKind::Echo,
            WarningKind::PlainHttp
        ]
    );
    let said: Vec<String> = config.warnings().iter().map(ToString::to_string).collect();
    assert!(said[0].starts_with("database.url"), "{said:?}");
    assert!(said[1].starts_with("DATABASE_ECHO"), "{said:?}");
    assert!(said[2].starts_with("OLLAMA_HOST"), "{said:?}");
    for environment in ["dev", "test", "staging"] {
        assert!(of(environment).warnings().is_empty(), "{environment}");
    }
}

#[test]
fn a_placeholder_of_a_provider_key_counts_as_not_set() {
    for placeholder in [
        "sk-...",
        "sk-…",
        "your-api-key",
        "YOUR_API_KEY_HERE",
        "<your key>",
        "xxxxxxxxxxxx",
        "sk-xxxxxxxx",
        "changeme",
        "REPLACE_ME",
        "${OPENAI_API_KEY}",
    ] {
        let config = with(&[
            ("OPENAI_API_KEY", placeholder),
            ("LATTICE_LOCK_SECRET_KEY", STRONG),
        ])
        .unwrap();
        assert!(config.providers().openai.api_key.is_none(), "{placeholder}");
        assert_eq!(
            kinds(&config),
            [WarningKind::PlaceholderCredential],
            "{placeholder}"
        );
    }
}

#[test]
fn half_of_a_pair_is_told() {
    for one in [
        ("AZURE_OPENAI_API_KEY", "k"),
        ("AZURE_OPENAI_ENDPOINT", "https://x"),
        ("DIAL_API_KEY", "k"),
        ("DIAL_ENDPOINT", "https://x"),
    ] {
        let config = with(&[one, ("LATTICE_LOCK_SECRET_KEY", STRONG)]).unwrap();
        assert_eq!(kinds(&config), [WarningKind::IncompleteProvider], "{one:?}");
        assert!(!config.providers().azure_openai.is_complete());
    }
}

#[test]
fn three_slashes_are_explained_where_they_can_be_misread() {
    let of =
        |url| kinds(&with(&[("DATABASE_URL", url), ("LATTICE_LOCK_SECRET_KEY", STRONG)]).unwrap());
    assert_eq!(of("sqlite:///var/app.db"), [WarningKind::AmbiguousPath]);
    assert!(of("sqlite+aiosqlite:///var/app.db").is_empty());
    assert!(of("sqlite:////var/app.db").is_empty());
    assert!(of("sqlite:///:memory:").is_empty());
}

#[test]
fn tokens_without_a_signature_are_refused_everywhere() {
    for name in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        "no-ne",
        "null",
        "unsecured",
    ] {
        for environment in ["dev", "test", "staging", "production"] {
            let error = with(&[
                ("LATTICE_ENV", environment),
                ("LATTICE_LOCK_SECRET_KEY", STRONG),
                ("LATTICE_LOCK_TOKEN_ALGORITHM", name),
            ])
            .unwrap_err();
            assert_eq!(error.code(), codes::TOKENS_UNSIGNED, "{name}");
            let detail = error.find::<SecurityConfigurationError>().unwrap();
            assert_eq!(detail.fault(), SecretFault::Unsigned);
            assert_eq!(detail.setting(), "LATTICE_LOCK_TOKEN_ALGORITHM");
        }
    }
    for name in ["hs256", "HS512", "RS1", "Ed25519", "HS256,none"] {
        let error = with(&[("LATTICE_LOCK_TOKEN_ALGORITHM", name)]).unwrap_err();
        assert_eq!(error.code(), codes::VALUE_INVALID, "{name}");
    }
    let config = with(&[
        ("LATTICE_LOCK_TOKEN_ALGORITHM", "EdDSA"),
        ("LATTICE_LOCK_ISSUER", "https://auth.example.com"),
        ("LATTICE_LOCK_AUDIENCE", "search"),
    ])
    .unwrap();
    assert_eq!(config.auth().token_algorithm.as_str(), "EdDSA");
    assert_eq!(config.auth().issuer, "https://auth.example.com");
    assert_eq!(config.auth().audience, "search");
    for bad in ["a b", &"x".repeat(257)] {
        let error = with(&[("LATTICE_LOCK_ISSUER", bad)]).unwrap_err();
        assert_eq!(error.code(), codes::VALUE_INVALID);
    }
}
