//! Agents: one file per operation.

mod get;
mod heartbeat;
mod key;
mod list;
mod register;
mod revoke;
mod transfers;
