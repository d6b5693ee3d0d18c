use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lattice_lock_analyzer::Analyzer;
use lattice_lock_billing::Ledger;
use lattice_lock_clients::{Client, HttpClients};
use lattice_lock_config::{AppConfig, DatabaseConfig};
use lattice_lock_errors::Result;
use lattice_lock_orchestrator::{Orchestrator, Parts};
use lattice_lock_providers::{Catalogue, CredentialResolver, ProviderId, Registry};
use lattice_lock_repository::{Database, DatabaseOptions, MigrationSet};
use lattice_lock_runtime::{BackgroundTasks, ErrorMetrics};

use crate::app::Handles;
use crate::lifecycle::{Ending, health};
use crate::{LatticeLock, Providers};

/// The tables of an application that knows who is calling.
#[cfg(all(
    feature = "auth",
    any(feature = "sqlite", feature = "postgres", feature = "mysql")
))]
const WITH_AUTH: &[MigrationSet] = &[
    Ledger::MIGRATIONS[0],
    lattice_lock_auth::Auth::MIGRATIONS[0],
];
#[cfg(all(
    feature = "auth",
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql"))
))]
const WITH_AUTH: &[MigrationSet] = &[];

/// What a [`LatticeLock`] is made of; made with [`LatticeLock::builder`]. Only [`build`](Self::build) fails.
#[derive(Debug, Default)]
pub struct Builder {
    config: Option<AppConfig>,
    database: Option<Database>,
    providers: Option<Providers>,
    catalogue: Option<Catalogue>,
    clients: BTreeMap<ProviderId, Arc<dyn Client>>,
    http: Option<HttpClients>,
    credentials: Option<Credentials>,
    error_metrics: Option<Arc<ErrorMetrics>>,
    migrate: bool,
    #[cfg(feature = "auth")]
    auth: Option<lattice_lock_auth::Auth>,
}

/// Who knows the callers' own keys.
struct Credentials(Arc<dyn CredentialResolver>);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Builder {
    /// Sets the configuration; by default nothing is configured and the environment is not read.
    #[must_use]
    pub fn config(mut self, config: AppConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// Sets the database, which stays the caller's to dispose of; by default the configured one is opened, and
    /// closed at [`shutdown`](LatticeLock::shutdown).
    #[must_use]
    pub fn database(mut self, database: Database) -> Self {
        self.database = Some(database);
        self
    }

    /// Sets the providers; by default those that the configuration has credentials for.
    #[must_use]
    pub fn providers(mut self, providers: Providers) -> Self {
        self.providers = Some(providers);
        self
    }

    /// Sets the known models and their prices; by default the shipped ones, or none without the feature
    /// `catalogue`.
    #[must_use]
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = Some(catalogue);
        self
    }

    /// Has a provider called through this client, such as a test's, in place of our own over HTTP.
    #[must_use]
    pub fn client(mut self, client: Arc<dyn Client>) -> Self {
        self.clients.insert(client.provider().clone(), client);
        self
    }

    /// Sets how providers are called over HTTP: timeouts, proxy, allowed hosts, or the host's own client; by default
    /// [`HttpClients::new`].
    #[must_use]
    pub fn http(mut self, clients: HttpClients) -> Self {
        self.http = Some(clients);
        self
    }

    /// Asks `resolver` for the caller's own key before each attempt; by default everybody uses the application's.
    #[must_use]
    pub fn credentials(mut self, resolver: Arc<dyn CredentialResolver>) -> Self {
        self.credentials = Some(Credentials(resolver));
        self
    }

    /// Sets where errors are counted, with alerts and their hook; by default they are counted without alerts.
    #[must_use]
    pub fn error_metrics(mut self, metrics: impl Into<Arc<ErrorMetrics>>) -> Self {
        self.error_metrics = Some(metrics.into());
        self
    }

    /// Sets who knows who is calling, with settings of its own; by default it is made of the configuration, in the same
    /// database.
    #[cfg(feature = "auth")]
    #[must_use]
    pub fn auth(mut self, auth: lattice_lock_auth::Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Creates or updates the tables first; by default tables that are not up to date are refused.
    #[must_use]
    pub fn migrate(mut self) -> Self {
        self.migrate = true;
        self
    }

    /// Puts everything together.
    ///
    /// # Errors
    ///
    /// Those of the configuration (`LL-CFG-…`, `LL-SEC-…`), of opening the database,
    /// [`MIGRATION_NEEDED`](lattice_lock_repository::codes::MIGRATION_NEEDED), and of making HTTP clients.
    pub async fn build(self) -> Result<LatticeLock> {
        let config = match self.config {
            Some(config) => config,
            None => AppConfig::builder().build()?,
        };
        // What can be refused without opening anything is refused first.
        #[cfg(feature = "auth")]
        let without_auth = is_without_auth(&config, self.auth.is_some())?;
        let providers = match self.providers {
            Some(providers) => providers,
            None => Providers::from_config(&config)?,
        };
        let registry = Registry::new(catalogue(self.catalogue), providers.iter().cloned());
        let clients = clients(&providers, &registry, self.http, self.clients)?;
        let (database, owned) = match self.database {
            Some(database) => (database, false),
            None => (open(config.database()).await?, true),
        };
        #[cfg(feature = "auth")]
        let auth = match self.auth {
            None if without_auth => None,
            None => Some(lattice_lock_auth::Auth::from_config(
                config.auth(),
                &database,
            )?),
            given => given,
        };
        #[cfg(feature = "auth")]
        let tables = if auth.is_some() {
            WITH_AUTH
        } else {
            Ledger::MIGRATIONS
        };
        #[cfg(not(feature = "auth"))]
        let tables = Ledger::MIGRATIONS;
        prepare(&database, tables, self.migrate).await?;
        let orchestrator = Orchestrator::new(Parts {
            analyzer: analyzer(&config),
            registry,
            clients,
            ledger: Ledger::new(&database),
        });
        let orchestrator = match self.credentials {
            Some(Credentials(resolver)) => orchestrator.credentials(resolver),
            None => orchestrator,
        };
        let tasks = BackgroundTasks::new();
        let shutdown = Ending {
            operations: orchestrator.operations().clone(),
            ledger: orchestrator.ledger().clone(),
            tasks: tasks.clone(),
            task_timeout: config.runtime().background_task_timeout,
            database: owned.then(|| database.clone()),
        }
        .shutdown();
        let health = health(&database, &shutdown);
        Ok(LatticeLock::new(Handles {
            config,
            database,
            orchestrator,
            tasks,
            health,
            error_metrics: self.error_metrics.unwrap_or_default(),
            shutdown,
            #[cfg(feature = "auth")]
            auth,
        }))
    }
}

fn analyzer(config: &AppConfig) -> Analyzer {
    let entries = usize::try_from(config.analyzer().cache_size).unwrap_or(usize::MAX);
    Analyzer::builder().cache_size(entries).build()
}

/// Whether nobody is to be known. What the configuration says wrongly is found before anything opens.
#[cfg(feature = "auth")]
fn is_without_auth(config: &AppConfig, given: bool) -> Result<bool> {
    if config.auth().enabled && !given {
        lattice_lock_auth::Tokens::from_config(config.auth())?;
    }
    Ok(!config.auth().enabled)
}

fn clients(
    providers: &Providers,
    registry: &Registry,
    http: Option<HttpClients>,
    given: BTreeMap<ProviderId, Arc<dyn Client>>,
) -> Result<BTreeMap<ProviderId, Arc<dyn Client>>> {
    let http = match http {
        Some(http) => http,
        None => HttpClients::new()?,
    };
    let http = http.knowing(registry);
    let mut clients: BTreeMap<_, _> = providers
        .iter()
        .map(|provider| (provider.id().clone(), http.client(provider)))
        .collect();
    clients.extend(given);
    Ok(clients)
}

fn catalogue(given: Option<Catalogue>) -> Catalogue {
    given.unwrap_or_else(|| {
        #[cfg(feature = "catalogue")]
        let shipped = Catalogue::shipped();
        #[cfg(not(feature = "catalogue"))]
        let shipped = Catalogue::default();
        shipped
    })
}

async fn open(config: &DatabaseConfig) -> Result<Database> {
    let options = DatabaseOptions::default()
        .pool_size(config.pool_size)
        .max_overflow(config.max_overflow)
        .echo(config.echo);
    Database::open_with(config.url.expose(), options).await
}

#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    expect(clippy::unused_async, reason = "awaits with an engine")
)]
async fn prepare(
    database: &Database,
    tables: &'static [MigrationSet],
    migrate: bool,
) -> Result<()> {
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    if migrate {
        database.migrate(tables).await?;
    } else {
        database.require_migrated(tables).await?;
    }
    #[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
    let _ = (database, tables, migrate);
    Ok(())
}
