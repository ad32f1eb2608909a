//! Computed states, for `fleetUpdated` and `attentionUpdated`: each is computed from many objects, and computed again
//! after a change, at most once a second.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    Hub,
    change::{Change, Topic, Update},
    shared_subscription::SharedSubscription,
};
use crate::{
    actor::{Actor, Scope},
    error::Result,
    events::{Invalidation, Message, Signal},
    model::{attention::Attention, fleet::Fleet},
};

/// The shortest time between two reads.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time between two reads. Speeds decay and runs become late without a change, and the status of agents of
/// other servers changes.
const MAX_INTERVAL: Duration = Duration::from_secs(5);

/// A state that is computed from many objects.
#[derive(Clone, Debug)]
pub(super) enum ComputedState {
    Fleet(Arc<Fleet>),
    Attention(Arc<Attention>),
}

impl ComputedState {
    /// Whether a subscriber sees a difference, apart from the time at which the state was computed.
    fn differs(&self, last: &Self) -> bool {
        match (self, last) {
            (Self::Fleet(fleet), Self::Fleet(last)) => Fleet { at: fleet.at, ..**last } != **fleet,
            (Self::Attention(attention), Self::Attention(last)) => attention.items != last.items,
            _ => true,
        }
    }

    fn change(self, number: i64) -> Change {
        match self {
            Self::Fleet(fleet) => Change::Fleet(fleet, number),
            Self::Attention(attention) => Change::Attention(attention, number),
        }
    }

    /// The update with which a snapshot sends this state. `number` is the number of the read that returned the state.
    pub(super) fn update(self, number: i64) -> Update {
        self.change(number).update()
    }
}

impl Hub {
    /// Computes the state of a subscription repeatedly until the subscription ends, and notifies the subscription when
    /// the state has changed.
    pub(super) async fn follow_computed_state(&self, actor: &Actor, subscription: &SharedSubscription) {
        let following = async {
            let mut last: Option<ComputedState> = None;
            let (mut has_changed, mut has_notified) = (false, false);
            loop {
                let began = Instant::now();
                let number = self.next_state_number();
                // While the store is not available there is nothing to send.
                if let Ok(Some(state)) = self.compute(actor, subscription.topic).await {
                    let differs = last.as_ref().is_some_and(|last| state.differs(last));
                    // The first read may hold a change already that the client's own query has not seen.
                    if differs || (has_changed && !has_notified) {
                        has_notified = true;
                        subscription.notify(&state.clone().change(number));
                    }
                    last = Some(state);
                }
                // The next read happens at the latest then, even without a change.
                has_changed = timeout_at(began + MAX_INTERVAL, subscription.state_changed.notified()).await.is_ok();
                sleep_until(began + MIN_INTERVAL).await;
            }
        };
        tokio::select! {
            () = subscription.end.cancelled() => {}
            () = following => {}
        }
    }

    /// Lets the subscriptions of `attentionUpdated` compute their state again if an attention item was snoozed or its
    /// snooze was ended. These changes are not events, so only the invalidations of the message tell of them.
    pub(super) fn read_invalidated_states(&self, message: &Arc<Message>) {
        for invalidation in &message.invalidations {
            let Invalidation::Attention(customer) = invalidation else { continue };
            // The task that invalidates the cache may receive the message later.
            self.cp.invalidate(&Signal::Message(Arc::clone(message)));
            let scopes = [Some(Scope::All), customer.map(Scope::Customer)];
            let subscriptions = self.subscriptions();
            let concerned = scopes.into_iter().flatten().filter_map(|scope| subscriptions.by_scope.get(&scope));
            let concerned = concerned.flat_map(HashMap::values);
            for subscription in concerned.filter(|subscription| subscription.topic == Topic::Attention) {
                subscription.state_changed.notify_one();
            }
        }
    }

    /// Computes the current state of a topic; `None` unless the topic has a computed state.
    pub(super) async fn compute(&self, actor: &Actor, topic: Topic) -> Result<Option<ComputedState>> {
        Ok(match topic {
            Topic::Fleet => Some(ComputedState::Fleet(Arc::new(self.cp.get_fleet(actor).await?))),
            Topic::Attention => Some(ComputedState::Attention(Arc::new(self.cp.get_attention(actor).await?))),
            Topic::Transfers | Topic::Agents | Topic::Jobs | Topic::JobRuns | Topic::PipelineRuns => None,
        })
    }
}
