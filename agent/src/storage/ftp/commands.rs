//! The operations on files and folders, each of which consists of one or several commands. Paths are absolute.

use std::time::{Duration, SystemTime};

use suppaftp::types::Response;
use suppaftp::{FtpError, Status};
use tokio::io::AsyncReadExt as _;

use crate::storage::error::StorageErrorKind;
use crate::storage::ftp::connection::{Connection, DataCommand, DataStream};
use crate::storage::ftp::failure::Failure;
use crate::storage::ftp::features::HashCommand;
use crate::storage::ftp::{list_line, listing_text, mlsx_line, remote_path, time};
use crate::storage::transfer_storage::{Entry, EntryKind, Metadata};

/// The number of bytes for which each read of a listing reserves space.
const CHUNK: usize = 64 * 1024;

/// The maximum time that a server may take to compute a digest.
const HASHING: Duration = Duration::from_mins(30);

/// The number of hexadecimal digits of a SHA-256 digest.
const DIGEST: usize = 64;

/// The replies that confirm a change of a file or folder; a few servers answer every command with 200.
const DONE: &[Status] = &[Status::RequestedFileActionOk, Status::CommandOk];

impl Connection {
    /// The metadata of a file or folder; of a link, that of its target.
    pub(super) async fn metadata(&mut self, path: &str) -> Result<Metadata, Failure> {
        if let Some(metadata) = self.mlst(path).await?
            && metadata.kind != EntryKind::Link
        {
            return Ok(metadata);
        }
        self.probe(path).await
    }

    /// The metadata of the entry itself, even if it is a link.
    pub(super) async fn symlink_metadata(&mut self, path: &str) -> Result<Metadata, Failure> {
        if let Some(metadata) = self.mlst(path).await? {
            return Ok(metadata);
        }
        let metadata = self.probe(path).await?;
        let Some((parent, name)) = remote_path::split(path) else { return Ok(metadata) };
        // Without MLST, only a listing of the folder distinguishes a link from its target. If the folder cannot be
        // listed, the entry is not taken for a link.
        match self.list(parent).await {
            Ok(entries) => {
                let link = entries.into_iter().find(|entry| entry.name == name.as_bytes());
                let link = link.map(|entry| entry.metadata).filter(|found| found.kind == EntryKind::Link);
                Ok(link.unwrap_or(metadata))
            }
            Err(failure) if failure.is_in_step() => Ok(metadata),
            Err(failure) => Err(failure),
        }
    }

    /// The metadata by MLST; `None` if the server does not have this command.
    async fn mlst(&mut self, path: &str) -> Result<Option<Metadata>, Failure> {
        if !self.features.mlst {
            return Ok(None);
        }
        let reply = match self.command(format!("MLST {path}"), &[Status::RequestedFileActionOk]).await {
            Err(failure) if failure.is_unknown_command() => {
                self.features.mlst = false;
                return Ok(None);
            }
            reply => reply?,
        };
        let mut lines = reply.body.split(|byte| *byte == b'\n');
        let line = lines.nth(1).unwrap_or_default().trim_ascii_end();
        let line = mlsx_line::parse(line.strip_prefix(b" ").unwrap_or(line));
        let unreadable = || Failure::Other(StorageErrorKind::Other, "the answer to MLST cannot be read".to_owned());
        line.map(|line| Some(line.metadata)).ok_or_else(unreadable)
    }

    /// The metadata from SIZE and MDTM, which work for files, or from CWD, which works for folders. Follows links.
    async fn probe(&mut self, path: &str) -> Result<Metadata, Failure> {
        match self.size(path).await {
            Ok(size) => {
                let modified = if self.features.mdtm { self.modified(path).await? } else { None };
                Ok(Metadata { kind: EntryKind::File, size, modified, mode: None })
            }
            Err(failure) if failure.is_in_step() => {
                let folder = Metadata { kind: EntryKind::Folder, size: 0, modified: None, mode: None };
                match self.change_folder(path).await {
                    Ok(()) => Ok(folder),
                    // Without SIZE, the listing of its folder shows the file.
                    Err(missing) if failure.is_unknown_command() && missing.is_in_step() => {
                        self.find(path).await?.ok_or(missing)
                    }
                    Err(missing) => Err(missing),
                }
            }
            Err(failure) => Err(failure),
        }
    }

    /// The metadata of an entry from the listing of its folder; `None` if it is not listed.
    async fn find(&mut self, path: &str) -> Result<Option<Metadata>, Failure> {
        let Some((parent, name)) = remote_path::split(path) else { return Ok(None) };
        let entries = self.list(parent).await?;
        Ok(entries.into_iter().find(|entry| entry.name == name.as_bytes()).map(|entry| entry.metadata))
    }

    /// Begins to read a file at `offset`.
    pub(super) async fn begin_read(&mut self, path: &str, offset: u64) -> Result<DataStream, Failure> {
        match self.begin_transfer(&DataCommand::Retrieve(path), offset).await {
            Err(failure) if failure.is_vague() => {
                let reason = match self.metadata(path).await {
                    Ok(metadata) if metadata.kind == EntryKind::Folder => StorageErrorKind::IsAFolder,
                    Ok(_) => StorageErrorKind::PermissionDenied,
                    Err(other) if other.is_in_step() => StorageErrorKind::NotFound,
                    Err(other) => return Err(other),
                };
                Err(failure.or_means(reason))
            }
            begun => begun,
        }
    }

    /// Begins to write a file at `offset`. Fails if the file is shorter than `offset`, or longer and the server cannot
    /// restart a transfer there.
    pub(super) async fn begin_write(&mut self, path: &str, offset: u64) -> Result<DataStream, Failure> {
        if offset == 0 {
            return self.begin_transfer(&DataCommand::Store(path), 0).await;
        }
        let size = self.size(path).await?;
        if size < offset {
            let text = format!("the file has {size} bytes, so it cannot be continued at {offset}");
            return Err(Failure::Other(StorageErrorKind::Other, text));
        }
        if self.features.rest_stream {
            return self.begin_transfer(&DataCommand::Store(path), offset).await;
        }
        if size > offset {
            let text = "the server cannot continue a file before its end".to_owned();
            return Err(Failure::Other(StorageErrorKind::Unsupported, text));
        }
        self.begin_transfer(&DataCommand::Append(path), 0).await
    }

    pub(super) async fn size(&mut self, path: &str) -> Result<u64, Failure> {
        let reply = self.command(format!("SIZE {path}"), &[Status::File]).await?;
        number(&reply)
            .ok_or_else(|| Failure::Other(StorageErrorKind::Other, "the answer to SIZE is not a size".to_owned()))
    }

    /// The time of the last modification from MDTM; `None` if the server does not provide it.
    async fn modified(&mut self, path: &str) -> Result<Option<SystemTime>, Failure> {
        match self.command(format!("MDTM {path}"), &[Status::File]).await {
            Ok(reply) => Ok(words(&reply).last().and_then(|word| time::parse(word))),
            Err(failure) if failure.is_in_step() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn change_folder(&mut self, path: &str) -> Result<(), Failure> {
        self.command(format!("CWD {path}"), DONE).await.map(|_| ())
    }

    /// The entries of a folder, from MLSD if the server has it, else from LIST.
    pub(super) async fn list(&mut self, path: &str) -> Result<Vec<Entry>, Failure> {
        if self.features.mlst {
            match self.text(&format!("MLSD {path}")).await {
                Err(failure) if failure.is_unknown_command() => self.features.mlst = false,
                text => return listing_text::of_mlsd(&text?),
            }
        }
        // LIST may take a path for options or a pattern, so it is sent without one.
        self.change_folder(path).await?;
        let text = self.list_text().await?;
        let now = list_line::date_time(SystemTime::now());
        listing_text::of_list(&text, now, !self.features.mdtm)
    }

    /// Lists the current folder. Servers on Unix omit hidden files unless the option `-a` is given; other servers take
    /// `-a` for an error or for the name of a missing file.
    async fn list_text(&mut self) -> Result<Vec<u8>, Failure> {
        if self.lists_hidden != Some(false) {
            match self.text("LIST -a").await {
                Ok(text) if !text.trim_ascii().is_empty() => {
                    self.lists_hidden = Some(true);
                    return Ok(text);
                }
                // With `-a`, even an empty folder lists itself. Some servers send an empty listing for a folder that
                // they cannot open.
                Ok(_) if self.lists_hidden == Some(true) => {
                    let text = "the server lists nothing, not even the folder itself".to_owned();
                    return Err(Failure::Other(StorageErrorKind::PermissionDenied, text));
                }
                Err(failure) if !failure.is_in_step() => return Err(failure),
                _ => {}
            }
        }
        let text = self.text("LIST").await?;
        if !text.trim_ascii().is_empty() {
            self.lists_hidden = Some(false);
        }
        Ok(text)
    }

    /// The text that a command for a listing returns.
    async fn text(&mut self, line: &str) -> Result<Vec<u8>, Failure> {
        let mut stream = self.begin_transfer(&DataCommand::List(line), 0).await?;
        let mut text = Vec::new();
        loop {
            text.reserve(CHUNK);
            let read = async { stream.read_buf(&mut text).await.map_err(FtpError::ConnectionError) };
            match self.limits.step(read).await? {
                0 => break,
                _ if text.len() > listing_text::MAX_LISTING => {
                    let text = format!("the listing is longer than {} bytes", listing_text::MAX_LISTING);
                    return Err(Failure::Other(StorageErrorKind::Other, text));
                }
                _ => {}
            }
        }
        self.end_transfer(stream, self.limits.idle).await?;
        Ok(text)
    }

    /// Creates a folder; succeeds if it exists already.
    pub(super) async fn create_folder(&mut self, path: &str) -> Result<(), Failure> {
        match self.command(format!("MKD {path}"), &[Status::PathCreated, Status::CommandOk]).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_in_step() => match self.change_folder(path).await {
                Err(other) if !other.is_in_step() => Err(other),
                Err(_) => Err(failure),
                Ok(()) => Ok(()),
            },
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn delete(&mut self, path: &str) -> Result<(), Failure> {
        self.command(format!("DELE {path}"), DONE).await.map(|_| ())
    }

    pub(super) async fn remove_folder(&mut self, path: &str) -> Result<(), Failure> {
        self.command(format!("RMD {path}"), DONE).await.map(|_| ())
    }

    pub(super) async fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        self.begin_rename(from).await?;
        self.rename_to(to).await
    }

    /// Sends RNFR, the first of the two commands of a rename. It changes nothing by itself.
    pub(super) async fn begin_rename(&mut self, from: &str) -> Result<(), Failure> {
        self.command(format!("RNFR {from}"), &[Status::RequestFilePending]).await.map(|_| ())
    }

    pub(super) async fn rename_to(&mut self, to: &str) -> Result<(), Failure> {
        self.command(format!("RNTO {to}"), DONE).await.map(|_| ())
    }

    /// Sets the time of the last modification with MFMT.
    pub(super) async fn set_modified(&mut self, path: &str, modified: SystemTime) -> Result<(), Failure> {
        let line = format!("MFMT {} {path}", time::format(modified));
        self.command(line, &[Status::File, Status::CommandOk, Status::RequestedFileActionOk]).await.map(|_| ())
    }

    /// The SHA-256 of a file as hexadecimal digits, computed by the server; `None` if the server cannot compute it.
    pub(super) async fn checksum(&mut self, path: &str) -> Result<Option<String>, Failure> {
        let line = match self.features.hash {
            None => return Ok(None),
            Some(HashCommand::XSha256) => format!("XSHA256 {path}"),
            Some(HashCommand::Hash) => {
                if let Err(failure) = self.command("OPTS HASH SHA-256", &[Status::CommandOk]).await {
                    return if failure.is_in_step() { Ok(None) } else { Err(failure) };
                }
                format!("HASH {path}")
            }
        };
        match self.long_command(line, &[Status::File, Status::RequestedFileActionOk], HASHING).await {
            Ok(reply) => Ok(digest(&reply)),
            Err(failure) if failure.is_in_step() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The free space for a folder in bytes, from AVBL; `None` if the server does not have this command.
    pub(super) async fn free_space(&mut self, path: &str) -> Result<Option<u64>, Failure> {
        if !self.features.avbl {
            return Ok(None);
        }
        Ok(number(&self.command(format!("AVBL {path}"), &[Status::File]).await?))
    }
}

/// The words after the code of a reply.
fn words(reply: &Response) -> Vec<String> {
    let text = String::from_utf8_lossy(&reply.body);
    text.split_whitespace().skip(1).map(str::to_owned).collect()
}

/// The number that is the last word of a reply.
fn number(reply: &Response) -> Option<u64> {
    words(reply).last()?.parse().ok()
}

/// The first word of a reply that is a SHA-256.
fn digest(reply: &Response) -> Option<String> {
    let is_digest = |word: &String| word.len() == DIGEST && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    words(reply).into_iter().find(is_digest).map(|word| word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use suppaftp::Status;
    use suppaftp::types::Response;

    use super::{digest, number};

    fn reply(text: &str) -> Response {
        Response::new(Status::File, text.as_bytes().to_vec())
    }

    #[test]
    fn numbers_and_digests_are_found_in_replies() {
        assert_eq!(number(&reply("213 5368709120\r\n")), Some(5_368_709_120));
        assert_eq!(number(&reply("213 -1\r\n")), None);
        assert_eq!(number(&reply("213\r\n")), None);
        let sha256 = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        let expected = Some(sha256.to_ascii_lowercase());
        assert_eq!(digest(&reply(&format!("213 SHA-256 0-49 {sha256} /a b\r\n"))), expected);
        assert_eq!(digest(&reply(&format!("250 {sha256}\r\n"))), expected);
        assert_eq!(digest(&reply("213 SHA-1 0-49 da39a3ee5e6b4b0d3255bfef95601890afd80709 /a\r\n")), None);
    }
}
