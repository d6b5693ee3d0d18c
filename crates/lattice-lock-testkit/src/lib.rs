//! A scripted language-model provider on loopback for tests.
