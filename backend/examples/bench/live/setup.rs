//! What servers are measured with: a database with running transfers, and two threads for the clients, one for those
//! who watch and one for those who report.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::{
    Options,
    place::{self, Engine, Place, Reporter, Server},
};

/// The agents, each with as many transfers.
const AGENTS: usize = 100;
/// The running transfers, which take turns: enough that no state waits long enough to be replaced by the next one
/// of its transfer, unless the server is overloaded. A multiple of the numbers of connections that report.
pub(crate) const TRANSFERS: usize = 10_000;

pub(crate) struct Setup {
    place: Place,
    pub(super) reporters: Arc<Vec<Reporter>>,
    pub(super) token: String,
    /// Where watchers receive.
    pub(super) watching: Runtime,
    /// Where everything else runs.
    pub(crate) reporting: Runtime,
}

impl Setup {
    pub(crate) fn new(options: &Options, name: &str) -> Self {
        // The sockets of this process; the server raises its own limit.
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
