mod builder;
mod claims;
mod compact;
mod grant;
mod header;
mod keys;

pub use builder::TokensBuilder;
pub use grant::Grant;

use std::sync::Arc;
use std::time::Duration;

use lattice_lock_config::{AuthConfig, SigningSecret};
use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::{Principal, PrincipalKind};

use crate::Clock;
use crate::codes::{AUTH_DISABLED, TOKEN_KEY_UNKNOWN, TOKEN_NOT_ISSUABLE, TOKEN_SIGNATURE_INVALID};
use claims::{Claims, Rules};
use compact::{Compact, LARGEST};
use header::Header;
use keys::KeyRing;

/// Issues and verifies access tokens: JSON web tokens signed with HMAC-SHA-256.
///
/// The signing key is derived from the secret for this one use, so that neither the secret nor the key of
/// another use signs or verifies. Every token names its key (`kid`), and only the keys of the current and the
/// previous secret are known: with the previous secret given, tokens from before a rotation stay valid.
///
/// A token is refused unless everything about it is as [`issue`](Self::issue) writes it. Its header has
/// exactly the members `alg`, `typ` and `kid`, its claims are exactly `iss`, `aud`, `sub`, `iat`, `nbf`,
/// `exp`, `jti` and `permissions`, each once and of its type. There is no revocation here: a token is good
/// until it expires.
///
/// ```
/// use std::time::Duration;
///
/// use lattice_lock_auth::{Grant, Tokens, codes::TOKEN_SIGNATURE_INVALID};
/// use lattice_lock_config::SigningSecret;
///
/// let tokens = Tokens::new(&SigningSecret::random()?)?;
/// let token = tokens.issue(&Grant::new("user-17".parse()?), Duration::from_secs(1800))?;
/// assert_eq!(tokens.verify(token.expose())?.id().as_str(), "user-17");
///
/// let (unsigned, _) = token.expose().rsplit_once('.').unwrap_or_default();
/// let error = tokens.verify(&format!("{unsigned}.")).unwrap_err();
/// assert_eq!(error.code(), TOKEN_SIGNATURE_INVALID);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tokens {
    keys: Arc<KeyRing>,
    rules: Arc<Rules>,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    /// Tokens signed with a key of `secret`, and the defaults of [`TokensBuilder`].
    ///
    /// # Errors
    ///
    /// As [`TokensBuilder::build`].
    pub fn new(secret: &SigningSecret) -> Result<Self> {
        Self::builder(secret).build()
    }

    /// A builder for tokens signed with a key of `secret`.
    #[must_use]
    pub fn builder(secret: &SigningSecret) -> TokensBuilder {
        TokensBuilder::new(secret)
    }

    /// Tokens as the configuration says: its secrets, and its token expiry as the longest lifetime if that is
    /// longer than a day.
    ///
    /// # Errors
    ///
    /// [`AUTH_DISABLED`] when auth is turned off or no secret is configured; otherwise as
    /// [`TokensBuilder::build`].
    pub fn from_config(config: &AuthConfig) -> Result<Self> {
        let secret = config.signing_secret.as_ref().filter(|_| config.enabled);
        let secret = secret.ok_or_else(|| Error::new(AUTH_DISABLED, "auth is turned off"))?;
        let mut builder = Self::builder(secret);
        if let Some(previous) = &config.previous_secret {
            builder = builder.previous(previous);
        }
        builder.at_least_as_long_as(config.token_expiry).build()
    }

    /// A new token that says what `grant` says, valid from now for `lifetime` (in whole seconds).
    ///
    /// # Errors
    ///
    /// - [`TOKEN_NOT_ISSUABLE`]: the lifetime is less than a second or more than the longest, or there are so
    ///   many permissions that the token would be larger than 8 KiB.
    /// - [`RANDOM_UNAVAILABLE`](crate::codes::RANDOM_UNAVAILABLE),
    ///   [`SIGNING_FAILED`](crate::codes::SIGNING_FAILED).
    pub fn issue(&self, grant: &Grant, lifetime: Duration) -> Result<Secret<String>> {
        let claims = Claims::new(grant, &self.rules, self.clock.now(), lifetime.as_secs())?;
        let key = self.keys.current();
        let token = compact::write(&Header::of(key.id()), &claims, |signed| key.sign(signed))?;
        if token.expose().len() > LARGEST {
            return Err(Error::new(
                TOKEN_NOT_ISSUABLE,
                "the token would be too large",
            ));
        }
        Ok(token)
    }

    /// Who presents this token, and what they may do.
    ///
    /// # Errors
    ///
    /// All of kind `Unauthenticated`, in the order in which they are looked for:
    ///
    /// - [`TOKEN_TOO_LARGE`](crate::codes::TOKEN_TOO_LARGE): more than 8 KiB;
    /// - [`TOKEN_MALFORMED`](crate::codes::TOKEN_MALFORMED): not three parts of base64url without padding,
    ///   or header or claims are not JSON;
    /// - [`TOKEN_HEADER_REFUSED`](crate::codes::TOKEN_HEADER_REFUSED): another algorithm or type, or a member
    ///   too few, too many or doubled;
    /// - [`TOKEN_KEY_UNKNOWN`]: signed with neither the current nor the previous key;
    /// - [`TOKEN_SIGNATURE_INVALID`];
    /// - [`TOKEN_CLAIMS_INVALID`](crate::codes::TOKEN_CLAIMS_INVALID);
    /// - [`TOKEN_FOREIGN`](crate::codes::TOKEN_FOREIGN): another issuer or audience;
    /// - [`TOKEN_NOT_YET_VALID`](crate::codes::TOKEN_NOT_YET_VALID),
    ///   [`TOKEN_EXPIRED`](crate::codes::TOKEN_EXPIRED): beyond the leeway.
    pub fn verify(&self, token: &str) -> Result<Principal> {
        let compact = Compact::split(token)?;
        let bytes = compact.header()?;
        let header = Header::read(&bytes)?;
        let key = self
            .keys
            .find(header.key_id())
            .ok_or_else(|| Error::new(TOKEN_KEY_UNKNOWN, "the token's key is unknown"))?;
        if !key.verifies(compact.signed(), &compact.signature()?)? {
            return Err(Error::new(
                TOKEN_SIGNATURE_INVALID,
                "the token's signature is wrong",
            ));
        }
        let claims = Claims::read(&compact.claims()?)?;
        claims.check(&self.rules, self.clock.now())?;
        Ok(Principal::new(PrincipalKind::User, claims.sub).permissions(claims.permissions))
    }
}
