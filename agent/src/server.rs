//! The control plane: its REST API, the reports and heartbeats that this agent sends it, and how often.

pub(crate) mod api;
pub(crate) mod backoff;
pub(crate) mod heartbeat;
pub(crate) mod http;
pub(crate) mod reporter;
pub(crate) mod wire;
