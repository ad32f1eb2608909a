//! The runtime of deliveries.

use tokio::runtime::Handle;

/// The runtime that serves sockets and delivers to them. By default it is the one that answers requests.
///
/// A connection to the database belongs to the runtime that opened it, and must not wait for deliveries. So tokens,
/// operations, loads and snapshots are tasks of the runtime of requests. Only lists within the responses of a shared
/// subscription are read here.
#[derive(Clone, Debug, Default)]
pub struct Deliveries(Option<Handle>);

impl Deliveries {
    /// Deliveries on this runtime.
    #[must_use]
    pub const fn on(runtime: Handle) -> Self {
        Self(Some(runtime))
    }

    /// The runtime. Called on that of requests.
    pub(super) fn runtime(&self) -> Handle {
        self.0.clone().unwrap_or_else(Handle::current)
    }
}
