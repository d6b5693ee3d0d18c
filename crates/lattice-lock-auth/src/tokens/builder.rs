use std::sync::Arc;
use std::time::Duration;

use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result};

use super::Tokens;
use super::claims::Rules;
use super::keys::{Key, KeyRing};
use crate::codes::AUTH_SETTING_INVALID;
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
    rules: Rules,
    clock: Arc<dyn Clock>,
}

impl TokensBuilder {
    pub(super) fn new(secret: &SigningSecret) -> Self {
        Self {
            current: secret.clone(),
            previous: None,
            rules: Rules {
                issuer: "lattice-lock".to_owned(),
                audience: "lattice-lock".to_owned(),
                leeway: 5,
                longest: DAY,
            },
            clock: Arc::new(SystemClock),
        }
    }

    /// The secret from before the last rotation: its tokens are accepted, and none are issued with it. None
    /// by default.
    #[must_use]
    pub fn previous(mut self, secret: &SigningSecret) -> Self {
        self.previous = Some(secret.clone());
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

    pub(super) fn at_least_as_long_as(mut self, lifetime: Duration) -> Self {
        self.rules.longest = self.rules.longest.max(lifetime.as_secs());
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
    /// [`AUTH_SETTING_INVALID`]; [`SIGNING_FAILED`](crate::codes::SIGNING_FAILED) when no key can be derived.
    pub fn build(self) -> Result<Tokens> {
        require_name("issuer", &self.rules.issuer)?;
        require_name("audience", &self.rules.audience)?;
        let in_range = (1..=YEAR).contains(&self.rules.longest);
        require(in_range, "longest_lifetime", "a second to 365 days")?;
        let current = Key::of(&self.current)?;
        let previous = self.previous.as_ref().map(Key::of).transpose()?;
        Ok(Tokens {
            keys: Arc::new(KeyRing::new(current, previous)),
            rules: Arc::new(self.rules),
            clock: self.clock,
        })
    }
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
