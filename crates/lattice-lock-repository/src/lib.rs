//! One storage contract, in memory or in SQLite, PostgreSQL and MySQL.
