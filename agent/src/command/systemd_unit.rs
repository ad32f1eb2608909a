//! The text of the systemd unit.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// The name of the unit without `.service`, and of its state folder below `/var/lib`.
pub(crate) const NAME: &str = "mftplus-agent";

/// Folders that the unit hides from the service. Allowed folders below them are mounted at their paths.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Folders of which the service gets private instances, unless an allowed folder is below one of them.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// The values that the unit file contains.
#[derive(Debug)]
pub(crate) struct Unit<'a> {
    /// The agent's program.
    pub(crate) program: &'a Path,
    /// Arguments between the program and `--config`.
    pub(crate) words: &'a [String],
    pub(crate) user: &'a str,
    pub(crate) config: &'a Path,
    pub(crate) allowed_dirs: &'a [PathBuf],
}

/// The restrictions of the service. `RestrictSUIDSGID` is not among them, because copies can keep the mode of their
/// source.
const HARDENING: &str = "\
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
";

impl Unit<'_> {
    /// The text of the unit file. Fails if a path is not absolute, not UTF-8, or contains `:` or a control character.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        let mut command = quote(self.program)?;
        for word in self.words {
            write!(command, " {word}")?;
        }
        write!(command, " --config {} run", quote(self.config)?)?;
        // systemd expands `$` in commands only.
        let command = command.replace('$', "$$");
        let mut text = format!(
            "# Written by `{NAME} install`; your changes belong into a drop-in: systemctl edit {NAME}\n\
             [Unit]\n\
             Description=MFTPlus agent\n\
             Documentation=man:{NAME}(1)\n\
             Wants=network-online.target\n\
             After=network-online.target\n\
             \n\
             [Service]\n\
             User={user}\n\
             StateDirectory={NAME}\n\
             StateDirectoryMode=0700\n\
             Environment=MFTPLUS_AGENT_DIR=%S/{NAME}\n\
             ExecStart={command}\n\
             ExecReload=/bin/kill -HUP $MAINPID\n\
             Restart=on-failure\n\
             RestartSec=5\n\
             # A mistake in the configuration, and a second process with the same state: a restart would change nothing.\n\
             RestartPreventExitStatus=2 4\n\
             LimitNOFILE=65536\n\
             {HARDENING}",
            user = self.user
        );
        let is_temporary = self.allowed_dirs.iter().any(|folder| is_below(folder, &TEMPORARY));
        writeln!(text, "PrivateTmp={}", if is_temporary { "no" } else { "yes" })?;
        // The service sees empty home folders, with only the allowed folders in them.
        text.push_str("ProtectHome=tmpfs\n");
        for folder in self.allowed_dirs {
            let key = if is_below(folder, &HOMES) { "BindPaths" } else { "ReadWritePaths" };
            writeln!(text, "{key}={}", quote(folder)?)?;
        }
        text.push_str("\n[Install]\nWantedBy=multi-user.target\n");
        Ok(text)
    }
}

fn is_below(folder: &Path, tops: &[&str]) -> bool {
    tops.iter().any(|top| folder.starts_with(top))
}

/// A path as an argument in a unit file, with quotes and escapes if necessary.
fn quote(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| format!("{} is not UTF-8 text, as systemd requires", path.display()))?;
    let is_allowed = path.is_absolute() && !text.contains(|c: char| c.is_control() || c == ':');
    ensure!(is_allowed, "{} must be absolute and without `:` for systemd", path.display());
    let escaped = text.replace('%', "%%").replace('\\', "\\\\").replace('"', "\\\"");
    Ok(if text.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'') {
        format!("\"{escaped}\"")
    } else {
        escaped
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Unit, quote};

    fn unit(allowed_dirs: &[&str]) -> anyhow::Result<String> {
        let allowed_dirs: Vec<PathBuf> = allowed_dirs.iter().map(PathBuf::from).collect();
        let config = Path::new("/etc/mftplus/mftplus-agent.toml");
        let (program, user) = (Path::new("/usr/local/bin/mftplus-agent"), "mftplus-agent");
        Unit { program, words: &[], user, config, allowed_dirs: &allowed_dirs }.text()
    }

    #[test]
    fn the_service_can_write_to_its_state_and_the_allowed_folders_only() -> anyhow::Result<()> {
        let text = unit(&["/data", "/srv/two words", "/home/orders/out"])?;
        let lines: Vec<&str> = text.lines().collect();
        for line in [
            "User=mftplus-agent",
            "StateDirectory=mftplus-agent",
            "ExecStart=/usr/local/bin/mftplus-agent --config /etc/mftplus/mftplus-agent.toml run",
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "PrivateTmp=yes",
            "ProtectHome=tmpfs",
            "ReadWritePaths=/data",
            "ReadWritePaths=\"/srv/two words\"",
            "BindPaths=/home/orders/out",
            "WantedBy=multi-user.target",
        ] {
            assert!(lines.contains(&line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("ReadWritePaths=").count(), 2);
        assert!(unit(&["/tmp/in"])?.contains("\nPrivateTmp=no\n"));
        Ok(())
    }

    #[test]
    fn words_come_between_the_program_and_its_flags() -> anyhow::Result<()> {
        let (program, config) = (Path::new("/usr/bin/mftplus"), Path::new("/etc/$agent.toml"));
        let unit = Unit { program, words: &["agent".to_owned()], user: "u", config, allowed_dirs: &[] };
        assert!(unit.text()?.contains("\nExecStart=/usr/bin/mftplus agent --config /etc/$$agent.toml run\n"));
        Ok(())
    }

    #[test]
    fn a_path_is_one_word_whatever_is_in_it() -> anyhow::Result<()> {
        for (path, expected) in
            [("/a", "/a"), ("/100%", "/100%%"), ("/a b", "\"/a b\""), ("/a\"b", "\"/a\\\"b\""), ("/a\\b", "/a\\\\b")]
        {
            assert_eq!(quote(Path::new(path))?, expected);
        }
        for refused in ["relative", "/a\nExecStart=/bin/evil", "/a:b"] {
            assert!(quote(Path::new(refused)).is_err(), "{refused}");
        }
        Ok(())
    }
}
