//! What became of each slot, as a strip of a calendar: a line for each day, a mark for each slot.
//!
//! The strip is one stop of the Tab key; within it the arrow keys go from slot to slot. What the mark under the pointer or
//! the focus stands for is written below.

use leptos::{ev::KeyboardEvent, prelude::*};

use crate::{
    api::{
        runs::JobRun,
        slots::{self, JobSlot, Outcome, SLOTS},
    },
    browser,
    clock::Clock,
    effect::effect,
    fetch::Fetch,
    format,
    ui::{Card, Empty, Loaded},
    words,
};

/// The card.
#[component]
pub(super) fn Ledger(
    job: String,
    /// The run that moved last.
    moved: RwSignal<Option<JobRun>>,
    /// Changes when a slot was decided.
    decided: Memo<i32>,
) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let id = StoredValue::new(job);
    let page = RwSignal::new(1);
    let found = Fetch::new(move || slots::list(&id.get_value(), page.get()));
    // A start that no agent fetches is given up without a word of the job or its runs: so look now and then.
    let half_minute = Memo::new(move |_| clock.now().0 / 30_000);
    let status = Memo::new(move |_| moved.with(|run| run.as_ref().map(|run| (run.id.clone(), run.status))));
    Effect::new(move |before: Option<()>| {
        (half_minute.track(), status.track(), decided.track());
        if before.is_some() {
            found.reload();
        }
    });
    let lines = Memo::new(move |_| found.read(|page| page.items.clone()).unwrap_or_default());
    let has_earlier =
        move || found.read(|found| found.total_is_at_least || page.get() * SLOTS < found.total).unwrap_or_default();
    let has_earlier = Memo::new(move |_| has_earlier());
    let turn = move || {
        view! {
            <span class="turns">
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
                    disabled=move || page.get() == 1
                    on:click=move |_| page.update(|page| *page -= 1)
                >
                    "Later"
                </button>
            </span>
        }
    };
    let nothing = || view! { <Empty icon="jobs" title="No slot has come yet"><p>"What becomes of each time of the schedule is shown here."</p></Empty> };
    view! {
        <Card title="Slots" aside=turn>
            <Loaded
                stage=Signal::derive(move || found.stage())
                is_empty=Memo::new(move |_| lines.with(Vec::is_empty))
                bones=2
                on_retry=move |()| found.reload()
                nothing
            >
                <Strip job=id.get_value() lines />
            </Loaded>
        </Card>
    }
}

/// The lines of the days, newest day first, each from morning to evening.
#[component]
fn Strip(job: String, lines: Memo<Vec<JobSlot>>) -> impl IntoView {
    let strip = NodeRef::<leptos::html::Div>::new();
    // The slot that is described, and that the Tab key comes to; the newest at first.
    let chosen = RwSignal::new(None::<String>);
    let newest = Memo::new(move |_| lines.with(|lines| lines.first().map(|line| line.id.inner().to_owned())));
    let current = Memo::new(move |_| {
        let chosen = chosen.get().filter(|id| lines.with(|lines| lines.iter().any(|line| line.id.inner() == id)));
        chosen.or_else(|| newest.get())
    });
    effect(move || {
        // Follow the arrow keys with the focus, but never take it from elsewhere.
        let Some(strip) = strip.get() else { return };
        let has_focus = document().active_element().is_some_and(|element| strip.contains(Some(&element)));
        if let Some(id) = chosen.get()
            && has_focus
        {
            browser::focus(&format!("slot-{id}"));
        }
    });
    let step = move |event: KeyboardEvent| {
        let in_order: Vec<_> =
            lines.with_untracked(|lines| lines.iter().rev().map(|line| line.id.inner().to_owned()).collect());
        let at = current.get_untracked().and_then(|id| in_order.iter().position(|known| *known == id)).unwrap_or(0);
        let to = match event.key().as_str() {
            "ArrowLeft" => at.saturating_sub(1),
            "ArrowRight" => (at + 1).min(in_order.len().saturating_sub(1)),
            "Home" => 0,
            "End" => in_order.len().saturating_sub(1),
            _ => return,
        };
        event.prevent_default();
        chosen.set(in_order.get(to).cloned());
    };
    let days = move || lines.with(|lines| days(lines, |slot| browser::utc_offset(slot.scheduled_for)));
    let mark = move |slot: JobSlot| {
        let id = slot.id.inner().to_owned();
        let (mine, hovered, focused) = (id.clone(), id.clone(), id.clone());
        let (word, _) = words::jobs::outcome(slot.outcome);
        let range = slot.count.map(|count| format!("×{}", format::count(count.into())));
        view! {
            <button
                type="button"
                id=format!("slot-{id}")
                class="slot"
                data-outcome=word
                aria-label=words::jobs::slot(&slot, Clock::full_moment)
                tabindex=move || if current.get().as_deref() == Some(mine.as_str()) { "0" } else { "-1" }
                on:mouseenter=move |_| chosen.set(Some(hovered.clone()))
                on:focus=move |_| chosen.set(Some(focused.clone()))
            >
                {range}
            </button>
        }
    };
    let day = move |(name, slots): (String, Vec<JobSlot>)| {
        let label = name.clone();
        view! {
            <div class="strip-day" role="group" aria-label=label>
                <span class="strip-name" aria-hidden="true">
                    {name}
                </span>
                <span class="strip-slots">{slots.into_iter().map(mark).collect_view()}</span>
            </div>
        }
    };
    let described = move || {
        let id = current.get()?;
        let slot = lines.with(|lines| lines.iter().find(|line| line.id.inner() == id).cloned())?;
        let run = slot.run_id.as_ref().map(|run| {
            let address = format!("/jobs/{job}/runs/{}", run.inner());
            view! { <a href=address>"Open its run"</a> }
        });
        Some(view! { <span>{words::jobs::slot(&slot, Clock::full_moment)}</span> {run} })
    };
    let legend = [Outcome::Ran, Outcome::Skipped, Outcome::Missed, Outcome::Coalesced].map(|outcome| {
        let (word, _) = words::jobs::outcome(outcome);
        view! { <li><span class="slot" data-outcome=word></span>{word}</li> }
    });
    view! {
        <div class="strip" node_ref=strip on:keydown=step>
            {move || days().into_iter().map(day).collect_view()}
        </div>
        <p class="strip-said">{described}</p>
        <ul class="strip-legend" aria-label="Meaning of the marks">
            {legend}
        </ul>
    }
}

/// The slots by their days: the newest day first, each day's slots in order.
fn days(lines: &[JobSlot], offset: impl Fn(&JobSlot) -> i64) -> Vec<(String, Vec<JobSlot>)> {
    let mut days: Vec<(String, Vec<JobSlot>)> = Vec::new();
    for line in lines {
        let name = format::day(line.scheduled_for, offset(line));
        match days.last_mut() {
            Some((known, slots)) if *known == name => slots.insert(0, line.clone()),
            _ => days.push((name, vec![line.clone()])),
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    #[test]
    fn slots_stand_in_the_order_of_the_clock_and_days_newest_first() {
        let slot = |id: &str, hours: i64| JobSlot {
            id: cynic::Id::new(id),
            scheduled_for: Instant(hours * 3_600_000),
            outcome: Outcome::Ran,
            reason: None,
            run_id: None,
            from: None,
            count: None,
        };
        let shown: Vec<(String, String)> = days(&[slot("d", 30), slot("c", 25), slot("b", 23), slot("a", 1)], |_| 0)
            .into_iter()
            .map(|(name, slots)| (name, slots.iter().map(|slot| slot.id.inner()).collect()))
            .collect();
        let expected = [("Fri, 2 Jan 1970", "cd"), ("Thu, 1 Jan 1970", "ab")];
        assert_eq!(shown, expected.map(|(name, slots)| (name.to_owned(), slots.to_owned())));
    }
}
