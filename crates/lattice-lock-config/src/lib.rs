//! Typed, validated, layered configuration that reports every problem at once.
