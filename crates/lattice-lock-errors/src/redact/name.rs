//! Names, and whether they tell that their value is secret.

use std::ops::Range;

use super::text::{Text, WINDOW, is_name};

/// What a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Nothing.
    None,
    /// It is secret if it looks random.
    IfRandom,
    /// It is secret.
    Secret,
    /// It is secret, unless it is a small number: `token: 42` counts or points at something.
    Counted,
    /// It is the value of a header, to the end of the line.
    Line,
    /// So it is, if it has a `=`.
    Cookie,
}

/// The words that make a key secret, whatever its value looks like.
const KEYS: &[&str] = &[
    "access",
    "account",
    "admin",
    "aes",
    "anthropic",
    "api",
    "app",
    "auth",
    "authorization",
    "aws",
    "azure",
    "bearer",
    "client",
    "cohere",
    "decryption",
    "deepseek",
    "deploy",
    "dial",
    "encryption",
    "function",
    "functions",
    "gemini",
    "google",
    "groq",
    "hmac",
    "jwt",
    "licence",
    "license",
    "llm",
    "master",
    "mistral",
    "openai",
    "private",
    "provider",
    "rsa",
    "secret",
    "service",
    "shared",
    "sign",
    "signing",
    "ssh",
    "storage",
    "stripe",
    "subscription",
    "webhook",
    "xai",
];

/// The words that make a key an identifier.
const IDENTIFIERS: &[&str] = &[
    "cache",
    "column",
    "composite",
    "config",
    "dedup",
    "deduplication",
    "event",
    "field",
    "foreign",
    "group",
    "hash",
    "i18n",
    "idempotency",
    "index",
    "label",
    "lookup",
    "map",
    "message",
    "metric",
    "object",
    "partition",
    "primary",
    "public",
    "range",
    "record",
    "registry",
    "routing",
    "row",
    "sort",
    "span",
    "tag",
    "trace",
    "translation",
    "unique",
];

/// The words that make a token a piece of text or a place in a list.
const PIECES: &[&str] = &[
    "bos",
    "completion",
    "continuation",
    "each",
    "end",
    "eos",
    "every",
    "expected",
    "first",
    "input",
    "last",
    "mask",
    "max",
    "min",
    "next",
    "output",
    "pad",
    "page",
    "per",
    "prompt",
    "reasoning",
    "sep",
    "special",
    "start",
    "stop",
    "total",
    "unexpected",
    "unk",
];

/// What stands before `pass` in a password's name; in `first_pass` it counts runs.
const PASSES: &[&str] = &[
    "admin", "auth", "db", "database", "ftp", "http", "imap", "ldap", "login", "mail", "my",
    "mysql", "pg", "postgres", "proxy", "redis", "root", "smtp", "ssh", "store", "user",
];

/// What may follow in a name without changing what it is about.
const SUFFIXES: &[&str] = &[
    "again",
    "b64",
    "backup",
    "base64",
    "confirm",
    "confirmation",
    "current",
    "default",
    "dev",
    "encoded",
    "encrypted",
    "hash",
    "hex",
    "main",
    "new",
    "old",
    "plain",
    "plaintext",
    "prev",
    "previous",
    "primary",
    "prod",
    "raw",
    "repeat",
    "secondary",
    "staging",
    "str",
    "string",
    "test",
    "text",
    "val",
    "value",
];

/// How many of [`SUFFIXES`] are looked past.
const MOST_SUFFIXES: usize = 3;

/// The whole name around the anchor at `place`, or nothing if it goes on beyond the window.
pub(super) fn around(text: &Text<'_>, place: Range<usize>, floor: usize) -> Option<Range<usize>> {
    let end = text.run_within(place.end, WINDOW, is_name);
    if end == place.end + WINDOW {
        return None;
    }
    let start = text.run_back(place.start, floor, is_name);
    Some(after_escape(text, start, floor).min(place.start)..end)
}

/// Skips the rest of an escape: in `\npassword` and `%26token` it is not part of the name.
fn after_escape(text: &Text<'_>, start: usize, floor: usize) -> usize {
    let hex = |at: usize| text.at(at).is_some_and(|byte| byte.is_ascii_hexdigit());
    match (text.before(start, floor), text.at(start)) {
        (Some(b'%'), _) if hex(start) && hex(start + 1) => start + 2,
        (Some(b'\\'), Some(b'n' | b'r' | b't')) => start + 1,
        (Some(b'\\'), Some(b'u')) if text.has(start, "u00") => start + 5,
        _ => start,
    }
}

/// What the name at `place` says; a word before it counts in `api key` as it does in `api_key`.
pub(super) fn secrecy_at(text: &Text<'_>, place: Range<usize>, floor: usize) -> Secrecy {
    let alone = secrecy(text.bytes(place.clone()));
    let may_qualify = matches!(alone, Secrecy::IfRandom | Secrecy::Counted);
    if !may_qualify || text.before(place.start, floor) != Some(b' ') {
        return alone;
    }
    let start = text.run_back(place.start - 1, floor, is_name);
    // In `user=first token=…` the word before is the value of another name.
    let value = matches!(text.before(start, floor), Some(b'=' | b':'));
    let qualified = secrecy(text.bytes(start..place.end));
    if value || ends_with_pass(text.bytes(place)) {
        alone
    } else {
        qualified
    }
}

fn ends_with_pass(name: &[u8]) -> bool {
    strip_suffix(name, "pass").is_some()
}

/// What `name` says about its value.
pub(super) fn secrecy(name: &[u8]) -> Secrecy {
    let (mut rest, mut word) = split_last(name);
    for _ in 0..MOST_SUFFIXES {
        if !is_in(word, SUFFIXES) || rest.is_empty() {
            break;
        }
        (rest, word) = split_last(rest);
    }
    let (_, qualifier) = split_last(rest);
    of_words(qualifier, word, rest.is_empty())
}

fn of_words(qualifier: &[u8], word: &[u8], alone: bool) -> Secrecy {
    if let Some(joined) = strip_suffix(word, "key") {
        return of_key(if joined.is_empty() { qualifier } else { joined }, joined);
    }
    if strip_suffix(word, "token").is_some() {
        return if is_in(qualifier, PIECES) {
            Secrecy::None
        } else {
            Secrecy::Counted
        };
    }
    let passwords = [
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pwd",
        "secret",
    ];
    if passwords
        .iter()
        .any(|suffix| strip_suffix(word, suffix).is_some())
    {
        return Secrecy::Secret;
    }
    match () {
        () if is_in(word, &["credential", "credentials"]) => Secrecy::Counted,
        () if is_in(word, &["authorization"]) => Secrecy::Line,
        () if is_in(word, &["cookie"]) => Secrecy::Cookie,
        () if is_in(word, &["signature"]) => Secrecy::IfRandom,
        () if is_in(word, &["pass"]) && is_in(qualifier, PASSES) => Secrecy::Secret,
        () if is_in(word, &["pass"]) && alone => Secrecy::Counted,
        () => Secrecy::None,
    }
}

/// `joined` is what stands before `key` in the same word: `apikey` is a key, `monkey` is not.
fn of_key(qualifier: &[u8], joined: &[u8]) -> Secrecy {
    if is_in(qualifier, KEYS) {
        Secrecy::Secret
    } else if is_in(qualifier, IDENTIFIERS) || !joined.is_empty() {
        Secrecy::None
    } else {
        Secrecy::IfRandom
    }
}

fn is_in(word: &[u8], words: &[&str]) -> bool {
    words
        .iter()
        .any(|other| word.eq_ignore_ascii_case(other.as_bytes()))
}

fn strip_suffix<'w>(word: &'w [u8], suffix: &str) -> Option<&'w [u8]> {
    let (head, tail) = word.split_at_checked(word.len().checked_sub(suffix.len())?)?;
    tail.eq_ignore_ascii_case(suffix.as_bytes()).then_some(head)
}

/// The last word of a name, without the digits behind it, and what is before: `clientSecret2` ends in
/// `Secret`, `OPENAI_API_KEY` in `KEY`.
fn split_last(name: &[u8]) -> (&[u8], &[u8]) {
    let ending = |byte: &u8| !byte.is_ascii_alphabetic();
    let end = name
        .iter()
        .rposition(|byte| !ending(byte))
        .map_or(0, |last| last + 1);
    let start = (1..end)
        .rev()
        .find(|at| begins_word(&name[..end], *at))
        .unwrap_or(0);
    (&name[..start], &name[start..end])
}

fn begins_word(name: &[u8], at: usize) -> bool {
    let (before, here) = (name[at - 1], name[at]);
    let next_is_lower = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    !before.is_ascii_alphanumeric()
        || (here.is_ascii_uppercase() && (!before.is_ascii_uppercase() || next_is_lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: Secrecy, names: &[&str]) {
        for name in names {
            assert_eq!(secrecy(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn names_of_passwords_and_keys_tell() {
        check(
            Secrecy::Secret,
            &[
                "password",
                "PASSWORD",
                "passwd",
                "pwd",
                "dbPassword",
                "db_passwd2",
                "userpassword",
                "secret",
                "client_secret",
                "clientSecret",
                "ClientSecret",
                "AWS_SECRET_ACCESS_KEY",
                "secretAccessKey",
                "api_key",
                "api-key",
                "apikey",
                "apiKey",
                "APIKey",
                "x-api-key",
                "OPENAI_API_KEY",
                "api key",
                "AccountKey",
                "SharedAccessKey",
                "private_key",
                "LATTICE_LOCK_SECRET_KEY_PREVIOUS",
                "password_hash",
                "SecretString",
                "smtp_pass",
                "Ocp-Apim-Subscription-Key",
                "openai_key",
                "API key",
            ],
        );
    }

    #[test]
    fn names_of_tokens_may_count_something() {
        check(
            Secrecy::Counted,
            &[
                "token",
                "access_token",
                "accessToken",
                "X-Amz-Security-Token",
                "authToken",
                "pass",
            ],
        );
    }

    #[test]
    fn names_that_only_look_alike_say_nothing() {
        check(
            Secrecy::None,
            &[
                "tokens",
                "max_tokens",
                "token_type",
                "tokenizer",
                "token_count",
                "secretary",
                "secret_name",
                "password_policy",
                "cache_key",
                "idempotency-key",
                "publicKey",
                "primary key",
                "monkey",
                "keyboard",
                "key_id",
                "access_key_id",
                "eos_token",
                "per token",
                "bypass",
                "first_pass",
                "passing",
                "passport",
                "compass",
                "",
            ],
        );
    }

    #[test]
    fn other_keys_depend_on_their_value() {
        check(
            Secrecy::IfRandom,
            &["key", "key1", "KEY", "my_key", "the key", "X-Amz-Signature"],
        );
    }
}
