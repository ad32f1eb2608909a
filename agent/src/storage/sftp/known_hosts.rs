//! Checks whether the host key of a server is known: parses `known_hosts` files as OpenSSH does.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

use crate::storage::path_text::text;
use crate::storage::sftp::host_pattern::{HostPatterns, matches_wildcards, name_of};
use crate::storage::state_file;

/// The maximum number of bytes of one file that are read.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The lines of one or several `known_hosts` files.
#[derive(Debug, Default)]
pub(crate) struct KnownHosts {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// `file:line`, for messages.
    place: String,
    marker: Marker,
    hosts: HostPatterns,
    key: PublicKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    HostKey,
    CertAuthority,
    Revoked,
}

/// The result of looking up a host key in the files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Known,
    Unknown,
    /// The files have only other keys for the host; `place` is a line with one of them.
    Changed {
        place: String,
    },
    Revoked {
        place: String,
    },
}

impl KnownHosts {
    /// Reads the files. A missing file counts as empty.
    pub(crate) fn read(files: &[PathBuf]) -> io::Result<Self> {
        let mut known = Self::default();
        for file in files {
            match content(file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", text(file)))),
                Ok(bytes) => known.add(&text(file), &String::from_utf8_lossy(&bytes)),
            }
        }
        Ok(known)
    }

    /// Adds the lines of a file. Lines that cannot be parsed are logged and skipped.
    pub(crate) fn add(&mut self, file: &str, content: &str) {
        for (index, line) in content.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = format!("{file}:{}", index + 1);
            if let Some(line) = Line::parse(&place, line) {
                self.lines.push(line);
            } else {
                tracing::warn!(place, "a line of a known_hosts file cannot be read and is skipped");
            }
        }
    }

    /// Looks up a key that the host has presented.
    pub(crate) fn check(&self, host: &str, port: u16, key: &PublicKey) -> Verdict {
        if let Some(place) = self.revoked(host, port, key) {
            return Verdict::Revoked { place };
        }
        let with_port = name_of(host, port);
        let lines = || self.matching(&with_port, Marker::HostKey);
        if lines().any(|line| line.has(key)) {
            return Verdict::Known;
        }
        if let Some(other) = lines().next() {
            return Verdict::Changed { place: other.place.clone() };
        }
        // A line for the host without a port applies to all its ports, as in OpenSSH.
        let is_known = self.matching(&name_of(host, 22), Marker::HostKey).any(|line| line.has(key));
        if is_known { Verdict::Known } else { Verdict::Unknown }
    }

    /// Checks a certificate that the host has presented.
    ///
    /// # Errors
    ///
    /// A message that says why the certificate is not valid.
    pub(crate) fn check_certificate(&self, host: &str, port: u16, certificate: &Certificate) -> Result<(), String> {
        let authority = PublicKey::from(certificate.signature_key().clone());
        let fingerprint = authority.fingerprint(HashAlg::Sha256);
        for key in [&authority, &PublicKey::from(certificate.public_key().clone())] {
            if let Some(place) = self.revoked(host, port, key) {
                return Err(format!("{} is revoked in {place}", key.fingerprint(HashAlg::Sha256)));
            }
        }
        if !self.authorities(host, port).any(|line| line.has(&authority)) {
            return Err(format!("it is signed by {fingerprint}, which no line `@cert-authority` for this host has"));
        }
        if !certificate.cert_type().is_host() {
            return Err("it is the certificate of a user, not of a host".to_owned());
        }
        let principals = certificate.valid_principals();
        let host = name_of(host, 22);
        if !principals.is_empty() && !principals.iter().any(|name| matches_wildcards(&name.to_ascii_lowercase(), &host))
        {
            return Err(format!("it is not for {host}"));
        }
        if !certificate.critical_options().is_empty() {
            return Err("it has a critical option, and hosts have none".to_owned());
        }
        let checked = certificate.validate([&fingerprint]);
        checked.map_err(|_| "it has expired or is not valid yet, or its signature is wrong".to_owned())
    }

    /// The kinds of the known keys of the host.
    pub(crate) fn algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let (with_port, alone) = (name_of(host, port), name_of(host, 22));
        let known = |name| self.matching(name, Marker::HostKey).map(|line| line.key.algorithm());
        let mut algorithms: Vec<Algorithm> = known(with_port.as_str()).collect();
        if algorithms.is_empty() {
            algorithms.extend(known(alone.as_str()));
        }
        algorithms
    }

    /// Whether the files have an authority that may sign certificates of the host.
    pub(crate) fn has_authority(&self, host: &str, port: u16) -> bool {
        self.authorities(host, port).next().is_some()
    }

    fn authorities(&self, host: &str, port: u16) -> impl Iterator<Item = &Line> {
        let names = [name_of(host, port), name_of(host, 22)];
        let is_authority = |line: &&Line| line.marker == Marker::CertAuthority;
        let lines = self.lines.iter().filter(is_authority);
        lines.filter(move |line| names.iter().any(|name| line.hosts.matches(name)))
    }

    fn matching<'a>(&'a self, name: &'a str, marker: Marker) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.marker == marker && line.hosts.matches(name))
    }

    /// The place of a line that revokes the key for this host; `None` if there is none.
    fn revoked(&self, host: &str, port: u16, key: &PublicKey) -> Option<String> {
        let names = [name_of(host, port), name_of(host, 22)];
        let mut lines = names.iter().flat_map(|name| self.matching(name, Marker::Revoked));
        lines.find(|line| line.has(key)).map(|line| line.place.clone())
    }
}

impl Line {
    fn parse(place: &str, line: &str) -> Option<Self> {
        let mut columns = line.split_ascii_whitespace();
        let mut hosts = columns.next()?;
        let marker = match hosts {
            "@cert-authority" => Marker::CertAuthority,
            "@revoked" => Marker::Revoked,
            other if other.starts_with('@') => return None,
            _ => Marker::HostKey,
        };
        if marker != Marker::HostKey {
            hosts = columns.next()?;
        }
        let key = format!("{} {}", columns.next()?, columns.next()?);
        Some(Self {
            place: place.to_owned(),
            marker,
            hosts: HostPatterns::parse(hosts)?,
            key: PublicKey::from_openssh(&key).ok()?,
        })
    }

    fn has(&self, key: &PublicKey) -> bool {
        self.key.key_data() == key.key_data()
    }
}

/// The content of a file, limited to the first 16 MiB.
pub(crate) fn content(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The line of a `known_hosts` file that adds this key of the host.
pub(crate) fn line_for(host: &str, port: u16, key: &PublicKey) -> String {
    let key = PublicKey::from(key.key_data().clone());
    // A key that was received from the network can always be written.
    format!("{} {}", name_of(host, port), key.to_openssh().unwrap_or_default())
}

/// Adds a line to a file, which is created if it does not exist.
pub(crate) fn append(file: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        state_file::create_private_folder(folder)?;
    }
    let mut opened = state_file::private(OpenOptions::new().read(true).append(true).create(true)).open(file)?;
    let mut last = [b'\n'];
    if opened.seek(SeekFrom::End(0))? > 0 {
        opened.seek(SeekFrom::End(-1))?;
        opened.read_exact(&mut last)?;
    }
    let separator = if last == [b'\n'] { "" } else { "\n" };
    opened.write_all(format!("{separator}{line}\n").as_bytes())?;
    opened.sync_all()
}

#[cfg(test)]
mod tests;
