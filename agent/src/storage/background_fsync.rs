//! Syncs a file to disk in the background while it is being written, so that the sync at its end takes little time.
//! Blocking.

use std::fs::File;
use std::io;
use std::thread::{Builder, JoinHandle};

/// Bytes written between the starts of two syncs. A larger interval would leave more for the sync at the end; a smaller
/// one would commit the file system's journal more often.
const INTERVAL: u64 = 32 << 20;

/// The background syncs of one file, of which at most one runs at a time.
#[derive(Debug, Default)]
pub(crate) struct BackgroundSync {
    /// Bytes written since the last sync began.
    unsynced: u64,
    at_work: Option<JoinHandle<io::Result<()>>>,
}

impl BackgroundSync {
    /// Counts `written` bytes of `file`, and starts a sync after 32 MiB unless one is running. Fails if the previous
    /// sync failed: the file system reports an error only once, so the sync at the end would not repeat it.
    pub(crate) fn record(&mut self, file: &File, written: usize) -> io::Result<()> {
        self.unsynced += written as u64;
        let is_busy = self.at_work.as_ref().is_some_and(|thread| !thread.is_finished());
        if self.unsynced < INTERVAL || is_busy {
            return Ok(());
        }
        self.finish()?;
        self.unsynced = 0;
        // If the handle cannot be duplicated or no thread starts, these bytes are left to the sync at the end.
        self.at_work = file.try_clone().ok().and_then(|file| {
            let thread = Builder::new().name("file-sync".to_owned()).spawn(move || file.sync_data());
            thread.ok()
        });
        Ok(())
    }

    /// Waits for the running sync, if there is one, and returns its error.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self.at_work.take().map(JoinHandle::join) {
            Some(Ok(synced)) => synced,
            Some(Err(_)) => Err(io::Error::other("the thread that syncs the file has ended early")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{BackgroundSync, INTERVAL};

    /// The bytes after which a sync begins.
    fn interval() -> usize {
        usize::try_from(INTERVAL).unwrap_or(usize::MAX)
    }

    #[test]
    fn a_sync_begins_whenever_enough_is_written() -> io::Result<()> {
        let file = tempfile::tempfile()?;
        let mut sync = BackgroundSync::default();
        for _ in 0..2 {
            sync.record(&file, interval() - 1)?;
            assert!(sync.at_work.is_none());
            sync.record(&file, 1)?;
            assert!(sync.at_work.is_some());
            sync.finish()?;
            assert!(sync.at_work.is_none());
        }
        Ok(())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_error_of_a_sync_fails_the_next_write_or_the_end() -> io::Result<()> {
        // A device that cannot be synced.
        let file = std::fs::File::options().write(true).open("/dev/null")?;
        let mut sync = BackgroundSync::default();
        sync.record(&file, interval())?;
        assert!(sync.finish().is_err());
        sync.record(&file, interval())?;
        while sync.at_work.as_ref().is_some_and(|thread| !thread.is_finished()) {
            std::thread::yield_now();
        }
        assert!(sync.record(&file, interval()).is_err());
        Ok(())
    }
}
