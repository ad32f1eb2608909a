//! The source and the destination of a copy through storages, as a job, a step or a command line gives them.

use mftplus_protocol::wire::Protocol;
use tokio_util::sync::CancellationToken;

use crate::server::wire::Direction;
use crate::storage::allowed_roots::FileAccess;
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::location::Location;
use crate::storage::open::{Connect, End, Opened, open};
use crate::storage::usage_error::UsageError;
use crate::transfer::state::TransferState;

/// The locations of the source and the destination of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) source: Location,
    pub(crate) destination: Location,
}

impl Ends {
    /// Parses both locations. With `endpoint`, the source of a pull or the destination of a push may be a path on that
    /// endpoint. Fails if `protocol` needs a server and both are local.
    pub(crate) fn read(
        source: &str,
        destination: &str,
        direction: Direction,
        protocol: Option<Protocol>,
        endpoint: Option<&str>,
    ) -> Result<Self, UsageError> {
        let protocol = protocol.filter(|protocol| *protocol != Protocol::Local);
        let parse = |text: &str, is_remote: bool| match endpoint {
            Some(name) if is_remote => Location::on_endpoint(protocol, name, text),
            _ => Location::parse(text),
        };
        let is_pull = direction == Direction::Pull;
        let (source, destination) = (parse(source, is_pull)?, parse(destination, !is_pull)?);
        if let Some(protocol) = protocol
            && !source.is_remote()
            && !destination.is_remote()
        {
            return Err(UsageError(format!(
                "protocol {protocol} needs a server: write {protocol}://host/path for the source or the destination, or name an endpoint"
            )));
        }
        Ok(Self { source, destination })
    }

    /// The locations of a transfer, from its state.
    fn of_state(state: &TransferState) -> Result<Self, UsageError> {
        let endpoint = state.stream.as_ref().and_then(|stream| stream.endpoint.as_deref());
        Self::read(&state.source, &state.destination, state.direction, Some(state.protocol()), endpoint)
    }

    /// Whether source and destination are both on this machine.
    pub(crate) fn are_local(&self) -> bool {
        !self.source.is_remote() && !self.destination.is_remote()
    }

    /// The protocol to report: that of the source if it is remote, else that of the destination; `local` if both are
    /// local.
    pub(crate) fn protocol(&self, servers: &dyn Connect) -> Result<Protocol, StorageError> {
        match (&self.source, &self.destination) {
            (Location::Remote(remote), _) | (_, Location::Remote(remote)) => servers.protocol(remote),
            (Location::Local(_), Location::Local(_)) => Ok(Protocol::Local),
        }
    }
}

/// Opens the storages of the source and destination of a transfer.
pub(crate) struct Opener<'a> {
    ends: Ends,
    credentials: Option<String>,
    access: &'a FileAccess,
    servers: &'a dyn Connect,
    stop: CancellationToken,
}

impl<'a> Opener<'a> {
    /// Creates the opener for the transfer with this state. Requests to servers end when `stop` is cancelled. Nothing
    /// is opened yet.
    pub(crate) fn of(
        state: &TransferState,
        access: &'a FileAccess,
        servers: &'a dyn Connect,
        stop: CancellationToken,
    ) -> Result<Self, StorageError> {
        let ends = Ends::of_state(state).map_err(|error| {
            StorageError::new(StorageErrorKind::InvalidName, "copy", state.source.as_str(), error.to_string())
        })?;
        let credentials = state.stream.as_ref().and_then(|stream| stream.credentials.clone());
        Ok(Self { ends, credentials, access, servers, stop })
    }

    pub(crate) fn open(&self, end: End) -> Result<Opened, StorageError> {
        let location = match end {
            End::Source => &self.ends.source,
            End::Destination => &self.ends.destination,
        };
        open(location, end, self.access, self.servers, self.credentials.as_deref(), &self.stop)
    }
}

#[cfg(test)]
mod tests {
    use mftplus_protocol::wire::Protocol;

    use super::Ends;
    use crate::server::wire::Direction;

    #[test]
    fn an_endpoint_is_for_the_end_that_the_direction_makes_remote() -> anyhow::Result<()> {
        let protocol = Some(Protocol::Sftp);
        let pull = Ends::read("/out/a", "/in/", Direction::Pull, protocol, Some("partner"))?;
        assert!(pull.source.is_remote() && !pull.destination.is_remote() && !pull.are_local());
        let push = Ends::read("/out/a", "/in/", Direction::Push, protocol, Some("partner"))?;
        assert!(!push.source.is_remote() && push.destination.is_remote());
        let both = Ends::read("sftp://one/a", "partner:/in/", Direction::Push, None, None)?;
        assert!(both.source.is_remote() && both.destination.is_remote());
        assert!(Ends::read("/a", "/b", Direction::Push, Some(Protocol::Local), None)?.are_local());
        Ok(())
    }

    #[test]
    fn a_protocol_without_a_server_is_refused_with_what_to_write() {
        let error = Ends::read("/a", "/b", Direction::Pull, Some(Protocol::Ftps), None);
        assert!(error.is_err_and(|error| error.to_string().contains("ftps://host/path")));
    }
}
