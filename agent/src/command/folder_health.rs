//! Whether the state folder and the allowed folders answer and have space, checked while the daemon runs.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::storage::allowed_roots::AllowedRoots;
use crate::storage::is_disk_almost_full::is_almost_full;
use crate::storage::path_text::text;
use crate::work::agent::Agent;
use crate::work::agent::problems::Subject;

/// After this time without an answer, file systems are reported as a problem.
const SLOW: Duration = Duration::from_secs(10);

/// Checks the folders as often as heartbeats are sent, until the agent closes.
pub(crate) async fn watch(agent: Arc<Agent>) {
    loop {
        let (state_dir, roots) = (agent.state_dir.clone(), agent.transfers.allowed_roots());
        let (answer, mut answered) = oneshot::channel();
        // On a thread of its own: a network file system that hangs holds up neither heartbeats nor the end of the agent.
        // Without a thread there is no answer.
        let _ = thread::Builder::new().name("folders".into()).spawn(move || {
            // The agent may have ended.
            let _ = answer.send(problem(&state_dir, &roots));
        });
        let found = if let Ok(found) = timeout(SLOW, &mut answered).await {
            found
        } else {
            let problem = "the state folder or an allowed folder does not answer".to_owned();
            agent.set_problem(Subject::Folders, Some(problem));
            answered.await
        };
        if let Ok(problem) = found {
            agent.set_problem(Subject::Folders, problem);
        }
        sleep(agent.server.timing.heartbeat).await;
    }
}

/// What is wrong with the folders. It holds no amounts, so that it stays the same while the problem does. Blocking.
fn problem(state_dir: &Path, roots: &AllowedRoots) -> Option<String> {
    let unreachable = roots.unreachable();
    let unreachable = unreachable
        .iter()
        .map(|(folder, error)| format!("the allowed folder {} cannot be reached: {error}", text(folder)));
    let state =
        is_almost_full(state_dir).then(|| format!("the disk of the state folder {} is almost full", text(state_dir)));
    let full = roots.folders().filter(|folder| is_almost_full(folder));
    let full = full.map(|folder| format!("the disk of the allowed folder {} is almost full", text(folder)));
    let all: Vec<String> = unreachable.chain(state).chain(full).collect();
    (!all.is_empty()).then(|| all.join("; "))
}
