//! The slot history with the next slots, as a strip: a line for each day, month or year, and a mark for each slot.
//!
//! The strip is one tab stop; the arrow keys move from slot to slot. A text below the strip describes the slot under
//! the pointer or the focus.

mod marks;

use leptos::{ev::KeyboardEvent, prelude::*};

use self::marks::{Mark, lines};
use crate::{
    api::{Page, slots::SLOTS},
    base_path::href,
    browser,
    clock::Clock,
    effect::effect,
    labels::slots::{Slot, State},
    reactive_query::Fetch,
    time::Instant,
    ui::{Card, Empty, Message, QueryResult, Rows, plain},
    zone,
};

/// The slot history as a strip, with the next slots.
#[component]
pub(super) fn SlotHistory(
    /// The page of the slot history that is shown.
    found: Fetch<Page<Slot>>,
    /// The number of that page, from 1. The query of `found` must depend on it.
    page: RwSignal<i32>,
    /// The next scheduled times; empty while the schedule is paused.
    coming: Signal<Vec<Instant>>,
    /// The address of the pages of runs, without the id of a run.
    #[prop(into)]
    runs: String,
) -> impl IntoView {
    let clock = expect_context::<Clock>();
    // The history is also queried every half minute: when a start expires because no agent has fetched it, neither the
    // job nor a run changes.
    let half_minute = Memo::new(move |_| clock.now().0 / 30_000);
    Effect::watch(move || half_minute.get(), move |_, _, _| found.reload(), false);
    let marks = Memo::new(move |_| {
        let decided = found.read(|page| page.items.clone()).unwrap_or_default();
        let coming = if page.get() == 1 { coming.get() } else { Vec::new() };
        marks::marks(&runs, &decided, &coming)
    });
    let has_earlier = Memo::new(move |_| {
        found.read(|found| found.total_is_at_least || page.get() * SLOTS < found.total).unwrap_or_default()
    });
    let has_later = Memo::new(move |_| page.get() > 1);
    let has_pages = Memo::new(move |_| has_earlier.get() || has_later.get());
    let pages = move || {
        has_pages.get().then(|| {
            view! {
                <span class="slot-pages">
                    <button
                        type="button"
                        class="button button-small"
                        disabled=move || !has_earlier.get()
                        on:click=move |_| page.update(|page| *page += 1)
                    >
                        "Earlier"
                    </button>
                    <button
                        type="button"
                        class="button button-small"
                        disabled=move || !has_later.get()
                        on:click=move |_| page.update(|page| *page -= 1)
                    >
                        "Later"
                    </button>
                </span>
            }
        })
    };
    let nothing = || {
        view! {
            <Empty icon="jobs" title="No slots yet">
                <p>"The outcome of each scheduled time is shown here."</p>
            </Empty>
        }
    };
    view! {
        <Card title="Slots" aside=pages>
            <QueryResult
                stage=Signal::derive(move || found.stage())
                is_empty=Memo::new(move |_| marks.with(Vec::is_empty))
                skeleton_rows=2
                on_retry=move |()| found.reload()
                nothing
            >
                <Strip marks />
            </QueryResult>
        </Card>
    }
}

/// The lines, newest first; within a line, slots are in the order of time.
#[component]
fn Strip(
    /// The marks, newest first.
    marks: Memo<Vec<Mark>>,
) -> impl IntoView {
    let strip = NodeRef::<leptos::html::Div>::new();
    // The slot that is described and that the Tab key moves to; at first the newest slot with an outcome.
    let chosen = RwSignal::new(None::<String>);
    let current = Memo::new(move |_| {
        let chosen = chosen.get();
        marks.with(|marks| {
            let is_chosen = |mark: &&Mark| Some(&mark.id) == chosen.as_ref();
            let mark = marks.iter().find(is_chosen).or_else(|| marks.iter().find(|mark| !mark.is_coming));
            mark.or(marks.last()).cloned()
        })
    });
    let current_id = Memo::new(move |_| current.with(|mark| mark.as_ref().map(|mark| mark.id.clone())));
    effect(move || {
        // The focus follows the chosen slot, but is never taken from an element outside the strip.
        let Some(strip) = strip.get() else { return };
        let has_focus = document().active_element().is_some_and(|element| strip.contains(Some(&element)));
        if let Some(id) = chosen.get()
            && has_focus
        {
            browser::focus(&id);
        }
    });
    let step = move |event: KeyboardEvent| {
        let ids: Vec<_> = marks.with_untracked(|marks| marks.iter().rev().map(|mark| mark.id.clone()).collect());
        let last = ids.len().saturating_sub(1);
        let at = current_id.get_untracked().and_then(|id| ids.iter().position(|known| *known == id)).unwrap_or(0);
        let to = match event.key().as_str() {
            "ArrowLeft" => at.saturating_sub(1),
            "ArrowRight" => (at + 1).min(last),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        chosen.set(ids.get(to).cloned());
    };
    let in_lines = Memo::new(move |_| marks.with(|marks| lines(marks, zone::offset)));
    let names = move || in_lines.with(|lines| lines.iter().map(|(name, _)| name.clone()).collect());
    let mark = move |id: String| view! { <SlotMark id marks chosen current=current_id /> }.into_any();
    let line = move |name: String| {
        let (wanted, label) = (name.clone(), name.clone());
        let ids = move || {
            let of_line = |lines: &Vec<(String, Vec<String>)>| lines.iter().find(|(name, _)| *name == wanted).cloned();
            in_lines.with(of_line).map(|(_, ids)| ids).unwrap_or_default()
        };
        view! {
            <div class="strip-line" role="group" aria-label=label>
                <span class="strip-name" aria-hidden="true">
                    {name}
                </span>
                <span class="strip-slots">
                    <Rows keys=Signal::derive(ids) row=mark />
                </span>
            </div>
        }
        .into_any()
    };
    let described = move || {
        current.get().map(|mark| {
            let run = mark.run.map(|address| view! { <a href=href(address)>"Open run"</a> });
            view! { <span><Message text=mark.description /></span> {run} }
        })
    };
    let legend = Memo::new(move |_| marks.with(|marks| marks::legend(marks)));
    let meaning = |(word, sign, tone): State| {
        view! {
            <li>
                <span class="slot" data-tone=tone.name() data-coming=sign.is_empty().to_string()>
                    {sign}
                </span>
                {word}
            </li>
        }
    };
    view! {
        <div class="strip" node_ref=strip on:keydown=step>
            <Rows keys=Signal::derive(names) row=line />
        </div>
        <p class="strip-said">{described}</p>
        <ul class="strip-legend" aria-label="Legend of the slot history">
            {move || legend.get().into_iter().map(meaning).collect_view()}
        </ul>
    }
}

/// One mark. Its element stays the same when its slot gets an outcome, and while the slot's run changes.
#[component]
fn SlotMark(
    id: String,
    marks: Memo<Vec<Mark>>,
    chosen: RwSignal<Option<String>>,
    current: Memo<Option<String>>,
) -> impl IntoView {
    let own = id.clone();
    let mark = Memo::new(move |_| marks.with(|marks| marks.iter().find(|mark| mark.id == own).cloned()));
    let read = move |read: fn(&Mark) -> String| move || mark.with(|mark| mark.as_ref().map(read).unwrap_or_default());
    let (own, pointed, focused) = (id.clone(), id.clone(), id.clone());
    let stop = move || if current.with(|current| current.as_ref() == Some(&own)) { "0" } else { "-1" };
    view! {
        <button
            type="button"
            id=id
            class="slot"
            data-tone=read(|mark| mark.state.2.name().to_owned())
            data-coming=read(|mark| mark.is_coming.to_string())
            aria-label=read(|mark| plain(&mark.description))
            tabindex=stop
            on:mouseenter=move |_| chosen.set(Some(pointed.clone()))
            on:focus=move |_| chosen.set(Some(focused.clone()))
        >
            {read(|mark| mark.sign.clone())}
        </button>
    }
}
