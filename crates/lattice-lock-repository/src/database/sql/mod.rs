mod begin;
mod connection;
mod gate;
mod open;
mod order;
mod pool;
mod savepoint;
mod shield;
mod version;

pub(crate) use begin::{begin, begin_on};
pub(crate) use connection::Connection;
pub(crate) use open::OpenTransaction;
pub(crate) use order::Watch;
pub(crate) use pool::{Pool, Pools};
pub(crate) use savepoint::Savepoint;
pub(crate) use shield::Shielded;
