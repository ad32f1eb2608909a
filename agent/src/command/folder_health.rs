//! Checks, while the daemon runs, whether the state folder and the allowed folders respond and have free space.

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

/// The time without a response of a file system after which the agent reports a problem.
const SLOW: Duration = Duration::from_secs(10);

/// Checks the folders once per heartbeat interval, and reports a problem with them in the heartbeats. Ends when the
/// agent shuts down.
pub(crate) async fn watch(agent: Arc<Agent>) {
    loop {
        let (state_dir, roots) = (agent.state_dir.clone(), agent.transfers.allowed_roots());
        let (answer, mut answered) = oneshot::channel();
        // On a thread of its own: a network file system that hangs delays neither heartbeats nor the shutdown of the
        // agent. If no thread can be started, nothing is reported.
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

/// A description of what is wrong with the folders; `None` if nothing is. It contains no amounts, so that the text
/// stays the same as long as the problem does. Blocking.
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
