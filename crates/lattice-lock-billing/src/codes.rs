//! The error codes of this crate.
//!
//! A code is stable: compare with it, and not with a text. Its [kind](lattice_lock_errors::Code::kind) says whether
//! trying again may help, and each has a [remedy](lattice_lock_errors::Code::remedy). `LL-BIL-003`, `-005` and the like
//! are of the kind `Integrity`: figures that must agree do not, so that whoever books should stop and look.
//!
//! ```
//! use lattice_lock_billing::{Money, codes};
//!
//! let refused = "12,50".parse::<Money>().unwrap_err();
//! assert_eq!(refused.code(), codes::MONEY_INVALID);
//! assert!(!refused.is_retryable());
//! assert!(codes::LEDGER_UNAVAILABLE.is_retryable());
//! assert_eq!(codes::PERIOD_OPEN.as_str(), "LL-BIL-019");
//! ```

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
    /// The same attempt, charge or revision was booked before with other figures.
    ENTRY_CONFLICT = "LL-BIL-004", Conflict,
        "book a correction of the last revision: an entry never changes";
    /// What the ledger gave back is not what was written into it.
    LEDGER_CORRUPT = "LL-BIL-005", Integrity,
        "stop booking and check the tables: somebody else changed them";
    /// A ledger gives at most a thousand entries at a time.
    LISTING_TOO_LARGE = "LL-BIL-006", Invalid, "ask for 1 to 1000 entries";
    /// The runtime stopped in the middle of a write: it may or may not have happened.
    WRITE_INTERRUPTED = "LL-BIL-007", Ambiguous, "record the same entry again: what was kept is returned";
    /// A text is no currency, or no rate of one.
    CURRENCY_INVALID = "LL-BIL-008", Invalid,
        "write three capital letters, plain decimal numbers, and a rate above zero";
    /// A discount is from 0 to 100 percent, with at most four places.
    DISCOUNT_INVALID = "LL-BIL-009", Invalid, "write a percentage such as 12.5";
    /// What makes a charge one of a kind is 1 to 128 characters without control characters.
    CHARGE_KEY_INVALID = "LL-BIL-010", Invalid, "use a short key of your own, such as an invoice's number and line";
    /// What is to be corrected is not in the ledger.
    NOTHING_TO_CORRECT = "LL-BIL-011", NotFound, "read the entry from the ledger and correct its last revision";
    /// The ledger cannot be written to now, and what was asked for must not wait: nothing was noted.
    LEDGER_UNAVAILABLE = "LL-BIL-012", Unavailable,
        "send nothing before the database is back, or configure a spool";
    /// As many entries wait for the database as may.
    BACKLOG_FULL = "LL-BIL-013", Unavailable, "bring the database back; nothing more is taken until then";
    /// The spool cannot be opened, read or written.
    SPOOL_FAILED = "LL-BIL-014", Unavailable, "check the spool's folder, its rights and the space for it";
    /// Another process has the spool.
    SPOOL_IN_USE = "LL-BIL-015", Misconfigured, "give each process a spool of its own";
    /// The spool holds something that nobody wrote.
    SPOOL_CORRUPT = "LL-BIL-016", Integrity,
        "keep the file, look at what is in it, and start with another one";
    /// Not everything was in the database when the time for it was over.
    FLUSH_INCOMPLETE = "LL-BIL-017", Timeout, "allow more time, or bring the database back and flush again";
    /// The entry is in an archive, and so can be neither returned nor corrected.
    ENTRY_ARCHIVED = "LL-BIL-018", Conflict, "look into the archive; book a charge for what is still owed";
    /// The period cannot be archived: it is not over, or its entries were changed or corrected since they were
    /// exported.
    PERIOD_OPEN = "LL-BIL-019", Conflict, "recover what is open, export the period again, and archive that";
    /// Writing an archive failed.
    EXPORT_FAILED = "LL-BIL-020", Unavailable, "check the file and the space for it, and begin again";
    /// The spool, or a write in it, is of a version that this one does not know; nothing of it was changed.
    SPOOL_FOREIGN = "LL-BIL-021", Unsupported,
        "run the version that wrote it until it is empty, or start with another file and keep this one";
    /// What a recovery was told to book is not the first statement of the attempt that it asked about: nothing was
    /// booked.
    RESOLUTION_INVALID = "LL-BIL-022", Invalid,
        "settle with the intent's own unknown entry, or with a new entry of the same attempt";
    /// A row of the ledger says something that this version does not know: a newer one wrote it, or somebody changed
    /// it.
    LEDGER_FOREIGN = "LL-BIL-023", Unsupported,
        "read on with the version that wrote it; if there is none, stop booking: somebody else changed the tables";
}
