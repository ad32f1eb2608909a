//! The main use case: a real file is copied, and a client follows the transfer.

use std::{fs, io::Read, io::Write, path::Path, process::Child, time::Duration};

use reqwest::{Client, Method};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::process::{Server, terminate};

const SIZE: usize = 200 * 1024 * 1024;

#[tokio::test]
async fn a_file_of_200_mb_is_followed_from_start_to_end_over_a_stop_of_the_agent_and_of_the_server() {
    let mut server = Server::start(&[]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, destination) = (folder.path().join("source.bin"), folder.path().join("copy.bin"));
    let digest = make_file(&source);
    server.run(&["customer", "add", "Acme"]);
    let code = server.run(&["enrol-code", "add", "--customer", "Acme"]);
    let state = folder.path().join("agent");
    let registered = server.agent(&state).args(["register", "--code", &code, "--name", "edge-1"]).status();
    assert!(registered.expect("an agent").success());
    let token = format!("Bearer {}", server.run(&["token", "admin@localhost"]));

    let copy = |server: &Server| -> Child {
        let mut command = server.agent(&state);
        command.arg("copy").arg(&source).arg(&destination).args(["--max-rate", "25MB/s"]).spawn().expect("a copy")
    };
    let client = Client::new();
    let mut seen: Vec<String> = Vec::new();
    let mut first = copy(&server);
    let before =
        follow(&server, &client, &token, &mut seen, |transfer| transfer["progress"].as_f64() > Some(40.0)).await;
    terminate(&first);
    assert!(!first.wait().expect("its end").success(), "a copy that was stopped has not succeeded");

    assert!(server.stop().success(), "a server that is asked to stop stops in order");
    server.restart();

    let mut second = copy(&server);
    let after = follow(&server, &client, &token, &mut seen, |transfer| transfer["status"] == "completed").await;
    assert!(second.wait().expect("its end").success());

    assert_eq!(after["id"], before["id"], "the same transfer went on");
    assert_eq!((&after["progress"], &after["bytesTransferred"]), (&100.0.into(), &SIZE.into()));
    seen.dedup();
    assert!(seen.len() >= 5, "progress was seen at {seen:?} only");
    assert_eq!(digest_of(&destination), digest, "the copy is the source");
    assert_eq!(after["checksumSha256"], digest.as_str());
}

/// Polls the newest transfer until it fulfils the condition. Records each progress.
async fn follow(
    server: &Server,
    client: &Client,
    token: &str,
    seen: &mut Vec<String>,
    is_wished: impl Fn(&Value) -> bool,
) -> Value {
    // Often enough to see it move, seldom enough for the limit of 60 a minute.
    let mut ticks = tokio::time::interval(Duration::from_millis(700));
    loop {
        ticks.tick().await;
        let path = "/api/transfers?limit=2";
        let (status, body) = server.ask(client, Method::GET, path, ("Authorization", token), &Value::Null).await;
        assert_eq!(status, 200, "{body}");
        let transfers = body["data"]["transfers"].as_array().expect("a list");
        assert!(transfers.len() <= 1, "one copy is one transfer");
        let Some(transfer) = transfers.first() else { continue };
        seen.push(transfer["progress"].to_string());
        if is_wished(transfer) {
            return transfer.clone();
        }
        assert!(transfer["status"] != "failed" && transfer["status"] != "cancelled", "{transfer}");
    }
}

/// Creates a file without repeated parts. Returns its SHA-256.
fn make_file(path: &Path) -> String {
    let mut file = fs::File::create(path).expect("a file");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chunk = vec![0; 1024 * 1024];
    for _ in 0..SIZE / chunk.len() {
        for word in chunk.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&chunk).expect("room on the disk");
    }
    digest_of(path)
}

fn digest_of(path: &Path) -> String {
    let mut file = fs::File::open(path).expect("a file");
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 1024 * 1024];
    loop {
        let read = file.read(&mut chunk).expect("its bytes");
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
    }
    hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
