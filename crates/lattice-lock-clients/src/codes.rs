//! The error codes of this crate. A failed attempt has one of the providers' codes instead, as its
//! [`FailureClass`](lattice_lock_providers::FailureClass) says.

lattice_lock_errors::codes! {
    /// The request has nothing to answer, a blank message, or a setting that no provider takes.
    REQUEST_INVALID = "LL-PRV-050", Invalid,
        "give a message with text, a positive token limit, and a temperature that is not negative";
    /// The HTTP client could not be built.
    CLIENT_UNUSABLE = "LL-PRV-051", Misconfigured,
        "see the cause; this is a fault of the build or of the machine";
    /// The provider's address is not a URL that can be called.
    ADDRESS_UNUSABLE = "LL-PRV-052", Misconfigured, "mend the provider's address";
    /// The provider has no API key and needs one, or one that no HTTP header can carry.
    KEY_UNUSABLE = "LL-PRV-053", Misconfigured,
        "set the provider's API key: one line of visible ASCII, without quotes";
    /// No root certificate is installed, so no https address can be trusted.
    TRUST_MISSING = "LL-PRV-054", Misconfigured,
        "install the system's root certificates (the package is often called ca-certificates)";
    /// This build does not speak the provider's wire.
    WIRE_UNSUPPORTED = "LL-PRV-055", Unsupported, "update the clients along with the registry";
}
