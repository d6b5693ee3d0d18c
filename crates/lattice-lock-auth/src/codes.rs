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
    ROLE_UNKNOWN = "LL-AUT-032", Invalid, "use admin, operator or viewer, or define the role at the builder";
    /// A password is among the first that anybody would try.
    PASSWORD_COMMON = "LL-AUT-033", Invalid, "choose another password: several random words do well";
    /// A stored password hash was made with a pepper that is not given.
    PEPPER_UNKNOWN = "LL-AUT-034", Misconfigured, "give the pepper with the id that the hash names, too";
    /// A user name is empty, too long, or has characters that do not belong in one.
    USERNAME_INVALID = "LL-AUT-035", Invalid, "use 1 to 64 letters, digits and . _ - @ +";
    /// The name of a source is empty, too long, or has characters that do not belong in one.
    SOURCE_INVALID = "LL-AUT-036", Invalid, "give an IP address, or 1 to 64 letters, digits and . _ - : /";
    /// Another user has the same name.
    USERNAME_TAKEN = "LL-AUT-037", Conflict, "choose another name";
    /// There is a user, or was one: nobody makes the first any more.
    BOOTSTRAPPED = "LL-AUT-038", Conflict, "sign in as an administrator, who can make users";
    /// No user has this id.
    USER_UNKNOWN = "LL-AUT-039", NotFound, "check the id";
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
    /// A key is not of a kind that tokens may be signed with.
    KEY_REFUSED = "LL-AUT-051", Insecure, "make an Ed25519 key, a P-256 key, or an RSA key of 2048 bits or more";
    /// Keys cannot be told apart by their names, or secrets stand beside public keys.
    KEYS_AMBIGUOUS = "LL-AUT-052", Misconfigured, "give each key a name of its own, and either public keys or secrets";
    /// Name and password are not those of a user who may sign in.
    CREDENTIALS_REFUSED = "LL-AUT-053", Unauthenticated, "check the name and the password";
    /// Too many attempts failed, of this account or from this source.
    LOCKED_OUT = "LL-AUT-054", RateLimited, "wait as long as the error says, then try again";
    /// A token was called back, or its user is disabled.
    TOKEN_REVOKED = "LL-AUT-055", Unauthenticated, "sign in again";
    /// A session has ended.
    SESSION_ENDED = "LL-AUT-056", Unauthenticated, "sign in again";
    /// A refresh token was exchanged a moment ago by another request.
    REFRESH_SUPERSEDED = "LL-AUT-057", Conflict, "use the tokens that the other request got";
    /// A refresh token was used before: its session was ended, since one of the two may be a thief.
    REFRESH_REUSED = "LL-AUT-058", Unauthenticated, "sign in again; find out who else has the token";
    /// An API key is not of the form that keys have.
    KEY_MALFORMED = "LL-AUT-059", Unauthenticated, "send the key as it was given; a letter is wrong or missing";
    /// An API key is unknown, was revoked, or has ended.
    KEY_UNKNOWN = "LL-AUT-060", Unauthenticated, "make a new key";
    /// Another API key has the same id.
    KEY_TAKEN = "LL-AUT-061", Conflict, "make the key again";
    /// Somebody would give or take what they do not hold themselves.
    GRANT_EXCEEDED = "LL-AUT-062", Forbidden, "ask somebody who holds the permission in the context";
    /// Nobody disables, demotes or deletes themselves.
    SELF_REFUSED = "LL-AUT-063", Forbidden, "ask another administrator";
    /// The user was changed by somebody else at the same time.
    USER_CHANGED = "LL-AUT-064", Conflict, "read the user again and repeat the change";
    /// An entry of the audit was changed or is missing, or its secret is unknown.
    AUDIT_BROKEN = "LL-AUT-065", Integrity, "give the previous secret too if it was rotated; otherwise compare with a backup from the place in the context on, and find out who can write to the table";
    /// Too many processes write to the audit at once.
    AUDIT_CONTENDED = "LL-AUT-066", Busy, "try again";
    /// A request has no credential, or more than one.
    CREDENTIALS_MISSING = "LL-AUT-067", Unauthenticated, "send one Authorization header with a bearer token or an API key";
    /// Users that come from elsewhere cannot be read.
    IMPORT_INVALID = "LL-AUT-068", Invalid, "look at the entry that the error names";
    /// The name or the end of an API key is outside its limits.
    KEY_SETTING_INVALID = "LL-AUT-069", Invalid, "use 1 to 64 characters for a name and 1 second to 10 years for a lifetime";
    /// Deriving a key or signing failed.
    SIGNING_FAILED = "LL-AUT-050", Internal, "report it";
}
