//! Wire protocols of language-model providers with exact usage.
