//! The user-info of URLs.

use std::ops::Range;

use super::text::{Text, is_break, is_name, is_quote};

/// The longest part of a user-info without `@` that is looked through.
const LONGEST: usize = 512;

/// The longest word that is taken for a user's name and left, as in `ssh://git@host`.
const LONGEST_USER: usize = 16;

/// Schemes whose URLs come with passwords as their users chose them, unescaped, and have hardly ever an `@`
/// elsewhere.
const CONNECTIONS: &[&str] = &[
    "amqp",
    "amqps",
    "clickhouse",
    "cockroachdb",
    "cassandra",
    "db2",
    "ftp",
    "ftps",
    "imap",
    "imaps",
    "ldap",
    "ldaps",
    "mariadb",
    "mongodb",
    "mqtt",
    "mqtts",
    "mysql",
    "mysql2",
    "nats",
    "neo4j",
    "oracle",
    "postgres",
    "postgresql",
    "redis",
    "rediss",
    "sftp",
    "smb",
    "smtp",
    "smtps",
    "snowflake",
    "sqlserver",
    "valkey",
];

/// Where the next `@` or break is. It is looked for once, not from every URL before it.
#[derive(Debug, Default)]
pub(super) struct Reach {
    stop: usize,
}

impl Reach {
    /// Whether an `@` follows `start` before the next break, and not too far; asked of rising places.
    pub(super) fn is_open(&mut self, text: &Text<'_>, start: usize) -> bool {
        if self.stop < start {
            self.stop = text.run(start, |byte| byte != b'@' && !is_break(byte));
        }
        self.stop - start <= LONGEST && text.at(self.stop) == Some(b'@')
    }
}

/// The user-info of the URL whose `://` is at `place`.
///
/// Passwords are not always escaped. An `@`, `/`, `?`, `#` or quote belongs to the user-info as long as a colon
/// shows that it has begun (what follows is no port) and no `@` has ended it. Behind an `@`, those of a
/// database's URL go on to the last one before a query; those of other URLs end with the authority.
pub(super) fn user_info(
    text: &Text<'_>,
    place: Range<usize>,
    floor: usize,
) -> Option<Range<usize>> {
    let start = place.end;
    if text.has_marker(start) {
        return None;
    }
    let end = Scan::new(text, start, is_connection(text, place.start, floor)).run()?;
    let user = text.bytes(start..end);
    let plain = user.len() <= LONGEST_USER && user.iter().all(u8::is_ascii_lowercase);
    (!plain).then_some(start..end)
}

/// Whether the scheme that ends at `end` is one of [`CONNECTIONS`]; only `postgresql` counts in
/// `postgresql+driver`.
fn is_connection(text: &Text<'_>, end: usize, floor: usize) -> bool {
    let start = text.run_back(end, floor, |byte| is_name(byte) || byte == b'+');
    let scheme = text.bytes(start..end);
    let scheme = scheme
        .split(|byte| *byte == b'+')
        .next()
        .unwrap_or_default();
    CONNECTIONS
        .iter()
        .any(|name| scheme.eq_ignore_ascii_case(name.as_bytes()))
}

fn is_address(byte: u8) -> bool {
    !matches!(byte, b'[' | b']') && !is_break(byte)
}

struct Scan<'a, 't> {
    text: &'a Text<'t>,
    start: usize,
    connection: bool,
    last: Option<usize>,
    colon: Option<usize>,
    /// Something that is no port stood behind the colon: the user-info has begun.
    begun: bool,
}

impl<'a, 't> Scan<'a, 't> {
    fn new(text: &'a Text<'t>, start: usize, connection: bool) -> Self {
        Self {
            text,
            start,
            connection,
            last: None,
            colon: None,
            begun: false,
        }
    }

    /// The `@` that ends the user-info.
    fn run(mut self) -> Option<usize> {
        // The address of an IPv6 host has colons of its own.
        let mut at = match self.text.at(self.start) {
            Some(b'[') => self.text.run_within(self.start + 1, LONGEST, is_address),
            _ => self.start,
        };
        while let Some(byte) = self.text.at(at) {
            let far = at - self.last.unwrap_or(self.start) > LONGEST;
            if far || is_break(byte) || self.text.has_marker(at) || self.ends(at, byte) {
                break;
            }
            self.note(at, byte);
            at += 1;
        }
        self.last.filter(|end| *end > self.start)
    }

    fn ends(&self, at: usize, byte: u8) -> bool {
        let open = self.begun && self.last.is_none();
        match byte {
            _ if open => false,
            b'"' | b'\'' | b'`' | b'<' | b'>' => true,
            b'/' | b'?' | b'#' if !self.connection => true,
            b'?' | b'&' | b';' | b'#' => self.is_query(at),
            _ => false,
        }
    }

    /// Whether a parameter's name and `=` follow.
    fn is_query(&self, at: usize) -> bool {
        let end = self
            .text
            .run_within(at + 1, 64, |byte| is_name(byte) || byte == b'.');
        end > at + 1 && self.text.at(end) == Some(b'=')
    }

    fn note(&mut self, at: usize, byte: u8) {
        let delimiter = matches!(byte, b'/' | b'?' | b'#' | b';') || is_quote(byte);
        match byte {
            b'@' => self.last = Some(at),
            b':' if self.colon.is_none() => self.colon = Some(at),
            // The next host of a list.
            b',' if !self.begun => self.colon = None,
            _ if delimiter && !self.begun => self.colon = Some(usize::MAX),
            b'0'..=b'9' => {}
            _ => self.begun |= self.colon.is_some_and(|colon| colon != usize::MAX),
        }
    }
}
