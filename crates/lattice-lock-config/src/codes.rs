//! The error codes of this crate, areas `CFG` and `SEC`.
//!
//! A configuration that has several problems fails with [`SETTINGS_INVALID`], one that has a single problem with
//! the code of that problem. A problem of the area `SEC` comes first: whatever else is wrong, its code is the
//! error's, so that nobody takes an unsafe configuration for a mere slip.

lattice_lock_errors::codes! {
    /// Several settings are wrong.
    SETTINGS_INVALID = "LL-CFG-001", Misconfigured, "correct every setting that the context names, then start again";
    /// The configuration file cannot be read.
    FILE_UNREADABLE = "LL-CFG-002", Misconfigured, "check the path that LATTICE_CONFIG or the program names, and who may read it";
    /// The configuration file is not TOML.
    FILE_MALFORMED = "LL-CFG-003", Misconfigured, "correct the file at the line and column that the context names";
    /// A key is none that this version knows.
    KEY_UNKNOWN = "LL-CFG-004", Misconfigured, "correct the key's name, or remove it";
    /// A value does not follow the rule of its setting.
    VALUE_INVALID = "LL-CFG-005", Misconfigured, "give a value that follows the rule in the context";
    /// The operating system gave no random bytes for a signing secret.
    RANDOM_UNAVAILABLE = "LL-CFG-006", Unavailable, "set LATTICE_LOCK_SECRET_KEY, or give the process access to the system's random source";
    /// No signing secret is given where one is required.
    SECRET_MISSING = "LL-SEC-001", Insecure, "set LATTICE_LOCK_SECRET_KEY to the output of `openssl rand -base64 32`, or set auth.enabled to false if the host has its own auth";
    /// The signing secret is shorter than 32 bytes.
    SECRET_SHORT = "LL-SEC-002", Insecure, "set the secret to the output of `openssl rand -base64 32`";
    /// The signing secret is, or contains, a well-known placeholder.
    SECRET_PLACEHOLDER = "LL-SEC-003", Insecure, "set the secret to the output of `openssl rand -base64 32`";
    /// The signing secret is a repetition, a sequence, or made of too few different bytes.
    SECRET_PREDICTABLE = "LL-SEC-004", Insecure, "set the secret to the output of `openssl rand -base64 32`";
    /// Tokens would not be signed.
    TOKENS_UNSIGNED = "LL-SEC-005", Insecure, "set LATTICE_LOCK_TOKEN_ALGORITHM to HS256, EdDSA, ES256 or RS256, or leave it out";
}
