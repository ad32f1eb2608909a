//! A small FTP server whose replies a test chooses.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::resolved_endpoint::{Credentials, FtpMode, FtpSettings, FtpTls, Timeouts};

/// The content of every file.
pub(super) const CONTENT: &[u8] = b"the content of a file";

/// What follows the data of a file. A file that is written is read only before a positive reply.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Reply(&'static str),
    Disconnect,
    Silence,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    pub(super) end: End,
    pub(super) has_epsv: bool,
    /// The `RNTO`, counted from 1, that is refused, whatever stands there. Over a file all are.
    pub(super) refused_rename: Option<usize>,
    /// The idle limit of the client.
    pub(super) idle: Duration,
}

impl Default for Script {
    fn default() -> Self {
        let idle = Duration::from_millis(500);
        Self { end: End::Reply("226 done"), has_epsv: true, refused_rename: None, idle }
    }
}

pub(super) struct ScriptedServer {
    address: SocketAddr,
    script: Script,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    logins: AtomicUsize,
    commands: AtomicUsize,
    folder: Mutex<Folder>,
}

/// The files that can be renamed and deleted.
#[derive(Default)]
struct Folder {
    files: Files,
    /// The number of `RNTO` so far.
    renames: usize,
    /// The `RNTO`, counted from 1, before whose reply a transfer is stopped.
    stop: Option<(usize, CancellationToken)>,
    /// A transfer that is stopped after the first byte of a file that is written and not read.
    stop_in_silence: Option<CancellationToken>,
}

/// Contents by absolute paths.
pub(super) type Files = BTreeMap<String, String>;

impl ScriptedServer {
    pub(super) fn start(script: Script) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, counts) = (listener.local_addr()?, Arc::new(Counts::default()));
        let counted = Arc::clone(&counts);
        thread::spawn(move || {
            for control in listener.incoming().flatten() {
                let counts = Arc::clone(&counted);
                // A client that goes away ends its thread.
                thread::spawn(move || serve(&control, script, &counts));
            }
        });
        Ok(Self { address, script, counts })
    }

    pub(super) fn settings(&self) -> FtpSettings {
        let credentials = Credentials {
            user: "user".to_owned(),
            password: Some("password".into()),
            key_file: None,
            passphrase: None,
            use_agent: false,
        };
        let second = Duration::from_secs(1);
        FtpSettings {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            credentials,
            tls: FtpTls::None,
            ca_file: None,
            mode: FtpMode::Passive,
            timeouts: Timeouts { connect: second, idle: self.script.idle, keep_alive: second },
            root: "/".to_owned(),
        }
    }

    pub(super) fn logins(&self) -> usize {
        self.counts.logins.load(Ordering::SeqCst)
    }

    pub(super) fn commands(&self) -> usize {
        self.counts.commands.load(Ordering::SeqCst)
    }

    pub(super) fn files(&self) -> Files {
        self.change(|folder| folder.files.clone())
    }

    pub(super) fn set_files(&self, files: Files) {
        self.change(|folder| folder.files = files);
    }

    /// Cancels the token before the reply to this `RNTO`, counted from 1.
    pub(super) fn stop_at_rename(&self, number: usize, stop: CancellationToken) {
        self.change(|folder| folder.stop = Some((number, stop)));
    }

    /// Cancels the token after the first byte of a file that is written and not read.
    pub(super) fn stop_in_silence(&self, stop: CancellationToken) {
        self.change(|folder| folder.stop_in_silence = Some(stop));
    }

    fn change<T>(&self, change: impl FnOnce(&mut Folder) -> T) -> T {
        change(&mut self.counts.folder.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Folder {
    /// The reply to a command about a file; `from` is the path of the last `RNFR`.
    fn reply(&mut self, command: &str, path: &str, from: &mut String, script: Script) -> String {
        let missing = || "550 no such file".to_owned();
        match command {
            "SIZE" => self.files.get(path).map_or_else(missing, |content| format!("213 {}", content.len())),
            "DELE" => self.files.remove(path).map_or_else(missing, |_| "250 deleted".to_owned()),
            "RNFR" if self.files.contains_key(path) => {
                path.clone_into(from);
                "350 ready".to_owned()
            }
            "RNTO" => {
                self.renames += 1;
                if let Some((number, stop)) = &self.stop
                    && *number == self.renames
                {
                    stop.cancel();
                }
                if self.files.contains_key(path) || script.refused_rename == Some(self.renames) {
                    return "553 refused".to_owned();
                }
                let content = self.files.remove(from.as_str()).unwrap_or_default();
                self.files.insert(path.to_owned(), content);
                "250 renamed".to_owned()
            }
            _ => missing(),
        }
    }
}

fn serve(control: &TcpStream, script: Script, counts: &Counts) -> std::io::Result<()> {
    let say = |text: &str| {
        let mut out = control;
        out.write_all(format!("{text}\r\n").as_bytes())
    };
    let mut data: Option<TcpListener> = None;
    // Connections that stay open, and nothing more is read from them.
    let mut unread = Vec::new();
    let mut from = String::new();
    say("220 ready")?;
    for line in BufReader::new(control).lines() {
        let line = line?;
        counts.commands.fetch_add(1, Ordering::SeqCst);
        let (command, path) = line.split_once(' ').unwrap_or((line.as_str(), ""));
        match command {
            "USER" => say("331 password")?,
            "PASS" => {
                counts.logins.fetch_add(1, Ordering::SeqCst);
                say("230 logged in")?;
            }
            "FEAT" => say("211-Features:\r\n REST STREAM\r\n211 End")?,
            "TYPE" | "NOOP" => say("200 fine")?,
            "EPSV" if script.has_epsv => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                say(&format!("229 Extended (|||{}|)", listener.local_addr()?.port()))?;
                data = Some(listener);
            }
            "PASV" => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let port = listener.local_addr()?.port();
                // An address behind a router, which leads nowhere.
                say(&format!("227 Passive (192,0,2,1,{},{})", port / 256, port % 256))?;
                data = Some(listener);
            }
            "RETR" => {
                let Some((mut connection, _)) = data.take().map(|listener| listener.accept()).transpose()? else {
                    say("425 no data connection")?;
                    continue;
                };
                say("150 coming")?;
                connection.write_all(CONTENT)?;
                drop(connection);
                match script.end {
                    End::Reply(reply) => say(reply)?,
                    End::Disconnect => return Ok(()),
                    End::Silence => {}
                }
            }
            "STOR" => {
                let Some((mut connection, _)) = data.take().map(|listener| listener.accept()).transpose()? else {
                    say("425 no data connection")?;
                    continue;
                };
                say("150 ready")?;
                match script.end {
                    End::Reply(reply) if reply.starts_with('2') => {
                        let mut content = String::new();
                        connection.read_to_string(&mut content)?;
                        let mut folder = counts.folder.lock().unwrap_or_else(PoisonError::into_inner);
                        folder.files.insert(path.to_owned(), content);
                        say(reply)?;
                    }
                    End::Reply(reply) => {
                        drop(connection);
                        say(reply)?;
                    }
                    End::Disconnect => return Ok(()),
                    End::Silence => {
                        connection.peek(&mut [0])?;
                        let folder = counts.folder.lock().unwrap_or_else(PoisonError::into_inner);
                        if let Some(stop) = &folder.stop_in_silence {
                            stop.cancel();
                        }
                        unread.push(connection);
                    }
                }
            }
            "SIZE" | "CWD" | "DELE" | "RNFR" | "RNTO" => {
                let mut folder = counts.folder.lock().unwrap_or_else(PoisonError::into_inner);
                say(&folder.reply(command, path, &mut from, script))?;
            }
            _ => say("500 unknown")?,
        }
    }
    Ok(())
}
