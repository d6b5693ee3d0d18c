use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::Provider;
use reqwest::redirect::Policy;

use crate::Client;
use crate::codes::CLIENT_UNUSABLE;

mod answer;
mod client;
mod failure;
mod retry_after;
mod tls;

use client::HttpClient;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a reply may take: what the providers' own libraries allow.
const TIMEOUT: Duration = Duration::from_mins(10);

/// How long a listing of models may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the clients of every provider, on one pool of connections.
///
/// It follows no redirect, which would carry the key elsewhere, and TLS is rustls with aws-lc-rs and the
/// system's root certificates, whatever the process or another crate has chosen for itself. A clone shares the
/// pool.
///
/// ```
/// use lattice_lock_clients::HttpClients;
/// use lattice_lock_providers::Provider;
///
/// let clients = HttpClients::new()?;
/// let openai = clients.client(&Provider::openai().api_key("sk-live-4711".to_string()));
/// assert_eq!(openai.provider().as_str(), "openai");
/// assert!(!format!("{openai:?}").contains("4711"));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HttpClients {
    http: reqwest::Client,
    probe_timeout: Duration,
    trust: Result<()>,
}

impl HttpClients {
    /// Clients with the default timeouts.
    ///
    /// # Errors
    ///
    /// [`CLIENT_UNUSABLE`].
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Starts with the defaults, which are safe in production.
    pub fn builder() -> HttpClientsBuilder {
        HttpClientsBuilder {
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            probe_timeout: PROBE_TIMEOUT,
            uses_system_proxy: false,
        }
    }

    /// The client of `provider`.
    ///
    /// What the provider lacks, such as a key, is the error of each of its calls, so that one provider that is
    /// not set up keeps no other from working.
    #[must_use]
    pub fn client(&self, provider: &Provider) -> Arc<dyn Client> {
        Arc::new(HttpClient::new(
            self.http.clone(),
            provider.clone(),
            self.probe_timeout,
            &self.trust,
        ))
    }
}

/// Builds [`HttpClients`].
///
/// ```
/// use std::time::Duration;
/// use lattice_lock_clients::HttpClients;
///
/// let impatient = HttpClients::builder()
///     .connect_timeout(Duration::from_secs(2))
///     .timeout(Duration::from_secs(30))
///     .build()?;
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is built until `build` is called"]
pub struct HttpClientsBuilder {
    connect_timeout: Duration,
    timeout: Duration,
    probe_timeout: Duration,
    uses_system_proxy: bool,
}

impl HttpClientsBuilder {
    /// Sets how long a connection may take to come about, TLS included; 10 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long an attempt may take until the last byte of its reply; 10 minutes by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long a listing of models may take; 5 seconds by default.
    pub fn probe_timeout(mut self, timeout: Duration) -> Self {
        self.probe_timeout = timeout;
        self
    }

    /// Goes through the proxy that the environment (`HTTPS_PROXY` and its like) or the system names; by default
    /// neither is asked.
    pub fn system_proxy(mut self) -> Self {
        self.uses_system_proxy = true;
        self
    }

    /// Builds them, and reads the system's root certificates. Without any, http addresses work and https ones
    /// are refused with [`TRUST_MISSING`](crate::codes::TRUST_MISSING).
    ///
    /// # Errors
    ///
    /// [`CLIENT_UNUSABLE`].
    pub fn build(self) -> Result<HttpClients> {
        let (tls, trust) = tls::config()?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("lattice-lock/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout);
        let builder = if self.uses_system_proxy {
            builder
        } else {
            builder.no_proxy()
        };
        let http = builder.build().map_err(|error| unusable(&error))?;
        Ok(HttpClients {
            http,
            probe_timeout: self.probe_timeout,
            trust,
        })
    }
}

fn unusable(cause: &(dyn std::error::Error + 'static)) -> Error {
    Error::new(CLIENT_UNUSABLE, "no HTTP client can be built").with_foreign(cause)
}
