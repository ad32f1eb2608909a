//! The page Activity: the event log, newest first, live, with a filter in the URL.

use leptos::prelude::*;

use super::event_actors::Actors;
use super::{list_url_parameters::ListQuery, saved_views_menu::SavedViewsMenu};
use crate::{
    api::events::{self, Event, EventPage},
    base_path::href,
    clock::Clock,
    effect::effect,
    format,
    labels::{
        self,
        events::{PARTS, Part},
    },
    live::Feed,
    reactive_query::Fetch,
    ui::{Badge, Column, Ellipsis, Empty, Notice, PageHead, QueryResult, Rows, Select, Table, plain},
    user_action::UserAction,
};

/// The maximum number of events that stay on the page when newer ones arrive.
const MOST: usize = 400;
/// While a filter shows fewer events than this, older pages are searched.
const ENOUGH: usize = 20;
/// The maximum number of pages that are searched before the user must click again.
const MOST_PAGES: u32 = 10;

/// The columns of the table.
const COLUMNS: [Column; 4] =
    [Column::text("Event", 26), Column::text("Object", 38), Column::text("Actor", 20), Column::text("Time", 16)];

/// The event log, newest first, with new events as they happen.
#[component]
pub(crate) fn Activity() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let query = ListQuery::of("/activity", 100);
    let show = Memo::new(move |_| query.get("show").unwrap_or_default());
    let part = Memo::new(move |_| show.with(|show| labels::value_of(&PARTS, show)));
    let lines = RwSignal::new(Vec::<Event>::new());
    let older = RwSignal::new(None::<String>);
    // The maximum number of events on the page; higher than `MOST` after the user has asked for older events.
    let most = StoredValue::new(MOST);
    let take = move |page: EventPage| {
        let is_joined = lines.try_update(|lines| {
            let (all, is_joined) = join(std::mem::take(lines), page.events);
            *lines = all;
            is_joined
        });
        if is_joined == Some(false) {
            older.try_set(page.older);
        }
    };
    let newest = Fetch::new(move || events::list(None).map(take));
    let prepend = move |event: Event| {
        let Some(most) = most.try_get_value() else { return };
        let end = lines.try_update(|lines| {
            if lines.iter().all(|line| line.id != event.id) {
                lines.insert(0, event);
            }
            cut(lines, most)
        });
        if let Some(end) = end.flatten() {
            older.set(Some(end));
        }
    };
    feed.watch(events::watch(), prepend, move || newest.reload());
    let more = UserAction::new();
    let load_older = move || {
        if let Some(after) = older.get_untracked() {
            more.run(events::list(Some(after.clone())), move |page| {
                // The oldest event on the page may have changed meanwhile.
                if older.try_get_untracked().flatten() != Some(after) {
                    return;
                }
                let count = lines.try_update(|lines| {
                    lines.extend(page.events);
                    lines.len()
                });
                most.try_update_value(|most| *most = count.unwrap_or(0).max(*most));
                older.try_set(page.older);
            });
        }
    };
    let visible = Memo::new(move |_| {
        let part = part.get();
        let is_visible = |event: &&Event| part.is_none_or(|part| part.holds(event));
        let ids = |lines: &Vec<Event>| {
            lines.iter().filter(is_visible).map(|event| event.id.inner().to_owned()).collect::<Vec<_>>()
        };
        lines.with(ids)
    });
    let pages = search_back(part, visible, older, more, load_older);
    let actors = Actors::follow(lines);
    let row = move |id: String| {
        let event = lines.with_untracked(|lines| lines.iter().find(|event| event.id.inner() == id).cloned());
        event.map(|event| view! { <Line event actors /> }).into_any()
    };
    let nothing = move || no_events(part.get().is_some());
    view! {
        <PageHead title="Activity" about=|| "All events of the last 30 days, without progress" />
        <Filter query show />
        <div class="card">
            <div class="table-tools table-tools-end">
                <SavedViewsMenu query noun="events" />
            </div>
            <QueryResult
                stage=Signal::derive(move || newest.stage())
                is_empty=Memo::new(move |_| visible.with(Vec::is_empty))
                skeleton_rows=12
                on_retry=move |()| newest.reload()
                nothing
            >
                <Table label="Activity" columns=COLUMNS.to_vec()>
                    <Rows keys=Signal::derive(move || visible.get()) row />
                </Table>
            </QueryResult>
            <Notice text=Signal::derive(move || more.failure()) />
            <Foot part lines older>
                <button
                    type="button"
                    class="button"
                    disabled=move || more.is_busy()
                    on:click=move |_| {
                        pages.set(0);
                        load_older();
                    }
                >
                    "Show older"
                </button>
            </Foot>
        </div>
    }
}

/// The placeholder of an empty list of events.
fn no_events(is_filtered: bool) -> AnyView {
    if is_filtered {
        return view! { <Empty icon="search" title="No matching events among those searched so far" /> }.into_any();
    }
    view! {
        <Empty icon="activity" title="No events yet">
            <p>"Sign-ins, new agents and every change of a transfer's status are listed here for 30 days."</p>
        </Empty>
    }
    .into_any()
}

/// Joins `newest`, the result of a query, with the events on the page; both have the newest event first. If they have
/// no event in common, events between the two may be missing. Then only those events of the page stay that are newer
/// than the query. Returns the joined events, and whether the two had an event in common.
fn join(lines: Vec<Event>, newest: Vec<Event>) -> (Vec<Event>, bool) {
    let is_queried = |line: &Event| newest.iter().any(|event| event.id == line.id);
    let meeting = lines.iter().position(is_queried);
    // Ids do not have the order of the log, so times are compared.
    let is_newer = |line: &Event| newest.first().is_none_or(|first| line.at >= first.at);
    let (mut ahead, mut behind) = (Vec::new(), Vec::new());
    for (place, line) in lines.into_iter().enumerate().filter(|(_, line)| !is_queried(line)) {
        match meeting {
            Some(meeting) if place > meeting => behind.push(line),
            None if !is_newer(&line) => {}
            _ => ahead.push(line),
        }
    }
    (ahead.into_iter().chain(newest).chain(behind).collect(), meeting.is_some())
}

/// Removes the oldest events if there are more than `most`. Returns the id of the last remaining event, which is the
/// cursor of the older ones; `None` if nothing was removed.
fn cut(lines: &mut Vec<Event>, most: usize) -> Option<String> {
    if lines.len() <= most {
        return None;
    }
    lines.truncate(most);
    lines.last().map(|last| last.id.inner().to_owned())
}

/// Loads older pages while a filter shows fewer than [`ENOUGH`] events. Returns the number of pages that were loaded
/// since the last click or change of the filter.
fn search_back(
    part: Memo<Option<Part>>,
    visible: Memo<Vec<String>>,
    older: RwSignal<Option<String>>,
    more: UserAction,
    load_older: impl Fn() + Copy + 'static,
) -> RwSignal<u32> {
    let pages = RwSignal::new(0);
    Effect::watch(move || part.get(), move |_, _, _| pages.set(0), false);
    effect(move || {
        let is_wanted = part.get().is_some() && visible.with(Vec::len) < ENOUGH && older.with(Option::is_some);
        if is_wanted && !more.is_busy() && more.failure().is_none() && pages.get() < MOST_PAGES {
            pages.update(|pages| *pages += 1);
            load_older();
        }
    });
    pages
}

/// The buttons that choose a part of the log.
#[component]
fn Filter(query: ListQuery, show: Memo<String>) -> impl IntoView {
    let change = move |show: String| query.change([("show", show)]);
    let all = (String::new(), "All events".to_owned());
    let named = PARTS.iter().map(|(_, name, label)| ((*name).to_owned(), (*label).to_owned()));
    let options: Vec<_> = [all].into_iter().chain(named).collect();
    view! {
        <form class="filters" role="search" aria-label="Filter events" on:submit=|event| event.prevent_default()>
            <Select label="Show" options chosen=show on_choose=change />
        </form>
    }
}

/// The button that shows older events, and a text about how far back a filter has searched.
#[component]
fn Foot(
    part: Memo<Option<Part>>,
    lines: RwSignal<Vec<Event>>,
    older: RwSignal<Option<String>>,
    children: ChildrenFn,
) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let searched = move || {
        let oldest = part.get().and_then(|_| lines.with(|lines| lines.last().map(|event| event.at)))?;
        let count = format::counted(i64::try_from(lines.with(Vec::len)).unwrap_or(i64::MAX), "event");
        Some(view! { <span class="cell-quiet">{format!("Searched {count}, back to {}", clock.moment(oldest))}</span> })
    };
    view! {
        <Show when=move || older.with(Option::is_some)>
            <div class="card-foot">{searched} {children()}</div>
        </Show>
    }
}

#[component]
fn Line(event: Event, actors: Actors) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let state = Signal::stored(labels::events::event(&event));
    let named = |(name, address): (String, Option<String>)| match address {
        Some(address) => view! { <Ellipsis text=name href=href(address) class="cell-link" /> }.into_any(),
        None => view! { <Ellipsis text=name class="cell-text" /> }.into_any(),
    };
    let cause = labels::events::cause(&event).map(plain).map(|cause| {
        view! {
            <span class="cell-why" data-tone=state.get_untracked().1.name()>
                <Ellipsis text=cause class="cell-text" />
            </span>
        }
    });
    let (subject, at) = (labels::events::subject(&event), event.at);
    let actor = move || named(labels::events::actor(&event, actors.name(&event)));
    view! {
        <tr>
            <td class="cell-main">
                <Badge state />
            </td>
            <td class="cell-wide" data-label="Object">{named(subject)} {cause}</td>
            <td class="cell-quiet" data-label="Actor">
                {actor}
            </td>
            <td class="cell-quiet" data-label="Time">
                {move || clock.moment(at)}
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::events::{EventKind, Object},
        time::Instant,
    };

    fn events(ids: &[&str]) -> Vec<Event> {
        let event = |id: &&str| Event {
            id: cynic::Id::new(*id),
            kind: EventKind::Unknown,
            at: Instant(id.parse().unwrap()),
            actor: "system".to_owned(),
            object_id: cynic::Id::new("o"),
            object: Object::Other,
        };
        ids.iter().map(event).collect()
    }

    fn ids(lines: &[Event]) -> Vec<&str> {
        lines.iter().map(|line| line.id.inner()).collect()
    }

    #[test]
    fn missed_events_are_put_between_those_on_the_page() {
        let (all, is_joined) = join(events(&["7", "3", "2", "1"]), events(&["6", "5", "4", "3"]));
        assert_eq!((ids(&all), is_joined), (vec!["7", "6", "5", "4", "3", "2", "1"], true));
    }

    #[test]
    fn a_page_with_a_hole_is_not_kept() {
        let (all, is_joined) = join(events(&["9", "2", "1"]), events(&["8", "7"]));
        assert_eq!((ids(&all), is_joined), (vec!["9", "8", "7"], false));
        let (all, is_joined) = join(Vec::new(), events(&["2", "1"]));
        assert_eq!((ids(&all), is_joined), (vec!["2", "1"], false));
    }

    #[test]
    fn older_events_are_asked_for_from_the_end_of_what_is_left() {
        let mut lines = events(&["3", "2", "1"]);
        assert_eq!(cut(&mut lines, 3), None);
        assert_eq!(cut(&mut lines, 2).as_deref(), Some("2"));
        assert_eq!(ids(&lines), ["3", "2"]);
    }
}
