//! The memory that the agent uses while ten SFTP transfers run.

use std::{
    fs::{self, File},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::setup::Setup;

/// The maximum resident memory that is allowed, in MiB.
pub(crate) const MOST: u64 = 60;

const TRANSFERS: usize = 10;

/// The size of each file in bytes.
const SIZE: u64 = 256 << 20;

/// The bandwidth limit of each copy. With it, a copy takes at least ten seconds, so that all ten run at the same time.
const RATE: &str = "25MB/s";

/// The timeout of each wait. It is generous, and no requirement of speed.
const LONGEST: Duration = Duration::from_mins(10);

/// Pulls ten files with ten concurrent jobs, then pushes them. Returns the maximum resident memory that the agent had,
/// in MiB.
pub(crate) fn peak_memory(setup: &Setup) -> u64 {
    let folders = [setup.here().join("ten"), setup.there().join("ten")];
    for folder in &folders {
        fs::create_dir(folder).unwrap();
    }
    let daemon = setup.daemon(&["--max-jobs", &TRANSFERS.to_string(), "--max-rate", RATE]);
    let (agent, token) = (setup.agent_id(), setup.token());
    let mut copies = Vec::with_capacity(TRANSFERS);
    for number in 0..TRANSFERS {
        let direction = if number % 2 == 0 { "pull" } else { "push" };
        let [here, there] = &folders;
        let (from, to) = if direction == "pull" { (there, here) } else { (here, there) };
        let (source, copy) = (from.join(number.to_string()), to.join(format!("{number}.copy")));
        File::create(&source).unwrap().set_len(SIZE).unwrap();
        let job = json!({
            "agentId": agent, "name": format!("file {number}"), "schedule": "0 0 1 1 *", "protocol": "sftp",
            "direction": direction, "endpoint": "sftp", "sourcePath": source, "destinationPath": copy,
        });
        let created = setup.post(&token, "/api/jobs", &job);
        let run = json!({
            "query": "mutation ($id: ID!) { runJob(id: $id) { id } }",
            "variables": { "id": created["data"]["job"]["id"] },
        });
        let answer = setup.post(&token, "/graphql", &run);
        assert!(answer["data"]["runJob"]["id"].is_string(), "{answer}");
        copies.push(copy);
    }
    wait_until("all are at work at once", || copies.iter().all(|copy| has_part(copy)));
    wait_until("all are completed", || copies.iter().all(|copy| copy.exists()));
    let peak = peak(daemon.id());
    drop(daemon);
    for copy in &copies {
        assert_eq!(fs::metadata(copy).unwrap().len(), SIZE, "{}", copy.display());
    }
    for folder in &folders {
        fs::remove_dir_all(folder).unwrap();
    }
    peak
}

/// Whether the file `copy` is being written, so that a part file exists beside it. On a server, the name of the part
/// file contains a tag of the transfer.
fn has_part(copy: &Path) -> bool {
    let name = format!("{}.", copy.file_name().unwrap().display());
    fs::read_dir(copy.parent().unwrap()).unwrap().any(|entry| {
        let found = entry.unwrap().file_name().into_string().unwrap();
        found.starts_with(&name) && found.ends_with(".mftplus-part")
    })
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONGEST, "it never came to this: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The maximum resident memory that a process has had, in MiB.
fn peak(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap().div_ceil(1024)
}
