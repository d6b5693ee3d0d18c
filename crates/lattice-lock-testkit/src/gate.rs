//! What holds an exchange back until a test lets it go.
//!
//! Two counters that can be waited for, and no clock: a test with a gate is as fast as what it tests, and never
//! fails by being slow.

use std::sync::Arc;

use tokio::sync::watch;

/// Holds an exchange back until the test lets it go, without a clock.
///
/// What happens to a caller that is cancelled, or to a process that stops, while a provider works: hold the reply,
/// wait until it is [reached](Self::reached), do it, and open. A gate may hold any number of exchanges, and stays
/// open once it is. A server that is dropped does not wait for its gates.
///
/// ```
/// use lattice_lock_testkit::{Exchange, Gate};
///
/// let gate = Gate::new();
/// let exchange = Exchange::reply("late").gate(&gate);
/// // … send the request, then `gate.reached().await`, cancel the caller, and at last:
/// gate.open();
/// ```
///
/// All of it, with a caller that gives up while the provider works:
///
/// ```
/// use lattice_lock_testkit::{Exchange, Gate, ScriptedServer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
/// let (server, gate) = (ScriptedServer::start().await?, Gate::new());
/// server.script(Exchange::reply("late").gate(&gate));
/// let url = server.url().to_owned();
/// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
/// let caller = std::thread::spawn(move || ask(&url, "/v1/chat/completions", body));
/// gate.reached().await;
/// assert_eq!(server.account().charges().len(), 1); // whatever becomes of the caller
/// gate.open();
/// assert!(caller.join().expect("it has a reply").contains("late"));
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
#[derive(Clone, Debug)]
pub struct Gate {
    reached: Arc<watch::Sender<usize>>,
    open: Arc<watch::Sender<bool>>,
}

impl Gate {
    /// A closed gate that nobody has reached.
    ///
    /// A clone is the same gate.
    #[must_use]
    pub fn new() -> Self {
        Self {
            reached: Arc::new(watch::Sender::new(0)),
            open: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Waits until a request stands at the gate: the server has taken it, charged for it, and not replied.
    ///
    /// At once, where one has come before; a test that forgets to send anything waits without end.
    pub async fn reached(&self) {
        self.count_reached(1).await;
    }

    /// Waits until `requests` of them have come to the gate.
    ///
    /// It counts all that ever came, those that were let through included.
    ///
    /// ```
    /// use lattice_lock_testkit::Gate;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let gate = Gate::new();
    /// gate.count_reached(0).await; // nobody is waited for
    /// # }
    /// ```
    pub async fn count_reached(&self, requests: usize) {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self
            .reached
            .subscribe()
            .wait_for(|count| *count >= requests)
            .await;
    }

    /// Lets through whoever waits and whoever comes later.
    ///
    /// There is no closing it again: a second round wants a second gate.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        self.reached.send_modify(|count| *count += 1);
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
