//! Who is calling: the first administrator, a login over HTTP as OAuth 2 writes it, tokens that are exchanged once, a
//! stolen one that is noticed, an API key, guesses that are slowed down, and an audit that nobody changes unseen.
//!
//! `migrate` takes users over, from the original in Python or from memory, with the passwords that they have.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, State};
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use lattice_lock::auth::{
    Auth, AuthLayer, Caller, Needs, NewKey, Refusal, RequirePermission, Role, Source, UserRecord,
};
use lattice_lock::config::SigningSecret;
use lattice_lock::errors::{Code, Kind, Secret};
use lattice_lock::{AppConfig, Database, Error, Result};
use lattice_lock_examples::{failed, heading, misused, note, proved, row, unusable};
use serde::Deserialize;
use tower::ServiceExt;

const USAGE: &str = "\
Usage: cargo run --example auth -- [migrate [--from FILE] [--url URL]]

  migrate      take users over into a database
  --from FILE  a JSON list of users (username, hashed_password, role, is_active); by default some made in memory
  --url URL    sqlite:FILE, postgres://… or mysql://…; by default a temporary file";

const PASSWORD: &str = "five tired zebras wander home";

enum Command {
    Show,
    Migrate {
        from: Option<PathBuf>,
        url: Option<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = match parse(std::env::args().skip(1)) {
        Ok(Some(command)) => command,
        Ok(None) => {
            anstream::println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(fault) => return misused(&fault, USAGE),
    };
    let done = match command {
        Command::Show => show().await,
        Command::Migrate { from, url } => migrate(from.as_deref(), url).await,
    };
    done.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

/// What was asked for; nothing if it was help.
fn parse(
    mut arguments: impl Iterator<Item = String>,
) -> std::result::Result<Option<Command>, String> {
    let (mut command, mut from, mut url) = (None, None, None);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "migrate" => command = Some(()),
            "--from" => from = Some(value()?.into()),
            "--url" => url = Some(value()?),
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("unknown option {other}")),
        }
    }
    match command {
        Some(()) => Ok(Some(Command::Migrate { from, url })),
        None if from.is_some() || url.is_some() => Err("--from and --url are for migrate".into()),
        None => Ok(Some(Command::Show)),
    }
}

/// A database with the tables, in the given place or in a file of its own.
async fn open(url: Option<String>, folder: &Path) -> Result<Database> {
    let url = url.unwrap_or_else(|| format!("sqlite:{}", folder.join("auth.db").display()));
    let database = Database::open(&url).await?;
    database.migrate(Auth::MIGRATIONS).await?;
    Ok(database)
}

fn folder() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|error| unusable("no temporary folder", &error))
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// The code of what must have been refused.
fn refused<T>(result: Result<T>) -> Result<Error> {
    match result {
        Err(error) => Ok(error),
        Ok(_) => Err(unusable(
            "accepted what should be refused",
            &std::fmt::Error,
        )),
    }
}

async fn show() -> Result<()> {
    let config = AppConfig::from_env()?;
    let folder = folder()?;
    let database = open(None, folder.path()).await?;
    let auth = Auth::from_config(config.auth(), &database)?;
    let source: Source = "192.0.2.7".parse()?;

    heading("The first administrator");
    let root = auth.bootstrap(&"root".parse()?, &secret(PASSWORD)).await?;
    row("made", format_args!("{} ({})", root.name(), root.id()));
    let again = refused(auth.bootstrap(&"mallory".parse()?, &secret(PASSWORD)).await)?;
    proved(format_args!("only once: {again}"));

    sign_in_over_http(&auth).await?;
    exchange_tokens(&auth, &source).await?;
    use_a_key(&auth, &source).await?;
    guess(&auth).await?;
    audit(&auth, &source).await?;
    auth.sweep().await?;
    database.dispose().await;
    Ok(())
}

const GRANT_UNSUPPORTED: Code = Code::new(
    "LL-EXA-002",
    Kind::Invalid,
    "The form asks for another grant than the one by password.",
    "Send grant_type=password.",
);

#[derive(Deserialize)]
struct Credentials {
    grant_type: String,
    username: String,
    password: String,
}

/// RFC 6749, section 4.3, as forms send it.
async fn token(
    State(auth): State<Auth>,
    Form(form): Form<Credentials>,
) -> std::result::Result<axum::Json<serde_json::Value>, Refusal> {
    if form.grant_type != "password" {
        return Err(Error::new(GRANT_UNSUPPORTED, "only the grant by password is known").into());
    }
    // A server takes the source from the connection, or from a proxy that it trusts.
    let source = "198.51.100.4".parse()?;
    let password = Secret::new(form.password);
    let session = auth.login(&form.username, &password, &source).await?;
    Ok(axum::Json(serde_json::json!({
        "access_token": session.access().expose(),
        "refresh_token": session.refresh().expose(),
        "token_type": "Bearer",
        "expires_in": session.expires_in().as_secs(),
    })))
}

struct ManageUsers;
impl Needs for ManageUsers {
    const PERMISSION: &'static str = "manage:users";
}

async fn me(Caller(who): Caller) -> String {
    who.id().to_string()
}

async fn users(_: RequirePermission<ManageUsers>) -> &'static str {
    "all of them"
}

fn router(auth: &Auth) -> Router {
    let guarded = Router::new()
        .route("/me", get(me))
        .route("/users", get(users))
        .layer(AuthLayer::new(auth.clone()));
    Router::new()
        .route("/token", post(token))
        .with_state(auth.clone())
        .merge(guarded)
}

async fn send(router: &Router, request: Request<Body>) -> Result<Response<Body>> {
    let sent = router.clone().oneshot(request).await;
    sent.map_err(|never| match never {})
}

fn form(password: &str) -> Result<Request<Body>> {
    let body = format!(
        "grant_type=password&username=root&password={}",
        password.replace(' ', "+")
    );
    Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .map_err(|error| unusable("no request", &error))
}

async fn sign_in_over_http(auth: &Auth) -> Result<()> {
    heading("Over HTTP");
    let router = router(auth);
    let response = send(&router, form(PASSWORD)?).await?;
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 64 * 1024).await;
    let body = body.map_err(|error| unusable("no body", &error))?;
    let json: serde_json::Value =
        serde_json::from_slice(&body).map_err(|error| unusable("no JSON", &error))?;
    row(
        "POST /token",
        format_args!("{status}, good for {} s", json["expires_in"]),
    );
    let bearer = format!(
        "Bearer {}",
        json["access_token"].as_str().unwrap_or_default()
    );
    let (right, source) = (secret(PASSWORD), "198.51.100.4".parse()?);
    let less = ["read:health".parse()?].into();
    let less = auth.login_scoped("root", &right, &source, less).await?;
    let less = format!("Bearer {}", less.access().expose());
    for (path, credential, who, expected) in [
        ("/me", Some(&bearer), "with the token", StatusCode::OK),
        ("/users", Some(&bearer), "with the token", StatusCode::OK),
        ("/users", Some(&less), "with less", StatusCode::FORBIDDEN),
        ("/me", None, "without", StatusCode::UNAUTHORIZED),
    ] {
        let mut request = Request::get(path);
        if let Some(credential) = credential {
            request = request.header("authorization", credential);
        }
        let request = request
            .body(Body::empty())
            .map_err(|error| unusable("no request", &error))?;
        let response = expect(send(&router, request).await?, expected)?;
        let challenge = header(&response, "www-authenticate");
        let answer = format!("{} {who} {challenge}", response.status());
        row(&format!("GET {path}"), answer.trim_end());
    }
    for _ in 0..5 {
        let response = send(&router, form("a guess of many")?).await?;
        expect(response, StatusCode::UNAUTHORIZED)?;
    }
    let response = send(&router, form("a guess of many")?).await?;
    let response = expect(response, StatusCode::TOO_MANY_REQUESTS)?;
    let wait = header(&response, "retry-after");
    row(
        "POST /token",
        format_args!("{} after guesses, again in {wait} s", response.status()),
    );
    Ok(())
}

fn expect(response: Response<Body>, status: StatusCode) -> Result<Response<Body>> {
    if response.status() == status {
        return Ok(response);
    }
    Err(unusable("another answer than expected", &std::fmt::Error))
}

fn header<'r>(response: &'r Response<Body>, name: &str) -> &'r str {
    let value = response.headers().get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or("")
}

async fn exchange_tokens(auth: &Auth, source: &Source) -> Result<()> {
    heading("A session");
    let first = auth.login("root", &secret(PASSWORD), source).await?;
    let who = auth.verify(first.access().expose(), source).await?;
    row("verified", who.id());
    let second = auth.refresh(first.refresh().expose(), source).await?;
    row("exchanged", "the refresh token for a new pair");
    let third = auth.refresh(second.refresh().expose(), source).await?;
    let stolen = refused(auth.refresh(first.refresh().expose(), source).await)?;
    proved(format_args!("the first one again is noticed: {stolen}"));
    let ended = refused(auth.verify(third.access().expose(), source).await)?;
    proved(format_args!("and ends the session for both: {ended}"));
    Ok(())
}

async fn use_a_key(auth: &Auth, source: &Source) -> Result<()> {
    heading("An API key");
    let session = auth.login("root", &secret(PASSWORD), source).await?;
    let acting = auth.acting(session.principal(), source);
    let ann = acting
        .create_user(&"ann".parse()?, &secret(PASSWORD), Role::Operator)
        .await?;
    let key = NewKey::new("nightly report").scope("read:ledger".parse()?);
    let (text, key) = acting.create_key(ann.id(), &key).await?;
    row(
        "made",
        format_args!("llk_{}…, for {}", key.id(), ann.name()),
    );
    let who = auth.authenticate(text.expose(), source).await?;
    row(
        "verified",
        format_args!("{} as {}", who.id(), who.kind().as_str()),
    );
    let more = refused(who.require(&"write:projects".parse()?))?;
    proved(format_args!("no more than its scopes: {more}"));
    let mut typo = text.expose().clone();
    typo.replace_range(
        20..21,
        if typo.as_bytes()[20] == b'x' {
            "y"
        } else {
            "x"
        },
    );
    let typo = refused(auth.authenticate(&typo, source).await)?;
    proved(format_args!(
        "a typo is found without looking it up: {typo}"
    ));
    let (_, next) = acting.rotate_key(key.id(), Duration::from_hours(1)).await?;
    row(
        "replaced",
        format_args!("by llk_{}…; the old one is good for an hour", next.id()),
    );
    acting.disable(ann.id()).await?;
    let off = refused(auth.authenticate(text.expose(), source).await)?;
    proved(format_args!("gone with its owner: {off}"));
    Ok(())
}

async fn guess(auth: &Auth) -> Result<()> {
    heading("Guesses");
    let elsewhere: Source = "203.0.113.66".parse()?;
    for name in ["root", "nobody"] {
        let before = auth.passwords().hash_calls();
        let mut guesses = 0;
        let locked = loop {
            guesses += 1;
            let error = refused(
                auth.login(name, &secret("a guess of many"), &elsewhere)
                    .await,
            )?;
            if error.retry_after().is_some() {
                break error;
            }
        };
        let hashes = auth.passwords().hash_calls() - before;
        row(
            name,
            format_args!("{guesses} guesses, {hashes} hashes, then {}", locked.code()),
        );
    }
    proved("the same for a name that nobody has");
    let home: Source = "192.0.2.7".parse()?;
    auth.login("root", &secret(PASSWORD), &home).await?;
    proved("and its user still signs in from where she did before");
    Ok(())
}

async fn audit(auth: &Auth, source: &Source) -> Result<()> {
    heading("The audit");
    let session = auth.login("root", &secret(PASSWORD), source).await?;
    let acting = auth.acting(session.principal(), source);
    let kept = acting.audit_head().await?;
    let mut lines = Vec::new();
    let head = acting.export_audit(&mut lines).await?;
    row("entries", head.sequence);
    acting.verify_audit(Some(&kept)).await?;
    proved("each is chained to the one before, and the head that was kept is there");
    let cut = lattice_lock::auth::AuditHead::new(head.sequence + 1, kept.mac);
    let error = refused(acting.verify_audit(Some(&cut)).await)?;
    proved(format_args!("a tail that is cut off is missed: {error}"));
    Ok(())
}

async fn migrate(from: Option<&Path>, url: Option<String>) -> Result<()> {
    let config = AppConfig::from_env()?;
    heading("Users");
    let records = match from {
        Some(file) => {
            let text = std::fs::read(file).map_err(|error| unusable("no file", &error))?;
            row("from", file.display());
            // The error would repeat what stands in the file.
            serde_json::from_slice::<Vec<UserRecord>>(&text)
                .map_err(|_| unusable("not a JSON list of users", &std::fmt::Error))?
        }
        None => in_memory().await?,
    };
    let folder = folder()?;
    let database = open(url, folder.path()).await?;
    row("into", database.engine().as_str());
    let auth = Auth::from_config(config.auth(), &database)?;
    let imported = auth.import_users(&records).await?;
    row("added", imported.added);
    row(
        "skipped",
        format_args!("{} that were there", imported.skipped),
    );
    if from.is_none() {
        let source = Source::unknown();
        auth.login("ann", &secret(PASSWORD), &source).await?;
        proved("ann signs in with the password that she had");
    }
    note("hashes of bcrypt are replaced at the first login");
    database.dispose().await;
    Ok(())
}

/// Users of a process that had no database.
async fn in_memory() -> Result<Vec<UserRecord>> {
    let tokens = lattice_lock::auth::Tokens::builder(&SigningSecret::random()?);
    let auth = Auth::builder(tokens, &Database::in_memory()).build()?;
    auth.bootstrap(&"root".parse()?, &secret(PASSWORD)).await?;
    let source = Source::unknown();
    let session = auth.login("root", &secret(PASSWORD), &source).await?;
    let acting = auth.acting(session.principal(), &source);
    acting
        .create_user(&"ann".parse()?, &secret(PASSWORD), Role::Viewer)
        .await?;
    row("from", "memory");
    auth.export_users().await
}
