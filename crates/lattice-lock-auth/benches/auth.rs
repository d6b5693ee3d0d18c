//! What verifying costs, and what signing in does to everybody else.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops where it cannot go on"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lattice_lock_auth::{Auth, Grant, NewKey, Role, Source, Tokens};
use lattice_lock_config::SigningSecret;
use lattice_lock_errors::Secret;
use lattice_lock_principal::Principal;
use lattice_lock_repository::Database;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

const PASSWORD: &str = "five tired zebras wander home";

/// How many keys there are; fewer where the benchmark is only tried out.
const KEYS: usize = if cfg!(debug_assertions) {
    2_000
} else {
    1_000_000
};

/// How many sign in at the same time.
const LOGINS: usize = if cfg!(debug_assertions) { 8 } else { 200 };

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
    permissions: Vec<String>,
}

fn auth() -> Auth {
    let tokens = Tokens::builder(&SigningSecret::random().unwrap());
    Auth::builder(tokens, &Database::in_memory())
        .build()
        .unwrap()
}

fn host() -> Principal {
    Principal::service("host")
        .unwrap()
        .permissions(Role::Admin.permissions())
}

fn secret() -> Secret<String> {
    Secret::new(PASSWORD.to_owned())
}

/// A token of ours, and what the bare crate makes of one with the same claims under a key of its own.
fn tokens(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("verify");
    let ours = Tokens::new(&SigningSecret::random().unwrap()).unwrap();
    let grant =
        Grant::new("01a20708-8dc9-705f-bb0b-de1bff3daad2".parse().unwrap()).role(Role::Viewer);
    let token = ours.issue(&grant, Duration::from_mins(30)).unwrap();
    group.bench_function("stateless", |it| {
        it.iter(|| ours.verify(black_box(token.expose())).unwrap());
    });
    let (bare, key) = bare(token.expose());
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["lattice-lock"]);
    validation.set_issuer(&["lattice-lock"]);
    validation.validate_nbf = true;
    validation.leeway = 5;
    group.bench_function("bare_jsonwebtoken", |it| {
        it.iter(|| jsonwebtoken::decode::<Claims>(black_box(&bare), &key, &validation).unwrap());
    });
    let auth = auth();
    let source: Source = "192.0.2.7".parse().unwrap();
    let session = runtime.block_on(async {
        auth.bootstrap(&"root".parse().unwrap(), &secret())
            .await
            .unwrap();
        let scopes = Role::Viewer.permissions();
        auth.login_scoped("root", &secret(), &source, scopes)
            .await
            .unwrap()
    });
    group.bench_function("full", |it| {
        it.iter(|| {
            runtime
                .block_on(auth.verify(black_box(session.access().expose()), &source))
                .unwrap()
        });
    });
    group.bench_function("runtime_alone", |it| {
        it.iter(|| runtime.block_on(async { black_box(1) }));
    });
    group.finish();
}

fn bare(token: &str) -> (String, DecodingKey) {
    let claims = jsonwebtoken::dangerous::insecure_decode::<Claims>(token)
        .unwrap()
        .claims;
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".into());
    header.kid = Some("0123456789abcdef".into());
    let key = [7; 32];
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&key)).unwrap();
    (token, DecodingKey::from_secret(&key))
}

fn keys(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (auth, host) = (auth(), host());
    let source: Source = "192.0.2.7".parse().unwrap();
    let texts = runtime.block_on(async {
        let root = auth
            .bootstrap(&"root".parse().unwrap(), &secret())
            .await
            .unwrap();
        let key = NewKey::new("k").scope("read:health".parse().unwrap());
        let acting = auth.acting(&host, &source);
        let mut texts = Vec::new();
        for n in 0..KEYS {
            let (text, _) = acting.create_key(root.id(), &key).await.unwrap();
            if n % (KEYS / 1000) == 0 {
                texts.push(text);
            }
        }
        texts
    });
    let mut group = criterion.benchmark_group("api_key");
    let mut next = texts.iter().cycle();
    group.bench_function("remembered", |it| {
        it.iter(|| {
            let text = next.next().unwrap();
            runtime
                .block_on(auth.verify_key(black_box(text.expose()), &source))
                .unwrap()
        });
    });
    group.finish();
}

/// How late a task is that wants to run each millisecond, while many sign in.
fn heartbeat(_: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let delays = runtime.block_on(async {
        let (auth, host, source) = (auth(), host(), Source::unknown());
        let acting = auth.acting(&host, &source);
        for n in 0..LOGINS {
            let name = format!("user{n}").parse().unwrap();
            acting
                .create_user(&name, &secret(), Role::Viewer)
                .await
                .unwrap();
        }
        let logins: Vec<_> = (0..LOGINS)
            .map(|n| {
                let auth = auth.clone();
                tokio::spawn(async move {
                    auth.login(&format!("user{n}"), &secret(), &Source::unknown())
                        .await
                        .unwrap();
                })
            })
            .collect();
        let beats = tokio::spawn(async move {
            let mut delays = Vec::new();
            while logins.iter().any(|login| !login.is_finished()) {
                let wanted = Instant::now() + Duration::from_millis(1);
                tokio::time::sleep_until(wanted.into()).await;
                delays.push(wanted.elapsed());
            }
            for login in logins {
                login.await.unwrap();
            }
            delays
        });
        beats.await.unwrap()
    });
    let mut delays = delays;
    delays.sort_unstable();
    let p99 = delays[delays.len() * 99 / 100];
    println!(
        "heartbeat during {LOGINS} logins: {} beats, p99 {p99:?}, most {:?}",
        delays.len(),
        delays[delays.len() - 1]
    );
}

criterion_group!(benches, tokens, keys, heartbeat);
criterion_main!(benches);
