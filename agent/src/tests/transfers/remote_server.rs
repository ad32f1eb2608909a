//! A server of each protocol, with the configuration by which the agent finds it as the endpoint `partner`.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::faulty_proxy::Speech;
use crate::config::resolved_endpoint::FtpSettings;
use crate::tests::ftp::server_process::{Certificates, FtpServer, Kind as FtpKind, PASSWORD};
use crate::tests::sftp::server_process::SshServer;

/// What stands at the other end of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder of this machine.
    Local,
    /// OpenSSH.
    Sftp,
    /// vsftpd, as the next two.
    Ftp,
    FtpsExplicit,
    FtpsImplicit,
    /// pure-ftpd.
    PureFtp,
    PureFtps,
}

impl Kind {
    /// As jobs have it.
    pub(super) fn protocol(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Sftp => "sftp",
            Self::Ftp | Self::PureFtp => "ftp",
            Self::FtpsExplicit | Self::FtpsImplicit | Self::PureFtps => "ftps",
        }
    }

    /// What a proxy before the server must understand.
    pub(super) fn speech(self) -> Speech {
        if self.protocol() == "ftp" { Speech::Ftp } else { Speech::Any }
    }

    /// Whether names may hold backslashes, which pure-ftpd refuses.
    pub(super) fn carries_backslashes(self) -> bool {
        !matches!(self, Self::PureFtp | Self::PureFtps)
    }

    /// Whether names may hold control characters and end with a space.
    pub(super) fn carries_any_text(self) -> bool {
        matches!(self, Self::Local | Self::Sftp)
    }
}

/// A running server, or a folder.
pub(super) struct Remote {
    kind: Kind,
    server: Server,
}

enum Server {
    Folder(TempDir),
    Ssh(SshServer),
    /// With the certificates that it reads for each session.
    Ftp(Box<FtpServer>, #[expect(dead_code, reason = "dropping them removes their files")] Certificates),
}

impl Remote {
    pub(super) fn start(kind: Kind) -> anyhow::Result<Self> {
        let certificates = Certificates::create;
        let server = match kind {
            Kind::Local => Server::Folder(tempfile::tempdir()?),
            Kind::Sftp => Server::Ssh(SshServer::start()?),
            Kind::Ftp => Server::ftp(FtpKind::Vsftpd, certificates()?)?,
            Kind::FtpsExplicit => Server::ftp(FtpKind::VsftpdExplicit, certificates()?)?,
            Kind::FtpsImplicit => Server::ftp(FtpKind::VsftpdImplicit, certificates()?)?,
            Kind::PureFtp => Server::ftp(FtpKind::PureFtpd, certificates()?)?,
            Kind::PureFtps => Server::ftp(FtpKind::PureFtpdExplicit, certificates()?)?,
        };
        Ok(Self { kind, server })
    }

    /// A server of FTP over TLS with these certificates.
    pub(super) fn start_with(certificates: Certificates) -> anyhow::Result<Self> {
        Ok(Self { kind: Kind::FtpsExplicit, server: Server::ftp(FtpKind::VsftpdExplicit, certificates)? })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The path of a file of the server on this machine.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        match &self.server {
            Server::Folder(folder) => folder.path().join(name),
            Server::Ssh(server) => server.data(name),
            Server::Ftp(server, _) => server.path(name),
        }
    }

    /// Creates a folder that the server can write to.
    pub(super) fn create_folder(&self, name: &str) -> anyhow::Result<()> {
        match &self.server {
            Server::Folder(_) | Server::Ssh(_) => fs::create_dir(self.path(name))?,
            Server::Ftp(server, _) => server.create_folder(name)?,
        }
        Ok(())
    }

    /// What a job or `agent copy` calls a file of the server.
    pub(super) fn location(&self, name: &str) -> String {
        match &self.server {
            Server::Folder(_) => self.path(name).to_string_lossy().into_owned(),
            Server::Ssh(_) => format!("partner:{}", self.path(name).display()),
            // Its folder is that of the login, and need not be the root.
            Server::Ftp(..) => format!("partner:/~/{name}"),
        }
    }

    /// The port of the server; 0 for a folder.
    pub(super) fn port(&self) -> u16 {
        match &self.server {
            Server::Folder(_) => 0,
            Server::Ssh(server) => server.port,
            Server::Ftp(server, _) => server.settings().port,
        }
    }

    /// A configuration with the server at this port, and with `more` in the table of its endpoint.
    pub(super) fn config(&self, port: u16, more: &str) -> String {
        let (protocol, kind) = (self.kind.protocol(), self.kind);
        match &self.server {
            Server::Folder(_) => String::new(),
            Server::Ssh(server) => {
                let (user, key, fingerprint) = (server.user(), server.path("user_key"), &server.fingerprint);
                let key = key.display();
                format!(
                    "[credentials.partner]\nuser = '{user}'\nkey-file = '{key}'\n\n[endpoints.partner]\nprotocol = '{protocol}'\nhost = '127.0.0.1'\nport = {port}\ncredentials = 'partner'\nhost-key = '{fingerprint}'\n{more}\n"
                )
            }
            Server::Ftp(server, _) => {
                let FtpSettings { credentials, ca_file, .. } = server.settings();
                let tls = match (kind, ca_file) {
                    (Kind::FtpsImplicit, Some(file)) => format!("tls = 'implicit'\nca-file = '{}'\n", file.display()),
                    (_, Some(file)) => format!("tls = 'explicit'\nca-file = '{}'\n", file.display()),
                    (_, None) => String::new(),
                };
                format!(
                    "[credentials.partner]\nuser = '{}'\npassword = '{PASSWORD}'\n\n[endpoints.partner]\nprotocol = '{protocol}'\nhost = '127.0.0.1'\nport = {port}\ncredentials = 'partner'\n{tls}{more}\n",
                    credentials.user
                )
            }
        }
    }

    pub(super) fn kill(&mut self) {
        match &mut self.server {
            Server::Folder(_) => {}
            Server::Ssh(server) => server.kill(),
            Server::Ftp(server, _) => server.kill(),
        }
    }

    pub(super) fn restart(&mut self) -> anyhow::Result<()> {
        match &mut self.server {
            Server::Folder(_) => Ok(()),
            Server::Ssh(server) => server.restart(),
            Server::Ftp(server, _) => server.restart(),
        }
    }
}

impl Server {
    fn ftp(kind: FtpKind, certificates: Certificates) -> anyhow::Result<Self> {
        Ok(Self::Ftp(Box::new(FtpServer::start(kind, &certificates)?), certificates))
    }
}
