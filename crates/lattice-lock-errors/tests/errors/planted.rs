//! Secrets of every shape, as they turn up in foreign text.

use proptest::prelude::*;

/// Fragments that mean something to redaction.
pub(crate) const SOUP: &[&str] = &[
    "password",
    "secret",
    "token",
    "api_key",
    "key",
    "pass",
    "authorization",
    "cookie",
    "Bearer ",
    "Basic ",
    "://",
    "postgres://",
    "http://",
    "user:",
    "@",
    "/",
    "?",
    "&",
    "#",
    "=",
    ":",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\"",
    "'",
    "`",
    "\\",
    "\\\"",
    "\\n",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    ",",
    ";",
    ".",
    "|",
    "[redacted]",
    "redacted",
    "sk-",
    "sk-ant-",
    "AKIA",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9.",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN",
    "-----END PRIVATE KEY-----",
    "-----",
    "ghp_",
    "hf_",
    "xoxb-",
    "42",
    "none",
    "abc",
    "hunter2",
    "a1b2c3d4e5f6g7h8i9j0",
    "Some(",
    "--",
    "-",
    "_",
    "%20",
    "%3D",
    "\\u0022",
    "\\u003d",
    "\"\"\"",
    "PASSWORD '",
    "?key=",
    "&sig=",
    "?code=",
    "signature=",
    "user=",
    "x=",
    "per ",
    "ä",
    "…",
    "whsec_",
    "SG.",
    "ya29.",
    "PWD=",
    "realm=",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
];

/// A text with something secret in it.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    /// The secret part alone.
    pub(crate) secret: String,
    /// The secret as it is met.
    pub(crate) text: String,
}

impl Planted {
    /// Fails if the secret, or the better part of it, is in `text`.
    pub(crate) fn assert_absent(&self, text: &str) {
        assert!(
            !text.contains(&self.secret),
            "{:?} is in {text:?}",
            self.secret
        );
    }
}

/// A secret of any shape that redaction promises to know, as it is met in messages.
pub(crate) fn secret() -> impl Strategy<Value = Planted> {
    let word = "[a-z0-9]{10}[a-zA-Z0-9]{30}".prop_filter("a random word has digits", |word| {
        word.bytes().filter(u8::is_ascii_digit).count() > 3
    });
    (word, proptest::sample::select(SHAPES)).prop_map(|(word, shape)| Planted {
        text: shape.replace("{}", &word),
        secret: word,
    })
}

/// Where `{}` stands for the secret part.
const SHAPES: &[&str] = &[
    "sk-{}",
    "sk-proj-{}",
    "sk-ant-api03-{}",
    "xai-{}",
    "gsk_{}",
    "hf_{}",
    "ghp_{}",
    "github_pat_{}",
    "sk_live_{}",
    "password={}",
    "passwd: {}",
    "pwd={}",
    "\"password\": \"{}\"",
    "\\\"password\\\":\\\"{}\\\"",
    "client_secret='{}'",
    "api_key={}",
    "api-key: {}",
    "apikey=\"{}\"",
    "Authorization: Bearer {}",
    "authorization: Basic {}",
    "Bearer {}",
    "x-api-key: {}",
    "aws_secret_access_key = {}",
    "secret: {}",
    "token={}",
    "postgres://app:{}@db:5432/app",
    "mysql://root:{}@127.0.0.1/db",
    "https://user:{}@host/path",
    "https://host/path?api_key={}",
    "https://host/path?a=b&access_token={}&c=d",
    "https://host/?sig={}",
    "https://host/?key={}",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\n{}",
    "eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl",
];
