use super::*;

fn check(text: &str, expected: &str) {
    let once = redact(text);
    assert_eq!(once, expected, "of {text:?}");
    assert_eq!(redact(&once), once, "again, of {text:?}");
}

/// `text` has nothing to hide, and is not copied.
fn keeps(text: &str) {
    assert!(
        matches!(redact(text), Cow::Borrowed(_)),
        "{text:?} became {:?}",
        redact(text)
    );
}

const OPENAI: &str = "sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6";

#[test]
fn keys_are_known_by_their_shape() {
    for key in [
        OPENAI,
        "sk-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV",
        "sk-ant-api03-Ab1_cd2-Ef3gh4Ij5kl6Mn7op8Qr9st0Uv1wx2Yz3",
        "sk-or-v1-0123456789abcdef0123456789abcdef",
        "AIzaSyA1bC2dE3fG4hI5jK6lM7nO8pQ9rS0tU1v",
        "AQ.Ab8RN6JkLmNoPqRsTuVwXyZ0123456789",
        "xai-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
        "gsk_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOP",
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789",
        "glpat-abcDEF123456ghiJKL78",
        "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
        "xapp-1-A0123456789-0123456789012-0123456789abcdef",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "rk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "llk_0123456789abcdefABCDEF_42",
        "ya29.a0AfH6SMBx1234567890abcdefghij",
        "GOCSPX-abcdEFGH1234ijklMNOP5678qrst",
        "npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "SG.abcdefghijklmnopqrstuv.wxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abc",
        "hvs.CAESIJ1234567890abcdefghijklmnop",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWI",
    ] {
        for text in [
            key.to_string(),
            format!("refused {key}"),
            format!("refused ({key}), try another"),
            format!("\"{key}\""),
            format!("[\"a\\n{key}\\n\"]"),
            format!("/v1/%20{key}/models"),
            format!("a={key};b=1"),
        ] {
            let redacted = redact(&text);
            let tail = &key[key.len() - 8..];
            assert!(redacted.contains(MARKER), "{text}");
            assert!(!redacted.contains(tail), "{redacted}");
            assert_eq!(redact(&redacted), redacted);
        }
    }
}

#[test]
fn words_that_look_like_keys_are_kept() {
    for text in [
        "sk-learn and scikit-learn",
        "the task-force-of-the-european-commission-for-something",
        "risk-adjusted-return-on-capital-employed",
        "sk-learn-contrib-extension-package-v2",
        "desk-4711-a1b2c3d4e5f6a7b8",
        "hf_hub_download failed",
        "Asia and Akia",
        "msg.len() is 24",
        "npm_config_registry",
        "basic authentication is off",
        "the basic plan, Basic JavaScript",
        "a bearer of bad news",
        "Bearer authentication required",
        "WWW-Authenticate: Bearer realm=\"api\", error=\"invalid_request\"",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "keyjacking",
    ] {
        keeps(text);
    }
}

#[test]
fn counts_and_identifiers_are_kept() {
    for text in [
        "tokens: 42",
        "token count",
        "token count: 42",
        "max_tokens=4096 total_tokens: 12000",
        "{\"prompt_tokens\":12,\"completion_tokens\":9}",
        "{\"error\":\"invalid_token\",\"token_type\":\"bearer\"}",
        "unexpected token: foo",
        "unexpected token `}`",
        "token: 42",
        "price per token: 0.000002",
        "time to first token: 120ms",
        "cache_key=user:17 idempotency_key=4d0d2d1e-9d2f-4a57-bc5b-3ad1b2c7a6f1",
        "key=user:17",
        "key: session",
        "primary key: 5",
        "the keyboard, the monkey: 7",
        "password: null, secret: none, token: false",
        "invalid password: must be longer",
        "LATTICE_LOCK_SECRET_KEY: missing",
        "the variable LATTICE_LOCK_SECRET_KEY is not set",
        "lattice_lock_auth::token::verify",
        "password policy, secret sauce",
        "unknown field `password`, expected `user`",
        "pass=12 fail=0",
        "PWD=/home/user",
        "cookie: enabled",
        "secret://vault/path",
        "use --token to pass it",
        "",
    ] {
        keeps(text);
    }
}

#[test]
fn user_info_goes_from_urls() {
    check(
        "postgres://app:hunter2@db:5432/app",
        "postgres://[redacted]@db:5432/app",
    );
    check(
        "postgresql+asyncpg://a:p@ss@db/app",
        "postgresql+asyncpg://[redacted]@db/app",
    );
    check(
        "postgres://a:p/s?s#w@db/app",
        "postgres://[redacted]@db/app",
    );
    check("postgres://a:p\"s's@db/app", "postgres://[redacted]@db/app");
    check("postgres://a:12/34@db/app", "postgres://[redacted]@db/app");
    check(
        "redis://:hunter2@cache:6379/0",
        "redis://[redacted]@cache:6379/0",
    );
    check(
        "https://4711:@api.stripe.com/v1",
        "https://[redacted]@api.stripe.com/v1",
    );
    check(
        "https://a:pä€ss@host/x?mail=b@c.d",
        "https://[redacted]@host/x?mail=b@c.d",
    );
    check("http://a:p/w@host", "http://[redacted]@host");
    check(
        "jdbc:postgresql://a:b@h/d?user=x",
        "jdbc:postgresql://[redacted]@h/d?user=x",
    );
    check(
        "mysql://a:b@h/d?password=p@ss",
        "mysql://[redacted]@h/d?password=[redacted]",
    );
    check(
        "mysql://h:3306/d?user=a&password=p@ss",
        "mysql://h:3306/d?user=a&password=[redacted]",
    );
    check(
        "sqlserver://h:1433;user=sa;password=p@ss",
        "sqlserver://h:1433;user=sa;password=[redacted]",
    );
    check("\"a://b:c@d\",\"e@f\"", "\"a://[redacted]@d\",\"e@f\"");
}

#[test]
fn urls_without_a_password_are_kept() {
    for text in [
        "https://example.com/@user",
        "https://example.com:8080/@scope/name",
        "https://example.com/?mail=a@b.c",
        "ssh://git@github.com/a/b",
        "http://[::1]:8080/a@b",
        "mongodb://h1:27017,h2:27017/db?replicaSet=rs",
        "redis://localhost:6379/0",
        "file:///home/a@b",
        "docker://registry:5000/image@sha256:abc",
        "{\"url\":\"https://example.com\",\"mail\":\"a@b.c\"}",
    ] {
        keeps(text);
    }
}

#[test]
fn credentials_go_from_queries() {
    check(
        "GET /v1/models?key=4711&alt=sse",
        "GET /v1/models?key=[redacted]&alt=sse",
    );
    check("?a=1&sig=abc%3D&se=2", "?a=1&sig=[redacted]&se=2");
    check("?access_token=abc#x", "?access_token=[redacted]");
    check(
        "?client_secret=abc&x=1 HTTP/1.1",
        "?client_secret=[redacted]&x=1 HTTP/1.1",
    );
    check("?api_key=abc\\u0026x=1", "?api_key=[redacted]\\u0026x=1");
    check(
        "?to=https%3A%2F%2Fh%3Ftoken%3Dabc123",
        "?to=https%3A%2F%2Fh%3Ftoken%3D[redacted]",
    );
    check("?code=404&state=1", "?code=404&state=1");
    check(
        "?code=0123456789abcdef0123&state=1",
        "?code=[redacted]&state=1",
    );
}

#[test]
fn values_with_a_telling_name_go() {
    check("password=hunter2", "password=[redacted]");
    check(
        "PASSWORD = hunter2 # comment",
        "PASSWORD = [redacted] # comment",
    );
    check(
        "passwd: hunter2, user: bob",
        "passwd: [redacted], user: bob",
    );
    check("pwd=a,b;c&d user=bob", "pwd=[redacted] user=bob");
    check("password=abc,user=bob", "password=[redacted],user=bob");
    check(
        "Server=x;Password=hunter2;Database=y",
        "Server=x;Password=[redacted];Database=y",
    );
    check(
        "AccountKey=abc/def==;EndpointSuffix=x",
        "AccountKey=[redacted];EndpointSuffix=x",
    );
    check("(token=abc123)", "(token=[redacted])");
    check("(password=a)b)", "(password=[redacted])");
    check("'password'=>'x y'", "'password'=>'[redacted]'");
    check(
        "config['password'] = \"x y\"",
        "config['password'] = \"[redacted]\"",
    );
    check("export API_KEY='x y'", "export API_KEY='[redacted]'");
    check("api key: abc", "api key: [redacted]");
    check(
        "password: Some(\"x y\"), user: 1",
        "password: [redacted], user: 1",
    );
    check(
        "token: Token { value: \"x y\" }, user: 1",
        "token: [redacted], user: 1",
    );
    check(
        "mysql --password hunter2 -u root",
        "mysql --password [redacted] -u root",
    );
    check(
        "ALTER USER x PASSWORD 'a b';",
        "ALTER USER x PASSWORD '[redacted]';",
    );
    check(
        "<password>hunter2</password>",
        "<password>[redacted]</password>",
    );
    check("token: Bearer abc def", "token: [redacted] def");
    check(
        "secret = \"\"\"\na\nb\"\"\"\n",
        "secret = \"\"\"[redacted]\"\"\"\n",
    );
    check("a\\npassword=hunter2", "a\\npassword=[redacted]");
    check(
        "aws_secret_access_key = a/b+c",
        "aws_secret_access_key = [redacted]",
    );
    check("key1: 0123456789abcdef0123456789abcdef", "key1: [redacted]");
    check(
        "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "[redacted]:[redacted]",
    );
    check("password=[redacted]hunter2", "password=[redacted]");
}

#[test]
fn json_may_be_escaped() {
    check(
        r#"{"password": "x", "a": 1}"#,
        r#"{"password": "[redacted]", "a": 1}"#,
    );
    check(
        r#"{"password":"a\"b\\","a":1}"#,
        r#"{"password":"[redacted]","a":1}"#,
    );
    check(
        r#"{\"password\":\"x\",\"a\":1}"#,
        r#"{\"password\":\"[redacted]\",\"a\":1}"#,
    );
    check(
        r#"{\"token\":\"a\\\"b\",\"a\":1}"#,
        r#"{\"token\":\"[redacted]\",\"a\":1}"#,
    );
    check(
        r#"{\\\"token\\\":\\\"x\\\",1}"#,
        r#"{\\\"token\\\":\\\"[redacted]\\\",1}"#,
    );
    check(
        r#"{"a":"token=abc","b":2}"#,
        r#"{"a":"token=[redacted]","b":2}"#,
    );
    check(
        r#"{"token":{"v":"x y"},"b":2}"#,
        r#"{"token":[redacted],"b":2}"#,
    );
    check(r#"{"password":"","b":2}"#, r#"{"password":"","b":2}"#);
    check(
        "\"\"password\"\":\"\"hunter2\"\",",
        "\"\"password\"\":\"\"[redacted]\"\",",
    );
}

#[test]
fn headers_go_to_the_end_of_the_line() {
    check(
        "Authorization: Bearer abc\r\nHost: x",
        "Authorization: [redacted]\r\nHost: x",
    );
    check(
        "authorization: Custom abc def\nHost: x",
        "authorization: [redacted]\nHost: x",
    );
    check(
        "-H 'Authorization: Basic eDp5' http://x",
        "-H 'Authorization: [redacted]' http://x",
    );
    check(
        "{\"authorization\": \"Digest a, b\", \"c\": 1}",
        "{\"authorization\": \"[redacted]\", \"c\": 1}",
    );
    check(
        "(\"authorization\", \"Bearer abc\")",
        "(\"authorization\", \"[redacted]\")",
    );
    check(
        "a\\r\\nAuthorization: Bearer x\\r\\nHost: y",
        "a\\r\\nAuthorization: [redacted]\\r\\nHost: y",
    );
    check("Cookie: a=b; c=d\nHost: x", "Cookie: [redacted]\nHost: x");
    check("x-api-key: abc\nHost: x", "x-api-key: [redacted]\nHost: x");
    check("sent Bearer abc123def", "sent Bearer [redacted]");
    check("sent Basic dXNlcjpwYXNz now", "sent Basic [redacted] now");
}

#[test]
fn private_keys_go_whole() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let block = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{line}\n{line}\nabc=\n-----END RSA PRIVATE KEY-----"
    );
    check(&format!("a {block} b"), "a [redacted] b");
    check(&block.replace('\n', "\\n"), MARKER);
    check(
        &format!("{{\"private_key\": \"{}\"}}", block.replace('\n', "\\n")),
        "{\"private_key\": \"[redacted]\"}",
    );
    check(
        &format!("PRIVATE_KEY=\"{block}\"\nA=1"),
        "PRIVATE_KEY=\"[redacted]\"\nA=1",
    );
    check(
        &format!("private_key={block}\nA=1"),
        "private_key=[redacted]\nA=1",
    );
    check("-----BEGIN PRIVATE KEY-----\nMIIEvQ", MARKER);
    check(
        &format!("-----BEGIN EC PRIVATE KEY-----\n{line}\nMII\nthe rest"),
        "[redacted]\nthe rest",
    );
    check(
        &format!(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F\n\n{line}\n"
        ),
        "[redacted]\n",
    );
}

/// Each of these would change again if one rule forgot what the search had hidden before or would hide after.
#[test]
fn what_was_kept_once_is_kept() {
    for text in [
        "Bearer a1b2c3d4e5-cache key=0123456789abcdef0123",
        "-----password -----BEGIN PRIVATE KEY----------",
        "token=42,sk-a1b2c3d4e5f6g7h8i9=",
        "?key=>Aaaaaaa0123456789asignature=",
        "Bearer signature=sk-authorizationPWD=\"",
        "Bearer abcdefg12345-sk-a1b2c3d4e5f6g7h8=\"x",
        "http://a:b?password=\"x y@z\"foo@bar",
        "://[password=\"x y\"]z:w@h",
        "key=abc.xoxb-12-34-5678901.foo",
        "--password a-b-sk-a1b2c3d4e5f6g7h8i9",
        "password=[redacted][redacted]x",
        // The flag's value is words as far as a probe goes, and a key begins at its end.
        &format!("--password {}sk-abcdefg1h2i3j4k5l6m7n8", "a-".repeat(27)),
    ] {
        let once = redact(text);
        assert!(once.contains(MARKER), "{text:?}");
        assert_eq!(redact(&once), once, "of {text:?}");
    }
}

/// How many bytes are read to search `text`.
fn reads(text: &str) -> usize {
    let text = Text::new(text);
    drop(Search::new(&text).run());
    text.reads.get()
}

/// What hostile text is built from: everything that makes a rule look ahead.
const HOSTILE: &[&str] = &[
    "password",
    "token",
    "key",
    "authorization",
    "cookie",
    "pass",
    "=",
    ":",
    "::",
    "://",
    "postgres://",
    "a:b",
    "@",
    "/",
    "?",
    "?b=",
    "&key=",
    " ",
    "\n",
    "\"",
    "\\",
    "\\\"",
    "'",
    "\"\"\"",
    "(",
    "[",
    "{",
    ")",
    "}",
    ",",
    ";",
    ",x",
    ".",
    "<",
    "sk-",
    "sk-a-",
    "eyJ",
    "eyJaaaaaaaaaa.",
    "AKIA",
    "AKIAIOSFODNN7EXAMPLE",
    "-----",
    "-----BEGIN PRIVATE KEY-----",
    "-----END",
    "bearer ",
    "basic ",
    "42",
    "none",
    "a",
    "1",
    "--",
    "[redacted]",
    "[",
    "ä",
    "xoxb-",
    "%20",
    "Some(",
    "A {",
];

/// The most reads for each byte that any text may cost.
const MOST_READS: usize = 150;

fn grows_linearly(pieces: &[&str], length: usize) {
    let unit = pieces.concat();
    let text = unit.repeat(length / unit.len() + 1);
    let twice = unit.repeat(2 * (length / unit.len() + 1));
    let (one, two) = (reads(&text), reads(&twice));
    assert!(
        one <= MOST_READS * text.len(),
        "{unit:?}: {one} reads of {} bytes",
        text.len()
    );
    assert!(
        two <= 2 * one + one / 8 + 4096,
        "{unit:?}: {one} reads became {two}"
    );
}

#[test]
fn hostile_text_costs_reads_in_proportion_to_its_length() {
    for one in HOSTILE {
        grows_linearly(&[one], 1 << 13);
        for other in HOSTILE {
            grows_linearly(&[one, other], 1 << 11);
        }
    }
}

#[test]
fn a_hostile_beginning_does_not_make_the_rest_be_read_again() {
    for one in HOSTILE {
        for end in [
            "@",
            " @",
            "\"",
            "'",
            "-----END PRIVATE KEY-----",
            "=",
            "\n",
            "}",
            "x y",
        ] {
            let text = format!("{}{}{end}", one.repeat(200), "a/b-".repeat(1000));
            let most = MOST_READS * text.len();
            assert!(
                reads(&text) <= most,
                "{one:?} and {end:?}: {} of {most}",
                reads(&text)
            );
        }
    }
}
