//! The agents of the fleet, on connections that stay open.

use std::{cmp::Reverse, collections::BinaryHeap, fmt::Write as _, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::Window;
use crate::connection::{Connection, request};

/// The time between two heartbeats of an agent.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// The time between two reports of an agent.
const REPORT: Duration = Duration::from_secs(2);

/// An agent with its running transfers.
pub(super) struct Agent {
    pub(super) key: String,
    pub(super) transfers: Vec<String>,
}

/// The answers within the window. Durations are measured from the time at which the request was due.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) heartbeats: Vec<Duration>,
    pub(super) patches: Vec<Duration>,
    /// Transfers that the requests reported.
    pub(super) reports: usize,
    /// Requests with another answer than 200 or 204.
    pub(super) refused: usize,
    /// Connections that were opened again.
    pub(super) reconnects: usize,
}

/// Sends the heartbeats and reports of the agents until the window ends. Agent `i` uses connection `i % connections`.
/// The returned durations are in ascending order.
pub(super) async fn run(
    addresses: &[String],
    agents: Vec<Agent>,
    connections: usize,
    begin: Instant,
    window: Window,
) -> Answers {
    let mut groups: Vec<Vec<(usize, Agent)>> = Vec::new();
    groups.resize_with(connections, Vec::new);
    for (index, agent) in agents.into_iter().enumerate() {
        groups[index % connections].push((index, agent));
    }
    let mut tasks = JoinSet::new();
    for (number, group) in groups.into_iter().enumerate() {
        // The servers do not simply alternate, so that each server gets agents of every customer.
        let address = addresses[number / 3 % addresses.len()].clone();
        tasks.spawn(connection(address, group, begin, window));
    }
    let mut all = Answers::default();
    while let Some(answers) = tasks.join_next().await {
        let answers = answers.unwrap();
        all.heartbeats.extend(answers.heartbeats);
        all.patches.extend(answers.patches);
        all.reports += answers.reports;
        all.refused += answers.refused;
        all.reconnects += answers.reconnects;
    }
    all.heartbeats.sort_unstable();
    all.patches.sort_unstable();
    all
}

/// Lets the last `count` agents wait for directives by long polls until `end`, each on its own connection.
pub(super) fn poll(addresses: &[String], agents: &[Agent], count: usize, end: Instant) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for (number, agent) in agents.iter().rev().take(count).enumerate() {
        let (mut line, key) = (Connection::new(addresses[number % addresses.len()].clone()), agent.key.clone());
        tasks.spawn(async move {
            while Instant::now() < end {
                line.exchange(&request("GET", "/api/agents/directives?wait=25", &key, "")).await.unwrap();
            }
        });
    }
    tasks
}

/// Sends the requests of a group of agents over one connection, one after the other, each when it is due.
async fn connection(address: String, group: Vec<(usize, Agent)>, begin: Instant, window: Window) -> Answers {
    let mut due = BinaryHeap::new();
    for (position, (index, agent)) in group.iter().enumerate() {
        due.push(Reverse((begin + phase(*index, HEARTBEAT), position, false)));
        if !agent.transfers.is_empty() {
            due.push(Reverse((begin + phase(*index, REPORT), position, true)));
        }
    }
    let (mut line, mut answers, mut step) = (Connection::new(address), Answers::default(), 0_usize);
    while let Some(Reverse((at, position, is_report))) = due.pop() {
        if at >= window.end {
            break;
        }
        sleep_until(at).await;
        step += 1;
        let agent = &group[position].1;
        let request = if is_report { report(agent, step) } else { heartbeat(agent, step) };
        let status = line.exchange(&request).await.unwrap();
        if at >= window.start {
            let times = if is_report { &mut answers.patches } else { &mut answers.heartbeats };
            times.push(at.elapsed());
            answers.reports += if is_report { agent.transfers.len() } else { 0 };
            answers.refused += usize::from(!matches!(status, 200 | 204));
        }
        due.push(Reverse((at + if is_report { REPORT } else { HEARTBEAT }, position, is_report)));
    }
    answers.reconnects = line.opened.saturating_sub(1);
    answers
}

/// The offset of an agent within `period`. Agents are spread evenly over the period.
fn phase(index: usize, period: Duration) -> Duration {
    let part = u32::try_from(index).unwrap().wrapping_mul(0x9e37_79b9);
    period.mul_f64(f64::from(part) / f64::from(u32::MAX))
}

fn heartbeat(agent: &Agent, step: usize) -> String {
    let body = format!("{{\"status\":\"online\",\"load\":0.{},\"memory\":512}}", step % 10);
    request("POST", "/api/agents/heartbeat", &agent.key, &body)
}

/// The request that reports the agent's transfers: a single PATCH for one transfer, a batch for several.
fn report(agent: &Agent, step: usize) -> String {
    let bytes = step * 4_194_304;
    if let [transfer] = &agent.transfers[..] {
        let body = format!("{{\"bytesTransferred\":{bytes},\"speed\":2097152}}");
        return request("PATCH", &format!("/api/transfers/{transfer}"), &agent.key, &body);
    }
    let mut body = "{\"updates\":[".to_owned();
    for (number, transfer) in agent.transfers.iter().enumerate() {
        let comma = if number > 0 { "," } else { "" };
        write!(body, "{comma}{{\"id\":\"{transfer}\",\"bytesTransferred\":{bytes},\"speed\":2097152}}").unwrap();
    }
    body.push_str("]}");
    request("PATCH", "/api/transfers", &agent.key, &body)
}
