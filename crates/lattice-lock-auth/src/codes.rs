//! The error codes of this crate: `LL-AUT-020` to `LL-AUT-069`.

lattice_lock_errors::codes! {
    /// A password has fewer characters than the policy asks for.
    PASSWORD_TOO_SHORT = "LL-AUT-020", Invalid, "choose a longer password: several random words do well";
    /// A password has more characters than the policy allows.
    PASSWORD_TOO_LONG = "LL-AUT-021", Invalid, "choose a shorter password; it is never cut silently";
    /// Too many passwords are being hashed or wait for it.
    HASHING_OVERLOADED = "LL-AUT-022", Busy, "try again in a moment; if it lasts, allow more at once or add machines";
    /// A stored password hash is not what this library wrote.
    HASH_MALFORMED = "LL-AUT-023", Malformed, "look at how the hash was stored or imported, or have the password set anew";
    /// A stored password hash is of a scheme that this library does not verify.
    HASH_UNSUPPORTED = "LL-AUT-024", Unsupported, "have the password set anew";
    /// A stored password hash asks for more memory or time than verifying may take.
    HASH_TOO_COSTLY = "LL-AUT-025", Insecure, "find out who wrote the hash, then have the password set anew";
    /// A setting of passwords or tokens is outside its limits.
    AUTH_SETTING_INVALID = "LL-AUT-026", Misconfigured, "give a value that follows the rule in the context";
    /// Hashing a password failed for a reason that is not the password's.
    HASHING_FAILED = "LL-AUT-027", Internal, "report it; the machine may also be out of memory";
    /// The runtime shut down before the password was hashed.
    HASHING_STOPPED = "LL-AUT-028", Cancelled, "hash before the runtime is shut down";
    /// A password was to be hashed outside of a tokio runtime.
    RUNTIME_MISSING = "LL-AUT-029", Misconfigured, "call from a task of a tokio runtime";
    /// The operating system gave no random bytes.
    RANDOM_UNAVAILABLE = "LL-AUT-030", Unavailable, "give the process access to the system's random source";
    /// Tokens were asked for while auth is turned off.
    AUTH_DISABLED = "LL-AUT-031", Misconfigured, "set auth.enabled to true, or leave tokens to the host";
    /// A role is none that this version knows.
    ROLE_UNKNOWN = "LL-AUT-032", Invalid, "use admin, operator or viewer";
    /// A token is not three parts of base64url with JSON in them.
    TOKEN_MALFORMED = "LL-AUT-040", Unauthenticated, "send the token as it was issued, without anything around it";
    /// A token is longer than any that is issued.
    TOKEN_TOO_LARGE = "LL-AUT-041", Unauthenticated, "send the token as it was issued";
    /// A token's header is not the one that tokens of this use have.
    TOKEN_HEADER_REFUSED = "LL-AUT-042", Unauthenticated, "send an access token of this service";
    /// A token names a key that is neither the current nor the previous one.
    TOKEN_KEY_UNKNOWN = "LL-AUT-043", Unauthenticated, "sign in again; if it happens after a rotation, set the previous secret too";
    /// A token's signature is not ours.
    TOKEN_SIGNATURE_INVALID = "LL-AUT-044", Unauthenticated, "sign in again";
    /// A token's claims are incomplete, doubled, unknown, of the wrong type or contradict each other.
    TOKEN_CLAIMS_INVALID = "LL-AUT-045", Unauthenticated, "sign in again; if it lasts, compare the versions that run side by side";
    /// A token is of another issuer or for another audience.
    TOKEN_FOREIGN = "LL-AUT-046", Unauthenticated, "send a token that was issued for this service";
    /// A token is no longer valid.
    TOKEN_EXPIRED = "LL-AUT-047", Unauthenticated, "sign in again";
    /// A token is not valid yet.
    TOKEN_NOT_YET_VALID = "LL-AUT-048", Unauthenticated, "compare the clocks of the machines";
    /// A token with this lifetime or so many permissions is not issued.
    TOKEN_NOT_ISSUABLE = "LL-AUT-049", Invalid, "ask for a lifetime of a second to the longest one, and for fewer permissions";
    /// Deriving a key or signing failed.
    SIGNING_FAILED = "LL-AUT-050", Internal, "report it";
}
