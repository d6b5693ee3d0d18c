//! What an attacker may try, and what must come of it.

mod claims;
mod compact;
mod forge;
mod headers;
mod mutations;
mod passwords;
mod rotation;
mod secrecy;
mod settings;
mod signatures;
