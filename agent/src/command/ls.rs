//! `ls`: lists a folder of this machine or of a server.

use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::command::args::LsArgs;
use crate::exit::Exit;
use crate::storage::allowed_roots::FileAccess;
use crate::storage::error::StorageError;
use crate::storage::location::Location;
use crate::storage::open::{ConfiguredServers, End, open};
use crate::storage::transfer_storage::{EntryKind, Metadata};
use crate::work::agent::Settings;

/// Runs the subcommand `ls`: prints one line for each entry.
pub(crate) async fn ls(settings: &Settings, args: &LsArgs) -> anyhow::Result<Exit> {
    let location = Location::parse(&args.location)?;
    let servers = ConfiguredServers::new(settings.config.clone(), &settings.state_dir, Handle::current());
    let (credentials, stop) = (args.credentials.clone(), settings.stop.clone());
    let listing = move || list(&location, &servers, credentials.as_deref(), &stop);
    for line in tokio::task::spawn_blocking(listing).await?? {
        println!("{line}");
    }
    Ok(Exit::Done)
}

/// The lines for the entries of a folder, sorted by name, or the line for one file.
fn list(
    location: &Location,
    servers: &ConfiguredServers,
    credentials: Option<&str>,
    stop: &CancellationToken,
) -> Result<Vec<String>, StorageError> {
    let opened = open(location, End::Source, &FileAccess::Unrestricted, servers, credentials, stop)?;
    let metadata = opened.storage.metadata(&opened.path)?;
    if metadata.kind != EntryKind::Folder {
        return Ok(vec![line(opened.path.file_name().unwrap_or_default(), &metadata)]);
    }
    let mut entries = opened.storage.list(&opened.path)?;
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries.iter().map(|entry| line(&entry.name, &entry.metadata)).collect())
}

/// Kind, size, time and name; characters that would change the terminal are replaced.
fn line(name: &[u8], metadata: &Metadata) -> String {
    let (kind, end) = match metadata.kind {
        EntryKind::File => ('-', ""),
        EntryKind::Folder => ('d', "/"),
        EntryKind::Link => ('l', ""),
        EntryKind::Special => ('s', ""),
    };
    let name: String = String::from_utf8_lossy(name).chars().map(mftplus_protocol::characters::as_printable).collect();
    let time = metadata.modified.map_or_else(|| "-".to_owned(), time);
    format!("{kind} {:>15}  {time:20}  {name}{end}", metadata.size)
}

fn time(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::line;
    use crate::storage::transfer_storage::{EntryKind, Metadata};

    #[test]
    fn an_entry_has_a_line_without_control_characters() {
        let modified = Some(SystemTime::UNIX_EPOCH + Duration::from_hours(24));
        let file = Metadata { kind: EntryKind::File, size: 1_048_576, modified, mode: None };
        assert_eq!(line(b"a\x1b[2J.csv", &file), "-         1048576  1970-01-02T00:00:00Z  a\u{fffd}[2J.csv");
        let folder = Metadata { kind: EntryKind::Folder, size: 0, modified: None, mode: None };
        assert_eq!(line(b"out", &folder), format!("d {:>15}  {:20}  out/", 0, "-"));
    }
}
