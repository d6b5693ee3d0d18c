//! The way from a request to a principal, and from an error to a response.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode};
use lattice_lock_errors::{Error, Kind, Result};
use tower_layer::Layer;
use tower_service::Service;

use crate::codes::CREDENTIALS_MISSING;
use crate::{Auth, Source};

#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "axum")]
pub use axum::{Caller, Needs, Refusal, RequirePermission};

/// The one credential that a request carries: `Authorization: Bearer …`, an access token or an API key.
///
/// # Errors
///
/// [`CREDENTIALS_MISSING`]: none, another scheme, or more than one.
pub fn bearer(headers: &HeaderMap) -> Result<&str> {
    let missing = || Error::new(CREDENTIALS_MISSING, "one bearer credential is needed");
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return Err(missing());
    };
    let text = value.to_str().map_err(|_| missing())?;
    let (scheme, credential) = text.split_once(' ').ok_or_else(missing)?;
    let credential = credential.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty() {
        return Ok(credential);
    }
    Err(missing())
}

/// What a client is told of an error: 401 with `WWW-Authenticate`, 403, 429 and 503 with `Retry-After`, 400, 404 or 409;
/// anything else is 500. The body is JSON with the code and the message, never with what the error's context says.
#[must_use]
pub fn response<B: From<String>>(error: &Error) -> Response<B> {
    let status = status(error.kind());
    let body = serde_json::json!({"error": error.code().as_str(), "message": error.message()});
    let mut response = Response::new(B::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(challenge) = challenge(error, status) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(wait) = error.retry_after() {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Busy | Kind::Unavailable | Kind::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// RFC 6750, section 3: without a credential nothing is said of what is wrong with it.
fn challenge(error: &Error, status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED if error.code() == CREDENTIALS_MISSING => Some("Bearer"),
        StatusCode::UNAUTHORIZED => Some(r#"Bearer error="invalid_token""#),
        StatusCode::FORBIDDEN => Some(r#"Bearer error="insufficient_scope""#),
        _ => None,
    }
}

type FindSource = dyn Fn(&HeaderMap, &Extensions) -> Source + Send + Sync;

/// A tower layer that lets nobody through without a valid credential, and puts the
/// [`Principal`](lattice_lock_principal::Principal) and the [`Source`] into the request's extensions.
///
/// ```
/// use lattice_lock_auth::{Auth, AuthLayer, Source, Tokens};
/// use lattice_lock_config::SigningSecret;
/// use lattice_lock_repository::Database;
///
/// let tokens = Tokens::builder(&SigningSecret::random()?);
/// let auth = Auth::builder(tokens, &Database::in_memory()).build()?;
/// let layer = AuthLayer::new(auth).source(|_, extensions| {
///     let peer = extensions.get::<std::net::SocketAddr>();
///     peer.map_or_else(Source::unknown, |peer| peer.ip().into())
/// });
/// # let _ = layer;
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone)]
pub struct AuthLayer {
    auth: Auth,
    source: Arc<FindSource>,
    now: bool,
}

impl AuthLayer {
    /// A layer for this auth. Sources are taken from the request's extensions, if somebody put a [`Source`] there.
    #[must_use]
    pub fn new(auth: Auth) -> Self {
        let source = |_: &HeaderMap, extensions: &Extensions| {
            extensions.get::<Source>().cloned().unwrap_or_default()
        };
        Self {
            auth,
            source: Arc::new(source),
            now: false,
        }
    }

    /// Sets how a request's source is found. What a client can write itself is none: of a header that a proxy appends
    /// to, only the proxy's part counts.
    #[must_use]
    pub fn source(
        mut self,
        find: impl Fn(&HeaderMap, &Extensions) -> Source + Send + Sync + 'static,
    ) -> Self {
        self.source = Arc::new(find);
        self
    }

    /// Looks tokens up anew each time, and accepts no API keys: for what changes users and keys.
    #[must_use]
    pub fn now(mut self) -> Self {
        self.now = true;
        self
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer")
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service behind an [`AuthLayer`].
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: S,
    layer: AuthLayer,
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that is ready is used, and its clone waits to become so.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let source = (layer.source)(request.headers(), request.extensions());
            let credential = bearer(request.headers()).map(str::to_owned);
            let who = match credential {
                Ok(token) if layer.now => layer.auth.verify_now(&token, &source).await,
                Ok(credential) => layer.auth.authenticate(&credential, &source).await,
                Err(missing) => Err(missing),
            };
            match who {
                Ok(who) => {
                    request.extensions_mut().insert(who);
                    request.extensions_mut().insert(source);
                    inner.call(request).await
                }
                Err(error) => Ok(response(&error)),
            }
        })
    }
}
