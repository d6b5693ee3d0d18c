//! Providers, models, prices and token usage of language models.
