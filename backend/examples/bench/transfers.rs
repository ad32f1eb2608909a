//! The duration and CPU time of a copy by the agent, compared with other tools, over SFTP, FTP, FTPS and on one
//! machine; and the memory of ten concurrent copies.

mod compare;
pub(crate) mod setup;
mod ten_at_once;

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use super::Options;
use compare::{Asked, Comparison, Contender};
use setup::Setup;

/// The number of small files in the folder; the next constant is the size of each in bytes.
const SMALL_FILES: usize = 1_000;
const SMALL_FILE: usize = 4_096;

/// The requirement beside a tool alone, whether or not the tool syncs the new file as `--verify none` does.
const BARE: Asked = Asked { wall: Some(0.9), cpu: Some(1.25) };

/// The requirement beside a tool with `sha256sum` and `sync`, which do as much as the agent.
const EQUAL: Asked = Asked { wall: Some(1.0), cpu: Some(1.15) };

/// The requirement beside `cp` with `sha256sum` and `sync`.
const LOCAL: Asked = Asked { wall: Some(0.9), cpu: None };

/// The requirement for many small files, each of which is synced.
const SMALL: Asked = Asked { wall: Some(1.5), cpu: None };

/// No requirement, beside a tool that does less than the agent. It leaves the new files in the memory of the receiving
/// machine, so a power loss destroys them; or it shares blocks of the file system instead of copying bytes, as `cp` may
/// do.
const NOTHING: Asked = Asked { wall: None, cpu: None };

pub(crate) fn run(options: &Options) {
    let setup = Setup::start(&options.server, &options.agent);
    let (here, there) = (setup.here(), setup.there());
    write_large(&here.join("big"), options.mebibytes);
    fs::copy(here.join("big"), there.join("big")).unwrap();
    for folder in [&here, &there] {
        write_small(&folder.join("small"));
    }
    println!("\nTransfers, {} MiB, on loopback; SFTP with aes256-gcm; CPU and memory of the client", options.mebibytes);
    let mut comparisons = sftp(&setup);
    comparisons.extend(ftp(&setup));
    comparisons.extend(local(&setup));
    comparisons.extend(small(&setup));
    for comparison in comparisons {
        comparison.run(options.rounds);
    }
    let (peak, most) = (ten_at_once::peak_memory(&setup), ten_at_once::MOST);
    let reached = if peak <= most { "reached" } else { "MISSED" };
    println!("Ten SFTP transfers at once\n  {peak} MiB (at most {most} is asked for: {reached})");
}

/// Writes a file of random bytes, which no part of the connection can compress.
fn write_large(path: &Path, mebibytes: usize) {
    let mut file = File::create(path).unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = vec![0; 1 << 20];
    for _ in 0..mebibytes {
        for bytes in block.chunks_exact_mut(8) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes.copy_from_slice(&random.to_le_bytes());
        }
        file.write_all(&block).unwrap();
    }
    file.sync_all().unwrap();
}

fn write_small(folder: &Path) {
    fs::create_dir(folder).unwrap();
    for number in 0..SMALL_FILES {
        fs::write(folder.join(format!("{number:04}.csv")), format!("{number:0SMALL_FILE$}")).unwrap();
    }
}

fn sftp(setup: &Setup) -> Vec<Comparison> {
    let (here, there) = (setup.here(), setup.there());
    let ends = [
        ("SFTP pull", "get", there.join("big"), here.join("copy"), here.join("copy")),
        ("SFTP push", "put", here.join("big"), there.join("copy"), here.join("big")),
    ];
    let comparisons = ends.map(|(title, word, from, to, hashed)| {
        let pulls = word == "get";
        let (source, destination) = (Setup::sftp_end(&from, pulls), Setup::sftp_end(&to, !pulls));
        let script = |command: &str| setup.sftp(&format!("{command} {} {}", from.display(), to.display()));
        // `-f` syncs the new file on this machine, or asks the server to sync it.
        let tool = Tool { name: "sftp", script: script(word), synced: Some(script(&format!("{word} -f"))) };
        pair(setup, title, (&source, &destination), &tool, (&hashed, &to))
    });
    comparisons.into_iter().flatten().collect()
}

fn ftp(setup: &Setup) -> Vec<Comparison> {
    let (here, there) = (setup.here(), setup.there());
    let mut comparisons = Vec::new();
    for server in setup.ftp_servers() {
        let (endpoint, name) = (server.endpoint, server.name);
        let curl = server.curl();
        let copy = here.join("copy");
        let script = format!("{curl} -o {} {}/big", copy.display(), server.url());
        let synced = Some(format!("{script} && sync {}", copy.display()));
        let pull = Tool { name: "curl", script, synced };
        let ends = (format!("{endpoint}:/~/big"), copy.display().to_string());
        comparisons.extend(pair(setup, &format!("{name} pull"), (&ends.0, &ends.1), &pull, (&copy, &copy)));
        let (big, copy) = (here.join("big"), there.join("copy"));
        // FTP cannot ask the server for a sync.
        let push =
            Tool { name: "curl", script: format!("{curl} -T {} {}/copy", big.display(), server.url()), synced: None };
        let ends = (big.display().to_string(), format!("{endpoint}:/~/copy"));
        comparisons.extend(pair(setup, &format!("{name} push"), (&ends.0, &ends.1), &push, (&big, &copy)));
    }
    comparisons
}

/// A tool that copies a file.
struct Tool {
    name: &'static str,
    script: String,
    /// The same script with a sync of the new file, if the agent with `--verify none` syncs it, too.
    synced: Option<String>,
}

/// Two comparisons: the tool alone, and with a sync if it has one, beside the agent with `--verify none`; and the tool
/// followed by `sha256sum` of `hashed` and `sync` of `written`, the new file, beside the agent's default.
fn pair(
    setup: &Setup,
    title: &str,
    (source, destination): (&str, &str),
    Tool { name, script, synced }: &Tool,
    (hashed, written): (&Path, &Path),
) -> [Comparison; 2] {
    let mut bare = vec![(Contender::new((*name).to_owned(), script.clone()), BARE)];
    bare.extend(synced.as_ref().map(|synced| (Contender::new(format!("{name}, file synced"), synced.clone()), BARE)));
    let careful = format!("{script} && sha256sum {} > /dev/null && sync {}", hashed.display(), written.display());
    let verified = vec![(Contender::new(format!("{name} + sha256sum + sync"), careful), EQUAL)];
    let comparison = |title: String, verify: &str, theirs| Comparison {
        title,
        ours: Contender::new(format!("mftplus-agent copy --verify {verify}"), setup.copy(verify, source, destination)),
        theirs,
        written: written.to_owned(),
    };
    [comparison(title.to_owned(), "none", bare), comparison(format!("{title}, verified"), "sha256", verified)]
}

fn local(setup: &Setup) -> Vec<Comparison> {
    let here = setup.here();
    let (from, to) = (here.join("big").display().to_string(), here.join("copy").display().to_string());
    let cp = format!("cp {from} {to}");
    let comparison = |title: &str, verify: &str, theirs| Comparison {
        title: title.to_owned(),
        ours: Contender::new(format!("mftplus-agent copy --verify {verify}"), setup.copy(verify, &from, &to)),
        theirs,
        written: here.join("copy"),
    };
    let hashed = format!("{cp} && sha256sum {to} > /dev/null");
    let careful = format!("{hashed} && sync {to}");
    let verified = vec![
        (Contender::new("cp + sha256sum".to_owned(), hashed), NOTHING),
        (Contender::new("cp + sha256sum + sync".to_owned(), careful), LOCAL),
    ];
    let alone = vec![(Contender::new("cp".to_owned(), cp), NOTHING)];
    vec![comparison("Local", "none", alone), comparison("Local, verified", "sha256", verified)]
}

/// Compares copies of a folder of small files over SFTP.
fn small(setup: &Setup) -> Vec<Comparison> {
    let (here, there) = (setup.here(), setup.there());
    let ends = [
        ("pull", "get", there.join("small"), here.join("copy")),
        ("push", "put", here.join("small"), there.join("copy")),
    ];
    let comparisons = ends.map(|(direction, word, from, to)| {
        let pulls = word == "get";
        let sftp = |flags: &str| setup.sftp(&format!("{word} {flags} {} {}", from.display(), to.display()));
        let mut theirs = vec![
            (Contender::new("sftp -r".to_owned(), sftp("-r")), NOTHING),
            (Contender::new("sftp -r, files synced".to_owned(), sftp("-fr")), SMALL),
        ];
        let rclone = |path: &Path, is_remote: bool| {
            let path = path.display();
            if is_remote { format!(":sftp:{path}") } else { path.to_string() }
        };
        if let Some(tool) = setup.rclone(&rclone(&from, pulls), &rclone(&to, !pulls)) {
            let synced = format!("{tool} && sync {}/*", to.display());
            theirs.push((Contender::new("rclone copy".to_owned(), tool), NOTHING));
            theirs.push((Contender::new("rclone copy, files synced".to_owned(), synced), SMALL));
        }
        let (source, destination) = (Setup::sftp_end(&from, pulls), Setup::sftp_end(&to, !pulls));
        Comparison {
            title: format!("{SMALL_FILES} small files, SFTP {direction}"),
            ours: Contender::new(
                "mftplus-agent copy --verify none".to_owned(),
                setup.copy("none", &source, &destination),
            ),
            theirs,
            written: to,
        }
    });
    comparisons.into()
}
