//! The agents of the fleet, on connections that stay open.

use std::{cmp::Reverse, collections::BinaryHeap, fmt::Write as _, io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::Window;

/// The time between two heartbeats of an agent.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// The time between two reports of an agent.
const REPORT: Duration = Duration::from_secs(2);

/// An agent with its running transfers.
pub(super) struct Agent {
    pub(super) key: String,
    pub(super) transfers: Vec<String>,
}

/// The answers within the window: how long each took from the time at which its request was due.
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

/// Lets the agents send heartbeats and reports until the window ends. Agent `i` uses connection `i % connections`.
/// Durations are returned in ascending order.
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
        // Not by turns: each server gets agents of every customer.
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

/// Lets the last agents wait for directives, each on a connection of its own, until `end`.
pub(super) fn poll(addresses: &[String], agents: &[Agent], count: usize, end: Instant) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for (number, agent) in agents.iter().rev().take(count).enumerate() {
        let (mut line, key) = (Line::new(addresses[number % addresses.len()].clone()), agent.key.clone());
        tasks.spawn(async move {
            while Instant::now() < end {
                line.exchange(&request("GET", "/api/agents/directives?wait=25", &key, "")).await.unwrap();
            }
        });
    }
    tasks
}

/// Sends the requests of some agents when they are due, one after the other.
async fn connection(address: String, group: Vec<(usize, Agent)>, begin: Instant, window: Window) -> Answers {
    let mut due = BinaryHeap::new();
    for (position, (index, agent)) in group.iter().enumerate() {
        due.push(Reverse((begin + phase(*index, HEARTBEAT), position, false)));
        if !agent.transfers.is_empty() {
            due.push(Reverse((begin + phase(*index, REPORT), position, true)));
        }
    }
    let (mut line, mut answers, mut step) = (Line::new(address), Answers::default(), 0_usize);
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

/// Spreads the agents evenly over a period.
fn phase(index: usize, period: Duration) -> Duration {
    let part = u32::try_from(index).unwrap().wrapping_mul(0x9e37_79b9);
    period.mul_f64(f64::from(part) / f64::from(u32::MAX))
}

fn heartbeat(agent: &Agent, step: usize) -> String {
    let body = format!("{{\"status\":\"online\",\"load\":0.{},\"memory\":512}}", step % 10);
    request("POST", "/api/agents/heartbeat", &agent.key, &body)
}

/// A report of the agent's only transfer, or of all in a batch.
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

/// A request as the agent sends it.
fn request(method: &str, path: &str, key: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nPrefer: return=minimal\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A connection that is opened with the first request, and again after the server has closed it.
struct Line {
    address: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    /// How often the connection was opened.
    opened: usize,
}

impl Line {
    fn new(address: String) -> Self {
        Self { address, stream: None, buffer: Vec::new(), opened: 0 }
    }

    /// Sends a request and reads the answer. Returns its status.
    async fn exchange(&mut self, request: &str) -> io::Result<u16> {
        let was_open = self.stream.is_some();
        match self.try_exchange(request).await {
            Err(_) if was_open => {
                self.stream = None;
                self.try_exchange(request).await
            }
            outcome => outcome,
        }
    }

    async fn try_exchange(&mut self, request: &str) -> io::Result<u16> {
        let stream = if let Some(stream) = &mut self.stream {
            stream
        } else {
            self.opened += 1;
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            self.stream.insert(stream)
        };
        stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(status) = answered(&self.buffer) {
                return Ok(status);
            }
        }
    }
}

/// The status of an answer; `None` while parts of it are missing.
fn answered(received: &[u8]) -> Option<u16> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..end]).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    // An answer with the status 204 has no length.
    (received.len() >= end + 4 + length.unwrap_or(0)).then(|| head.split(' ').nth(1).unwrap().parse().unwrap())
}
