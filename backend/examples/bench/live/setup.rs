//! The setup for measuring servers: a database with running transfers, and two threads for the clients, one for
//! watchers and one for reporting agents.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::{
    Options,
    place::{self, Engine, Place, Reporter, Server},
};

/// The number of agents. All have the same number of transfers.
const AGENTS: usize = 100;
/// The number of running transfers, which take turns. There are so many that a waiting state is only replaced by the
/// next one of its transfer if the server is overloaded. It is a multiple of the numbers of reporting connections.
pub(crate) const TRANSFERS: usize = 10_000;

pub(crate) struct Setup {
    place: Place,
    pub(super) reporters: Arc<Vec<Reporter>>,
    pub(super) token: String,
    /// The runtime of the watchers.
    pub(super) watching: Runtime,
    /// The runtime of everything else.
    pub(crate) reporting: Runtime,
}

impl Setup {
    pub(crate) fn new(options: &Options, name: &str) -> Self {
        // Raises the limit of this process for its sockets. The server raises its own limit.
        rlimit::increase_nofile_limit(u64::MAX).unwrap();
        let place = Place::fresh(&Engine::Sqlite, name);
        let reporters = Arc::new(place::transfers(&place, AGENTS, TRANSFERS));
        let token = place::token(&options.server, &place);
        let watching = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let reporting = Builder::new_current_thread().enable_all().build().unwrap();
        Self { place, reporters, token, watching, reporting }
    }

    pub(crate) fn product(&self, options: &Options) -> Server {
        Server::product(&options.server, &self.place, "agent=1000000,graphql=1000000")
    }
}
