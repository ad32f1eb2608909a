//! A group: watchers who ask the same question with the same rights, and the one subscription that answers them all.

use std::{
    collections::HashMap,
    mem,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::indexmap::IndexMap;
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    answers::{Answers, Refusal},
    change::{Change, Interest, Item, Topic},
    member::Member,
};
use crate::{
    graphql::{
        errors::{json, server_error},
        outbox::Watching,
    },
    transport::panicked,
};

#[cfg(test)]
mod tests;

/// The most changes that wait to be answered; where there are more, all watchers are told to ask again.
const MAX_CHANGES: usize = 4096;

/// How far a group has come.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Its subscription has not begun yet.
    Opening,
    /// It answers.
    Open(Arc<Interest>),
    /// It will not, or not any more.
    Closed(Refusal),
}

/// A group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) topic: Topic,
    inbox: Mutex<Inbox>,
    filled: Notify,
    members: Mutex<Members>,
    phase: watch::Sender<Phase>,
    /// Something changed that the figures of a fleet count.
    pub(super) figures_changed: Notify,
    /// Ends the group's task.
    pub(super) end: CancellationToken,
}

/// What waits to be answered: of each object the latest, in the order in which they first changed.
#[derive(Debug, Default)]
struct Inbox {
    interest: Option<Arc<Interest>>,
    changes: IndexMap<Uuid, Change>,
    is_resync_due: bool,
}

#[derive(Debug, Default)]
struct Members {
    by_number: HashMap<u64, Member>,
    next: u64,
    /// The answer that says: ask again.
    resync: Bytes,
}

impl Group {
    /// A group that ends with `end` at the latest.
    pub(super) fn new(topic: Topic, end: CancellationToken) -> Self {
        Self {
            topic,
            inbox: Mutex::default(),
            filled: Notify::new(),
            members: Mutex::default(),
            phase: watch::Sender::new(Phase::Opening),
            figures_changed: Notify::new(),
            end,
        }
    }

    /// Whether it answers no more.
    pub(super) fn is_closed(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Closed(_))
    }

    /// Takes in a watcher, who is delivered to from now on; its number within the group.
    pub(super) fn admit(&self, watching: Watching, is_snapshot_due: bool) -> u64 {
        let mut members = self.members();
        let number = members.next;
        members.next += 1;
        members.by_number.insert(number, Member::new(watching, is_snapshot_due));
        number
    }

    /// Whether nobody is left.
    pub(super) fn dismiss(&self, number: u64) -> bool {
        let mut members = self.members();
        members.by_number.remove(&number);
        members.by_number.is_empty()
    }

    /// How the group fares; waits until that is known.
    pub(super) async fn opened(&self) -> Result<Arc<Interest>, Refusal> {
        let mut phase = self.phase.subscribe();
        let known = phase.wait_for(|phase| !matches!(phase, Phase::Opening)).await;
        match known.as_deref() {
            Ok(Phase::Open(interest)) => Ok(Arc::clone(interest)),
            Ok(Phase::Closed(refusal)) => Err(refusal.clone()),
            Ok(Phase::Opening) | Err(_) => Err(Refusal::Ended),
        }
    }

    /// Tells the group of a change, if it wants to hear of it.
    pub(super) fn tell(&self, change: &Change) {
        let mut inbox = self.inbox();
        if inbox.interest.as_ref().is_some_and(|interest| !interest.wants(change)) {
            return;
        }
        if inbox.changes.len() >= MAX_CHANGES && !inbox.changes.contains_key(&change.id()) {
            inbox.changes.clear();
            inbox.is_resync_due = true;
        }
        inbox.changes.insert(change.id(), change.clone());
        drop(inbox);
        self.filled.notify_one();
    }

    /// Tells the group that something may have been missed.
    pub(super) fn resync(&self) {
        self.inbox().is_resync_due = true;
        self.filled.notify_one();
    }

    /// Delivers an item of a member's own snapshot.
    pub(super) fn deliver_snapshot(&self, number: u64, item: &Item, payload: Bytes) {
        let mut members = self.members();
        let Members { by_number, resync, .. } = &mut *members;
        if let Some(member) = by_number.get_mut(&number) {
            member.deliver_snapshot(item, payload, resync);
        }
    }

    /// Notes that a member has had its snapshot.
    pub(super) fn end_snapshot(&self, number: u64) {
        if let Some(member) = self.members().by_number.get_mut(&number) {
            member.end_snapshot();
        }
    }

    /// Does the group's work to its end. If it panics, the watchers are told, and the next who asks makes a new group.
    pub(super) async fn guard(&self, work: impl Future<Output = ()>) {
        if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
            self.close(Refusal::Errors(vec![server_error(&panicked(panic.as_ref()))]));
            self.end.cancel();
        }
    }

    /// Answers until nobody is left; `opening` is the subscription, not yet begun.
    pub(super) async fn run(&self, opening: impl Future<Output = Result<(Answers, Interest), Refusal>>) {
        let opened = match self.end.run_until_cancelled(opening).await {
            Some(Ok((mut answers, interest))) => {
                answers.about(Item::Resync).await.map(|resync| (answers, interest, resync))
            }
            Some(Err(refusal)) => return self.close(refusal),
            None => None,
        };
        let Some((mut answers, interest, resync)) = opened else { return self.close(Refusal::Ended) };
        self.members().resync = resync.payload;
        self.open(Arc::new(interest));
        let mut is_repair_due = false;
        while self.end.run_until_cancelled(self.filled.notified()).await.is_some() {
            let (changes, mut is_resync_due) = self.take();
            for change in changes.into_values() {
                let item = change.item();
                if matches!(item, Item::Resync) {
                    is_resync_due = true;
                    continue;
                }
                let Some(answer) = answers.about(item.clone()).await else { return self.close(Refusal::Ended) };
                self.deliver(&item, &answer.payload);
                // What could not be resolved is asked for again, once that may succeed.
                is_resync_due |= is_repair_due && !answer.is_partial;
                is_repair_due = answer.is_partial;
            }
            if is_resync_due {
                self.ask_again();
            }
        }
        self.close(Refusal::Ended);
    }

    fn open(&self, interest: Arc<Interest>) {
        let mut inbox = self.inbox();
        inbox.changes.retain(|_, change| interest.wants(change));
        inbox.interest = Some(Arc::clone(&interest));
        drop(inbox);
        self.filled.notify_one();
        self.phase.send_replace(Phase::Open(interest));
    }

    /// Tells whoever is still there that no more answers come.
    fn close(&self, refusal: Refusal) {
        let errors = if let Refusal::Errors(errors) = &refusal { Some(json(errors)) } else { None };
        let was_open = matches!(self.phase.send_replace(Phase::Closed(refusal)), Phase::Open(_));
        let members = mem::take(&mut self.members().by_number);
        // Whoever waits for the group to open is told by the phase.
        for member in members.into_values().filter(|_| was_open) {
            match &errors {
                Some(errors) => member.fail(errors.clone()),
                None => member.complete(),
            }
        }
    }

    fn take(&self) -> (IndexMap<Uuid, Change>, bool) {
        let mut inbox = self.inbox();
        (mem::take(&mut inbox.changes), mem::take(&mut inbox.is_resync_due))
    }

    fn deliver(&self, item: &Item, payload: &Bytes) {
        let mut members = self.members();
        let Members { by_number, resync, .. } = &mut *members;
        for member in by_number.values_mut() {
            member.deliver(item, payload, resync);
        }
    }

    fn ask_again(&self) {
        let members = self.members();
        members.by_number.values().for_each(|member| member.resync(&members.resync));
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
