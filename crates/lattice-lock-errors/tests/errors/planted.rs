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

/// How much of a secret may be seen by chance.
const BY_CHANCE: usize = 8;

/// A text with something secret in it.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    /// The secret part alone.
    pub(crate) secret: String,
    /// The secret as it is met.
    pub(crate) text: String,
}

impl Planted {
    fn new(secret: String, text: String) -> Self {
        assert!(secret.len() >= BY_CHANCE && secret.is_ascii());
        Self { secret, text }
    }

    /// Fails if the secret, or a piece of it, is in `text`.
    pub(crate) fn assert_absent(&self, text: &str) {
        for start in 0..=self.secret.len() - BY_CHANCE {
            let piece = &self.secret[start..start + BY_CHANCE];
            assert!(
                !text.contains(piece),
                "{piece:?} of {:?} is in {text:?}",
                self.secret
            );
        }
    }
}

/// A secret of any shape that redaction promises to know, as it is met in messages.
pub(crate) fn secret() -> impl Strategy<Value = Planted> {
    prop_oneof![4 => random(), 1 => quoted(), 1 => unquoted(), 1 => in_url()]
}

/// Random letters and digits in every place where they are secret.
fn random() -> impl Strategy<Value = Planted> {
    let word = "[a-z0-9]{10}[a-zA-Z0-9]{30}".prop_filter("a random word has digits", |word| {
        word.bytes().filter(u8::is_ascii_digit).count() > 3
    });
    (word, proptest::sample::select(SHAPES))
        .prop_map(|(word, shape)| Planted::new(word.clone(), shape.replace("{}", &word)))
}

/// A password of any visible characters, in JSON, in JSON within JSON, and as `Debug` prints it.
fn quoted() -> impl Strategy<Value = Planted> {
    ("[ -~]{8,40}", 0..4).prop_map(|(password, form)| {
        let json = serde_json::json!({ "user": "app", "password": &password }).to_string();
        let text = match form {
            0 => json,
            1 => serde_json::to_string(&json).unwrap(),
            2 => format!("Login {{ password: Some({password:?}), user: 1 }}"),
            _ => format!("secret = {password:?} # from the vault"),
        };
        Planted::new(password, text)
    })
}

/// A password that nothing but white space ends.
fn unquoted() -> impl Strategy<Value = Planted> {
    let names =
        proptest::sample::select(&["password=", "PASSWD: ", "client_secret = ", "db_pass="][..]);
    ("[A-Za-z0-9!#$%*+/?@^_~-]{8,40}", names)
        .prop_map(|(password, name)| Planted::new(password.clone(), format!("{name}{password}")))
}

/// A password as its user chose it, unescaped in a database's URL.
fn in_url() -> impl Strategy<Value = Planted> {
    "[A-Za-z0-9!$%()*+,/:=@^_|~.-]{8,40}".prop_map(|password| {
        Planted::new(
            password.clone(),
            format!("postgres://app:{password}@db:5432/app"),
        )
    })
}

/// Where `{}` stands for the secret part.
const SHAPES: &[&str] = &[
    "sk-{}",
    "sk-proj-{}",
    "sk-ant-api03-{}",
    "sk-or-v1-{}",
    "xai-{}",
    "gsk_{}",
    "AIza{}",
    "hf_{}",
    "ghp_{}",
    "github_pat_{}",
    "glpat-{}",
    "sk_live_{}",
    "xoxb-123456789012-{}",
    "https://hooks.slack.com/services/T0/B0/{}",
    "llk_{}",
    "AKIAIOSFODNN7EXAMPLE:{}",
    "AccountName=x;AccountKey={};EndpointSuffix=y",
    "password={}",
    "passwd: {}",
    "pwd={}",
    "\"password\": \"{}\"",
    "\\\"password\\\":\\\"{}\\\"",
    "'password' => '{}'",
    "<password>{}</password>",
    "mysql --password {} -u root",
    "ALTER ROLE app PASSWORD '{}'",
    "client_secret='{}'",
    "api_key={}",
    "api-key: {}",
    "apikey=\"{}\"",
    "Incorrect API key: {}",
    "{\"key1\":\"{}\"}",
    "Ocp-Apim-Subscription-Key: {}",
    "Authorization: Bearer {}",
    "authorization: Basic {}",
    "authorization: Custom {}",
    "{\"authorization\": \"Bearer {}\"}",
    "Cookie: theme=dark; session={}",
    "Bearer {}",
    "token: Bearer {}",
    "x-api-key: {}",
    "aws_secret_access_key = {}",
    "secret: {}",
    "secret = \"\"\"{}\"\"\"",
    "token={}",
    "Token { kind: 1, token: Some(\"{}\") }",
    "postgres://app:{}@db:5432/app",
    "mysql://root:{}@127.0.0.1/db",
    "https://user:{}@host/path",
    "https://{}@host/path",
    "https://host/path?api_key={}",
    "https://host/path?a=b&access_token={}&c=d",
    "https://host/?sig={}",
    "https://host/?key={}",
    "https://host/?next=https%3A%2F%2Fhost%3Ftoken%3D{}",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n",
    "-----BEGIN RSA PRIVATE KEY-----\n{}",
    "eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl",
    "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.{}",
];
