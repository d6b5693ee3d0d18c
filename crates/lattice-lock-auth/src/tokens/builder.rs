use std::sync::Arc;
use std::time::Duration;

use lattice_lock_config::{AuthConfig, SigningSecret, TokenAlgorithm};
use lattice_lock_errors::{Error, Result};

use super::claims::Rules;
use super::header::Kind;
use super::{Ring, SigningKey, Tokens, VerifyingKey};
use crate::codes::{AUTH_DISABLED, AUTH_SETTING_INVALID};
use crate::derive::Use;
use crate::{Clock, SystemClock};

const DAY: u64 = 24 * 60 * 60;
/// As long as the configuration allows a token to be good.
const YEAR: u64 = 365 * DAY;
/// The most that clocks may differ, in seconds.
const MOST_LEEWAY: u64 = 60;
/// The longest issuer or audience, in bytes.
const LONGEST_NAME: usize = 256;

/// Builds [`Tokens`]; the defaults are safe in production.
#[derive(Clone, Debug)]
pub struct TokensBuilder {
    current: SigningSecret,
    previous: Option<SigningSecret>,
    signing: Option<Arc<SigningKey>>,
    /// What the configuration asks for.
    algorithm: TokenAlgorithm,
    former: Vec<VerifyingKey>,
    rules: Rules,
    clock: Arc<dyn Clock>,
}

impl TokensBuilder {
    pub(super) fn new(secret: &SigningSecret) -> Self {
        Self {
            current: secret.clone(),
            previous: None,
            signing: None,
            algorithm: TokenAlgorithm::Hs256,
            former: Vec::new(),
            rules: Rules {
                issuer: "lattice-lock".to_owned(),
                audience: "lattice-lock".to_owned(),
                leeway: 5,
                longest: DAY,
                longest_refresh: 30 * DAY,
            },
            clock: Arc::new(SystemClock),
        }
    }

    /// A builder with what the configuration says; an issuer, an audience or a signing key can still be set.
    ///
    /// # Errors
    ///
    /// [`AUTH_DISABLED`] when auth is turned off or no secret is configured.
    pub fn from_config(config: &AuthConfig) -> Result<Self> {
        let secret = config.signing_secret.as_ref().filter(|_| config.enabled);
        let secret = secret.ok_or_else(|| Error::new(AUTH_DISABLED, "auth is turned off"))?;
        let mut builder = Self::new(secret);
        if let Some(previous) = &config.previous_secret {
            builder = builder.previous(previous);
        }
        builder.algorithm = config.token_algorithm;
        let rules = &mut builder.rules;
        config.issuer.clone_into(&mut rules.issuer);
        config.audience.clone_into(&mut rules.audience);
        rules.longest = rules.longest.max(config.token_expiry.as_secs());
        rules.longest_refresh = rules
            .longest_refresh
            .max(config.refresh_token_expiry.as_secs());
        Ok(builder)
    }

    /// The secret from before the last rotation: its tokens are accepted, and none are issued with it. None
    /// by default.
    #[must_use]
    pub fn previous(mut self, secret: &SigningSecret) -> Self {
        self.previous = Some(secret.clone());
        self
    }

    /// Signs access tokens with this key, in place of one derived from the secret: then those who have
    /// [`jwks`](Tokens::jwks) can verify them, and the derived keys verify none. Refresh tokens, which only their
    /// issuer reads, are still signed with a derived key.
    #[must_use]
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.signing = Some(Arc::new(key));
        self
    }

    /// Accepts access tokens of this key too: the one before a rotation, or the one to come, so that its public half
    /// is known everywhere before the first token is signed with it. None by default.
    #[must_use]
    pub fn also_accept(mut self, key: VerifyingKey) -> Self {
        self.former.push(key);
        self
    }

    /// Who issues: `lattice-lock` by default. Tokens of any other issuer are refused.
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.rules.issuer);
        self
    }

    /// For whom: `lattice-lock` by default. Tokens for any other audience are refused.
    ///
    /// Services that share a secret and are not to accept each other's tokens each take a name of their own.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        audience.clone_into(&mut self.rules.audience);
        self
    }

    /// How much the clocks of machines may differ, in whole seconds: 5 by default; more than 60 counts as 60.
    ///
    /// So much longer than its lifetime is a token accepted, and so much earlier.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway.as_secs().min(MOST_LEEWAY);
        self
    }

    /// The longest lifetime of a token, issued or verified, in whole seconds: a day by default, a second to 365
    /// days.
    #[must_use]
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.longest = lifetime.as_secs();
        self
    }

    pub(crate) fn secrets(&self) -> (&SigningSecret, Option<&SigningSecret>) {
        (&self.current, self.previous.as_ref())
    }

    /// Lets tokens be good for at least so long.
    pub(crate) fn at_least(mut self, access: u64, refresh: u64) -> Self {
        self.rules.longest = self.rules.longest.max(access);
        self.rules.longest_refresh = self.rules.longest_refresh.max(refresh);
        self
    }

    /// What tells the time: this machine's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the settings and derives the keys.
    ///
    /// # Errors
    ///
    /// [`AUTH_SETTING_INVALID`]; [`KEYS_AMBIGUOUS`](crate::codes::KEYS_AMBIGUOUS) when two keys have one name, or a
    /// public key is accepted beside a secret; [`SIGNING_FAILED`](crate::codes::SIGNING_FAILED) when no key can be
    /// derived.
    pub fn build(self) -> Result<Tokens> {
        require_name("issuer", &self.rules.issuer)?;
        require_name("audience", &self.rules.audience)?;
        let in_range = (1..=YEAR).contains(&self.rules.longest);
        require(in_range, "longest_lifetime", "a second to 365 days")?;
        let given = self.signing.as_ref().map(|key| key.algorithm());
        let holds =
            self.algorithm == TokenAlgorithm::Hs256 || given == Some(self.algorithm.as_str());
        require(
            holds,
            "signing_key",
            "a private key of the configured algorithm",
        )?;
        let derived = |secret| {
            SigningKey::derived(secret, Use::AccessToken, Use::AccessTokenKeyId).map(Arc::new)
        };
        let (signing, mut former) = if let Some(key) = self.signing {
            (key, Vec::new())
        } else {
            let previous = self.previous.as_ref().map(derived).transpose()?;
            let previous = previous.map(|key| key.verifying());
            (derived(&self.current)?, previous.into_iter().collect())
        };
        former.extend(self.former);
        Ok(Tokens {
            access: Arc::new(Ring::new(Kind::Access, signing, former)?),
            refresh: Arc::new(refresh_ring(&self.current, self.previous.as_ref())?),
            rules: Arc::new(self.rules),
            clock: self.clock,
        })
    }
}

fn refresh_ring(current: &SigningSecret, previous: Option<&SigningSecret>) -> Result<Ring> {
    let derived = |secret| SigningKey::derived(secret, Use::RefreshToken, Use::RefreshTokenKeyId);
    let previous = previous.map(derived).transpose()?;
    let former = previous.iter().map(SigningKey::verifying).collect();
    Ring::new(Kind::Refresh, Arc::new(derived(current)?), former)
}

fn require_name(setting: &'static str, name: &str) -> Result<()> {
    let visible = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control());
    let holds = visible && name.len() <= LONGEST_NAME;
    require(
        holds,
        setting,
        "1 to 256 bytes without white space and control characters",
    )
}

fn require(holds: bool, setting: &'static str, rule: &'static str) -> Result<()> {
    if holds {
        return Ok(());
    }
    let error = Error::new(AUTH_SETTING_INVALID, "a setting of tokens is out of range");
    Err(error.with("setting", setting).with("rule", rule))
}
