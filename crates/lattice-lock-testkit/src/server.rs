//! The server: sockets, a thread, and nothing of what is said.
//!
//! It runs on a thread and a runtime of its own, so that a test whose runtime is paused, blocked or torn down does
//! not take it along, and its clock is the real one. Every connection is HTTP/1.1 and kept alive.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::body::{Cut, Reply};
use crate::desk::{Desk, Plan};
use crate::exchange::Ending;
use crate::wire::Failure;
use crate::{Account, Error, Exchange, Received};

/// The longest request body that is read, in bytes: Anthropic's own limit.
const LONGEST_BODY: usize = 32 * 1024 * 1024;

/// How long a caller may take to send its headers, and then its body.
const LONGEST_READ: Duration = Duration::from_secs(30);

/// A provider on `127.0.0.1`, on a port and a thread of its own.
///
/// Requests take the exchanges of the script in the order in which they come in, whoever sends them; an exchange
/// that is [kept for a model](Exchange::only_model) is passed over by others. At the end of the script every prompt
/// gets an answer derived from it, the same for the same prompt. Any number of requests may be under way at once.
///
/// It stops when it is dropped, and then every connection is closed at once, answered or not; the
/// [`Account`] that was taken before remains.
///
/// An application under test needs its address and nothing else:
///
/// ```
/// use lattice_lock_testkit::{Exchange, ScriptedServer, Usage, Wire};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
/// let server = ScriptedServer::start().await?;
/// server.script(Exchange::error(529));
/// server.script(Exchange::reply("Goethe.").usage(Usage::new().input(12).output(2)));
///
/// let body = r#"{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"Who?"}]}"#;
/// assert!(ask(server.url(), body).starts_with("HTTP/1.1 529"));
/// assert!(ask(server.url(), body).contains("Goethe."));
///
/// assert_eq!((server.received().len(), server.remaining()), (2, 0));
/// let account = server.stop().await;
/// assert_eq!(account.charges().len(), 1); // the error was free
/// assert_eq!(account.charges()[0].wire, Wire::Anthropic);
/// # Ok(())
/// # }
/// # fn ask(url: &str, body: &str) -> String {
/// #     use std::io::{Read as _, Write as _};
/// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
/// #     let head = "host: x\r\nconnection: close\r\nanthropic-version: 2023-06-01\r\ncontent-length";
/// #     write!(stream, "POST /v1/messages HTTP/1.1\r\n{head}: {}\r\n\r\n{body}", body.len()).unwrap();
/// #     let mut reply = String::new();
/// #     stream.read_to_string(&mut reply).unwrap();
/// #     reply
/// # }
/// ```
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    url: String,
    desk: Arc<Desk>,
    stop: Option<oneshot::Sender<()>>,
    stopped: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    /// Starts a server without a script: it answers every prompt by itself.
    ///
    /// It listens when this returns. The port is one that the system chooses, so that tests may run beside each
    /// other; the clock is the real one, also in a test whose own is paused.
    ///
    /// ```
    /// use lattice_lock_testkit::ScriptedServer;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let (one, other) = (ScriptedServer::start().await?, ScriptedServer::start().await?);
    /// assert_ne!(one.address(), other.address());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Start`] when no port, thread or runtime is to be had.
    pub async fn start() -> Result<Self, Error> {
        let desk = Arc::new(Desk::default());
        let (ready, is_ready) = oneshot::channel();
        let (stop, is_stopping) = oneshot::channel();
        let (done, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("scripted-provider".to_owned())
            .spawn({
                let desk = Arc::clone(&desk);
                move || {
                    serve(desk, ready, is_stopping);
                    // Nobody waits for it when the handle is dropped instead of stopped.
                    let _ = done.send(());
                }
            })
            .map_err(Error::Start)?;
        let died = |_| Err(io::Error::other("the server's thread has died"));
        let address = is_ready.await.unwrap_or_else(died).map_err(Error::Start)?;
        let url = format!("http://{address}");
        Ok(Self {
            address,
            url,
            desk,
            stop: Some(stop),
            stopped,
            thread: Some(thread),
        })
    }

    /// Where it listens, without a path: `http://127.0.0.1:40123`.
    ///
    /// A provider's address is this and where its wire begins: `/v1` for OpenAI and Anthropic, `/v1beta` for
    /// Google, nothing for Azure, Ollama and Bedrock.
    ///
    /// ```
    /// use lattice_lock_testkit::ScriptedServer;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// let openai = format!("{}/v1", server.url());
    /// assert!(openai.starts_with("http://127.0.0.1:"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    ///
    /// For a test that speaks to it over a bare socket.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds an exchange to the end of the script. A request that is refused for its form, its path or its key
    /// takes none.
    ///
    /// It may be called at any time, also while requests are under way. Prompts and texts for vectors take from the
    /// same script.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// for _ in 0..3 {
    ///     server.script(Exchange::error(503));
    /// }
    /// server.script(Exchange::reply("At last."));
    /// assert_eq!(server.remaining(), 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn script(&self, exchange: Exchange) {
        self.desk.script(exchange);
    }

    /// Refuses every request without this API key from now on, with the provider's own status and words (401;
    /// Google's 400, Amazon's 403). OpenAI's quote the ends of a wrong key, as the provider does. Refused requests
    /// are [received](Self::received), take no exchange and are not charged.
    ///
    /// A second one replaces the first. Without any, every key will do, and none.
    ///
    /// ```
    /// use lattice_lock_testkit::ScriptedServer;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.require_key("sk-live-4711");
    /// let reply = ask(server.url(), "/v1/chat/completions", r#"{"model":"gpt-5-mini","messages":[]}"#);
    /// assert!(reply.starts_with("HTTP/1.1 401"));
    /// assert!(server.account().charges().is_empty());
    /// # Ok(())
    /// # }
    /// # fn ask(url: &str, path: &str, body: &str) -> String {
    /// #     use std::io::{Read as _, Write as _};
    /// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    /// #     let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:");
    /// #     write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
    /// #     let mut reply = Vec::new();
    /// #     let _ = stream.read_to_end(&mut reply);
    /// #     String::from_utf8_lossy(&reply).into_owned()
    /// # }
    /// ```
    pub fn require_key(&self, key: impl Into<String>) {
        self.desk.require_key(key.into());
    }

    /// How many exchanges of the script nobody has taken yet.
    ///
    /// A test that ends with some has not asked for all that it meant to: 0 is worth asserting. What is
    /// [kept for a model](Exchange::only_model) that nobody asks counts as well.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.desk.remaining()
    }

    /// What it has charged until now.
    ///
    /// A copy: it does not change while requests go on.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Hi.").usage(Usage::new().input(9).output(2)));
    /// let before = server.account();
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// ask(server.url(), "/v1/chat/completions", body);
    /// assert_eq!((before.tokens(), server.account().tokens()), (0, 11));
    /// # Ok(())
    /// # }
    /// # fn ask(url: &str, path: &str, body: &str) -> String {
    /// #     use std::io::{Read as _, Write as _};
    /// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    /// #     let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:");
    /// #     write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
    /// #     let mut reply = Vec::new();
    /// #     let _ = stream.read_to_end(&mut reply);
    /// #     String::from_utf8_lossy(&reply).into_owned()
    /// # }
    /// ```
    #[must_use]
    pub fn account(&self) -> Account {
        self.desk.account()
    }

    /// How many connections were made to it until now: fewer than requests, where a caller keeps them.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.desk.connections()
    }

    /// Every request that has come in until now, refused or not, oldest first, with its body. One whose body never
    /// came is not among them.
    ///
    /// They are kept until the server is gone, bodies included. It is what was sent byte for byte, which a mocked
    /// client never shows.
    ///
    /// ```
    /// use lattice_lock_testkit::ScriptedServer;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// ask(server.url(), "/v1/chat/completions", body);
    /// let received = &server.received()[0];
    /// assert_eq!((received.method(), received.path()), ("POST", "/v1/chat/completions"));
    /// assert_eq!(received.json()["messages"][0]["content"], "Hi");
    /// # Ok(())
    /// # }
    /// # fn ask(url: &str, path: &str, body: &str) -> String {
    /// #     use std::io::{Read as _, Write as _};
    /// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    /// #     let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:");
    /// #     write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
    /// #     let mut reply = Vec::new();
    /// #     let _ = stream.read_to_end(&mut reply);
    /// #     String::from_utf8_lossy(&reply).into_owned()
    /// # }
    /// ```
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.desk.received()
    }

    /// Stops it, waits until its port and its connections are closed, and hands over the account.
    ///
    /// Whoever is still waiting for a reply sees its connection close. Dropping the server does the same and hands
    /// over nothing.
    pub async fn stop(mut self) -> Account {
        self.stop.take();
        // An error means that the thread is gone, which is what is waited for.
        let _ = (&mut self.stopped).await;
        self.desk.account()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic on the server's thread has been printed; a second one here would hide it.
            let _ = thread.join();
        }
    }
}

/// Runs until the other end of `stop` is dropped; the runtime then drops every connection.
fn serve(
    desk: Arc<Desk>,
    ready: oneshot::Sender<io::Result<SocketAddr>>,
    stop: oneshot::Receiver<()>,
) {
    let started = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| {
            let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
            Ok((runtime, listener.local_addr()?, listener))
        });
    match started {
        Ok((runtime, address, listener)) => {
            // Whoever started it may be gone; then `stop` is, too.
            let _ = ready.send(Ok(address));
            runtime.spawn(accept(listener, desk));
            let _ = runtime.block_on(stop);
        }
        Err(error) => {
            let _ = ready.send(Err(error));
        }
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                desk.connected();
                tokio::spawn(converse(stream, Arc::clone(&desk)));
            }
            // Out of file descriptors, most likely: without a pause the loop would spin.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Serves one connection to its end, which may be a scripted reset.
async fn converse(stream: TcpStream, desk: Arc<Desk>) {
    // The small pieces of a stream would otherwise wait for each other; where it fails, they do.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| Box::pin(answer(Arc::clone(&desk), request)));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(LONGEST_READ)
        .serve_connection(TokioIo::new(stream), service);
    let result = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let stream = connection.into_parts().io.into_inner();
    if result.is_err_and(|error| is_reset(&error)) {
        // The socket may be gone already, and then there is nothing to reset.
        let _ = stream.set_zero_linger();
    }
}

fn is_reset(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    source.and_then(|source| source.downcast_ref::<Cut>()) == Some(&Cut::Reset)
}

async fn answer(desk: Arc<Desk>, request: Request<Incoming>) -> Result<Response<Reply>, Cut> {
    let (parts, body) = request.into_parts();
    let body = read(body).await?;
    let plan = desk.plan(&parts, body);
    if let Some(gate) = &plan.gate {
        gate.pass().await;
    }
    if !plan.delay.is_zero() {
        sleep(plan.delay).await;
    }
    respond(plan)
}

/// The body, or why it is refused; a caller that breaks off gets no answer.
async fn read(body: Incoming) -> Result<Result<Bytes, Failure>, Cut> {
    if body.size_hint().lower() > LONGEST_BODY as u64 {
        return Ok(Err(Failure::of(413)));
    }
    match timeout(LONGEST_READ, Limited::new(body, LONGEST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(Ok(body.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Ok(Err(Failure::of(413))),
        Ok(Err(_)) => Err(Cut::Reset),
        Err(_) => Ok(Err(Failure::of(408))),
    }
}

fn respond(plan: Plan) -> Result<Response<Reply>, Cut> {
    if plan.ending == Ending::Reset(None) {
        return Err(Cut::Reset);
    }
    let length = plan.pieces.iter().map(Bytes::len).sum::<usize>();
    let mut response = Response::new(Reply::new(plan.pieces, plan.ending, plan.pause));
    *response.status_mut() =
        StatusCode::from_u16(plan.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !plan.streams {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    for (name, value) in plan.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
