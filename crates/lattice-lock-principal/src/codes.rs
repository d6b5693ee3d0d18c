//! The error codes of this crate.

lattice_lock_errors::codes! {
    /// A principal's id is empty, too long, or has characters that do not belong in an id.
    PRINCIPAL_ID_INVALID = "LL-AUT-001", Invalid,
        "use 1 to 128 visible characters without white space, such as an opaque user id";
    /// A team, project or tag of a principal is empty, too long, or has control characters.
    LABEL_INVALID = "LL-AUT-002", Invalid,
        "use 1 to 128 characters without control characters; tag names take a-z, 0-9, '_', '-' and '.'";
    /// A principal has more tags than the ledger keeps.
    TOO_MANY_TAGS = "LL-AUT-003", Invalid, "keep to 32 tags for one principal";
    /// A permission does not read `action:resource`.
    PERMISSION_INVALID = "LL-AUT-004", Invalid,
        "write permissions as action:resource in lower case, such as read:health";
    /// The principal does not hold the permission that this needs.
    PERMISSION_MISSING = "LL-AUT-005", Forbidden, "grant the permission, or call as someone who holds it";
}
