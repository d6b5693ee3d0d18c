use std::time::Duration;

use lattice_lock_errors::{Result, Secret};

use crate::effective::EffectiveValue;
use crate::parse::{Fault, Parsed};
use crate::problem::{Problem, given_as};
use crate::reading::Reading;
use crate::setting::{
    AUDIENCE, AUTH_ENABLED, ISSUER, REFRESH_TOKEN_EXPIRY, SECRET_KEY, SECRET_KEY_PREVIOUS, Setting,
    TOKEN_ALGORITHM, TOKEN_EXPIRY,
};
use crate::value::Raw;
use crate::{Environment, Origin, SecretFault, SigningSecret, TokenAlgorithm, WarningKind, parse};

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// The section `auth`.
///
/// ```
/// use lattice_lock_config::AppConfig;
///
/// let config = AppConfig::builder().build()?;
/// assert!(config.auth().signing_secret.as_ref().is_some_and(|secret| secret.is_random()));
///
/// let config = AppConfig::builder().set("env", "production").set("auth.enabled", false).build()?;
/// assert!(config.auth().signing_secret.is_none());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthConfig {
    /// Whether this library knows who is calling; on by default. A host with its own auth turns it off, and
    /// needs no signing secret then.
    pub enabled: bool,
    /// What tokens are signed with. If none is given it is random, or absent when `enabled` is off.
    ///
    /// Variable `LATTICE_LOCK_SECRET_KEY`, key `secret_key`.
    pub signing_secret: Option<SigningSecret>,
    /// What tokens were signed with before: still accepted, no longer used for new ones.
    ///
    /// Variable `LATTICE_LOCK_SECRET_KEY_PREVIOUS`, key `secret_key_previous`.
    pub previous_secret: Option<SigningSecret>,
    /// How access tokens are signed; `HS256` by default. For the others the program gives the private key.
    ///
    /// Variable `LATTICE_LOCK_TOKEN_ALGORITHM`, key `token_algorithm`.
    pub token_algorithm: TokenAlgorithm,
    /// Who issues tokens, 1 to 256 bytes; `lattice-lock` by default.
    ///
    /// Variable `LATTICE_LOCK_ISSUER`, key `issuer`.
    pub issuer: String,
    /// For whom tokens are, 1 to 256 bytes; `lattice-lock` by default. Services that share a secret and are not to
    /// accept each other's tokens each take a name of their own.
    ///
    /// Variable `LATTICE_LOCK_AUDIENCE`, key `audience`.
    pub audience: String,
    /// How long an access token is good, up to a year; 30 minutes by default.
    ///
    /// Variable `TOKEN_EXPIRY_MINUTES`, key `token_expiry_minutes`.
    pub token_expiry: Duration,
    /// How long a refresh token is good, up to ten years; 7 days by default.
    ///
    /// Variable `REFRESH_TOKEN_EXPIRE_DAYS`, key `refresh_token_expire_days`.
    pub refresh_token_expiry: Duration,
}

impl AuthConfig {
    /// Fails only if the system gives no random bytes; what is wrong with the settings becomes a problem.
    pub(crate) fn read(reading: &mut Reading, environment: Environment) -> Result<Self> {
        let enabled = reading.value(&AUTH_ENABLED, true, parse::switch);
        let required = enabled && environment.requires_secret();
        let signing_secret = match given(reading, &SECRET_KEY, environment) {
            Given::Absent if required => missing(reading),
            Given::Absent if enabled => Some(random(reading)?),
            Given::Absent | Given::Refused => absent(reading, &SECRET_KEY),
            Given::Secret(secret) => Some(secret),
        };
        let previous_secret = match given(reading, &SECRET_KEY_PREVIOUS, environment) {
            Given::Absent | Given::Refused => absent(reading, &SECRET_KEY_PREVIOUS),
            Given::Secret(secret) => Some(secret),
        };
        let token_algorithm = algorithm(reading);
        let name = || "lattice-lock".to_owned();
        let issuer = reading.value(&ISSUER, name(), visible);
        let audience = reading.value(&AUDIENCE, name(), visible);
        let minutes = reading.value(&TOKEN_EXPIRY, 30, |raw| parse::whole(raw, 1..=525_600));
        let days = reading.value(&REFRESH_TOKEN_EXPIRY, 7, |raw| parse::whole(raw, 1..=3650));
        Ok(Self {
            enabled,
            signing_secret,
            previous_secret,
            token_algorithm,
            issuer,
            audience,
            token_expiry: Duration::from_secs(u64::from(minutes) * MINUTE),
            refresh_token_expiry: Duration::from_secs(u64::from(days) * DAY),
        })
    }

    /// Warns about a rotation that is none.
    pub(crate) fn advise(&self, reading: &mut Reading) {
        if self.previous_secret.is_some() && self.previous_secret == self.signing_secret {
            reading.warn_about(WarningKind::SameSecretTwice, &SECRET_KEY_PREVIOUS);
        }
    }
}

/// The algorithm; one like `none` is not a slip but unsafe, whatever else is wrong.
fn algorithm(reading: &mut Reading) -> TokenAlgorithm {
    let read = |raw: &Raw| {
        let name = parse::text(raw)?;
        match TokenAlgorithm::named(name) {
            Some(known) => Ok(Some(known)),
            None if is_none(name) => Ok(None),
            None => Err(Fault::default()),
        }
    };
    let (found, origin) = reading
        .winner(&TOKEN_ALGORITHM, read)
        .unwrap_or((Some(TokenAlgorithm::default()), Origin::Default));
    if found.is_none() {
        let problem = Problem::secret(&TOKEN_ALGORITHM, &origin, SecretFault::Unsigned);
        reading.problem(problem);
    }
    let algorithm = found.unwrap_or_default();
    reading.show(
        &TOKEN_ALGORITHM,
        EffectiveValue::Text(algorithm.to_string()),
        origin,
    );
    algorithm
}

/// However it is spelled: no signature at all.
fn is_none(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    ["none", "null", "unsigned", "unsecured", "plain"]
        .iter()
        .any(|one| letters.eq_ignore_ascii_case(one))
}

/// Visible text that can stand in a token as an issuer or an audience.
fn visible(raw: &Raw) -> Parsed<String> {
    let text = parse::text(raw)?;
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    if plain && (1..=256).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err(Fault::default())
}

/// What the layers give for a signing secret.
enum Given {
    /// Nothing.
    Absent,
    /// Something that has become a problem.
    Refused,
    /// A secret that may be used here.
    Secret(SigningSecret),
}

/// Reads and checks a signing secret; a weak one that may be used here is a warning.
fn given(reading: &mut Reading, setting: &'static Setting, environment: Environment) -> Given {
    if !reading.is_given(setting) {
        return Given::Absent;
    }
    let text = |raw: &_| Ok(Secret::new(parse::text(raw)?.to_owned()));
    let Some((text, origin)) = reading.winner(setting, text) else {
        return Given::Refused;
    };
    match SigningSecret::checked(text.expose(), environment) {
        Ok(secret) => {
            if secret.weakness().is_some() {
                reading.warn(WarningKind::WeakSecret, given_as(setting, &origin));
            }
            reading.show(setting, EffectiveValue::Given(true), origin);
            Given::Secret(secret)
        }
        Err(fault) => {
            reading.problem(Problem::secret(setting, &origin, fault));
            Given::Refused
        }
    }
}

/// A file that cannot be read may well hold the secret: then only the file is at fault.
fn missing(reading: &mut Reading) -> Option<SigningSecret> {
    if !reading.is_incomplete {
        reading.problem(Problem::secret(
            &SECRET_KEY,
            &Origin::Default,
            SecretFault::Missing,
        ));
    }
    absent(reading, &SECRET_KEY)
}

/// A secret of this configuration's own, with the warning that tokens end with it.
fn random(reading: &mut Reading) -> Result<SigningSecret> {
    let secret = SigningSecret::random()?;
    reading.show(&SECRET_KEY, EffectiveValue::Given(true), Origin::Generated);
    reading.warn(
        WarningKind::RandomSecret,
        given_as(&SECRET_KEY, &Origin::Generated),
    );
    Ok(secret)
}

/// Notes that there is none.
fn absent(reading: &mut Reading, setting: &'static Setting) -> Option<SigningSecret> {
    reading.show(setting, EffectiveValue::Given(false), Origin::Default);
    None
}
