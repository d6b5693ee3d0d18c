//! What a client is told over HTTP.
#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

#[expect(dead_code, reason = "made for more than these tests")]
#[path = "service/world.rs"]
mod world;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum_core::extract::FromRequestParts;
use axum_core::response::IntoResponse;
use http::{Request, Response, StatusCode};
use lattice_lock_auth::codes::{CREDENTIALS_MISSING, LOCKED_OUT, TOKEN_REVOKED};
use lattice_lock_auth::{
    AuthLayer, Caller, Needs, NewKey, RequirePermission, Role, Source, bearer, response,
};
use lattice_lock_errors::Error;
use lattice_lock_principal::Principal;
use lattice_lock_repository::Database;
use tower::{Layer, Service, ServiceExt};

use world::{World, elsewhere, here, hold, host, permission, secret};

/// A service that says who is calling, and from where.
#[derive(Clone)]
struct Hello;

impl Service<Request<String>> for Hello {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let who = request.extensions().get::<Principal>().unwrap();
        let source = request.extensions().get::<Source>().unwrap();
        let text = format!("{} {}", who.kind().as_str(), source.as_str().unwrap_or("?"));
        ready(Ok(Response::new(text)))
    }
}

fn request(credentials: &[&str]) -> Request<String> {
    let mut builder = Request::builder().uri("/");
    for credential in credentials {
        builder = builder.header("authorization", *credential);
    }
    builder.body(String::new()).unwrap()
}

fn header<'r>(response: &'r Response<String>, name: &str) -> Option<&'r str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

async fn answer(layer: &AuthLayer, request: Request<String>) -> Response<String> {
    layer.layer(Hello).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn nobody_gets_through_without_a_credential() {
    hold(Database::in_memory(), |world| Box::pin(layers(world))).await;
}

async fn layers(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let session = world.login("ann").await;
    let token = format!("Bearer {}", session.access().expose());
    let layer = AuthLayer::new(world.auth.clone()).source(|_, _| here());
    let right = answer(&layer, request(&[&token])).await;
    assert_eq!(
        (right.status(), right.body().as_str()),
        (StatusCode::OK, "user 192.0.2.7")
    );
    let right = answer(&layer, request(&[&token.replace("Bearer", "bearer ")])).await;
    assert_eq!(right.status(), StatusCode::OK);

    for credentials in [
        &[][..],
        &["Bearer"],
        &["Bearer "],
        &["Basic YTpi"],
        &[session.access().expose()],
        &[&token, &token],
    ] {
        let refused = answer(&layer, request(credentials)).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(header(&refused, "www-authenticate"), Some("Bearer"));
        assert_eq!(header(&refused, "cache-control"), Some("no-store"));
        assert!(refused.body().contains(CREDENTIALS_MISSING.as_str()));
    }
    let forged = answer(&layer, request(&[&format!("{token}x")])).await;
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        header(&forged, "www-authenticate"),
        Some(r#"Bearer error="invalid_token""#)
    );
    assert!(!forged.body().contains(&token[20..40]));

    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    let key = NewKey::new("k").scope(permission("read:health"));
    let (key, _) = acting.create_key(ann.id(), &key).await.unwrap();
    let key = format!("Bearer {}", key.expose());
    assert_eq!(
        answer(&layer, request(&[&key])).await.body(),
        "api_key 192.0.2.7"
    );
    let strict = layer.clone().now();
    assert_eq!(
        answer(&strict, request(&[&token])).await.status(),
        StatusCode::OK
    );
    assert_eq!(
        answer(&strict, request(&[&key])).await.status(),
        StatusCode::UNAUTHORIZED
    );

    for n in 0..5 {
        world
            .fail("ann", &format!("attacker-{n}").parse().unwrap())
            .await;
    }
    let there = AuthLayer::new(world.auth.clone()).source(|_, _| elsewhere());
    let locked = answer(&there, request(&[&token])).await;
    assert_eq!(locked.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&locked, "retry-after"), Some("1"));
    assert!(locked.body().contains(LOCKED_OUT.as_str()));
    let mut tagged = request(&[&token]);
    tagged.extensions_mut().insert(here());
    let plain = AuthLayer::new(world.auth.clone());
    assert_eq!(answer(&plain, tagged).await.status(), StatusCode::OK);

    acting.disable(ann.id()).await.unwrap();
    let off = answer(&layer, request(&[&token])).await;
    assert_eq!(off.status(), StatusCode::UNAUTHORIZED);
    assert!(off.body().contains(TOKEN_REVOKED.as_str()));
    // Disabling ends the trust in her places too: the strangers' guesses hold her up here as well.
    world.pass(3600);
    let login = world
        .auth
        .login("ann", &secret("x"), &here())
        .await
        .unwrap_err();
    assert_eq!(
        response::<String>(&login).status(),
        StatusCode::UNAUTHORIZED
    );
}

struct ReadLedger;
impl Needs for ReadLedger {
    const PERMISSION: &'static str = "read:ledger";
}

#[tokio::test]
async fn extractors_give_who_is_there_and_may() {
    let (mut parts, _) = request(&[]).into_parts();
    let nobody = Caller::from_request_parts(&mut parts, &())
        .await
        .unwrap_err();
    assert_eq!(nobody.into_response().status(), StatusCode::UNAUTHORIZED);
    let who = Principal::external("user-17").unwrap();
    parts.extensions.insert(who.clone());
    let caller = Caller::from_request_parts(&mut parts, &()).await.unwrap();
    assert_eq!(caller.0.id().as_str(), "user-17");
    let refused = RequirePermission::<ReadLedger>::from_request_parts(&mut parts, &()).await;
    let response = refused.unwrap_err().into_response();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    assert_eq!(challenge, r#"Bearer error="insufficient_scope""#);
    parts
        .extensions
        .insert(who.permissions([permission("read:ledger")]));
    let may = RequirePermission::<ReadLedger>::from_request_parts(&mut parts, &())
        .await
        .unwrap();
    assert_eq!(may.principal().id().as_str(), "user-17");
}

#[test]
fn each_kind_has_its_status_and_no_context_is_shown() {
    use lattice_lock_auth::codes;
    for (code, status) in [
        (codes::TOKEN_EXPIRED, 401),
        (codes::GRANT_EXCEEDED, 403),
        (codes::LOCKED_OUT, 429),
        (codes::HASHING_OVERLOADED, 503),
        (codes::PASSWORD_COMMON, 400),
        (codes::USER_UNKNOWN, 404),
        (codes::USERNAME_TAKEN, 409),
        (codes::AUDIT_BROKEN, 500),
    ] {
        let error = Error::new(code, "message").with("detail", "planted-4711");
        let response = response::<String>(&error);
        assert_eq!(response.status().as_u16(), status, "{code}");
        assert!(!response.body().contains("planted"));
    }
    let mut odd = request(&[]);
    odd.headers_mut().insert(
        "authorization",
        http::HeaderValue::from_bytes(b"Bearer \xff").unwrap(),
    );
    assert_eq!(
        bearer(odd.headers()).unwrap_err().code(),
        CREDENTIALS_MISSING
    );
}
