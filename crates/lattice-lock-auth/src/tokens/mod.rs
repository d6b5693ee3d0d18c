mod algorithm;
mod builder;
mod claims;
mod compact;
mod grant;
mod header;
mod jwk;
mod keys;
mod scalar;
mod signing;
#[cfg(test)]
mod wycheproof;

pub use builder::TokensBuilder;
pub use grant::Grant;
pub use keys::VerifyingKey;
pub use signing::SigningKey;

use std::sync::Arc;
use std::time::Duration;

use lattice_lock_config::{AuthConfig, SigningSecret};
use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::{Permissions, Principal, PrincipalId, PrincipalKind};

use crate::Clock;
use crate::codes::{TOKEN_NOT_ISSUABLE, TOKEN_SIGNATURE_INVALID};
use algorithm::Algorithm;
use claims::{AccessClaims, RefreshClaims, Rules};
use compact::{Compact, LARGEST};
use header::Kind;
use keys::KeySet;

pub(crate) use claims::Id;
#[cfg(feature = "__sql")]
pub(crate) use keys::decode;
pub(crate) use keys::encode;

/// Issues and verifies access tokens: signed JSON web tokens.
///
/// By default they are signed with HMAC-SHA-256 and a key that is derived from the secret for this one use, so that
/// neither the secret nor the key of another use signs or verifies. With a [`SigningKey`] others can verify them too:
/// [`jwks`](Self::jwks) is what they need. Every token names its key (`kid`), and only the keys that are given are
/// known, each with its one algorithm: with the previous one given, tokens from before a rotation stay valid.
///
/// A token is refused unless everything about it is as [`issue`](Self::issue) writes it. Its header has
/// exactly the members `alg`, `typ` and `kid`, its claims are exactly `iss`, `aud`, `sub`, `iat`, `nbf`,
/// `exp`, `jti` and `permissions` (and `sid` and `ver`, of a session), each once and of its type. Nothing is called
/// back here: a token is good until it expires. [`Auth`](crate::Auth) knows sessions and revocations.
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
    access: Arc<Ring>,
    refresh: Arc<Ring>,
    rules: Arc<Rules>,
    clock: Arc<dyn Clock>,
}

/// What tokens of one use are signed and verified with.
#[derive(Debug)]
struct Ring {
    kind: Kind,
    signing: Arc<SigningKey>,
    /// The header of every token that is signed.
    header: String,
    known: KeySet,
}

/// A session's part of an access token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionClaims {
    pub(crate) session: Id,
    pub(crate) epoch: u64,
}

/// An access token that was verified, but for whether it was called back.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) id: Id,
    pub(crate) subject: PrincipalId,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) session: Option<Id>,
    pub(crate) epoch: Option<u64>,
    pub(crate) permissions: Permissions,
}

/// What a refresh token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refresh {
    pub(crate) id: Id,
    pub(crate) subject: PrincipalId,
    pub(crate) session: Id,
    pub(crate) generation: u64,
    pub(crate) issued_at: u64,
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
    /// [`AUTH_DISABLED`](crate::codes::AUTH_DISABLED) when auth is turned off or no secret is configured; otherwise as
    /// [`TokensBuilder::build`].
    pub fn from_config(config: &AuthConfig) -> Result<Self> {
        TokensBuilder::from_config(config)?.build()
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
        self.issue_access(grant, lifetime, None)
    }

    pub(crate) fn issue_access(
        &self,
        grant: &Grant,
        lifetime: Duration,
        session: Option<SessionClaims>,
    ) -> Result<Secret<String>> {
        let now = self.clock.now();
        self.access.write(&AccessClaims {
            iss: self.rules.issuer.as_str().into(),
            aud: self.rules.audience.as_str().into(),
            sub: grant.id().clone(),
            iat: now,
            nbf: now,
            exp: claims::expiry(now, lifetime.as_secs(), self.rules.longest)?,
            jti: Id::random()?,
            sid: session.map(|it| it.session),
            ver: session.map(|it| it.epoch),
            permissions: grant.permissions().clone(),
        })
    }

    pub(crate) fn issue_refresh(&self, token: &Refresh, expires_at: u64) -> Result<Secret<String>> {
        self.refresh.write(&RefreshClaims {
            iss: self.rules.issuer.as_str().into(),
            aud: self.rules.audience.as_str().into(),
            sub: token.subject.clone(),
            iat: token.issued_at,
            nbf: token.issued_at,
            exp: expires_at,
            jti: token.id,
            sid: token.session,
            generation: token.generation,
        })
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
    /// - [`TOKEN_HEADER_REFUSED`](crate::codes::TOKEN_HEADER_REFUSED): another type, another algorithm than that of
    ///   the key, or a member too few, too many or doubled;
    /// - [`TOKEN_KEY_UNKNOWN`](crate::codes::TOKEN_KEY_UNKNOWN): signed with none of the keys that are known;
    /// - [`TOKEN_SIGNATURE_INVALID`];
    /// - [`TOKEN_CLAIMS_INVALID`](crate::codes::TOKEN_CLAIMS_INVALID);
    /// - [`TOKEN_FOREIGN`](crate::codes::TOKEN_FOREIGN): another issuer or audience;
    /// - [`TOKEN_NOT_YET_VALID`](crate::codes::TOKEN_NOT_YET_VALID),
    ///   [`TOKEN_EXPIRED`](crate::codes::TOKEN_EXPIRED): beyond the leeway.
    pub fn verify(&self, token: &str) -> Result<Principal> {
        let access = self.read_access(token)?;
        Ok(Principal::new(PrincipalKind::User, access.subject).permissions(access.permissions))
    }

    /// The public keys that tokens are verified with, as a JSON web key set; an empty one where they are signed with a
    /// secret.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.access.known.jwks()
    }

    pub(crate) fn read_access(&self, token: &str) -> Result<Access> {
        let json = self.access.open(token)?;
        let claims: AccessClaims<'_> = claims::read(&json)?;
        let common = claims.common();
        common.check(&self.rules, self.rules.longest, self.clock.now())?;
        Ok(Access {
            id: claims.jti,
            issued_at: claims.iat,
            expires_at: claims.exp,
            session: claims.sid,
            epoch: claims.ver,
            subject: claims.sub,
            permissions: claims.permissions,
        })
    }

    pub(crate) fn read_refresh(&self, token: &str) -> Result<Refresh> {
        let json = self.refresh.open(token)?;
        let claims: RefreshClaims<'_> = claims::read(&json)?;
        let common = claims.common();
        common.check(&self.rules, self.rules.longest_refresh, self.clock.now())?;
        Ok(Refresh {
            id: claims.jti,
            session: claims.sid,
            generation: claims.generation,
            issued_at: claims.iat,
            subject: claims.sub,
        })
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

impl Ring {
    fn new(kind: Kind, signing: Arc<SigningKey>, former: Vec<VerifyingKey>) -> Result<Self> {
        let mut known = vec![signing.verifying()];
        // The same secret given twice is one key.
        known.extend(former.into_iter().filter(|key| key.id() != signing.id()));
        Ok(Self {
            kind,
            header: keys::header(&known[0], kind)?,
            known: KeySet::new(kind, known)?,
            signing,
        })
    }

    fn write(&self, claims: &impl serde::Serialize) -> Result<Secret<String>> {
        let token = compact::write(&self.header, claims, |signed| self.signing.sign(signed))?;
        if token.expose().len() > LARGEST {
            return Err(Error::new(
                TOKEN_NOT_ISSUABLE,
                "the token would be too large",
            ));
        }
        Ok(token)
    }

    /// The claims of a token that one of the keys signed.
    fn open(&self, token: &str) -> Result<Vec<u8>> {
        let token = Compact::split(token)?;
        let key = self.known.key_of(&token, self.kind)?;
        if !key.verifies_strictly(token.signed(), &token.signature()?) {
            return Err(Error::new(
                TOKEN_SIGNATURE_INVALID,
                "the token's signature is wrong",
            ));
        }
        token.claims()
    }
}
