//! The error codes of this crate.

lattice_lock_errors::codes! {
    /// No configured model fits the prompt, or none may be called now.
    NO_CANDIDATE = "LL-ORC-001", Unavailable,
        "configure a provider whose models fit, name a model, or wait until one is available again";
    /// Every attempt of the operation failed.
    ATTEMPTS_EXHAUSTED = "LL-ORC-002", Unavailable,
        "see the cause of the last attempt; what may have been billed is in the ledger";
}
