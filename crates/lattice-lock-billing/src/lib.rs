//! Exact money and a durable ledger for language-model calls.
