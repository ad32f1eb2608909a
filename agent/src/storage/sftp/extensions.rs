//! The extensions of a server to SFTP version 3, and requests that russh-sftp does not implement.

use std::collections::HashMap;
use std::fmt::Write as _;

use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::rawsession::{Limits, SftpResult};
use russh_sftp::protocol::{Packet, StatusCode, Version};

/// The extension for a rename that replaces the destination atomically.
pub(crate) const POSIX_RENAME: &str = "posix-rename@openssh.com";
pub(crate) const FSYNC: &str = "fsync@openssh.com";
pub(crate) const STATVFS: &str = "statvfs@openssh.com";
pub(crate) const LIMITS: &str = "limits@openssh.com";
/// The extension for digests of files, from draft-ietf-secsh-filexfer-extensions-00.
const CHECK_FILE: &str = "check-file";
const CHECK_FILE_NAME: &str = "check-file-name";

/// The name of the requested digest, and its length in bytes.
const SHA256: &[u8] = b"sha256";
const SHA256_LENGTH: usize = 32;

/// The number of bytes that one request reads or writes, if the server allows it. With 64 requests in flight, a file
/// occupies at most 4 MiB of memory.
const LENGTH: u32 = 64 * 1024;

/// The number of bytes in one request that every server must accept.
const SAFE_LENGTH: u32 = 32 * 1024;

/// The extensions and limits of a server.
#[derive(Debug)]
pub(crate) struct Extensions {
    offered: HashMap<String, String>,
    /// The number of bytes that one request reads.
    pub(crate) read_length: u32,
    /// The number of bytes that one request writes.
    pub(crate) write_length: u32,
}

impl Extensions {
    pub(crate) fn new(version: Version, limits: Option<&Limits>) -> Self {
        let within = |limit: Option<u64>, without: u32| match limit {
            Some(limit) => u32::try_from(limit).map_or(LENGTH, |limit| limit.clamp(1, LENGTH)),
            None => without,
        };
        Self {
            offered: version.extensions,
            // A server without the extension for limits may return fewer bytes.
            read_length: within(limits.and_then(|limits| limits.read_len), LENGTH),
            write_length: within(limits.and_then(|limits| limits.write_len), SAFE_LENGTH),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.offered.contains_key(name)
    }

    /// Whether the server can compute digests of files.
    pub(crate) fn has_checksums(&self) -> bool {
        self.has(CHECK_FILE) || self.has(CHECK_FILE_NAME)
    }
}

/// Renames a file, and replaces a file with the new name.
pub(crate) async fn posix_rename(session: &RawSftpSession, from: &str, to: &str) -> SftpResult<()> {
    let mut request = Vec::new();
    push_text(&mut request, from.as_bytes());
    push_text(&mut request, to.as_bytes());
    match session.extended(POSIX_RENAME, request).await? {
        Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
        Packet::Status(status) => Err(SftpError::Status(status)),
        _ => Err(SftpError::UnexpectedPacket),
    }
}

/// The SHA-256 digest of a file in hexadecimal, computed by the server; `None` if the server cannot compute it.
pub(crate) async fn check_file(session: &RawSftpSession, path: &str) -> SftpResult<Option<String>> {
    let mut request = Vec::new();
    push_text(&mut request, path.as_bytes());
    push_text(&mut request, SHA256);
    // Start, length and block size: 0 means the whole file as one block.
    request.extend_from_slice(&0_u64.to_be_bytes());
    request.extend_from_slice(&0_u64.to_be_bytes());
    request.extend_from_slice(&0_u32.to_be_bytes());
    match session.extended(CHECK_FILE_NAME, request).await? {
        Packet::ExtendedReply(reply) => Ok(digest_in(&reply.data)),
        // Some servers offer the extension without SHA-256.
        Packet::Status(status) if matches!(status.status_code, StatusCode::OpUnsupported | StatusCode::Failure) => {
            Ok(None)
        }
        Packet::Status(status) => Err(SftpError::Status(status)),
        _ => Err(SftpError::UnexpectedPacket),
    }
}

/// The digest in a response, which consists of `check-file` (which some servers omit), the name of the digest, and its
/// bytes.
fn digest_in(reply: &[u8]) -> Option<String> {
    let (mut name, mut rest) = take_text(reply)?;
    if name == CHECK_FILE.as_bytes() {
        (name, rest) = take_text(rest)?;
    }
    if name != SHA256 || rest.len() != SHA256_LENGTH {
        return None;
    }
    let mut hex = String::with_capacity(2 * SHA256_LENGTH);
    for byte in rest {
        // Writing into a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Some(hex)
}

/// Appends the length of a text, and the text.
fn push_text(request: &mut Vec<u8>, text: &[u8]) {
    // No path is as long as 4 GiB.
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    request.extend_from_slice(&length.to_be_bytes());
    request.extend_from_slice(text);
}

/// Splits off a text that follows its length, and returns it with the remaining bytes.
fn take_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use russh_sftp::client::rawsession::Limits;
    use russh_sftp::protocol::Version;

    use super::{CHECK_FILE, Extensions, FSYNC, LENGTH, SAFE_LENGTH, SHA256, digest_in, push_text};

    #[test]
    fn requests_are_as_long_as_the_server_allows() {
        let lengths = |limits: Option<&Limits>| {
            let extensions = Extensions::new(Version::new(), limits);
            (extensions.read_length, extensions.write_length)
        };
        assert_eq!(lengths(None), (LENGTH, SAFE_LENGTH));
        let openssh = Limits { read_len: Some(261_120), write_len: Some(261_120), ..Limits::default() };
        assert_eq!(lengths(Some(&openssh)), (LENGTH, LENGTH));
        let small = Limits { read_len: Some(4096), write_len: Some(u64::MAX), ..Limits::default() };
        assert_eq!(lengths(Some(&small)), (4096, LENGTH));
    }

    #[test]
    fn an_extension_is_used_if_the_server_offers_it() {
        let mut version = Version::new();
        version.extensions.insert(FSYNC.to_owned(), "1".to_owned());
        let extensions = Extensions::new(version, None);
        assert!(extensions.has(FSYNC) && !extensions.has_checksums());
    }

    #[test]
    fn the_digest_of_a_server_is_read_in_both_forms() {
        for with_name in [false, true] {
            let mut reply = Vec::new();
            if with_name {
                push_text(&mut reply, CHECK_FILE.as_bytes());
            }
            push_text(&mut reply, SHA256);
            reply.extend_from_slice(&[0xab; 32]);
            assert_eq!(digest_in(&reply), Some("ab".repeat(32)));
            reply.pop();
            assert_eq!(digest_in(&reply), None);
        }
        let mut other = Vec::new();
        push_text(&mut other, b"md5");
        other.extend_from_slice(&[0; 32]);
        assert_eq!(digest_in(&other), None);
        assert_eq!(digest_in(&[0, 0, 0, 9, 1]), None);
    }
}
