//! Hosts and ports, as they stand in addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A host and perhaps a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// A DNS name, an IPv4 address, or an IPv6 address in brackets.
    pub(crate) host: &'a str,
    /// From 1, if it is written.
    pub(crate) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host`, `host:port`, `[address]` and `[address]:port`.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let bracketed = text.strip_prefix('[').map(|rest| rest.split_once(']'));
        let (host, port) = match bracketed {
            Some(Some((address, port))) => {
                address.parse::<Ipv6Addr>().ok()?;
                (&text[..address.len() + 2], port)
            }
            Some(None) => return None,
            None => {
                let end = text.find(':').unwrap_or(text.len());
                is_name(&text[..end]).then(|| text.split_at(end))?
            }
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => Some(port_of(digits)?),
            None if port.is_empty() => None,
            None => return None,
        };
        Some(Self { host, port })
    }

    /// Whether it never leaves this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || address
                .parse::<Ipv4Addr>()
                .is_ok_and(|four| four.is_loopback())
            || address
                .parse::<Ipv6Addr>()
                .is_ok_and(|six| six.is_loopback())
    }
}

/// Letters, digits, hyphens, underscores and dots; a name in another script is written in Punycode.
fn is_name(host: &str) -> bool {
    host.len() <= 253
        && host.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Digits alone: `parse` would take a plus sign too.
fn port_of(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, Option<u16>)>) {
        let found = Authority::parse(text).map(|found| (found.host, found.port));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        check("h", Some(("h", None)));
        check("h:1", Some(("h", Some(1))));
        check("[::1]", Some(("[::1]", None)));
        check("[::1]:65535", Some(("[::1]", Some(65535))));
        for text in [
            "", ":1", "h:", "h:0", "h:+1", "h:65536", "h:1:2", "[::1", "[h]", "[::1]x", "-", "h h",
        ] {
            check(text, None);
        }
    }
}
