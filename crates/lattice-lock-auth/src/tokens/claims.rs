use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::{Permissions, PrincipalId};
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use super::{Grant, compact};
use crate::codes::{
    TOKEN_CLAIMS_INVALID, TOKEN_EXPIRED, TOKEN_FOREIGN, TOKEN_NOT_ISSUABLE, TOKEN_NOT_YET_VALID,
};
use crate::random::random;

/// What every token is held against.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) issuer: String,
    pub(super) audience: String,
    /// In seconds.
    pub(super) leeway: u64,
    /// The longest lifetime, in seconds.
    pub(super) longest: u64,
}

/// Exactly what a token says. A claim that is unknown here may narrow what the others grant, so that a token
/// with one is refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    pub(super) sub: PrincipalId,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: TokenId,
    pub(super) permissions: Permissions,
}

impl Claims {
    /// # Errors
    ///
    /// [`TOKEN_NOT_ISSUABLE`], [`RANDOM_UNAVAILABLE`](crate::codes::RANDOM_UNAVAILABLE).
    pub(super) fn new(grant: &Grant, rules: &Rules, now: u64, lifetime: u64) -> Result<Self> {
        let exp = now.checked_add(lifetime);
        let exp = exp.filter(|_| (1..=rules.longest).contains(&lifetime));
        let exp = exp.ok_or_else(|| {
            Error::new(TOKEN_NOT_ISSUABLE, "no token has this lifetime")
                .with("longest_seconds", rules.longest)
        })?;
        Ok(Self {
            iss: rules.issuer.clone(),
            aud: rules.audience.clone(),
            sub: grant.id().clone(),
            iat: now,
            nbf: now,
            exp,
            jti: TokenId::random()?,
            permissions: grant.permissions().clone(),
        })
    }

    /// # Errors
    ///
    /// [`TOKEN_CLAIMS_INVALID`]; [`TOKEN_MALFORMED`](crate::codes::TOKEN_MALFORMED) when it is no object.
    pub(super) fn read(json: &[u8]) -> Result<Self> {
        compact::read(
            json,
            invalid("a claim is missing, doubled, unknown or of the wrong type"),
        )
    }

    /// # Errors
    ///
    /// [`TOKEN_FOREIGN`], [`TOKEN_CLAIMS_INVALID`], [`TOKEN_NOT_YET_VALID`], [`TOKEN_EXPIRED`].
    pub(super) fn check(&self, rules: &Rules, now: u64) -> Result<()> {
        if self.iss != rules.issuer {
            return Err(Error::new(TOKEN_FOREIGN, "the token is of another issuer"));
        }
        if self.aud != rules.audience {
            return Err(Error::new(
                TOKEN_FOREIGN,
                "the token is for another audience",
            ));
        }
        if !(self.iat <= self.nbf && self.nbf < self.exp) {
            return Err(invalid("iat, nbf and exp are out of order"));
        }
        if self.exp - self.iat > rules.longest {
            return Err(invalid("the lifetime is longer than any"));
        }
        if self.nbf > now.saturating_add(rules.leeway) {
            return Err(Error::new(
                TOKEN_NOT_YET_VALID,
                "the token is not valid yet",
            ));
        }
        // At the very second of `exp` a token is no longer valid (RFC 7519, section 4.1.4).
        if now >= self.exp.saturating_add(rules.leeway) {
            return Err(Error::new(TOKEN_EXPIRED, "the token has expired"));
        }
        Ok(())
    }
}

fn invalid(fault: &'static str) -> Error {
    Error::new(TOKEN_CLAIMS_INVALID, "the token's claims are invalid").with("fault", fault)
}

/// What tells one token from every other: a random UUID, in its one canonical spelling.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct TokenId(Uuid);

impl TokenId {
    fn random() -> Result<Self> {
        Ok(Self(Builder::from_random_bytes(random()?).into_uuid()))
    }
}

impl TryFrom<String> for TokenId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        match Uuid::try_parse(&text) {
            Ok(id) if id.hyphenated().to_string() == text => Ok(Self(id)),
            _ => Err(invalid("jti is not a UUID")),
        }
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.0.hyphenated().to_string()
    }
}
