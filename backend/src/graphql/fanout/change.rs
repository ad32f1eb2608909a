//! What watchers are told of: an object as it is now, and what it was before.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Arc,
};

use uuid::Uuid;

use crate::model::{
    agent::{Agent, AgentFilter, AgentStatus},
    event::{Event, Kind, Object},
    fleet::Fleet,
    transfer::{Transfer, TransferFilter, TransferStatus},
};

/// How many objects are remembered at least, and half of how many at most.
const REMEMBERED: usize = 50_000;

/// Which kind of object a state subscription is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) enum Topic {
    /// `transferUpdated`.
    Transfers,
    /// `agentUpdated`.
    Agents,
    /// `fleetUpdated`.
    Fleet,
}

impl Topic {
    /// The topic of a subscription field, if it streams states.
    pub(in crate::graphql) fn of_field(name: &str) -> Option<Self> {
        match name {
            "transferUpdated" => Some(Self::Transfers),
            "agentUpdated" => Some(Self::Agents),
            "fleetUpdated" => Some(Self::Fleet),
            _ => None,
        }
    }
}

/// What a state subscription is fed with.
#[derive(Clone, Debug)]
pub(in crate::graphql) enum Item {
    /// A transfer as it is now.
    Transfer(Arc<Transfer>),
    /// An agent as it is now.
    Agent(Arc<Agent>),
    /// The figures, and their place among all figures taken.
    Fleet(Arc<Fleet>, i64),
    /// Something may have been missed: ask again.
    Resync,
}

impl Item {
    /// The object's id; the nil one for what is not one of many.
    pub(super) fn id(&self) -> Uuid {
        match self {
            Self::Transfer(transfer) => transfer.id.0,
            Self::Agent(agent) => agent.id.0,
            Self::Fleet(..) | Self::Resync => Uuid::nil(),
        }
    }

    /// Of two items about one object the one with the higher figure is newer.
    pub(super) fn revision(&self) -> i64 {
        match self {
            Self::Transfer(transfer) => transfer.revision,
            Self::Agent(agent) => agent.revision,
            Self::Fleet(_, number) => *number,
            Self::Resync => 0,
        }
    }
}

/// What an object's status was before the change, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before<S> {
    /// There was none: the object is new.
    Nothing,
    /// This one.
    Known(S),
    /// Any that may come before the present one.
    Unknown,
}

/// A change of an object, for whoever watches it.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Transfer(Arc<Transfer>, Before<TransferStatus>),
    Agent(Arc<Agent>, Before<AgentStatus>),
    /// The agent is gone.
    Revoked(Uuid),
    /// The figures, and their place among all figures taken.
    Fleet(Arc<Fleet>, i64),
}

impl Change {
    pub(super) const fn topic(&self) -> Topic {
        match self {
            Self::Transfer(..) => Topic::Transfers,
            Self::Agent(..) | Self::Revoked(_) => Topic::Agents,
            Self::Fleet(..) => Topic::Fleet,
        }
    }

    /// The object's id.
    pub(super) fn id(&self) -> Uuid {
        match self {
            Self::Revoked(id) => *id,
            Self::Transfer(..) | Self::Agent(..) | Self::Fleet(..) => self.item().id(),
        }
    }

    /// What watchers are told.
    pub(super) fn item(&self) -> Item {
        match self {
            Self::Transfer(transfer, _) => Item::Transfer(Arc::clone(transfer)),
            Self::Agent(agent, _) => Item::Agent(Arc::clone(agent)),
            Self::Revoked(_) => Item::Resync,
            Self::Fleet(fleet, number) => Item::Fleet(Arc::clone(fleet), *number),
        }
    }
}

/// What a subscription asks about, as its resolver read it from the arguments.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct Interest {
    /// Only these objects, if any are named.
    pub(in crate::graphql) ids: Option<HashSet<Uuid>>,
    /// Only those that are so.
    pub(in crate::graphql) filter: Filter,
}

/// The filter of a subscription.
#[derive(Clone, Debug)]
pub(in crate::graphql) enum Filter {
    /// Of `transferUpdated`.
    Transfers(TransferFilter),
    /// Of `agentUpdated`.
    Agents(AgentFilter),
    /// `fleetUpdated` has none.
    Fleet,
}

impl Interest {
    /// Whether a watcher has to hear of the change: the object is one that is meant, or was one until now. Otherwise a
    /// list of running transfers would never learn that one of them has ended.
    pub(super) fn wants(&self, change: &Change) -> bool {
        match (change, &self.filter) {
            (Change::Transfer(transfer, before), Filter::Transfers(filter)) => {
                let was_allowed = match before {
                    Before::Nothing => false,
                    Before::Known(status) => filter.allows(*status),
                    Before::Unknown => transfer.status.predecessors().iter().any(|status| filter.allows(*status)),
                };
                self.names(transfer.id.0)
                    && (was_allowed || filter.allows(transfer.status))
                    && filter.matches_but_for_status(transfer)
            }
            (Change::Agent(agent, before), Filter::Agents(filter)) => {
                let was_allowed = match before {
                    Before::Nothing => false,
                    Before::Known(status) => filter.allows(*status),
                    Before::Unknown => true,
                };
                self.names(agent.id.0)
                    && (was_allowed || filter.allows(agent.status))
                    && filter.matches_but_for_status(agent)
            }
            (Change::Revoked(id), Filter::Agents(_)) => self.names(*id),
            (Change::Fleet(..), Filter::Fleet) => true,
            _ => false,
        }
    }

    fn names(&self, id: Uuid) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }
}

/// What was last heard of each object, so that news that come late are known for what they are.
///
/// Objects not heard of for long are forgotten, a generation at a time.
#[derive(Debug, Default)]
pub(super) struct Heard {
    young: HashMap<Uuid, Last>,
    old: HashMap<Uuid, Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    revision: i64,
    status: Status,
}

#[derive(Clone, Copy, Debug)]
enum Status {
    Transfer(TransferStatus),
    Agent(AgentStatus),
}

impl Heard {
    /// The change that an event tells of; nothing for what is no state, or was overtaken by something newer.
    pub(super) fn hear(&mut self, event: &Event) -> Option<Change> {
        match &event.object {
            Object::Agent(agent) if event.kind == Kind::AgentRevoked => Some(Change::Revoked(agent.id.0)),
            Object::Transfer(transfer) => {
                let last = self.note(transfer.id.0, transfer.revision, Status::Transfer(transfer.status))?;
                let before = match last {
                    _ if event.kind == Kind::TransferCreated => Before::Nothing,
                    Some(Last { revision, status: Status::Transfer(status) }) if revision + 1 == transfer.revision => {
                        Before::Known(status)
                    }
                    None if event.kind != Kind::TransferStatusChanged => Before::Known(transfer.status),
                    _ => Before::Unknown,
                };
                Some(Change::Transfer(Arc::new(transfer.clone()), before))
            }
            Object::Agent(agent) => {
                let last = self.note(agent.id.0, agent.revision, Status::Agent(agent.status))?;
                let before = match last {
                    _ if event.kind == Kind::AgentRegistered => Before::Nothing,
                    Some(Last { revision, status: Status::Agent(status) }) if revision + 1 == agent.revision => {
                        Before::Known(status)
                    }
                    None if event.kind != Kind::AgentStatusChanged => Before::Known(agent.status),
                    _ => Before::Unknown,
                };
                Some(Change::Agent(Arc::new(agent.clone()), before))
            }
            Object::Job(_)
            | Object::JobRun(_)
            | Object::JobSlot(_)
            | Object::Customer(_)
            | Object::User(_)
            | Object::EnrolmentCode(_) => None,
        }
    }

    /// What was last heard, if anything; nothing at all when this is not newer.
    #[expect(clippy::option_option, reason = "overtaken, new, or known")]
    fn note(&mut self, id: Uuid, revision: i64, status: Status) -> Option<Option<Last>> {
        let last = self.young.get(&id).or_else(|| self.old.get(&id)).copied();
        if last.is_some_and(|last| revision <= last.revision) {
            return None;
        }
        if self.young.len() >= REMEMBERED {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(id, Last { revision, status });
        Some(last)
    }
}
