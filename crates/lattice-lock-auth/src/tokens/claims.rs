use std::borrow::Cow;

use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::{Permissions, PrincipalId};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::{Builder, Uuid};

use super::compact;
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
    /// The longest lifetime of an access token, in seconds.
    pub(super) longest: u64,
    /// The longest lifetime of a refresh token, in seconds.
    pub(super) longest_refresh: u64,
}

/// Exactly what an access token says. A claim that is unknown here may narrow what the others grant, so that a token
/// with one is refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccessClaims<'a> {
    #[serde(borrow)]
    pub(super) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) aud: Cow<'a, str>,
    pub(super) sub: PrincipalId,
    pub(super) iat: u64,
    pub(super) nbf: u64,
    pub(super) exp: u64,
    pub(super) jti: Id,
    /// The session that it belongs to, and how often its user's tokens had been called back before.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "given"
    )]
    pub(super) sid: Option<Id>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "given"
    )]
    pub(super) ver: Option<u64>,
    pub(super) permissions: Permissions,
}

/// Exactly what a refresh token says: what it may be exchanged for is kept with its session.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshClaims<'a> {
    #[serde(borrow)]
    pub(super) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) aud: Cow<'a, str>,
    pub(super) sub: PrincipalId,
    pub(super) iat: u64,
    pub(super) nbf: u64,
    pub(super) exp: u64,
    pub(super) jti: Id,
    pub(super) sid: Id,
    /// How many came before it in its session.
    #[serde(rename = "gen")]
    pub(super) generation: u64,
}

/// The claims that all tokens have.
pub(super) struct Common<'a> {
    issuer: &'a str,
    audience: &'a str,
    issued_at: u64,
    not_before: u64,
    expires_at: u64,
}

impl AccessClaims<'_> {
    pub(super) fn common(&self) -> Common<'_> {
        Common {
            issuer: &self.iss,
            audience: &self.aud,
            issued_at: self.iat,
            not_before: self.nbf,
            expires_at: self.exp,
        }
    }
}

impl RefreshClaims<'_> {
    pub(super) fn common(&self) -> Common<'_> {
        Common {
            issuer: &self.iss,
            audience: &self.aud,
            issued_at: self.iat,
            not_before: self.nbf,
            expires_at: self.exp,
        }
    }
}

impl Common<'_> {
    /// # Errors
    ///
    /// [`TOKEN_FOREIGN`], [`TOKEN_CLAIMS_INVALID`], [`TOKEN_NOT_YET_VALID`], [`TOKEN_EXPIRED`].
    pub(super) fn check(&self, rules: &Rules, longest: u64, now: u64) -> Result<()> {
        if self.issuer != rules.issuer {
            return Err(Error::new(TOKEN_FOREIGN, "the token is of another issuer"));
        }
        if self.audience != rules.audience {
            return Err(Error::new(
                TOKEN_FOREIGN,
                "the token is for another audience",
            ));
        }
        if !(self.issued_at <= self.not_before && self.not_before < self.expires_at) {
            return Err(invalid("iat, nbf and exp are out of order"));
        }
        if self.expires_at - self.issued_at > longest {
            return Err(invalid("the lifetime is longer than any"));
        }
        if self.not_before > now.saturating_add(rules.leeway) {
            return Err(Error::new(
                TOKEN_NOT_YET_VALID,
                "the token is not valid yet",
            ));
        }
        // At the very second of `exp` a token is no longer valid (RFC 7519, section 4.1.4).
        if now >= self.expires_at.saturating_add(rules.leeway) {
            return Err(Error::new(TOKEN_EXPIRED, "the token has expired"));
        }
        Ok(())
    }
}

/// # Errors
///
/// [`TOKEN_CLAIMS_INVALID`]; [`TOKEN_MALFORMED`](crate::codes::TOKEN_MALFORMED) when it is no object.
pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T> {
    compact::read(json, || {
        invalid("a claim is missing, doubled, unknown or of the wrong type")
    })
}

/// When a token expires that is good for so long.
///
/// # Errors
///
/// [`TOKEN_NOT_ISSUABLE`].
pub(super) fn expiry(now: u64, lifetime: u64, longest: u64) -> Result<u64> {
    let expiry = now.checked_add(lifetime);
    let expiry = expiry.filter(|_| (1..=longest).contains(&lifetime));
    expiry.ok_or_else(|| {
        Error::new(TOKEN_NOT_ISSUABLE, "no token has this lifetime")
            .with("longest_seconds", longest)
    })
}

fn invalid(fault: &'static str) -> Error {
    Error::new(TOKEN_CLAIMS_INVALID, "the token's claims are invalid").with("fault", fault)
}

/// A member that need not be there, and is not null where it is.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// What tells one token or session from every other: a random UUID, in its one canonical spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub(crate) struct Id(Uuid);

impl Id {
    /// # Errors
    ///
    /// [`RANDOM_UNAVAILABLE`](crate::codes::RANDOM_UNAVAILABLE).
    pub(crate) fn random() -> Result<Self> {
        Ok(Self(Builder::from_random_bytes(random()?).into_uuid()))
    }

    #[cfg(feature = "__sql")]
    pub(crate) const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    #[cfg(feature = "__sql")]
    pub(crate) const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl TryFrom<Cow<'_, str>> for Id {
    type Error = Error;

    fn try_from(text: Cow<'_, str>) -> Result<Self> {
        let mut canonical = Uuid::encode_buffer();
        match Uuid::try_parse(&text) {
            Ok(id) if *id.hyphenated().encode_lower(&mut canonical) == *text => Ok(Self(id)),
            _ => Err(invalid("not a UUID")),
        }
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0.hyphenated().to_string()
    }
}
