#[path = "planted.rs"]
pub(crate) mod planted;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lattice_lock_auth::{Auth, AuthBuilder, Clock, Role, SignedIn, Source, Tokens, User};
use lattice_lock_config::{Environment, SigningSecret};
use lattice_lock_errors::{Code, Result, Secret};
use lattice_lock_principal::{Permission, Principal};
use lattice_lock_repository::{Database, Engine};

pub(crate) const SECRET: &str = "q0Zk3mB7xW1yVtR9uHc5aLd8eNf2gJp6";
pub(crate) const PASSWORD: &str = "five tired zebras wander home";
pub(crate) const OTHER_PASSWORD: &str = "nine calm otters paddle north";
/// Nobody's.
pub(crate) const WRONG: &str = "not the password at all";
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) type Fact = fn(World) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub(crate) struct Fixed(Arc<AtomicU64>);

impl Clock for Fixed {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An empty database, a clock, and an auth with an administrator called `root`.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) auth: Auth,
    clock: Fixed,
}

pub(crate) async fn hold(database: Database, fact: Fact) {
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    if database.engine() != Engine::Memory {
        database.migrate(Auth::MIGRATIONS).await.unwrap();
    }
    planted::watch();
    let clock = Fixed(Arc::new(AtomicU64::new(NOW)));
    let auth = builder(&database, &clock).build().unwrap();
    let world = World {
        database: database.clone(),
        auth: auth.clone(),
        clock,
    };
    fact(world).await;
    planted::none_left(&auth, &database).await;
}

fn builder(database: &Database, clock: &Fixed) -> AuthBuilder {
    let secret = SigningSecret::parse(SECRET, Environment::Production).unwrap();
    Auth::builder(Tokens::builder(&secret).clock(clock.clone()), database)
}

/// Every entry of the audit, which is whole.
pub(crate) async fn entries(auth: &Auth) -> Vec<serde_json::Value> {
    let (host, source) = (host(), here());
    let mut lines = Vec::new();
    let acting = auth.acting(&host, &source);
    acting.export_audit(&mut lines).await.unwrap();
    let text = String::from_utf8(lines).unwrap();
    let entry = |line| serde_json::from_str(line).unwrap();
    text.lines().map(entry).collect()
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(crate) fn here() -> Source {
    "192.0.2.7".parse().unwrap()
}

pub(crate) fn elsewhere() -> Source {
    "198.51.100.9".parse().unwrap()
}

pub(crate) fn permission(name: &str) -> Permission {
    name.parse().unwrap()
}

/// Somebody of the host's who may everything.
pub(crate) fn host() -> Principal {
    Principal::service("host")
        .unwrap()
        .permissions(Role::Admin.permissions())
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>, code: Code) {
    let error = result.unwrap_err();
    planted::none_in_error(&error);
    assert_eq!(error.code(), code, "{error:?}");
}

impl World {
    pub(crate) fn builder(&self) -> AuthBuilder {
        builder(&self.database, &self.clock)
    }

    /// Another process on the same database; in memory there is none.
    pub(crate) fn other(&self) -> Auth {
        if self.database.engine() == Engine::Memory {
            return self.auth.clone();
        }
        self.builder().build().unwrap()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn go_back(&self, seconds: u64) {
        self.clock.0.fetch_sub(seconds, Ordering::SeqCst);
    }

    /// Another process on the same database, after a rotation.
    pub(crate) fn with_secrets(
        &self,
        current: &SigningSecret,
        previous: Option<&SigningSecret>,
    ) -> Auth {
        let mut tokens = Tokens::builder(current).clock(self.clock.clone());
        if let Some(previous) = previous {
            tokens = tokens.previous(previous);
        }
        Auth::builder(tokens, &self.database).build().unwrap()
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(crate) async fn user(&self, name: &str, role: Role) -> User {
        let (host, source) = (host(), here());
        let acting = self.auth.acting(&host, &source);
        let name = name.parse().unwrap();
        acting
            .create_user(&name, &secret(PASSWORD), role)
            .await
            .unwrap()
    }

    pub(crate) async fn login(&self, name: &str) -> SignedIn {
        self.auth
            .login(name, &secret(PASSWORD), &here())
            .await
            .unwrap()
    }

    pub(crate) async fn fail(&self, name: &str, source: &Source) -> Code {
        let failed = self.auth.login(name, &secret(WRONG), source).await;
        let error = failed.unwrap_err();
        planted::none_in_error(&error);
        error.code()
    }

    pub(crate) async fn verify(&self, session: &SignedIn) -> Result<Principal> {
        self.auth.verify(session.access().expose(), &here()).await
    }
}
