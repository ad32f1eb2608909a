//! The page Activity: the event log, newest first, live.

use leptos::prelude::*;

use crate::{
    api::events::{self, Event},
    base_path::href,
    clock::Clock,
    fetch::Fetch,
    labels,
    live::Feed,
    ui::{Badge, Column, Ellipsis, Empty, Notice, PageHead, QueryResult, Rows, Table},
    user_action::UserAction,
};

/// The maximum number of events that stay on the page when newer ones arrive.
const MOST: usize = 400;

/// The columns of the table.
const COLUMNS: [Column; 4] =
    [Column::text("Event", 26), Column::text("Object", 38), Column::text("Actor", 20), Column::text("Time", 16)];

/// The event log, newest first, with new events as they happen.
#[component]
pub(crate) fn Activity() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let lines = RwSignal::new(Vec::<Event>::new());
    let older = RwSignal::new(None::<String>);
    let newest = Fetch::new(move || {
        events::list(None).map(move |page| {
            lines.try_set(page.events);
            older.try_set(page.older);
        })
    });
    let prepend = move |event: Event| {
        lines.try_update(|lines| {
            if lines.iter().all(|line| line.id != event.id) {
                lines.insert(0, event);
                lines.truncate(MOST);
            }
        });
    };
    // With older events on the page, missed events are not queried: the page would jump.
    let catch_up = move || {
        if lines.try_with_untracked(Vec::len).is_some_and(|count| count <= 60) {
            newest.reload();
        }
    };
    feed.watch(events::watch(), prepend, catch_up);
    let more = UserAction::new();
    let load_older = move |_| {
        let after = older.get_untracked();
        more.run(events::list(after), move |page| {
            lines.try_update(|lines| lines.extend(page.events));
            older.try_set(page.older);
        });
    };
    let is_empty = Memo::new(move |_| lines.with(Vec::is_empty));
    let nothing = || {
        view! {
            <Empty icon="activity" title="No events yet">
                <p>"Sign-ins, new agents and every change of a transfer's status are listed here for 30 days."</p>
            </Empty>
        }
        .into_any()
    };
    let keys = move || lines.with(|lines| lines.iter().map(|event| event.id.inner().to_owned()).collect());
    let row = move |id: String| {
        let event = lines.with_untracked(|lines| lines.iter().find(|event| event.id.inner() == id).cloned());
        event.map(|event| view! { <Line event /> }).into_any()
    };
    view! {
        <PageHead title="Activity" about=|| "All events of the last 30 days, without progress" />
        <div class="card">
            <QueryResult
                stage=Signal::derive(move || newest.stage())
                is_empty
                skeleton_rows=12
                on_retry=move |()| newest.reload()
                nothing
            >
                <Table label="Activity" columns=COLUMNS.to_vec()>
                    <Rows keys=Signal::derive(keys) row />
                </Table>
            </QueryResult>
            <Notice text=Signal::derive(move || more.failure()) />
            <Show when=move || older.with(Option::is_some)>
                <div class="card-foot">
                    <button type="button" class="button" disabled=move || more.is_busy() on:click=load_older>
                        "Show older"
                    </button>
                </div>
            </Show>
        </div>
    }
}

#[component]
fn Line(event: Event) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let state = Signal::stored(labels::events::event(&event));
    let named = |(name, address): (String, Option<String>)| match address {
        Some(address) => view! { <Ellipsis text=name href=href(address) class="cell-link" /> }.into_any(),
        None => view! { <Ellipsis text=name class="cell-text" /> }.into_any(),
    };
    view! {
        <tr>
            <td class="cell-main">
                <Badge state />
            </td>
            <td class="cell-wide" data-label="Object">{named(labels::events::subject(&event))}</td>
            <td class="cell-quiet" data-label="Actor">
                {named(labels::events::actor(&event.actor))}
            </td>
            <td class="cell-quiet" data-label="Time">
                {clock.moment(event.at)}
            </td>
        </tr>
    }
}
