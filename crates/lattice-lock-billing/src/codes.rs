//! The error codes of this crate.

lattice_lock_errors::codes! {
    /// A text is no amount of money, or finer or larger than the ledger keeps.
    MONEY_INVALID = "LL-BIL-001", Invalid,
        "write a decimal number of US dollars with at most nine places, such as 0.0125";
    /// An amount or a count left the range that is kept.
    OUT_OF_RANGE = "LL-BIL-002", Integrity,
        "check the usage and the prices: a figure this large is not plausible";
    /// The entries of an operation do not add up to what its replies said.
    TOTALS_DISAGREE = "LL-BIL-003", Integrity,
        "stop booking and compare the entries with the replies; nothing was repaired";
    /// The same attempt was booked before with other figures.
    ENTRY_CONFLICT = "LL-BIL-004", Conflict,
        "book a correction: an entry never changes";
    /// What the ledger gave back is not what was written into it.
    LEDGER_CORRUPT = "LL-BIL-005", Integrity,
        "stop booking and check the tables: somebody else changed them";
    /// A ledger gives at most a thousand entries at a time.
    LISTING_TOO_LARGE = "LL-BIL-006", Invalid, "ask for 1 to 1000 entries";
    /// The runtime stopped in the middle of a write: it may or may not have happened.
    WRITE_INTERRUPTED = "LL-BIL-007", Ambiguous, "record the same entry again: what was kept is returned";
}
