//! The control plane as the agent sees it: its REST API, the heartbeats to it, and the intervals between requests.

pub(crate) mod api;
pub(crate) mod certificate;
pub(crate) mod connection;
pub(crate) mod context;
pub(crate) mod heartbeat;
pub(crate) mod http;
pub(crate) mod request_intervals;
pub(crate) mod request_pacer;
pub(crate) mod route;
pub(crate) mod wire;
