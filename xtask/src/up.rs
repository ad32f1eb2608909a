//! `cargo xtask up`: the server on SQLite and one agent, on this machine, until Ctrl-C.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::dashboard;
use crate::demo_transfers::Demo;
use crate::failure::{Failure, Result};
use crate::files::{self, relative};
use crate::http;
use crate::local::{self, ADMIN, BUILD_PROFILE, Local, say};
use crate::ports;
use crate::process::{self, Process, TERMINATE};
use crate::stop_request::Stop;
use crate::tools;

/// The environment variable that makes `backend/build.rs` leave out the files of the dashboard.
const DASHBOARD_LATER: &str = "MFTPLUS_BUILD_DASHBOARD_LATER";

#[derive(Parser)]
pub(crate) struct Options {
    /// Keep copies of real files running
    #[arg(long)]
    demo: bool,
    /// Address of the API; another port if this one is in use
    #[arg(long, env = "MFTPLUS_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: String,
}

/// The state that the parts of `up` share.
struct Up {
    local: Local,
    metrics: SocketAddr,
    stop: Stop,
}

pub(crate) fn run(options: &Options, stop: &Stop) -> Result<()> {
    let home = files::root().join(".local/up");
    let lock = local::lock(&home)?;
    build(&home, stop)?;
    let listen = choose_address("the API", &options.listen)?;
    let metrics = env::var("MFTPLUS_METRICS_LISTEN");
    let metrics = choose_address("metrics", metrics.as_deref().unwrap_or("127.0.0.1:9464"))?;
    let up = Up { local: Local::open(home, listen, lock)?, metrics, stop: stop.clone() };

    match up.until_stopped(options.demo) {
        // Ctrl-C is the normal end of this task.
        Err(Failure::Interrupted) => Ok(()),
        end => end,
    }
}

impl Up {
    /// Starts the server, the agent and the demo, and waits until one of them ends or `up` is stopped. Then stops them
    /// in the reverse order.
    fn until_stopped(&self, demo: bool) -> Result<()> {
        let mut server = self.start_server()?;
        let mut agent = self.start_agent(&mut server)?;
        let mut demo = if demo { Some(Demo::prepare(&self.local, &self.stop)?) } else { None };
        self.print_addresses();
        loop {
            self.stop.check()?;
            server.process.check_alive()?;
            agent.process.check_alive()?;
            if let Some(demo) = &mut demo {
                demo.step(&self.local)?;
            }
            thread::sleep(process::POLL_INTERVAL);
        }
    }

    fn start_server(&self) -> Result<Component> {
        let log = self.local.home.join("server.log");
        say(&format!("starting the server on SQLite in {}, log in {}", relative(&self.local.data()), relative(&log)));
        let start = Instant::now();
        let mut command = self.local.mftplus(["serve"]);
        command.env("MFTPLUS_LISTEN", self.local.listen.to_string());
        command.env("MFTPLUS_METRICS_LISTEN", self.metrics.to_string());
        command.env("MFTPLUS_ADMIN_EMAIL", ADMIN).env("MFTPLUS_ADMIN_PASSWORD", &self.local.password);
        let mut server = Component { name: "server", process: self.spawn("the server", &mut command, &log)? };
        let ready =
            || http::get(self.local.address(), "/api/health/ready", None).is_some_and(|(status, _)| status == 200);
        if !self.wait(Duration::from_mins(1), &mut [&mut server], ready)? {
            return Err(format!("the server is not ready after a minute; see {}", relative(&log)).into());
        }
        say(&format!("the server is ready after {:.1} s", start.elapsed().as_secs_f64()));
        Ok(server)
    }

    fn start_agent(&self, server: &mut Component) -> Result<Component> {
        let log = self.local.home.join("agent.log");
        let mut command = self.local.agent(["run"]);
        if self.local.has_agent() {
            say(&format!("starting the agent that registered earlier, log in {}", relative(&log)));
        } else {
            command.env("MFTPLUS_ENROLMENT_CODE", self.local.enrolment_code()?);
            say(&format!("starting a new agent with an enrolment code, log in {}", relative(&log)));
        }
        let mut agent = Component { name: "agent", process: self.spawn("the agent", &mut command, &log)? };
        let token = process::output(&mut self.local.mftplus(["token", ADMIN, "--ttl", "10m"]))?;
        let online = || {
            http::get(self.local.address(), "/api/agents?status=online", Some(&token))
                .is_some_and(|(status, body)| status == 200 && body.contains(r#""status":"online""#))
        };
        if self.wait(Duration::from_secs(30), &mut [&mut agent, server], online)? {
            say("the agent is online");
        } else {
            say(&format!("the agent is not online yet; see {}", relative(&log)));
        }
        Ok(agent)
    }

    /// Waits until `ready` returns true. Returns false after `timeout`; fails as soon as one of `components` has ended.
    fn wait(&self, timeout: Duration, components: &mut [&mut Component], ready: impl Fn() -> bool) -> Result<bool> {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            self.stop.check()?;
            components.iter_mut().try_for_each(|component| component.process.check_alive())?;
            if ready() {
                return Ok(true);
            }
            thread::sleep(process::POLL_INTERVAL);
        }
        Ok(false)
    }

    fn print_addresses(&self) {
        let (address, binary) = (self.local.address(), relative(&self.local.binary));
        let (data, agent) = (relative(&self.local.data()), relative(&self.local.agent_folder()));
        println!(
            "
  Dashboard    http://{address}
  Reference    http://{address}/api/docs
  Metrics      http://{metrics}/metrics
  Admin        {ADMIN}
  Password     {password}

Follow it from another terminal, in the repository's folder:
  TOKEN=$(MFTPLUS_DATA_DIR={data} {binary} token {ADMIN} --ttl 8h)
  curl -s -H \"Authorization: Bearer $TOKEN\" http://{address}/api/agents
  curl -s -H \"Authorization: Bearer $TOKEN\" 'http://{address}/api/transfers?status=running'
Copy a file or folder of your own:
  MFTPLUS_SERVER=http://{address} MFTPLUS_AGENT_DIR={agent} {binary} agent copy SOURCE DESTINATION

Ctrl-C stops everything.
",
            metrics = ports::reachable(self.metrics),
            password = self.local.password,
        );
    }

    /// Starts a child that writes to its own log file.
    fn spawn(&self, name: &str, command: &mut Command, log: &Path) -> Result<Process> {
        Process::spawn_logged(name, command, log, TERMINATE, &self.stop)
    }
}

/// A child process of `up`. Dropping it stops the process, with a message on the terminal.
struct Component {
    name: &'static str,
    process: Process,
}

impl Drop for Component {
    fn drop(&mut self) {
        if matches!(self.process.ended(), Ok(None)) {
            say(&format!("stopping the {}", self.name));
            let how = if self.process.end() { "has stopped" } else { "did not stop in time and was killed" };
            say(&format!("the {} {how}", self.name));
        }
    }
}

/// Builds the dashboard and, at the same time, the server and the agent without it, because much of each build runs on
/// one core. Then builds both again with the dashboard, which takes little time.
fn build(home: &Path, stop: &Stop) -> Result<()> {
    let mut without = build_command();
    without.env(DASHBOARD_LATER, "1");
    let mut beside = Process::spawn_logged("cargo", &mut without, &home.join("build.log"), TERMINATE, stop)?;
    dashboard::build(dashboard::Purpose::Trial, stop)?;
    // The result is ignored: if this build has failed, the next one fails too, and prints why.
    beside.wait()?;
    let mut with = build_command();
    say(&format!("building target/{BUILD_PROFILE}/mftplus ({})", process::shown(&with)));
    process::run(&mut with, stop)
}

/// A command `cargo build` for the server and the agent. It always names both, so that their dependencies have the same
/// features.
fn build_command() -> Command {
    let mut command = tools::cargo();
    command.args(["build", "--profile", BUILD_PROFILE, "--locked", "--package=backend", "--package=mftplus-agent"]);
    command.arg("--features=backend/dashboard");
    command
}

/// The address `wanted`, or the same with a free port if its port is in use. `what` names the listener in the message
/// about that.
fn choose_address(what: &str, wanted: &str) -> Result<SocketAddr> {
    let wanted = ports::parse(wanted)?;
    let found = ports::free_near(wanted)?;
    if wanted.port() != 0 && found != wanted {
        say(&format!("{wanted} is in use by another program; {what} will be on {found}"));
    }
    Ok(found)
}
