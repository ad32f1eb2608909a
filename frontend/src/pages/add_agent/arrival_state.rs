//! The state of an agent that is being added: whether it has registered and sent a heartbeat since its code was
//! created. Pure.

use crate::{
    api::agents::{Agent, AgentLinks},
    time::Instant,
};

/// The state of the agent that is being added.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Arrival {
    /// There is no code with which an agent could register.
    NoCode,
    /// No agent has registered yet.
    Waiting,
    /// This agent has registered, and sent no heartbeat yet.
    Registered(Agent),
    /// The first heartbeat of this agent has arrived.
    Online(Agent),
}

impl Arrival {
    /// The state if `agent` is the agent that has registered.
    pub(super) fn of(has_code: bool, agent: Option<Agent>) -> Self {
        match agent {
            _ if !has_code => Self::NoCode,
            None => Self::Waiting,
            // A registration sets both times to the same value, so a later heartbeat is a real one.
            Some(agent) if agent.last_heartbeat > agent.created_at => Self::Online(agent),
            Some(agent) => Self::Registered(agent),
        }
    }

    /// The agent, once it has registered.
    pub(super) fn agent(&self) -> Option<&Agent> {
        match self {
            Self::NoCode | Self::Waiting => None,
            Self::Registered(agent) | Self::Online(agent) => Some(agent),
        }
    }
}

/// The time of the newest registration. The new agent registers after it.
pub(super) fn newest_registration(agents: &[AgentLinks]) -> Option<Instant> {
    agents.iter().map(|row| row.agent.created_at).max()
}

/// The first agent of a customer that has registered after `since`; any agent of the customer if `since` is `None`.
pub(super) fn first_since<'a>(agents: &'a [AgentLinks], customer: &str, since: Option<Instant>) -> Option<&'a Agent> {
    let is_its = |row: &&AgentLinks| row.customer.as_ref().is_some_and(|owner| owner.id.inner() == customer);
    let agents = agents.iter().filter(is_its).map(|row| &row.agent);
    agents.filter(|agent| since.is_none_or(|since| agent.created_at > since)).min_by_key(|agent| agent.created_at)
}

/// The newer of two states of one agent: `listed` comes from a list, `updated` is the latest update.
pub(super) fn newer(listed: Option<Agent>, updated: Option<Agent>) -> Option<Agent> {
    match (listed, updated) {
        (Some(listed), Some(updated)) if updated.id == listed.id && updated.revision > listed.revision => Some(updated),
        (listed, _) => listed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{
        agents::{AgentStatus, Os},
        customers::CustomerName,
    };

    fn agent(id: &str, registered: i64, heartbeat: i64, revision: i32) -> Agent {
        Agent {
            id: cynic::Id::new(id),
            name: None,
            hostname: format!("{id}.example"),
            os: Os::Linux,
            version: None,
            status: AgentStatus::Online,
            status_reason: None,
            last_heartbeat: Instant(heartbeat),
            ip_address: None,
            created_at: Instant(registered),
            load: None,
            memory: None,
            revision,
        }
    }

    fn row(id: &str, registered: i64, customer: &str) -> AgentLinks {
        let customer = Some(CustomerName { id: cynic::Id::new(customer), name: customer.to_owned() });
        AgentLinks { customer, agent: agent(id, registered, registered, 1) }
    }

    #[test]
    fn only_an_agent_of_the_customer_that_registered_later_has_arrived() {
        let before = [row("old", 10, "acme")];
        let since = newest_registration(&before);
        assert_eq!(first_since(&before, "acme", since), None);
        let after =
            [row("later", 30, "acme"), row("new", 20, "acme"), row("foreign", 15, "globex"), row("old", 10, "acme")];
        assert_eq!(first_since(&after, "acme", since).map(|agent| agent.id.inner()), Some("new"));
        assert_eq!(first_since(&after, "initech", since), None);
        assert_eq!(newest_registration(&[]), None);
        assert_eq!(first_since(&[row("first", 5, "acme")], "acme", None).map(|agent| agent.id.inner()), Some("first"));
    }

    #[test]
    fn a_heartbeat_after_the_registration_is_the_first() {
        assert_eq!(Arrival::of(false, Some(agent("a", 5, 6, 2))), Arrival::NoCode);
        assert_eq!(Arrival::of(true, None), Arrival::Waiting);
        assert_eq!(Arrival::of(true, Some(agent("a", 5, 5, 1))), Arrival::Registered(agent("a", 5, 5, 1)));
        assert_eq!(Arrival::of(true, Some(agent("a", 5, 6, 2))), Arrival::Online(agent("a", 5, 6, 2)));
    }

    #[test]
    fn an_update_counts_when_it_is_newer_and_of_the_same_agent() {
        let (listed, updated) = (Some(agent("a", 5, 5, 1)), Some(agent("a", 5, 6, 2)));
        assert_eq!(newer(listed.clone(), updated.clone()), updated);
        assert_eq!(newer(updated.clone(), listed.clone()), updated);
        assert_eq!(newer(listed.clone(), Some(agent("b", 5, 6, 9))), listed);
        assert_eq!(newer(None, updated), None);
    }
}
