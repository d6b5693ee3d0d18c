//! Background tasks that end well, ordered shutdown, retries and health.
