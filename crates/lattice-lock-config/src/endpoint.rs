//! Addresses of services.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};

use crate::authority::Authority;
use crate::parse::{Fault, LONGEST, Parsed};
use crate::setting::DIAL_ENDPOINT;

/// The port that Ollama listens on unless told otherwise.
const OLLAMA_PORT: u16 = 11434;

/// The address of a service: `http://` or `https://`, a host, perhaps a port and a path.
///
/// Never a user name, a password, a query or a fragment, so it can be shown. Scheme and host are in lower
/// case, and no slash stands at the end.
///
/// ```
/// use lattice_lock_config::Endpoint;
///
/// let endpoint: Endpoint = "https://Example.openai.azure.com/".parse()?;
/// assert_eq!(endpoint.as_str(), "https://example.openai.azure.com");
/// assert!("https://user:password@example.com".parse::<Endpoint>().is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(Box<str>);

impl Endpoint {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `https://`.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether what is sent there never leaves this machine: `localhost`, `*.localhost`, `127.*`, `[::1]`.
    ///
    /// ```
    /// # use lattice_lock_config::Endpoint;
    /// assert!("http://127.0.0.1:11434".parse::<Endpoint>()?.is_loopback());
    /// assert!(!"http://localhost.example.com".parse::<Endpoint>()?.is_loopback());
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let (_, rest) = split_scheme(&self.0).unwrap_or(("", ""));
        let host = rest.split('/').next().unwrap_or("");
        Authority::parse(host).is_some_and(|authority| authority.is_loopback())
    }

    /// An address with its scheme.
    pub(crate) fn address(text: &str) -> Parsed<Self> {
        let (scheme, rest) = split_scheme(text).ok_or_else(Fault::default)?;
        Self::build(&scheme.to_ascii_lowercase(), rest, None)
    }

    /// The forms that Ollama's own programs take. An address to listen on at every interface means this
    /// machine to whoever calls.
    pub(crate) fn ollama(text: &str) -> Parsed<Self> {
        let (scheme, rest, port) = match split_scheme(text) {
            None => ("http".to_owned(), text, OLLAMA_PORT),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => {
                ("https".to_owned(), rest, 443)
            }
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest, 80),
        };
        let rest = match rest.strip_prefix(':') {
            _ if rest.parse::<Ipv6Addr>().is_ok() => format!("[{rest}]"),
            Some(port) => format!("127.0.0.1:{port}"),
            None => rest.to_owned(),
        };
        Self::build(&scheme, &rest, Some(port))
    }

    /// Checks the parts and puts them together again.
    fn build(scheme: &str, rest: &str, default_port: Option<u16>) -> Parsed<Self> {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = authority.to_ascii_lowercase();
        let found = Authority::parse(&authority).ok_or_else(Fault::default)?;
        if !matches!(scheme, "http" | "https") || !is_path(path) {
            return Err(Fault::default());
        }
        let host = match found.host {
            "0.0.0.0" if default_port.is_some() => "127.0.0.1",
            "[::]" if default_port.is_some() => "[::1]",
            host => host,
        };
        let port = found.port.or(default_port);
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let path = path.trim_end_matches('/');
        Ok(Self(format!("{scheme}://{host}{port}{path}").into()))
    }
}

/// What stands before and after `://`.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once("://")
}

/// Visible ASCII that begins neither a query nor a fragment.
fn is_path(path: &str) -> bool {
    path.len() <= LONGEST
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\'))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    /// # Errors
    ///
    /// `LL-CFG-005` when it is not such an address.
    fn from_str(text: &str) -> Result<Self> {
        Self::address(text.trim()).map_err(|fault| fault.into_error(&DIAL_ENDPOINT))
    }
}
