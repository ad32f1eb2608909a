//! The certificate authority of a server: from files that the operator chose, or generated once and stored where the
//! signing secret is.

use std::{io::ErrorKind, path::Path};

use anyhow::{Context, Result, anyhow};
use chrono::TimeDelta;

use super::{Ambient, data_folder};
use crate::{
    config::{CertificateFiles, ServeSettings},
    service::{CertificateAuthority, Serial},
    store::{self, Db},
};

/// The name of the generated authority in the database.
const NAME: &str = "certificate authority";
/// The remaining validity of the authority at which the server logs a warning when it starts. It is longer than the 90
/// days for which an agent's certificate is valid.
const WARNING: TimeDelta = TimeDelta::days(180);

/// Loads the authority, or generates it at the first start. Returns `None` if the server accepts no client
/// certificates.
pub(super) async fn open(settings: &ServeSettings, db: &Db, ambient: &Ambient) -> Result<Option<CertificateAuthority>> {
    let files = settings.authority_files().map_err(anyhow::Error::msg)?;
    if settings.mtls_listen.is_none() {
        return Ok(None);
    }
    let authority = match files {
        Some(files) => from_files(&files)?,
        None => generated(settings, db, ambient).await?,
    };
    let expires_at = authority.expires_at();
    if expires_at <= ambient.clock.now() + WARNING {
        tracing::warn!(%expires_at, "the certificate authority expires soon: replace it, so that agents can renew");
    }
    Ok(Some(authority))
}

fn from_files(files: &CertificateFiles) -> Result<CertificateAuthority> {
    const SETTINGS: &str = "MFTPLUS_CA_CERT and MFTPLUS_CA_KEY";
    let read =
        |path: &Path| std::fs::read(path).with_context(|| format!("{SETTINGS}: {} cannot be read", path.display()));
    let (certificates, key) = (read(&files.certificate)?, read(&files.key)?);
    let authority = CertificateAuthority::from_pem(&certificates, &key);
    let (certificate, key) = (files.certificate.display(), files.key.display());
    authority.map_err(|problem| anyhow!("{SETTINGS}: {certificate} and {key}: {problem}"))
}

/// The authority that the first server generated: a file beside the SQLite database, or a row in PostgreSQL.
async fn generated(settings: &ServeSettings, db: &Db, ambient: &Ambient) -> Result<CertificateAuthority> {
    let database = &settings.database;
    if database.database_url.is_some() {
        let stored = store::shared_secrets::get_or_insert(db, NAME, generate(ambient)?, ambient.clock.now()).await?;
        let authority = CertificateAuthority::from_pem(&stored, &stored);
        return authority.map_err(|problem| {
            anyhow!("DATABASE_URL: the certificate authority in the database cannot be used: {problem}")
        });
    }
    let path = database.data_dir.join(data_folder::AUTHORITY_FILE);
    let name = || format!("MFTPLUS_DATA_DIR: {} cannot be used", path.display());
    let stored = match data_folder::read_secret(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            data_folder::write_secret(&path, &generate(ambient)?).with_context(name)?;
            std::fs::read(&path).with_context(name)?
        }
        stored => stored.with_context(name)?,
    };
    CertificateAuthority::from_pem(&stored, &stored).map_err(|problem| {
        let path = path.display();
        anyhow!("MFTPLUS_DATA_DIR: {path} is damaged: {problem}; restore it, or remove it and have agents enrol again")
    })
}

fn generate(ambient: &Ambient) -> Result<Vec<u8>> {
    let mut serial: Serial = [0; 16];
    ambient.ids.fill(&mut serial);
    let authority = CertificateAuthority::generate(serial, ambient.clock.now());
    Ok(authority.context("a certificate authority cannot be generated")?.into_bytes())
}
