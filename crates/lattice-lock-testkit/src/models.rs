//! Names of models: an alias is served as a dated name, as the providers do, and priced by it.
//!
//! The list is short, and nothing depends on its being complete: a name that is not on it is served as it is.

/// What an alias is served as: the provider answers with the dated name, and bills by it.
const DATED: [(&str, &str); 15] = [
    ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
    ("claude-opus-4-1", "claude-opus-4-1-20250805"),
    ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("gemini-2.5-flash", "gemini-2.5-flash-001"),
    ("gemini-2.5-flash-lite", "gemini-2.5-flash-lite-001"),
    ("gemini-2.5-pro", "gemini-2.5-pro-001"),
    ("gpt-4.1", "gpt-4.1-2025-04-14"),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("gpt-5", "gpt-5-2025-08-07"),
    ("gpt-5-mini", "gpt-5-mini-2025-08-07"),
    ("gpt-5-nano", "gpt-5-nano-2025-08-07"),
    ("llama3.1", "llama3.1:8b"),
    ("llama3.3", "llama3.3:70b"),
    ("o4-mini", "o4-mini-2025-04-16"),
];

/// The name under which `requested` is served; a name that the server does not know stays as it is.
pub(crate) fn served(requested: &str) -> &str {
    DATED
        .iter()
        .find(|(alias, _)| *alias == requested)
        .map_or(requested, |(_, dated)| dated)
}

/// Every name, dated or not, that begins with one of `prefixes`.
pub(crate) fn names(prefixes: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    DATED
        .iter()
        .flat_map(|(alias, dated)| [*alias, *dated])
        .filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
}
