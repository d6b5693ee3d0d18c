//! Selection, fallback and settlement of language-model calls.
