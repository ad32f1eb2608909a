//! The heartbeat history of agents. Committed heartbeats are collected in memory and written to the history about a
//! minute later, so that a heartbeat does not wait for the history. The history has one row for each agent and hour. A
//! server that crashes loses the heartbeats that it has not written.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::ControlPlane;
use crate::{
    actor::{Actor, Permission},
    error::Result,
    ids::AgentId,
    model::{
        event::{Event, Object},
        heartbeat_history::{AgentHistoryPoint, HOUR, HeartbeatHour, HeartbeatSummary, HistoryStep},
    },
    store::{
        self,
        heartbeat_history::Heartbeats,
        series::{Counted, Resolution},
    },
};

/// How long heartbeats of an agent wait for others before they are written, in seconds.
const WAIT: i64 = 50;
/// The maximum number of rows of one transaction.
const ROWS_AT_A_TIME: usize = 200;
/// The maximum number of transactions of one call: 1,000 rows. With more agents, the heartbeats of each agent are
/// written less often.
const PAGES: usize = 5;
/// The maximum number of transactions when the server stops: 10,000 rows.
const PAGES_AT_THE_END: usize = 50;
/// The maximum number of agents whose heartbeats wait. Heartbeats of further agents are not recorded.
const MAX_AGENTS: usize = 200_000;
/// The maximum number of hours of one agent that wait. Earlier ones are dropped.
const MAX_HOURS: usize = 3;

/// The heartbeats that this server has received and not written to the history yet.
#[derive(Debug, Default)]
pub(super) struct ReceivedHeartbeats(Mutex<Received>);

#[derive(Debug, Default)]
struct Received {
    /// The heartbeats of each agent by hour.
    agents: HashMap<AgentId, BTreeMap<i64, HeartbeatHour>>,
    /// The agents with the time of the first heartbeat that waits, in the order of arrival.
    queue: VecDeque<(i64, AgentId)>,
}

impl ReceivedHeartbeats {
    /// Adds the heartbeats among the events of a batch of the writer.
    pub(super) fn note(&self, events: &[Event]) {
        let mut received = None;
        for event in events {
            if let Object::Agent(agent) = &event.object {
                let second = event.at.0.timestamp();
                let received = received.get_or_insert_with(|| self.lock());
                if let Some(hour) = received.hour(agent.id, second, second.div_euclid(HOUR) * HOUR) {
                    hour.note(second, agent.load, agent.memory);
                }
            }
        }
    }

    /// Removes and returns the heartbeats of agents that have waited since `before` or longer, beginning with the agent
    /// that has waited longest. Stops once there are `limit` rows or a few more.
    fn take(&self, before: i64, limit: usize) -> Heartbeats {
        let (mut taken, mut received) = (Heartbeats::new(), self.lock());
        while taken.len() < limit
            && let Some((since, agent)) = received.queue.front().copied()
            && since <= before
        {
            received.queue.pop_front();
            let hours = received.agents.remove(&agent).unwrap_or_default();
            taken.extend(hours.into_iter().map(|(hour, heartbeats)| ((agent, hour), heartbeats)));
        }
        taken
    }

    /// Adds heartbeats that could not be written, to be written by the next call.
    fn put_back(&self, heartbeats: Heartbeats) {
        let mut received = self.lock();
        for ((agent, hour), heartbeats) in heartbeats {
            if let Some(waiting) = received.hour(agent, hour, hour) {
                waiting.add(&heartbeats);
            }
        }
    }

    /// The heartbeats of an agent that wait, by hour.
    fn of(&self, agent: AgentId) -> BTreeMap<i64, HeartbeatHour> {
        self.lock().agents.get(&agent).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Received {
    /// The entry for the waiting heartbeats of an agent in an hour, created if it is missing; `None` if heartbeats of too
    /// many agents wait. `since` is the time from which the agent waits, unless it waits already.
    fn hour(&mut self, agent: AgentId, since: i64, hour: i64) -> Option<&mut HeartbeatHour> {
        let count = self.agents.len();
        let hours = match self.agents.entry(agent) {
            Entry::Occupied(waiting) => waiting.into_mut(),
            Entry::Vacant(_) if count >= MAX_AGENTS => return None,
            Entry::Vacant(vacant) => {
                self.queue.push_back((since, agent));
                vacant.insert(BTreeMap::new())
            }
        };
        if hours.len() >= MAX_HOURS && !hours.contains_key(&hour) {
            hours.pop_first();
        }
        Some(hours.entry(hour).or_default())
    }
}

impl ControlPlane {
    /// Writes the heartbeats that have waited for about a minute.
    pub async fn write_agent_history(&self) -> Result<()> {
        self.write_heartbeats(self.now().timestamp() - WAIT, PAGES).await
    }

    /// Writes the heartbeats that have not been written yet, at most 10,000 rows. Called when the server stops.
    pub async fn write_rest_of_agent_history(&self) -> Result<()> {
        self.write_heartbeats(i64::MAX, PAGES_AT_THE_END).await
    }

    async fn write_heartbeats(&self, before: i64, pages: usize) -> Result<()> {
        for _ in 0..pages {
            let heartbeats = self.heartbeats.take(before, ROWS_AT_A_TIME);
            if heartbeats.is_empty() {
                return Ok(());
            }
            let mut tx = match self.db.begin().await {
                Ok(tx) => tx,
                Err(error) => {
                    self.heartbeats.put_back(heartbeats);
                    return Err(error);
                }
            };
            let written = match store::heartbeat_history::add(&mut tx, heartbeats.clone()).await {
                Ok(()) => tx.commit().await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                self.heartbeats.put_back(heartbeats);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Returns the history of an agent: the last 24 hours by minute, or the last 30 days by hour. It has no point for
    /// times at which no server was running or the agent was not registered.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents, [`crate::error::Error::NotFound`] if there is no such agent within
    /// the caller's scope.
    pub async fn get_agent_history(
        &self,
        actor: &Actor,
        id: AgentId,
        step: HistoryStep,
    ) -> Result<Vec<AgentHistoryPoint>> {
        let scope = actor.require(Permission::ViewAgents)?;
        let agent = self.agent(scope, id).await?;
        let (now, length) = (self.now().timestamp(), step.seconds());
        let first = step.first(now);
        let resolution = match step {
            HistoryStep::Minute => Resolution::Minute,
            HistoryStep::Hour => Resolution::Hour,
        };
        let collected = store::series::list(&self.db, resolution, Counted::All, first, now + 1).await?;
        let collected: BTreeSet<i64> = collected.into_iter().map(|(at, _)| at).collect();
        let summaries = self.summaries(id, step, first).await?;
        let registered = agent.created_at.timestamp();
        let points = (0..step.count()).map(|index| first + index * length).filter_map(|at| {
            let summary = summaries.get(&at).copied();
            let is_known = summary.is_some() || (collected.contains(&at) && at + length > registered);
            is_known.then(|| summary.unwrap_or_default().point(at, length.min(now - at)))
        });
        Ok(points.collect())
    }

    /// The minutes or hours in which heartbeats of an agent arrived, by their start.
    async fn summaries(&self, id: AgentId, step: HistoryStep, first: i64) -> Result<BTreeMap<i64, HeartbeatSummary>> {
        let waiting = self.heartbeats.of(id);
        let from = match step {
            HistoryStep::Minute => Some(first.div_euclid(HOUR) * HOUR),
            HistoryStep::Hour => waiting.keys().next().copied(),
        };
        let mut hours = match from {
            Some(from) => store::heartbeat_history::hours(&self.db, id, from).await?,
            None => BTreeMap::new(),
        };
        for (hour, heartbeats) in &waiting {
            hours.entry(*hour).or_default().add(heartbeats);
        }
        match step {
            HistoryStep::Minute => {
                let minutes = hours.iter().flat_map(|(hour, heartbeats)| {
                    (0..60_u64).map(move |number| (hour + number.cast_signed() * 60, heartbeats.minute(number)))
                });
                Ok(minutes.filter(|(_, summary)| summary.has_heartbeats()).collect())
            }
            HistoryStep::Hour => {
                let mut summaries = store::heartbeat_history::summaries(&self.db, id, first).await?;
                summaries.extend(hours.iter().map(|(hour, heartbeats)| (*hour, heartbeats.summary())));
                Ok(summaries)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> AgentId {
        uuid::Uuid::from_u128(number).into()
    }

    fn note(received: &ReceivedHeartbeats, agent: AgentId, second: i64) {
        let mut received = received.lock();
        let hour = received.hour(agent, second, second.div_euclid(HOUR) * HOUR).expect("there is room");
        hour.note(second, None, None);
    }

    #[test]
    fn heartbeats_wait_for_others_and_the_longest_waiting_are_taken_first() {
        let received = ReceivedHeartbeats::default();
        for (agent, second) in [(2, 10), (1, 20), (2, 40), (3, 70)] {
            note(&received, id(agent), second);
        }
        let taken = received.take(20, 1);
        assert_eq!(taken.keys().copied().collect::<Vec<_>>(), [(id(2), 0)]);
        assert_eq!(taken[&(id(2), 0)].summary().point(0, HOUR).heartbeats, 2);
        assert_eq!(received.take(20, 10).keys().copied().collect::<Vec<_>>(), [(id(1), 0)]);
        assert!(received.take(69, 10).is_empty(), "the third one has not waited long enough");
        received.put_back(taken);
        assert_eq!(received.take(i64::MAX, 10).len(), 2, "what was not written is written with the next");
    }

    #[test]
    fn few_hours_of_an_agent_wait() {
        let received = ReceivedHeartbeats::default();
        (0..5).for_each(|hour| note(&received, id(1), hour * HOUR));
        assert_eq!(received.of(id(1)).keys().copied().collect::<Vec<_>>(), [2 * HOUR, 3 * HOUR, 4 * HOUR]);
        assert_eq!(received.take(i64::MAX, 10).len(), 3);
    }
}
