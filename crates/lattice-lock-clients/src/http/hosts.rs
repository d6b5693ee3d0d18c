//! Which hosts an address may name.
//!
//! Two kinds of addresses come from outside: a provider's, where a host lets somebody else set it, and a picture's,
//! which comes with a prompt. Either could lead into a private network: the first from here, the second from
//! wherever the provider stands, which may be a model server next door. Names are compared as the URL's parser has
//! made them, in lower case, with every way to write an IP address undone; they are not looked up, since whoever
//! fetches a picture looks them up again.
//!
//! A list that is empty allows nothing; none at all allows any provider, and pictures at public names by https.

use lattice_lock_errors::{Error, Result};
use reqwest::Url;

use crate::codes::ADDRESS_FORBIDDEN;
use crate::request::ImageSource;
use crate::{ChatRequest, Message, Part};

/// Which hosts may be named in an address.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    /// Where providers may be; anywhere, if nothing is said.
    pub(super) base: Option<Vec<String>>,
    /// Where images may be; anywhere in public, if nothing is said.
    pub(super) images: Option<Vec<String>>,
}

fn forbidden(why: &'static str, host: &str) -> Error {
    Error::new(ADDRESS_FORBIDDEN, why).with("host", host)
}

impl Hosts {
    /// Refuses a provider's address that is not on the list.
    pub(super) fn check_base(&self, url: &Url) -> Result<()> {
        let host = host(url);
        match &self.base {
            Some(allowed) if !is_listed(allowed, &host) => {
                Err(forbidden("the provider's host is not allowed", &host))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a request with the address of an image that is not on the list. The provider fetches it, and may be a
    /// server that stands in a network of ours.
    pub(super) fn check_images(&self, request: &ChatRequest) -> Result<()> {
        let parts = request.messages().iter().flat_map(Message::parts);
        for part in parts {
            if let Part::Image(image) = part
                && let ImageSource::Url(url) = &image.source
            {
                self.check_image(url)?;
            }
        }
        Ok(())
    }

    fn check_image(&self, text: &str) -> Result<()> {
        let url = Url::parse(text).map_err(|_| forbidden("an image's address is no URL", ""))?;
        let host = host(&url);
        if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() {
            return Err(forbidden(
                "an image's address is not a plain web address",
                &host,
            ));
        }
        let is_allowed = match &self.images {
            Some(allowed) => is_listed(allowed, &host),
            None => url.scheme() == "https" && is_public(&url),
        };
        if is_allowed {
            Ok(())
        } else {
            Err(forbidden("an image's host is not allowed", &host))
        }
    }
}

/// The host as it is compared: the parser has lowered it and has read every way to write an IP address.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    host.trim_end_matches('.').to_owned()
}

/// Whether the host is one of these, or below one that begins with a dot.
fn is_listed(allowed: &[String], host: &str) -> bool {
    allowed.iter().any(|allowed| {
        let allowed = allowed.to_ascii_lowercase();
        match allowed.strip_prefix('.') {
            Some(parent) => {
                let below = host.strip_suffix(parent);
                below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
            }
            None => allowed == host,
        }
    })
}

/// A name with a dot that is not one of a private network. An IP address is none, whoever it belongs to.
///
/// Names that are never public: those of RFC 6762 (`local`), RFC 8375 (`home.arpa`), RFC 6761 (`localhost`),
/// `internal`, which ICANN keeps for private use, and two that private networks use without anybody's leave.
fn is_public(url: &Url) -> bool {
    const PRIVATE: [&str; 6] = [
        "localhost",
        "local",
        "internal",
        "intranet",
        "lan",
        "home.arpa",
    ];
    let host = host(url);
    let is_private = |end: &&str| {
        let below = host.strip_suffix(*end);
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    };
    let is_name = url.domain().is_some() && host.contains('.');
    is_name && !PRIVATE.iter().any(is_private)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &Hosts, url: &str, allowed: bool) {
        assert_eq!(hosts.check_image(url).is_ok(), allowed, "{url}");
    }

    #[test]
    fn images_are_in_public_unless_a_list_says_where() {
        let hosts = Hosts::default();
        check(&hosts, "https://example.org/cat.png", true);
        check(&hosts, "http://example.org/cat.png", false);
        for private in [
            "https://127.0.0.1/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://[::1]/x",
            "https://[::ffff:10.0.0.1]/x",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.7/x",
            "https://8.8.8.8/x",
            "https://localhost/x",
            "https://LOCALHOST./x",
            "https://db/x",
            "https://vault.internal/x",
            "https://printer.local/x",
            "https://user@example.org/x",
            "https://user:pw@example.org/x",
            "file:///etc/passwd",
            "gopher://example.org/",
            "data:image/png;base64,AAAA",
            "//example.org/x",
            "",
        ] {
            check(&hosts, private, false);
        }
    }

    #[test]
    fn a_list_is_the_whole_truth() {
        let hosts = Hosts {
            images: Some(vec![
                "cdn.example.org".into(),
                ".Example.com".into(),
                "10.0.0.7".into(),
            ]),
            base: None,
        };
        check(&hosts, "https://cdn.example.org/x", true);
        check(&hosts, "http://10.0.0.7:8080/x", true);
        check(&hosts, "https://a.b.example.com/x", true);
        check(&hosts, "https://example.com/x", true);
        check(&hosts, "https://evilexample.com/x", false);
        check(&hosts, "https://example.org/x", false);
        check(&hosts, "https://cdn.example.org.evil.net/x", false);
        check(&hosts, "https://evil.net/?cdn.example.org", false);
        check(&hosts, "https://evil.net\\@cdn.example.org/x", false);
    }

    #[test]
    fn providers_may_be_anywhere_unless_a_list_says_where() {
        let url = |text: &str| Url::parse(text).unwrap();
        let any = Hosts::default();
        assert!(any.check_base(&url("http://10.0.0.7:8000/v1")).is_ok());
        let only = Hosts {
            base: Some(vec!["api.openai.com".into()]),
            images: None,
        };
        assert!(only.check_base(&url("https://api.openai.com/v1")).is_ok());
        let error = only
            .check_base(&url("https://169.254.169.254/v1"))
            .unwrap_err();
        assert_eq!(error.code(), ADDRESS_FORBIDDEN);
    }
}
