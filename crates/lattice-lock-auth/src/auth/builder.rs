use std::sync::Arc;
use std::time::Duration;

use lattice_lock_config::AuthConfig;
use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::Permissions;
use lattice_lock_repository::Database;

use super::cache::Cache;
use super::{Auth, Inner, Settings};
use crate::audit::{Audit, AuditHead};
use crate::codes::AUTH_SETTING_INVALID;
use crate::lockout::Pseudonyms;
use crate::roles::Roles;
use crate::{Lockout, Passwords, RoleName, TokensBuilder, store};

const DAY: u64 = 24 * 60 * 60;

/// Builds [`Auth`]; the defaults are safe in production.
#[derive(Debug)]
pub struct AuthBuilder {
    tokens: TokensBuilder,
    database: Database,
    passwords: Passwords,
    lockout: Lockout,
    roles: Roles,
    settings: Settings,
    cached: usize,
    delay: u64,
    accepted: Option<AuditHead>,
}

impl AuthBuilder {
    pub(super) fn new(tokens: TokensBuilder, database: &Database) -> Self {
        Self {
            tokens,
            database: database.clone(),
            passwords: Passwords::default(),
            lockout: Lockout::default(),
            roles: Roles::default(),
            settings: Settings {
                access: 30 * 60,
                refresh: 7 * DAY,
                session: 90 * DAY,
                grace: 10,
            },
            cached: 10_000,
            delay: 5,
            accepted: None,
        }
    }

    /// A builder with what the configuration says: the secrets, and how long tokens are good.
    ///
    /// # Errors
    ///
    /// [`AUTH_DISABLED`](crate::codes::AUTH_DISABLED) when auth is turned off or no secret is configured.
    pub fn from_config(config: &AuthConfig, database: &Database) -> Result<Self> {
        let mut builder = Self::new(TokensBuilder::from_config(config)?, database);
        builder.settings.access = config.token_expiry.as_secs();
        builder.settings.refresh = config.refresh_token_expiry.as_secs();
        builder.settings.session = builder.settings.session.max(builder.settings.refresh);
        Ok(builder)
    }

    /// How passwords are hashed, and which are accepted.
    #[must_use]
    pub fn passwords(mut self, passwords: Passwords) -> Self {
        self.passwords = passwords;
        self
    }

    /// How failed logins are slowed down.
    #[must_use]
    pub fn lockout(mut self, lockout: Lockout) -> Self {
        self.lockout = lockout;
        self
    }

    /// Defines a role beside ours, or what one of ours may.
    #[must_use]
    pub fn role(mut self, name: RoleName, permissions: Permissions) -> Self {
        self.roles.define(name, permissions);
        self
    }

    /// How long an access token is good, in whole seconds: 30 minutes by default, a second to the tokens' longest.
    #[must_use]
    pub fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.access = lifetime.as_secs();
        self
    }

    /// How long a refresh token is good, in whole seconds: 7 days by default. Each exchange begins it anew.
    #[must_use]
    pub fn refresh_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.refresh = lifetime.as_secs();
        self
    }

    /// How long a session lasts at most, however often its tokens are exchanged, in whole seconds: 90 days by default.
    #[must_use]
    pub fn session_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.session = lifetime.as_secs();
        self
    }

    /// For how long after an exchange the old refresh token is taken for one of two requests at the same time, and
    /// refused without ending the session, in whole seconds: 10 by default, at most a minute. Nobody gets tokens for it
    /// either way.
    #[must_use]
    pub fn refresh_grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace.as_secs();
        self
    }

    /// How long what was revoked, locked, disabled or changed by another process may still be accepted by this one, in
    /// whole seconds: 5 by default, 0 to look up each time, at most a minute. What this process does itself takes
    /// effect at once.
    #[must_use]
    pub fn revocation_delay(mut self, delay: Duration) -> Self {
        self.delay = delay.as_secs();
        self
    }

    /// How many credentials are remembered meanwhile: 10,000 by default, 2 to a million.
    #[must_use]
    pub fn remembered(mut self, credentials: usize) -> Self {
        self.cached = credentials;
        self
    }

    /// Goes on with an audit that ends here, although its last entry was written under a secret that is given neither
    /// as the current nor as the previous one; by default that is [`AUDIT_BROKEN`](crate::codes::AUDIT_BROKEN), and
    /// nothing that is audited happens. For when a secret is lost: the head is to come from where
    /// [`audit_head`](crate::Acting::audit_head) was kept, since nothing else vouches for the entries up to it.
    #[must_use]
    pub fn accept_audit(mut self, head: AuditHead) -> Self {
        self.accepted = Some(head);
        self
    }

    /// Checks the settings. It opens nothing: the database is, and its tables are made by
    /// [`Auth::MIGRATIONS`](Auth::MIGRATIONS).
    ///
    /// # Errors
    ///
    /// [`AUTH_SETTING_INVALID`], also for a database with tables in a build without the feature of one; those of
    /// [`TokensBuilder::build`].
    pub fn build(self) -> Result<Auth> {
        let Settings {
            access,
            refresh,
            session,
            grace,
        } = self.settings;
        require(
            (1..=3650 * DAY).contains(&refresh),
            "refresh_lifetime",
            "a second to ten years",
        )?;
        let holds = (refresh..=3650 * DAY).contains(&session);
        require(
            holds,
            "session_lifetime",
            "the refresh tokens' lifetime to ten years",
        )?;
        require(grace <= 60, "refresh_grace", "at most a minute")?;
        require(self.delay <= 60, "revocation_delay", "at most a minute")?;
        require(
            (2..=1_000_000).contains(&self.cached),
            "remembered",
            "2 to 1000000",
        )?;
        let (current, previous) = self.tokens.secrets();
        let store = store::open(&self.database)?;
        let audit = Audit::new(Arc::clone(&store), current, previous, self.accepted)?;
        let pseudonyms = Pseudonyms::new(current)?;
        let tokens = self.tokens.at_least(access, refresh).build()?;
        Ok(Auth(Arc::new(Inner {
            clock: Arc::clone(tokens.clock()),
            passwords: self.passwords,
            store,
            audit,
            pseudonyms,
            lockout: self.lockout,
            roles: self.roles,
            settings: self.settings,
            cache: Cache::new(self.cached, self.delay, Arc::clone(tokens.clock())),
            imported: super::Imported::default(),
            used: super::Used::default(),
            swept_at: tokens.clock().now().into(),
            tokens,
        })))
    }
}

fn require(holds: bool, setting: &'static str, rule: &'static str) -> Result<()> {
    if holds {
        return Ok(());
    }
    let error = Error::new(AUTH_SETTING_INVALID, "a setting of auth is out of range");
    Err(error.with("setting", setting).with("rule", rule))
}
