use std::fmt;
use std::marker::PhantomData;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::Principal;

use super::response;
use crate::codes::CREDENTIALS_MISSING;

/// Who is calling, as an argument of an axum handler behind an [`AuthLayer`](crate::AuthLayer).
#[derive(Clone, Debug)]
pub struct Caller(pub Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Refusal> {
        caller(parts).map(Self).map_err(Refusal)
    }
}

/// A permission as a type, for [`RequirePermission`].
pub trait Needs {
    /// The permission, such as `read:ledger`.
    const PERMISSION: &'static str;
}

/// Who is calling, of those who hold a permission; others get 403.
///
/// ```
/// use lattice_lock_auth::{Needs, RequirePermission};
///
/// struct ReadLedger;
/// impl Needs for ReadLedger {
///     const PERMISSION: &'static str = "read:ledger";
/// }
///
/// async fn ledger(who: RequirePermission<ReadLedger>) -> String {
///     format!("hello, {}", who.principal().id())
/// }
/// # let _ = ledger;
/// ```
pub struct RequirePermission<P>(Principal, PhantomData<fn() -> P>);

impl<P> RequirePermission<P> {
    /// Who is calling.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.0
    }
}

impl<P> fmt::Debug for RequirePermission<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequirePermission").field(&self.0).finish()
    }
}

impl<P: Needs, S: Send + Sync> FromRequestParts<S> for RequirePermission<P> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Refusal> {
        let required = || {
            let who = caller(parts)?;
            who.require(&P::PERMISSION.parse()?).map(|()| who)
        };
        required()
            .map(|who| Self(who, PhantomData))
            .map_err(Refusal)
    }
}

fn caller(parts: &Parts) -> Result<Principal> {
    let who = parts.extensions.get::<Principal>().cloned();
    who.ok_or_else(|| Error::new(CREDENTIALS_MISSING, "nobody has signed in"))
}

/// An error as axum sends it: as [`response`](crate::response) says.
#[derive(Debug)]
pub struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        response::<Body>(&self.0)
    }
}
