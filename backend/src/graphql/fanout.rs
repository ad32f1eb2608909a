//! Serialize once: watchers who ask the same question with the same rights form a group, which is answered by one
//! subscription; every answer is written once and handed to all of them.
//!
//! One task reads the bus while anybody watches, drops what was overtaken, and hands each change to the groups whose
//! rights cover it. Rights are part of what makes a group, so no answer crosses from one customer to another.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use async_graphql::{Request, ServerError};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

mod answers;
mod change;
mod figures;
mod group;
mod heard;
mod member;
mod snapshot;

pub(super) use answers::feed;
pub(super) use change::{Filter, Interest, Item, Topic};

use self::{
    answers::{Answers, Refusal},
    change::Change,
    group::Group,
    heard::Heard,
};
use super::{Schema, Settings, context::Caller, errors::server_error, outbox::Watching};
use crate::{
    actor::{Actor, Scope},
    error::Error,
    events::{Message, Reader, Signal},
    service::ControlPlane,
};

/// What makes two subscriptions the same, beside the rights: the text, the operation in it, and the variables that make a
/// difference to the answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    text: String,
    operation: Option<String>,
    variables: String,
}

impl Question {
    pub(super) const fn new(text: String, operation: Option<String>, variables: String) -> Self {
        Self { text, operation, variables }
    }
}

/// All groups.
#[derive(Clone)]
pub(super) struct Fanout(Arc<Hub>);

struct Hub {
    schema: Schema,
    cp: Arc<ControlPlane>,
    tasks: TaskTracker,
    max_response: usize,
    groups: Mutex<Groups>,
    /// The last group has gone.
    emptied: Notify,
    /// How often figures of a fleet were taken: what was taken later counts as newer.
    taken: AtomicI64,
}

#[derive(Default)]
struct Groups {
    by_rights: HashMap<Scope, HashMap<Question, Arc<Group>>>,
    /// Whether a task reads the bus.
    is_read: bool,
}

/// A subscription that wants to join its group.
pub(super) struct Joining {
    pub(super) topic: Topic,
    pub(super) question: Question,
    pub(super) request: Request,
    pub(super) is_snapshot_due: bool,
}

/// A place in a group, given up when it is dropped.
pub(super) struct Membership {
    hub: Arc<Hub>,
    group: Arc<Group>,
    rights: Scope,
    question: Question,
    number: u64,
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Membership").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        metrics::gauge!("mftplus_subscriptions_open").decrement(1.0);
        let mut groups = self.hub.groups();
        // Nobody joins meanwhile: that takes the same lock.
        if !self.group.dismiss(self.number) {
            return;
        }
        self.group.end.cancel();
        if let Some(same_rights) = groups.by_rights.get_mut(&self.rights) {
            if same_rights.get(&self.question).is_some_and(|group| Arc::ptr_eq(group, &self.group)) {
                same_rights.remove(&self.question);
            }
            if same_rights.is_empty() {
                groups.by_rights.remove(&self.rights);
            }
        }
        if groups.by_rights.is_empty() {
            self.hub.emptied.notify_one();
        }
    }
}

impl Fanout {
    pub(super) fn new(schema: Schema, settings: Settings) -> Self {
        let (groups, emptied) = (Mutex::default(), Notify::new());
        let Settings { cp, tasks, max_response, .. } = settings;
        Self(Arc::new(Hub { schema, cp, tasks, max_response, groups, emptied, taken: AtomicI64::new(0) }))
    }

    /// Takes a watcher into its group, making the group if need be, and delivers to it from now on; with what there is,
    /// if that was asked for.
    ///
    /// # Errors
    ///
    /// What the client is told instead of answers.
    pub(super) async fn join(
        &self,
        caller: &Caller,
        joining: Joining,
        watching: Watching,
    ) -> Result<Membership, Vec<ServerError>> {
        let Some(actor) = caller.actor.clone() else {
            return Err(vec![server_error(&super::context::UNKNOWN)]);
        };
        let Joining { topic, question, mut request, is_snapshot_due } = joining;
        let again = is_snapshot_due.then(|| same(&mut request));
        let membership = self.0.admit(caller, &actor, topic, question, request, watching, is_snapshot_due);
        let interest = membership.group.opened().await.map_err(|refusal| match refusal {
            Refusal::Errors(errors) => errors,
            Refusal::Ended => vec![server_error(&Error::Unavailable("the subscription has ended: try again"))],
        })?;
        if let Some(request) = again {
            let request = caller.asks(request, &self.0.cp, &self.0.tasks);
            self.0
                .snapshot(&actor, &interest, request, &membership)
                .await
                .map_err(|error| vec![server_error(&error)])?;
            membership.group.end_snapshot(membership.number);
        }
        Ok(membership)
    }
}

/// The same request once more.
fn same(request: &mut Request) -> Request {
    let mut again = Request::new(request.query.clone()).variables(request.variables.clone());
    again.operation_name.clone_from(&request.operation_name);
    if let Ok(document) = request.parsed_query() {
        again.set_parsed_query(document.clone());
    }
    again
}

impl Hub {
    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::too_many_arguments, reason = "all of it makes a member of a group")]
    fn admit(
        self: &Arc<Self>,
        caller: &Caller,
        actor: &Actor,
        topic: Topic,
        question: Question,
        request: Request,
        watching: Watching,
        is_snapshot_due: bool,
    ) -> Membership {
        let rights = actor.scope();
        let mut groups = self.groups();
        if !groups.is_read {
            groups.is_read = true;
            // From here on nothing is missed, even before the task runs.
            let (hub, reader) = (Arc::clone(self), self.cp.bus().read());
            self.tasks.spawn(async move { hub.read(reader).await });
        }
        let same_rights = groups.by_rights.entry(rights).or_default();
        let known = same_rights.get(&question).filter(|group| !group.end.is_cancelled() && !group.is_closed());
        let group = if let Some(group) = known {
            Arc::clone(group)
        } else {
            let group = Arc::new(Group::new(topic, self.cp.stop().child_token()));
            same_rights.insert(question.clone(), Arc::clone(&group));
            self.start(caller, actor, request, &group);
            group
        };
        let number = group.admit(watching, is_snapshot_due);
        drop(groups);
        metrics::gauge!("mftplus_subscriptions_open").increment(1.0);
        Membership { hub: Arc::clone(self), group, rights, question, number }
    }

    fn start(self: &Arc<Self>, caller: &Caller, actor: &Actor, request: Request, group: &Arc<Group>) {
        let request = caller.asks(request, &self.cp, &self.tasks);
        let (schema, running, max_response) = (self.schema.clone(), Arc::clone(group), self.max_response);
        self.tasks
            .spawn(async move { running.guard(running.run(Answers::open(&schema, request, max_response))).await });
        if group.topic == Topic::Fleet {
            let (hub, actor, group) = (Arc::clone(self), actor.clone(), Arc::clone(group));
            self.tasks.spawn(async move { group.guard(hub.take_figures(&actor, &group)).await });
        }
    }

    /// Reads the bus for as long as there are groups.
    async fn read(&self, mut reader: Reader) {
        let mut heard = Heard::default();
        loop {
            tokio::select! {
                () = self.cp.stop().cancelled() => return,
                () = self.emptied.notified() => {
                    let mut groups = self.groups();
                    if groups.by_rights.is_empty() {
                        groups.is_read = false;
                        return;
                    }
                }
                signal = reader.next() => match signal {
                    Some(Signal::Message(message)) => {
                        // One event must not end the reading for everybody: they ask again instead.
                        let telling = AssertUnwindSafe(|| self.tell(&mut heard, &message));
                        if catch_unwind(telling).is_err() {
                            heard = Heard::default();
                            self.resync();
                        }
                    }
                    Some(Signal::Resync) => self.resync(),
                    None => return,
                },
            }
        }
    }

    fn tell(&self, heard: &mut Heard, message: &Message) {
        for event in &message.events {
            let Some(change) = heard.hear(event) else { continue };
            let groups = self.groups();
            let covering = [Some(Scope::All), event.object.customer().map(Scope::Customer)];
            for group in covering.into_iter().flatten().filter_map(|rights| groups.by_rights.get(&rights)).flatten() {
                deliver(group.1, &change);
            }
        }
    }

    fn resync(&self) {
        let groups = self.groups();
        groups.by_rights.values().flat_map(HashMap::values).for_each(|group| group.resync());
    }

    /// The next number of figures about to be taken.
    fn next_taken(&self) -> i64 {
        self.taken.fetch_add(1, Ordering::AcqRel) + 1
    }
}

fn deliver(group: &Group, change: &Change) {
    if change.concerns(group.topic) {
        group.tell(change);
    } else if group.topic == Topic::Fleet && change.moves_figures() {
        group.figures_changed.notify_one();
    }
}
