//! The connection to the control plane: its REST API, the heartbeats, and the intervals between requests.

pub(crate) mod api;
pub(crate) mod certificate;
pub(crate) mod connection_settings;
pub(crate) mod context;
pub(crate) mod heartbeat;
pub(crate) mod http;
pub(crate) mod plain_or_mtls_client;
pub(crate) mod rate_limit_delays;
pub(crate) mod request_pacer;
pub(crate) mod wire;
