//! Tests a server against the OpenAPI document that it serves: schemathesis generates requests from the document and
//! checks each response.

use std::env;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Result;
use crate::files::{self, TempFolder};
use crate::http;
use crate::ports;
use crate::process::{self, Process, TERMINATE, shown};
use crate::python;
use crate::stop_request::Stop;
use crate::tools;

/// The maximum time to wait until the server has started.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts a server on a temporary folder and runs schemathesis against it for four minutes.
pub(crate) fn run(stop: &Stop) -> Result<()> {
    let python = python::install(stop)?;
    let folder = TempFolder::create(&env::temp_dir())?;
    let address = SocketAddr::from(([127, 0, 0, 1], ports::free()?));
    let password = files::random_hex(12)?;
    let data = folder.path().join("data");
    let binary = files::shipped_binary()?;
    let mut serve = Command::new(&binary);
    serve.env_clear();
    serve.args(["serve", "--metrics-listen", "127.0.0.1:0", "--rate-limits", "off", "--log", "warn"]);
    serve.args(["--listen", &address.to_string(), "--admin-password", &password]).arg("--data-dir").arg(&data);
    let log = folder.path().join("server.log");
    let mut server = Process::spawn_logged("mftplus", &mut serve, &log, TERMINATE, stop)?;
    let until = Instant::now() + START_TIMEOUT;
    while http::get(address, "/api/health/ready", None).is_none_or(|(status, _)| status != 200) {
        server.check_alive()?;
        stop.check()?;
        if Instant::now() > until {
            return Err(format!("the server is not ready within {} s", START_TIMEOUT.as_secs()).into());
        }
        thread::sleep(process::POLL_INTERVAL);
    }
    println!("xtask: schemathesis against http://{address}, for four minutes");
    let mut check = Command::new(python.join("python"));
    check.current_dir(files::root().join("e2e")).arg("contract/check.py");
    check.arg(format!("http://{address}")).env("MFTPLUS_PASSWORD", &password).env("PATH", tools::path_with([python]));
    println!("$ {}", shown(&check));
    process::run(&mut check, stop)
}
