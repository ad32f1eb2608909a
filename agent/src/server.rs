//! The control plane: its REST API, the heartbeats that this agent sends it, and how often it is asked.

pub(crate) mod api;
pub(crate) mod context;
pub(crate) mod heartbeat;
pub(crate) mod http;
pub(crate) mod pacing;
pub(crate) mod wire;
