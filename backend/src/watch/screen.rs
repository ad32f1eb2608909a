//! The screen of `mftplus watch`: totals, agents and a progress bar for each transfer; plain lines if there is no
//! terminal.

use std::{
    collections::{BTreeMap, VecDeque},
    io::IsTerminal,
    time::Duration,
};

use indicatif::{HumanBytes, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};
use mftplus_protocol::wire::TransferStatus;
use serde_json::Value;

use crate::model::attention::counted;

/// The number of ended transfers that stay on the screen.
const ENDED: usize = 8;

/// The state of the screen, and the drawing of it.
pub(super) struct Screen {
    url: String,
    is_terminal: bool,
    bars: MultiProgress,
    head: ProgressBar,
    agents_line: ProgressBar,
    agents: BTreeMap<String, (String, String)>,
    running: BTreeMap<String, ProgressBar>,
    ended: VecDeque<(String, ProgressBar)>,
    /// The last printed status and progress of each transfer, in tenths, if there is no terminal.
    printed: BTreeMap<String, (String, u64)>,
}

impl Screen {
    /// Creates an empty screen for the server at this URL.
    pub(super) fn new(url: &str) -> Self {
        let bars = MultiProgress::new();
        let line = || bars.add(ProgressBar::no_length().with_style(style("{msg}")));
        let (head, agents_line) = (line(), line());
        Self {
            url: url.to_owned(),
            is_terminal: std::io::stderr().is_terminal(),
            bars,
            head,
            agents_line,
            agents: BTreeMap::new(),
            running: BTreeMap::new(),
            ended: VecDeque::new(),
            printed: BTreeMap::new(),
        }
    }

    /// Shows that the connection is established.
    pub(super) fn connected(&mut self) {
        self.clear();
        self.say(format!("{}: live", self.url));
    }

    /// Shows that the connection was lost, why, and the pause until the next attempt.
    pub(super) fn lost(&self, reason: &str, pause: Duration) {
        self.say(format!("{}: {reason}; trying again in {}", self.url, HumanDuration(pause)));
    }

    /// Removes all agents and running transfers, because they may be outdated. The server sends them again.
    pub(super) fn clear(&mut self) {
        self.agents.clear();
        for (_, bar) in std::mem::take(&mut self.running) {
            self.bars.remove(&bar);
        }
    }

    /// Shows the totals of the fleet.
    pub(super) fn fleet(&self, fleet: &Value) {
        self.say(totals(fleet));
    }

    /// Shows the current state of an agent.
    pub(super) fn agent(&mut self, agent: &Value) {
        let name = agent["name"].as_str().or(agent["hostname"].as_str()).unwrap_or_default().to_owned();
        let status = agent["status"].as_str().unwrap_or_default().to_lowercase();
        let before = self.agents.insert(text(agent, "id"), (name.clone(), status.clone()));
        if !self.is_terminal && before.is_none_or(|(_, before)| before != status) {
            println!("agent {name}: {status}");
        }
        let names: Vec<String> = self.agents.values().map(|(name, status)| format!("{name} ({status})")).collect();
        self.agents_line.set_message(names.join("  "));
    }

    /// Shows the current state of a transfer.
    pub(super) fn transfer(&mut self, transfer: &Value) {
        let (id, status) = (text(transfer, "id"), text(transfer, "status"));
        let line = Line::of(transfer);
        if !self.is_terminal {
            let printed = (status, line.percent / 10);
            if self.printed.get(&id) != Some(&printed) {
                println!("{}", line.plain());
            }
            self.printed.insert(id, printed);
            return;
        }
        let is_active = TransferStatus::from_name(&status.to_ascii_lowercase()).is_some_and(TransferStatus::is_active);
        if is_active {
            let bar = self
                .running
                .entry(id)
                .or_insert_with(|| self.bars.add(ProgressBar::new(100).with_style(style("{bar:24.cyan/blue} {msg}"))));
            bar.set_position(line.percent);
            bar.set_message(line.text());
            return;
        }
        if let Some(bar) = self.running.remove(&id) {
            bar.set_position(line.percent);
            bar.finish_with_message(line.text());
            self.ended.push_back((id, bar));
        }
        while self.ended.len() > ENDED {
            if let Some((_, bar)) = self.ended.pop_front() {
                self.bars.remove(&bar);
            }
        }
    }

    fn say(&self, sentence: String) {
        if self.is_terminal {
            self.head.set_message(sentence);
        } else {
            println!("{sentence}");
        }
    }
}

/// A transfer as a line of text.
struct Line {
    name: String,
    agent: String,
    status: String,
    percent: u64,
    rest: String,
}

impl Line {
    fn of(transfer: &Value) -> Self {
        let count = |name: &str| transfer[name].as_u64().unwrap_or_default();
        let source = text(transfer, "source");
        let is_stalled = transfer["stalled"] == Value::Bool(true);
        let status = if is_stalled { "stalled".to_owned() } else { text(transfer, "status").to_lowercase() };
        let mut rest = HumanBytes(count("bytesTransferred")).to_string();
        if transfer["sizeKnown"] == Value::Bool(true) {
            rest = format!("{rest} of {}", HumanBytes(count("bytesTotal")));
        }
        if status == "running" {
            rest = format!("{rest}, {}", rate(transfer["speed"].as_f64().unwrap_or_default()));
        }
        if let Some(seconds) = transfer["etaSeconds"].as_u64() {
            rest = format!("{rest}, {} left", HumanDuration(Duration::from_secs(seconds)));
        }
        if let Some(error) = transfer["errorMessage"].as_str() {
            rest = format!("{rest}: {error}");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
        let percent = transfer["progress"].as_f64().unwrap_or_default().clamp(0.0, 100.0) as u64;
        let name = source.rsplit('/').find(|part| !part.is_empty()).unwrap_or(&source).to_owned();
        Self { name, agent: text(transfer, "agentName"), status, percent, rest }
    }

    fn text(&self) -> String {
        format!("{:>3} % {} on {}: {}, {}", self.percent, self.name, self.agent, self.status, self.rest)
    }

    fn plain(&self) -> String {
        format!("transfer {} on {}: {} {} %, {}", self.name, self.agent, self.status, self.percent, self.rest)
    }
}

/// The totals of the fleet in one line.
fn totals(fleet: &Value) -> String {
    let count = |path: &str| fleet.pointer(path).and_then(Value::as_i64).unwrap_or_default();
    let online = count("/agents/online") + count("/agents/busy") + count("/agents/error");
    format!(
        "{} online, {} offline · {} running, {} queued · {} · {} failed in 24 h",
        counted(online, false, "agent"),
        count("/agents/offline"),
        counted(count("/transfers/running"), false, "transfer"),
        count("/transfers/queued"),
        rate(fleet["bytesPerSecond"].as_f64().unwrap_or_default()),
        count("/failuresInLastDay"),
    )
}

fn text(object: &Value, name: &str) -> String {
    // What a terminal would take for a command is no part of a name.
    object[name].as_str().unwrap_or_default().chars().filter(|c| !c.is_control()).collect()
}

/// A number of bytes per second, with a unit.
fn rate(bytes: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of the contract are not negative"
    )]
    let bytes = bytes as u64;
    format!("{}/s", HumanBytes(bytes))
}

fn style(template: &str) -> ProgressStyle {
    // A template that could not be read would show as a plain bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_transfer_is_shown_in_one_line() {
        let transfer = json!({
            "source": "/data/out/orders.csv", "agentName": "edge-1", "status": "RUNNING", "progress": 45.7,
            "sizeKnown": true, "bytesTotal": 2048, "bytesTransferred": 1024, "speed": 512.0, "etaSeconds": 2,
            "stalled": false, "errorMessage": null,
        });
        assert_eq!(
            Line::of(&transfer).plain(),
            "transfer orders.csv on edge-1: running 45 %, 1.00 KiB of 2.00 KiB, 512 B/s, 2 seconds left"
        );
    }

    #[test]
    fn one_agent_and_one_transfer_are_shown_in_the_singular() {
        let fleet = json!({
            "agents": { "online": 1, "busy": 0, "error": 0, "offline": 2 }, "transfers": { "running": 1, "queued": 3 },
            "bytesPerSecond": 512.0, "failuresInLastDay": 4,
        });
        let one = "1 agent online, 2 offline · 1 transfer running, 3 queued · 512 B/s · 4 failed in 24 h";
        assert_eq!(totals(&fleet), one);
        let none = "0 agents online, 0 offline · 0 transfers running, 0 queued · 0 B/s · 0 failed in 24 h";
        assert_eq!(totals(&json!({})), none);
    }

    #[test]
    fn what_a_terminal_would_obey_is_left_out() {
        assert_eq!(text(&json!({ "source": "a\u{1b}[2Jb" }), "source"), "a[2Jb");
    }
}
