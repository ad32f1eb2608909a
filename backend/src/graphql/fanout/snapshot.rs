//! What there is when a watcher comes, for those who ask for it.

use std::sync::Arc;

use async_graphql::Request;
use futures_util::{FutureExt, future::BoxFuture};

use super::{
    Hub, Membership,
    answers::Answers,
    change::{Filter, Interest, Item},
};
use crate::{
    actor::Actor,
    error::{Code, Result},
    ids::{AgentId, TransferId},
    model::{
        MAX_LIMIT, Page, Start, Window,
        agent::{Agent, AgentFilter},
        transfer::{Transfer, TransferFilter, TransferStatus},
    },
};

/// The most objects of a snapshot.
const MOST: usize = 1_000;

impl Hub {
    /// Delivers the watched objects that are not in a final state to one member.
    pub(super) async fn snapshot(
        &self,
        actor: &Actor,
        interest: &Interest,
        request: Request,
        to: &Membership,
    ) -> Result<()> {
        let items: Vec<Item> = match &interest.filter {
            Filter::Transfers(filter) => {
                let found = self.open_transfers(actor, interest, filter).await?;
                found.into_iter().map(|transfer| Item::Transfer(Arc::new(transfer))).collect()
            }
            Filter::Agents(filter) => {
                let found = self.agents(actor, interest, filter).await?;
                found.into_iter().map(|agent| Item::Agent(Arc::new(agent))).collect()
            }
            Filter::Fleet => {
                let number = self.next_taken();
                vec![Item::Fleet(Arc::new(self.cp.get_fleet(actor).await?), number)]
            }
        };
        // The group's own subscription was accepted, so this one, which is the same, is.
        let Ok((mut answers, _)) = Answers::open(&self.schema, request).await else { return Ok(()) };
        for item in items {
            let Some(answer) = answers.about(item.clone()).await else { break };
            to.group.deliver_snapshot(to.number, &item, answer.payload);
        }
        Ok(())
    }

    async fn open_transfers(
        &self,
        actor: &Actor,
        interest: &Interest,
        filter: &TransferFilter,
    ) -> Result<Vec<Transfer>> {
        let mut found = Vec::new();
        if let Some(ids) = &interest.ids {
            for id in ids.iter().take(MOST) {
                // What is not there, or not theirs, is no part of the snapshot.
                let transfer = match self.cp.get_transfer(actor, TransferId(*id)).await {
                    Err(error) if error.code() == Code::NotFound => continue,
                    transfer => transfer?,
                };
                if !transfer.status.has_ended() && filter.matches(&transfer) {
                    found.push(transfer);
                }
            }
        } else {
            // One status at a time: each has an index of its own.
            for status in [TransferStatus::Running, TransferStatus::Queued] {
                if !filter.allows(status) {
                    continue;
                }
                let filter = TransferFilter { status: vec![status], ..filter.clone() };
                let list = |window| self.cp.list_transfers(actor, &filter, window).boxed();
                walk(&mut found, |transfer: &Transfer| transfer.id.0, list).await?;
            }
        }
        found.sort_unstable_by_key(|transfer| std::cmp::Reverse(transfer.id));
        found.truncate(MOST);
        Ok(found)
    }

    async fn agents(&self, actor: &Actor, interest: &Interest, filter: &AgentFilter) -> Result<Vec<Agent>> {
        if let Some(ids) = &interest.ids {
            let ids: Vec<AgentId> = ids.iter().take(MOST).map(|id| AgentId(*id)).collect();
            let found = self.cp.find_agents(actor, &ids).await?;
            return Ok(found.into_iter().filter(|agent| filter.matches(agent)).collect());
        }
        let mut found = Vec::new();
        let list = |window| self.cp.list_agents(actor, filter, window).boxed();
        walk(&mut found, |agent: &Agent| agent.id.0, list).await?;
        Ok(found)
    }
}

/// Adds up to [`MOST`] objects of a list, window by window.
async fn walk<'a, T>(
    found: &mut Vec<T>,
    id: impl Fn(&T) -> uuid::Uuid,
    list: impl Fn(Window) -> BoxFuture<'a, Result<Page<T>>>,
) -> Result<()> {
    let (mut start, before) = (Start::Page(1), found.len());
    loop {
        let page = list(Window { start, limit: MAX_LIMIT, is_counted: false }).await?;
        let (has_more, end) = (page.has_more, page.items.last().map(&id));
        found.extend(page.items);
        match end {
            Some(end) if has_more && found.len() - before < MOST => start = Start::OlderThan(end),
            _ => return Ok(()),
        }
    }
}
