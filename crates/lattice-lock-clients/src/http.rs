//! Clients over HTTP, and what they share: connections, TLS, timeouts, hosts.
//!
//! The folder has what stands between a wire's words and the network. `client` makes one attempt, `stream` reads
//! its pieces, `framer` cuts bytes into events, `answer` bounds what is read, `failure` makes every error,
//! `retry_after` reads how long to stay away, `hosts` says where calls may go, `tls` who is trusted, and `aws`
//! signs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{Provider, Registry};
use reqwest::redirect::Policy;

use crate::Client;
use crate::codes::CLIENT_UNUSABLE;

mod answer;
#[cfg(feature = "bedrock")]
mod aws;
mod client;
mod failure;
mod framer;
mod hosts;
mod retry_after;
mod stream;
mod tls;

use client::{Bounds, HttpClient, Shared};
use hosts::Hosts;

#[cfg(feature = "__fuzz")]
mod arrived;
#[cfg(feature = "__fuzz")]
pub(crate) use arrived::arrived;
#[cfg(feature = "__fuzz")]
pub(crate) use framer::Framer;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a reply may take: what the providers' own libraries allow.
const TIMEOUT: Duration = Duration::from_mins(10);

/// How long nothing of a stream may come: models that think do so in silence.
const IDLE_TIMEOUT: Duration = Duration::from_mins(3);

/// How long a listing of models may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// How much is sent at most, in bytes: more than any provider takes.
const REQUEST_LIMIT: usize = 64 * 1024 * 1024;

/// Who we say that we are.
const USER_AGENT: &str = concat!("lattice-lock/", env!("CARGO_PKG_VERSION"));

/// Makes the clients of every provider, on one pool of connections.
///
/// It follows no redirect, which would carry the key elsewhere, and TLS is rustls with aws-lc-rs and the
/// system's root certificates, whatever the process or another crate has chosen for itself. A clone shares the
/// pool. HTTP/2 is offered first, and taken where the server has it.
///
/// The key travels in a header and never in an address, is in no `Debug`, and is taken out of a provider's text
/// should that quote it. Replies of more than 32 MiB and errors of more than 64 KiB are not read.
///
/// Make one for the process, and a client for each provider: both are cheap to clone and to keep.
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
///
/// A client of a provider that is one of several shares all of it; making one opens no connection:
///
/// ```
/// use lattice_lock_clients::{ChatRequest, HttpClients};
/// use lattice_lock_providers::{Provider, Wire};
/// # use lattice_lock_testkit::ScriptedServer;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// # let server = ScriptedServer::start().await.unwrap();
/// # let address = server.url();
/// let clients = HttpClients::new()?;
/// let ollama = clients.client(&Provider::local().speaks(Wire::OllamaChat).at(address)?);
/// let vllm = clients.client(&Provider::openai_compatible("vllm".parse()?, &format!("{address}/v1"))?);
/// let request = ChatRequest::new("Who wrote Faust?");
/// for (client, model) in [(ollama, "llama3.3"), (vllm, "qwen3-8b")] {
///     assert!(!client.chat(&model.parse()?, &request).await?.text().is_empty());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HttpClients {
    shared: Shared,
}

impl HttpClients {
    /// Clients with the default timeouts.
    ///
    /// The system's root certificates are read once, here.
    ///
    /// # Errors
    ///
    /// [`CLIENT_UNUSABLE`].
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Starts with the defaults, which are safe in production.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lattice_lock_clients::HttpClients;
    ///
    /// let clients = HttpClients::builder()
    ///     .user_agent("my-application/2.1")
    ///     .idle_timeout(Duration::from_secs(60))
    ///     .build()?;
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    pub fn builder() -> HttpClientsBuilder {
        HttpClientsBuilder {
            connect_timeout: CONNECT_TIMEOUT,
            bounds: Bounds {
                total: TIMEOUT,
                first_byte: None,
                idle: IDLE_TIMEOUT,
                probe: PROBE_TIMEOUT,
                request_bytes: REQUEST_LIMIT,
            },
            proxy: Proxy::None,
            user_agent: USER_AGENT.to_owned(),
            hosts: Hosts::default(),
            http: None,
            #[cfg(feature = "bedrock")]
            aws: None,
        }
    }

    /// These clients, which refuse from now on what a model is known not to do, before it is sent: they ask the
    /// registry's catalogue, as it is at each call. A model that no catalogue knows is asked anything. What is
    /// refused is [`CAPABILITY_MISSING`](crate::codes::CAPABILITY_MISSING), and names the capability.
    ///
    /// Clients that were made before do not know it. A catalogue that the registry takes up later is asked from
    /// then on.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, HttpClients, Tool};
    /// use lattice_lock_providers::{Catalogue, Provider, Registry};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let catalogue = Catalogue::from_json(r#"{
    ///     "version": "test", "sources": [],
    ///     "models": [{ "provider": "local", "name": "mute", "capabilities": ["streaming"], "prices": [] }]
    /// }"#)?;
    /// let registry = Registry::new(catalogue, [Provider::local()]);
    /// let client = HttpClients::new()?.knowing(&registry).client(&Provider::local());
    /// let request = ChatRequest::new("What time is it?").tool(Tool::without_arguments("clock"));
    /// let error = client.chat(&"mute".parse()?, &request).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-057");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn knowing(mut self, registry: &Registry) -> Self {
        self.shared.registry = Some(registry.clone());
        self
    }

    /// The client of `provider`.
    ///
    /// What the provider lacks, such as a key, is the error of each of its calls, so that one provider that is
    /// not set up keeps no other from working:
    ///
    /// | lacking | error |
    /// |---|---|
    /// | an address that can be called | [`ADDRESS_UNUSABLE`](crate::codes::ADDRESS_UNUSABLE) |
    /// | a host that is allowed | [`ADDRESS_FORBIDDEN`](crate::codes::ADDRESS_FORBIDDEN) |
    /// | a key, or one that a header can carry | [`KEY_UNUSABLE`](crate::codes::KEY_UNUSABLE) |
    /// | a wire that this build speaks | [`WIRE_UNSUPPORTED`](crate::codes::WIRE_UNSUPPORTED) |
    /// | certificates, for https | [`TRUST_MISSING`](crate::codes::TRUST_MISSING) |
    ///
    /// It goes on with the provider as it was: a key or an address that changes later makes another client.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, HttpClients};
    /// use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let address = format!("{}/v1", server.url());
    /// let clients = HttpClients::new()?;
    /// let without_key = clients.client(&Provider::openai().at(&address)?); // is no error yet
    /// let with_key = clients.client(&Provider::anthropic().api_key("sk-ant-4711".to_string()).at(&address)?);
    ///
    /// let request = ChatRequest::new("Who wrote Faust?");
    /// let error = without_key.chat(&"gpt-5-mini".parse()?, &request).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-053");
    /// assert!(with_key.chat(&"claude-haiku-4-5".parse()?, &request).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn client(&self, provider: &Provider) -> Arc<dyn Client> {
        Arc::new(HttpClient::new(&self.shared, provider))
    }
}

/// Builds [`HttpClients`].
///
/// | bound | of what | default |
/// |---|---|---|
/// | [`connect_timeout`](Self::connect_timeout) | name, connection and TLS | 10 s |
/// | [`first_byte_timeout`](Self::first_byte_timeout) | from the request to the answer's headers | none of its own |
/// | [`idle_timeout`](Self::idle_timeout) | from one piece of a stream to the next | 3 min |
/// | [`timeout`](Self::timeout) | all of an attempt, stream included | 10 min |
/// | [`probe_timeout`](Self::probe_timeout) | all of a probe or listing | 5 s |
/// | [`request_limit`](Self::request_limit) | the body that is sent | 64 MiB |
///
/// Ten minutes are what the providers' own libraries allow, and models that think are silent for minutes. An
/// attempt that runs out of time may have been charged, except before the connection stood.
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
    bounds: Bounds,
    proxy: Proxy,
    user_agent: String,
    hosts: Hosts,
    http: Option<reqwest::Client>,
    #[cfg(feature = "bedrock")]
    aws: Option<(
        aws_credential_types::provider::SharedCredentialsProvider,
        String,
    )>,
}

/// Through whom calls go.
#[derive(Clone)]
enum Proxy {
    None,
    System,
    #[cfg(feature = "http-client")]
    Given(Box<reqwest::Proxy>),
}

/// A proxy's address may hold a password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::System => "System",
            #[cfg(feature = "http-client")]
            Self::Given(_) => "Given",
        })
    }
}

impl HttpClientsBuilder {
    /// Sets how long a connection may take to come about, TLS included; 10 seconds by default.
    ///
    /// A connection that does not come about in time has carried nothing, so that its class is
    /// [`Connect`](lattice_lock_providers::FailureClass::Connect), which is never charged, and not a timeout. A
    /// connection that is still open from an earlier call needs none of it.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long an answer may take to begin; by default no less than all of it. A reply that does not stream
    /// begins when it is complete, so that a short time here is for streams only; those of models that think begin
    /// at once, and are silent afterwards.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::{Exchange, Gate, ScriptedServer};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let (server, gate) = (ScriptedServer::start().await.unwrap(), Gate::new());
    /// # server.script(Exchange::reply("late").gate(&gate));
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// let clients = HttpClients::builder().first_byte_timeout(Duration::from_millis(50)).build()?;
    /// // Asked of a server that takes the request and is silent:
    /// let stream = clients.client(&provider).stream(&"gpt-5-mini".parse()?, &ChatRequest::new("Hi")).await;
    /// assert_eq!(stream.unwrap_err().code().as_str(), "LL-PRV-020"); // and may have been charged
    /// # gate.open();
    /// # Ok(())
    /// # }
    /// ```
    pub fn first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.bounds.first_byte = Some(timeout);
        self
    }

    /// Sets how long nothing of a stream may come before it counts as a timeout; 3 minutes by default.
    ///
    /// A reader's own pause ends nothing, however long: silence counts from when a piece was asked for and not there.
    /// Comments and `ping` events that keep a connection alive count as something.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::{Bucket, Count, Provider};
    /// # use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let exchange = Exchange::reply("Goethe, and at length.").usage(Usage::new().input(80).output(9));
    /// # server.script(exchange.stall_at(900));
    /// # let provider = Provider::anthropic().api_key("sk-ant-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// let clients = HttpClients::builder().idle_timeout(Duration::from_millis(50)).build()?;
    /// let client = clients.client(&provider);
    /// let mut stream = client.stream(&"claude-haiku-4-5".parse()?, &ChatRequest::new("Who wrote Faust?")).await?;
    /// let error = loop {
    ///     match stream.next().await.expect("it ends with an error") {
    ///         Ok(delta) => drop(delta),
    ///         Err(error) => break error,
    ///     }
    /// };
    /// assert_eq!(error.code().as_str(), "LL-PRV-020");
    /// # Ok(())
    /// # }
    /// ```
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.bounds.idle = timeout;
        self
    }

    /// Sets how long an attempt may take until the last byte of its reply; 10 minutes by default.
    ///
    /// A stream that is read slowly uses it up as well. A time without end is not to be had: give a long one.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.bounds.total = timeout;
        self
    }

    /// Sets how long a listing of models may take; 5 seconds by default.
    ///
    /// For Bedrock that includes fetching credentials.
    pub fn probe_timeout(mut self, timeout: Duration) -> Self {
        self.bounds.probe = timeout;
        self
    }

    /// Sets how much is sent at most, in bytes; 64 MiB by default. What is larger is refused with
    /// [`REQUEST_TOO_LARGE`](crate::codes::REQUEST_TOO_LARGE).
    ///
    /// It counts what goes over the network: a picture's bytes are a third longer there.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let clients = HttpClients::builder().request_limit(64 * 1024).build()?;
    /// let long = ChatRequest::new("x".repeat(70_000));
    /// let error = clients.client(&Provider::local()).chat(&"llama3.3".parse()?, &long).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-059"); // nothing was sent
    /// # Ok(())
    /// # }
    /// ```
    pub fn request_limit(mut self, bytes: usize) -> Self {
        self.bounds.request_bytes = bytes;
        self
    }

    /// Sets who the calls say that they come from; `lattice-lock/` and the version by default.
    ///
    /// Providers look at it when their support looks for a call. One that no header can carry is
    /// [`CLIENT_UNUSABLE`] when the clients are built.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::local().at(&format!("{}/v1", server.url()))?;
    /// let clients = HttpClients::builder().user_agent("my-application/2.1").build()?;
    /// clients.client(&provider).chat(&"llama3.3".parse()?, &ChatRequest::new("Hi")).await?;
    /// assert_eq!(server.received()[0].header("user-agent"), Some("my-application/2.1"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = text.into();
        self
    }

    /// Goes through the proxy that the environment (`HTTPS_PROXY` and its like) or the system names; by default
    /// neither is asked.
    ///
    /// Off by default, since a process whose environment somebody else sets would otherwise send its prompts
    /// through them. For https the proxy sees the host's name and neither key nor prompt; for http it sees all of
    /// it.
    pub fn system_proxy(mut self) -> Self {
        self.proxy = Proxy::System;
        self
    }

    /// Goes through this proxy; through none by default.
    ///
    /// It replaces [`system_proxy`](Self::system_proxy), and is replaced by it: the last one counts. A password in
    /// its address is in no `Debug`.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let proxy = ScriptedServer::start().await?;
    /// let clients = HttpClients::builder().proxy(reqwest::Proxy::all(proxy.url())?).build()?;
    /// let provider = Provider::local().at("http://models.invalid/v1")?;
    /// clients.client(&provider).chat(&"llama3.3".parse()?, &ChatRequest::new("Hi")).await?;
    /// assert_eq!(proxy.received()[0].header("host"), Some("models.invalid"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "http-client")]
    pub fn proxy(mut self, proxy: reqwest::Proxy) -> Self {
        self.proxy = Proxy::Given(Box::new(proxy));
        self
    }

    /// Calls these hosts and no others, such as `api.openai.com`, or `.example.org` for every host below it; by
    /// default whatever a provider's address says. A provider elsewhere is refused with
    /// [`ADDRESS_FORBIDDEN`](crate::codes::ADDRESS_FORBIDDEN).
    ///
    /// For hosts that let somebody else name a provider's address: without it, that address may be of a service
    /// within the network. Names are compared, before they are looked up; ports are not looked at.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, HttpClients};
    /// use lattice_lock_providers::Provider;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let clients = HttpClients::builder().only_hosts(["api.openai.com", ".example.org"]).build()?;
    /// let odd = Provider::openai().api_key("sk-live-4711".to_string()).at("http://169.254.169.254/v1")?;
    /// let error = clients.client(&odd).chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Hi")).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-058");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `.example.org` is `example.org` itself, too. An IP address is listed as a URL has it, one of version 6 in
    /// brackets. An empty list allows nothing. The list is of providers: pictures have [their
    /// own](Self::only_image_hosts), and what AWS's chain asks for credentials is not on any.
    pub fn only_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hosts.base = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// Lets images be at these hosts and no others, written as for [`only_hosts`](Self::only_hosts). By default they
    /// may be at any public name, by https: neither at an IP address nor in a private domain, since whoever
    /// fetches them may be a server in a network of yours.
    ///
    /// A host that is listed may be called by http as well, and may be an IP address. A user in the address is
    /// refused in any case. What a name leads to is for whoever fetches it: a public name that leads into a private
    /// network is not noticed here.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, HttpClients, Image, Message};
    /// use lattice_lock_providers::Provider;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let clients = HttpClients::builder().only_image_hosts([".cdn.example.org"]).build()?;
    /// let elsewhere = Message::user("What is on it?").image(Image::url("https://example.com/cat.png"));
    /// let client = clients.client(&Provider::local());
    /// let error = client.chat(&"llava".parse()?, &elsewhere.into()).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-058");
    /// # Ok(())
    /// # }
    /// ```
    pub fn only_image_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hosts.images = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// Uses the host's own client, with its connections, TLS, proxy and user agent; by default one is made. What
    /// else is set here of connections (`connect_timeout`, `proxy`, `user_agent`) is then not used. The timeouts of
    /// whole calls, first bytes, streams and probes hold all the same. It should follow no redirect, which would
    /// carry the prompt elsewhere.
    ///
    /// A client that logs or changes requests sees keys and prompts. That it trusts somebody is not checked: with it,
    /// [`TRUST_MISSING`](crate::codes::TRUST_MISSING) is never raised.
    ///
    /// ```
    /// use lattice_lock_clients::HttpClients;
    ///
    /// let own = reqwest::Client::builder()
    ///     .redirect(reqwest::redirect::Policy::none())
    ///     .user_agent("my-application/2.1")
    ///     .no_proxy();
    /// let clients = HttpClients::builder().http_client(own.build()?).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "http-client")]
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http = Some(client);
        self
    }

    /// Signs calls to Bedrock with these credentials, in this region where the address names none. By default AWS's
    /// standard chain is asked at the first call, which reads the process's environment and AWS's own files.
    ///
    /// Credentials are asked for when a call is made and kept until five minutes before they end. Whoever gives
    /// none, or not in the call's time, makes the call fail with [`KEY_UNUSABLE`](crate::codes::KEY_UNUSABLE):
    /// nothing was sent. A provider with an API key of Bedrock's is not signed, and asks for none.
    ///
    /// ```
    /// use aws_credential_types::Credentials;
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let address = server.url();
    /// let fixed = Credentials::new("AKIA4711", "planted", None, None, "example");
    /// let clients = HttpClients::builder().aws_credentials(fixed, "eu-central-1").build()?;
    /// let client = clients.client(&Provider::bedrock(address)?);
    /// client.chat(&"anthropic.claude-haiku-4-5-v1:0".parse()?, &ChatRequest::new("Hi")).await?;
    /// let received = server.received();
    /// let signature = received[0].header("authorization").expect("it is signed");
    /// assert!(signature.contains("Credential=AKIA4711/") && signature.contains("/eu-central-1/bedrock/"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "bedrock")]
    pub fn aws_credentials(
        mut self,
        credentials: impl aws_credential_types::provider::ProvideCredentials + 'static,
        region: impl Into<String>,
    ) -> Self {
        let shared = aws_credential_types::provider::SharedCredentialsProvider::new(credentials);
        self.aws = Some((shared, region.into()));
        self
    }

    /// Builds them, and reads the system's root certificates. Without any, http addresses work and https ones
    /// are refused with [`TRUST_MISSING`](crate::codes::TRUST_MISSING).
    ///
    /// No connection is made and no provider is asked.
    ///
    /// # Errors
    ///
    /// [`CLIENT_UNUSABLE`].
    pub fn build(mut self) -> Result<HttpClients> {
        let (http, trust) = match self.http.take() {
            Some(http) => (http, Ok(())),
            None => self.made()?,
        };
        Ok(HttpClients {
            shared: Shared {
                http,
                bounds: self.bounds,
                hosts: Arc::new(self.hosts),
                registry: None,
                trust,
                #[cfg(feature = "bedrock")]
                signer: Arc::new(aws::Signer::new(self.aws)),
            },
        })
    }

    fn made(&self) -> Result<(reqwest::Client, Result<()>)> {
        let (tls, trust) = tls::config()?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(&self.user_agent)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(self.connect_timeout);
        let builder = match &self.proxy {
            Proxy::None => builder.no_proxy(),
            Proxy::System => builder,
            #[cfg(feature = "http-client")]
            Proxy::Given(proxy) => builder.no_proxy().proxy(reqwest::Proxy::clone(proxy)),
        };
        let http = builder.build().map_err(|error| unusable(&error))?;
        Ok((http, trust))
    }
}

fn unusable(cause: &(dyn std::error::Error + 'static)) -> Error {
    Error::new(CLIENT_UNUSABLE, "no HTTP client can be built").with_foreign(cause)
}
