//! The names of the users and agents that caused events, queried once each.

use std::collections::{HashMap, HashSet};

use leptos::prelude::*;

use crate::{
    api::{
        ApiError,
        events::{self, Event},
    },
    effect::effect,
    labels::events::unnamed_actor,
    session::Session,
};

/// The names by id. `None` means that there is no name, or that it is not loaded yet. A handle: copies share the same
/// names.
#[derive(Clone, Copy)]
pub(super) struct Actors(RwSignal<HashMap<String, Option<String>>>);

impl Actors {
    /// Queries the names for the events in `lines`, and for events that are added later.
    pub(super) fn follow(lines: RwSignal<Vec<Event>>) -> Self {
        let session = expect_context::<Session>();
        let names = RwSignal::new(HashMap::new());
        let asked = StoredValue::new(HashSet::<String>::new());
        effect(move || {
            let ids: HashSet<String> =
                lines.with(|lines| lines.iter().filter_map(unnamed_actor).map(str::to_owned).collect());
            for id in ids {
                let is_new = asked.try_update_value(|asked| asked.insert(id.clone()));
                if is_new == Some(true) {
                    session.execute(events::actor_name(&id), move |name| match name {
                        // The name is queried again when the next event arrives.
                        Err(ApiError::Unreachable | ApiError::RateLimited(_)) => {
                            asked.try_update_value(|asked| asked.remove(&id));
                        }
                        name => {
                            names.try_update(|names| names.insert(id, name.ok().flatten()));
                        }
                    });
                }
            }
        });
        Self(names)
    }

    /// The queried name of the actor of an event, if it is known. Reactive.
    pub(super) fn name(self, event: &Event) -> Option<String> {
        let id = unnamed_actor(event)?;
        self.0.with(|names| names.get(id).cloned().flatten())
    }
}
