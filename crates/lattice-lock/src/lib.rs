//! The control plane for language-model calls that a Rust application embeds.
