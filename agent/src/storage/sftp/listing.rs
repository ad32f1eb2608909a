//! Lists a folder, with limits on the number and size of its entries.

use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::rawsession::SftpResult;
use russh_sftp::protocol::{File, StatusCode};

use crate::storage::error::{StorageError, StorageErrorKind as Kind};
use crate::storage::sftp::attributes::metadata_of;
use crate::storage::sftp::block_on_requests::Calls;
use crate::storage::sftp::failure::Failure;
use crate::storage::sftp::in_flight::send_only;
use crate::storage::transfer_storage::{Entry, MAX_ENTRIES};

/// The maximum number of bytes of all names and lines in the listing of one folder.
const MAX_TEXT: usize = 64 * 1024 * 1024;

/// The entries of the folder `remote`, a path on the server; `path` is the path for messages.
pub(crate) fn list(calls: &Calls, remote: String, path: &str) -> Result<Vec<Entry>, StorageError> {
    let session = &calls.connection.session;
    let handle = calls.run("list", path, session.opendir(remote))?.handle;
    let entries = read(calls, &handle, path);
    // The response of the server does not matter.
    send_only(&calls.runtime, session.close(handle));
    entries
}

fn read(calls: &Calls, handle: &str, path: &str) -> Result<Vec<Entry>, StorageError> {
    let mut entries = Vec::new();
    let mut text = 0;
    loop {
        let files = calls.run("list", path, read_some(&calls.connection.session, handle))?;
        if files.is_empty() {
            return Ok(entries);
        }
        for file in files {
            text += file.filename.len() + file.longname.len();
            if text > MAX_TEXT || entries.len() == MAX_ENTRIES {
                let why = "the folder has more than 1,000,000 entries or 64 MiB of names: copy parts of it";
                return Err(Failure::new(Kind::Other, why).at("list", path.to_owned()));
            }
            if file.filename == "." || file.filename == ".." {
                continue;
            }
            // `StoragePath::join` refuses names that lead elsewhere.
            let metadata = metadata_of(&file.attrs, &file.longname);
            entries.push(Entry { name: file.filename.into_bytes(), metadata });
        }
    }
}

/// The next entries; empty at the end.
async fn read_some(session: &RawSftpSession, handle: &str) -> SftpResult<Vec<File>> {
    match session.readdir(handle).await {
        Ok(names) => Ok(names.files),
        Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
