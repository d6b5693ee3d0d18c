//! The error codes of this crate.

lattice_lock_errors::codes! {
    /// A provider's id is not lower-case ASCII, or is empty or too long.
    PROVIDER_ID_INVALID = "LL-PRV-001", Invalid,
        "use 1 to 64 of a-z, 0-9, '-' and '_', such as openai";
    /// A model's name is empty, too long, or has white space.
    MODEL_NAME_INVALID = "LL-PRV-002", Invalid,
        "name models as provider/model, such as openai/gpt-5-mini";
    /// No provider of this name is configured.
    PROVIDER_UNKNOWN = "LL-PRV-003", NotFound,
        "check the name, or configure the provider and its credentials";
    /// No configured provider serves a model of this name.
    MODEL_UNKNOWN = "LL-PRV-004", NotFound,
        "check the name, or write it as provider/model to send it uncatalogued";
    /// A catalogue is malformed; nothing of it was used.
    CATALOGUE_MALFORMED = "LL-PRV-005", Malformed,
        "mend the file where the error points; the previous catalogue stays in use";
    /// A price is negative or finer than exact arithmetic allows.
    PRICE_OUT_OF_RANGE = "LL-PRV-006", Invalid,
        "give prices in USD per million units with at most nine significant digits, none negative";
    /// A provider's address is not an http or https URL.
    BASE_URL_INVALID = "LL-PRV-007", Misconfigured,
        "write the address as https://host/path, without user, password or query";
    /// A provider's support is experimental, and calls to it were not allowed.
    PROVIDER_EXPERIMENTAL = "LL-PRV-008", Unsupported,
        "allow it with Provider::allow_experimental, or use another provider";
    /// A credential is missing, malformed, or a placeholder.
    CREDENTIAL_UNUSABLE = "LL-PRV-009", Misconfigured,
        "set the variable that is named to the provider's own value";

    /// The provider did not answer in time.
    PROVIDER_TIMEOUT = "LL-PRV-020", Timeout, "raise the timeout, or allow a fallback";
    /// No connection to the provider could be made.
    PROVIDER_CONNECT = "LL-PRV-021", Unavailable, "check the address and the network";
    /// The provider asks to slow down.
    PROVIDER_RATE_LIMITED = "LL-PRV-022", RateLimited, "wait as long as the provider says, or spread the load";
    /// The account's quota at the provider is used up.
    PROVIDER_QUOTA = "LL-PRV-023", Exhausted, "raise the quota or add credit at the provider";
    /// The provider is overloaded.
    PROVIDER_OVERLOADED = "LL-PRV-024", Unavailable, "try again later, or allow a fallback";
    /// The provider refuses the API key.
    PROVIDER_KEY = "LL-PRV-025", Unauthenticated, "set a valid API key for the provider";
    /// The API key may not do this.
    PROVIDER_FORBIDDEN = "LL-PRV-026", Forbidden, "give the key access to the model, or use another model";
    /// The provider does not serve this model.
    PROVIDER_MODEL = "LL-PRV-027", NotFound, "check the model's name and the account's access to it";
    /// The prompt is longer than the model's context window.
    PROVIDER_CONTEXT = "LL-PRV-028", Invalid, "shorten the prompt, or use a model with a larger window";
    /// The provider's filter refused the prompt or the reply.
    PROVIDER_FILTERED = "LL-PRV-029", Forbidden, "change the prompt";
    /// The provider says that the request is wrong.
    PROVIDER_BAD_REQUEST = "LL-PRV-030", Invalid, "mend the request as the provider's message says";
    /// The provider's reply makes no sense.
    PROVIDER_MALFORMED = "LL-PRV-031", Malformed, "check that the address speaks the configured wire";
    /// The reply ended before it was complete.
    PROVIDER_CUT = "LL-PRV-032", Ambiguous, "the tokens may have been billed: check the usage entry before repeating";
    /// The provider failed.
    PROVIDER_SERVER = "LL-PRV-033", Unavailable, "try again later, or allow a fallback";
}
