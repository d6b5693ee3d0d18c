//! Names and their values.

use std::ops::Range;

use super::anchor;
use super::name::{self, Secrecy};
use super::opaque::{is_random, is_token, is_words};
use super::text::{Text, WINDOW, is_blank, is_break, is_name, is_quote};
use super::value::{self, Opening};
use super::{Found, MARKER, shape};

/// Values that say that there is none, or what is wrong with it.
const REMARKS: &[&str] = &[
    "absent",
    "at",
    "cannot",
    "denied",
    "empty",
    "expected",
    "expired",
    "failed",
    "false",
    "found",
    "incorrect",
    "invalid",
    "is",
    "malformed",
    "mismatch",
    "missing",
    "must",
    "nil",
    "none",
    "not",
    "null",
    "provided",
    "rejected",
    "required",
    "revoked",
    "should",
    "too",
    "true",
    "undefined",
    "unknown",
    "unset",
    "wrong",
];

/// The longest number that counts or points at something.
const SMALL_NUMBER: usize = 5;

/// How many signs may stand between a name and its value: `===`.
const SIGNS: usize = 3;

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// `=`, `:`, `=>` and so on.
    Sign,
    /// `, ` between quotes: a header in a list.
    Comma,
    /// A blank behind `--password`.
    Flag,
    /// A blank before a quote, as in `PASSWORD 'secret'`.
    Blank,
}

/// The value whose name has the anchor at `place` in it, if it is secret.
pub(super) fn named(text: &Text<'_>, place: Range<usize>, floor: usize) -> Option<Found> {
    let name = name::around(text, place, floor)?;
    let (link, start) = link(text, name.clone(), floor)?;
    let secrecy = linked(name::secrecy_at(text, name.clone(), floor), link);
    let directory = matches!(text.bytes(name), b"PWD" | b"OLDPWD") && text.at(start) == Some(b'/');
    if directory {
        None
    } else {
        secret(text, start, secrecy, link)
    }
}

/// The value of a parameter in a URL's query; `strict` says that it must look random.
pub(super) fn query(text: &Text<'_>, start: usize, strict: bool) -> Option<Found> {
    let secrecy = if strict {
        Secrecy::IfRandom
    } else {
        Secrecy::Secret
    };
    // The value begins where it would if the parameter were found by its name.
    secret(
        text,
        text.run_within(start, SIGNS - 1, is_sign),
        secrecy,
        Link::Sign,
    )
}

/// Whether a value whose name is known is secret.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    let secrecy = name::secrecy(name.as_bytes());
    !value.is_empty()
        && tells(&Text::new(value), 0, secrecy)
        && !is_remark(value.as_bytes(), secrecy, false)
}

/// What stands between the name and its value, and where that begins.
fn link(text: &Text<'_>, name: Range<usize>, floor: usize) -> Option<(Link, usize)> {
    let element = text.before(name.start, floor) == Some(b'<') && text.at(name.end) == Some(b'>');
    if element {
        return Some((Link::Sign, name.end + 1));
    }
    let closed = closing_end(text, name.end);
    let blank = text.run(closed, is_blank);
    if let Some(end) = sign_end(text, blank) {
        return Some((Link::Sign, text.run(end, is_blank)));
    }
    let quoted = closed > name.end;
    if quoted && text.at(closed) == Some(b',') {
        return Some((Link::Comma, text.run(closed + 1, is_blank)));
    }
    if quoted || blank == closed {
        return None;
    }
    let flag = text.at(name.start) == Some(b'-') && is_argument(text, blank);
    match text.at(blank) {
        Some(byte) if is_quote(byte) => Some((Link::Blank, blank)),
        _ => flag.then_some((Link::Flag, blank)),
    }
}

/// Skips the quotes and brackets that close a name: `"password"`, `\"password\"`, `['password']`, `**password**`.
fn closing_end(text: &Text<'_>, at: usize) -> usize {
    if text.has(at, "%22") {
        return at + "%22".len();
    }
    text.run_within(at, 8, |byte| {
        is_quote(byte) || matches!(byte, b'\\' | b']' | b'*')
    })
}

fn sign_end(text: &Text<'_>, at: usize) -> Option<usize> {
    match text.at(at)? {
        b':' if text.has(at, "::") || text.has(at, "://") => None,
        b'=' | b':' => Some(text.run_within(at, SIGNS, is_sign)),
        b'%' | b'\\' => {
            let escaped = ["%3D", "%3d", "%3A", "%3a", "\\u003d", "\\u003D"];
            let sign = escaped.into_iter().find(|sign| text.has(at, sign))?;
            Some(at + sign.len())
        }
        _ => None,
    }
}

fn is_sign(byte: u8) -> bool {
    matches!(byte, b'=' | b':' | b'>')
}

/// Whether what follows a flag is its value rather than the next word of a sentence.
fn is_argument(text: &Text<'_>, at: usize) -> bool {
    let end = text.run_within(at, WINDOW, |byte| !is_break(byte));
    // A marker further on must not turn words into a value.
    let marker = (at + 1..end).find(|at| text.has_marker(*at));
    text.at(at) != Some(b'-') && !is_words(text.bytes(at..marker.unwrap_or(end)))
}

/// What a name says, given how its value follows.
fn linked(secrecy: Secrecy, link: Link) -> Secrecy {
    match (link, secrecy) {
        (Link::Sign, secrecy) => secrecy,
        (Link::Comma, Secrecy::Line) => Secrecy::Secret,
        (Link::Comma, Secrecy::Secret | Secrecy::Counted | Secrecy::IfRandom) => Secrecy::IfRandom,
        (Link::Flag | Link::Blank, Secrecy::Secret) | (Link::Flag, Secrecy::Counted) => {
            Secrecy::Secret
        }
        _ => Secrecy::None,
    }
}

fn secret(text: &Text<'_>, start: usize, secrecy: Secrecy, link: Link) -> Option<Found> {
    let opening = Opening::at(text, start);
    let inner = opening.inner;
    if let Some(marked) = marked_end(text, inner, secrecy, link) {
        return Some(Found::one(inner..marked));
    }
    if !tells(text, inner, secrecy) {
        return None;
    }
    let whole_line = matches!(secrecy, Secrecy::Line | Secrecy::Cookie);
    let end = opening.end(text, whole_line);
    let short = end - inner <= WINDOW;
    if end == inner || short && is_remark(text.bytes(inner..end), secrecy, opening.is_quoted()) {
        return None;
    }
    Some(Found::one(inner..reach(text, inner..end, whole_line)))
}

/// The end of the marker, if it is the whole value already. Where the value may have been refused and its
/// beginning hidden for its shape, what follows was seen and is left.
fn marked_end(text: &Text<'_>, inner: usize, secrecy: Secrecy, link: Link) -> Option<usize> {
    let end = inner + MARKER.len();
    let refusable = secrecy == Secrecy::IfRandom || link != Link::Sign;
    let whole = refusable || text.at(end).is_none_or(value::is_end);
    (secrecy != Secrecy::None && text.has_marker(inner) && whole).then_some(end)
}

/// Whether the beginning of the value bears out what the name says.
fn tells(text: &Text<'_>, inner: usize, secrecy: Secrecy) -> bool {
    let probe = |accept: fn(u8) -> bool| text.bytes(inner..text.run_within(inner, WINDOW, accept));
    match secrecy {
        Secrecy::None => false,
        Secrecy::IfRandom => is_random(probe(is_token)),
        Secrecy::Cookie => text.at(text.run_within(inner, WINDOW, is_name)) == Some(b'='),
        Secrecy::Secret | Secrecy::Counted | Secrecy::Line => true,
    }
}

fn is_remark(value: &[u8], secrecy: Secrecy, quoted: bool) -> bool {
    let all = |accept: fn(&u8) -> bool| value.iter().all(accept);
    let number = all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
        && value.len() <= SMALL_NUMBER;
    let sign = all(u8::is_ascii_punctuation) && value.len() <= 3;
    REMARKS
        .iter()
        .any(|remark| value.eq_ignore_ascii_case(remark.as_bytes()))
        || all(|byte| matches!(byte, b'.' | b'*'))
        || all(|byte| matches!(byte, b'{' | b'[' | b'('))
        || (secrecy == Secrecy::Counted && !quoted && (number || sign))
}

/// The end of the value, or of a credential that begins in it and goes further: `token=Bearer …`.
fn reach(text: &Text<'_>, value: Range<usize>, line: bool) -> usize {
    let mut end = after_scheme(text, value.clone(), line);
    let mut at = value.start;
    while let Some((anchor, place)) = anchor::next(text, at..end) {
        at = place.start + 1;
        if let Some(found) = shape::find(text, anchor, place, value.start) {
            at = found.end();
            if at > end {
                end = value::open_end(text, at, line);
            }
        }
    }
    end
}

fn after_scheme(text: &Text<'_>, value: Range<usize>, line: bool) -> usize {
    let next = text.run(value.end, is_blank);
    let schemes = ["bearer", "basic", "token", "apikey", "negotiate"];
    let is_scheme = value.len() <= WINDOW && {
        let word = text.bytes(value.clone());
        schemes
            .iter()
            .any(|scheme| word.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    if is_scheme && next > value.end {
        value::open_end(text, next, line)
    } else {
        value.end
    }
}
