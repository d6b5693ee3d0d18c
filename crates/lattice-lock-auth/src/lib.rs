//! Passwords and tokens for services that meter language-model calls.
