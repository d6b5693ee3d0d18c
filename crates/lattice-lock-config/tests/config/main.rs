//! The configuration as a host sees it: layers, mistakes, secrets, and what is process-wide.

mod layers;
mod mistakes;
mod process;
mod production;
mod secrecy;
mod support;
mod values;
