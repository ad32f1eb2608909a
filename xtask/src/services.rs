//! Temporary PostgreSQL and Redis servers: each in a temporary folder, on a free port, stopped and removed when
//! dropped.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Context, Result};
use crate::files::{self, TempFolder};
use crate::ports;
use crate::process::{self, INTERRUPT, Process, TERMINATE};
use crate::stop_request::Stop;
use crate::tools::Postgres as Programs;

/// The maximum time to wait until a server answers.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The number of attempts to start a server. Each uses another port, because another program may take the free port
/// first.
const ATTEMPTS: u32 = 3;

/// A running server. Fields drop in this order: first the process, then its folder.
pub(crate) struct Service {
    /// The URL for clients.
    pub(crate) url: String,
    _process: Process,
    _folder: TempFolder,
}

/// Whether committed data survives a crash of the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// For measurements: each commit is written to the disk, as in production.
    Durable,
    /// For tests: commits do not wait for the disk, and autovacuum is off. Each test creates its own schema and needs
    /// no durability.
    Fast,
}

/// Starts PostgreSQL below `parent`.
pub(crate) fn postgres(programs: &Programs, parent: &Path, durability: Durability, stop: &Stop) -> Result<Service> {
    let folder = TempFolder::create(parent)?;
    let home = folder.path().join("postgres");
    fs::DirBuilder::new().mode(0o700).create(&home).context("cannot create a folder for PostgreSQL")?;
    // Every user of this machine can connect to the loopback address, so the test server requires a password, too.
    let password = files::random_hex(16)?;
    let password_file = home.join("password");
    files::write_secret(&password_file, &password)?;
    if let Some(owner) = programs.owner {
        for path in [&home, &password_file] {
            chown(path, Some(owner.user), Some(owner.group)).context("cannot give a folder to the user postgres")?;
        }
    }
    let data = home.join("data");
    let mut initdb = as_owner(programs, "initdb");
    initdb.current_dir(&home).arg("--pgdata").arg(&data).arg("--pwfile").arg(&password_file).args([
        "--username=postgres",
        // MD5 takes less time than SCRAM, and tests open thousands of connections.
        "--auth=md5",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    process::output(&mut initdb)?;
    with_free_port(|port| {
        let log = folder.path().join("postgres.log");
        let mut command = as_owner(programs, "postgres");
        command.current_dir(&home).arg("-D").arg(&data);
        for setting in
            [&format!("port={port}"), "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"]
        {
            command.arg("-c").arg(setting);
        }
        if durability == Durability::Fast {
            for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"] {
                command.args(["-c", setting]);
            }
        }
        let mut process = Process::spawn_logged("PostgreSQL", &mut command, &log, INTERRUPT, stop)?;
        wait_until(&mut process, stop, || {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("database system is ready to accept connections"))
        })?;
        Ok((format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres"), process))
    })
    .map(|(url, process)| Service { url, _process: process, _folder: folder })
}

/// Starts Redis without persistence.
pub(crate) fn redis(program: &Path, parent: &Path, stop: &Stop) -> Result<Service> {
    let folder = TempFolder::create(parent)?;
    with_free_port(|port| {
        let log = folder.path().join("redis.log");
        let mut command = Command::new(program);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(folder.path());
        let mut process = Process::spawn_logged("Redis", &mut command, &log, TERMINATE, stop)?;
        wait_until(&mut process, stop, || answers_ping(port))?;
        Ok((format!("redis://127.0.0.1:{port}"), process))
    })
    .map(|(url, process)| Service { url, _process: process, _folder: folder })
}

/// A command that runs a PostgreSQL program. If xtask runs as root, it runs as another user, because PostgreSQL refuses
/// to run as root.
fn as_owner(programs: &Programs, name: &str) -> Command {
    let mut command = Command::new(programs.bin.join(name));
    if let Some(owner) = programs.owner {
        command.uid(owner.user).gid(owner.group);
    }
    // Messages must be in English, because one of them is parsed. Settings of the current user are removed.
    command.env("LC_ALL", "C").env_remove("PGDATA").env_remove("PGPORT").env_remove("PGOPTIONS");
    command
}

fn with_free_port<T>(mut start: impl FnMut(u16) -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        match start(ports::free()?) {
            Err(crate::failure::Failure::Failed(_)) if attempt < ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

fn wait_until(process: &mut Process, stop: &Stop, mut ready: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    while !ready() {
        stop.check()?;
        process.check_alive()?;
        if Instant::now() > deadline {
            return Err(format!("no answer within {} s", START_TIMEOUT.as_secs()).into());
        }
        thread::sleep(process::POLL_INTERVAL);
    }
    Ok(())
}

fn answers_ping(port: u16) -> bool {
    let ping = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    ping().is_ok_and(|answer| answer == "+PONG\r\n")
}
