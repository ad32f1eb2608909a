//! The preview of a schedule: its description and its next times.

use leptos::prelude::*;

use crate::{
    api::{
        ApiError,
        schedule_preview::{self, SchedulePreview, ScheduledTime},
    },
    browser, format,
    reactive_query::Fetch,
    time::Instant,
    ui::Notice,
};

/// Queries the preview of a schedule. Queries it again whenever `due` changes, because the next times change then.
pub(crate) fn fetch_preview(
    schedule: Signal<String>,
    timezone: Signal<String>,
    due: impl Fn() -> Option<Instant> + 'static,
) -> Fetch<SchedulePreview> {
    Fetch::when(move || {
        due();
        let (schedule, timezone) = (schedule.get(), timezone.get());
        let is_said = !schedule.trim().is_empty() && !timezone.trim().is_empty();
        is_said.then(|| schedule_preview::preview(schedule, timezone))
    })
}

/// The description and the next times of a schedule, or why it is invalid.
#[component]
pub(crate) fn ScheduleSummary(
    preview: Fetch<SchedulePreview>,
    #[prop(into)] timezone: Signal<String>,
) -> impl IntoView {
    let shown = move || {
        preview.read(Clone::clone).map(|SchedulePreview { description, slots }| {
            view! {
                <p class="reading-words">{description}</p>
                <Times slots zone=timezone.get_untracked() />
            }
        })
    };
    view! {
        <div class="reading" id="reading" aria-busy=move || preview.is_busy().to_string()>
            <div aria-live="polite">{shown}</div>
            <Notice text=Signal::derive(move || preview.failure().map(|error| problem(&error))) />
        </div>
    }
}

/// What is wrong with a schedule or its time zone.
fn problem(error: &ApiError) -> String {
    error.problem("schedule").or_else(|| error.problem("timezone")).unwrap_or_else(|| error.to_string())
}

/// The next times, in the time zone of the schedule and in the user's.
#[component]
fn Times(slots: Vec<ScheduledTime>, zone: String) -> impl IntoView {
    let is_elsewhere = slots.iter().any(|slot| browser::utc_offset(slot.at) != i64::from(slot.utc_offset_minutes));
    let row = move |slot: ScheduledTime| {
        let there = format::minute(slot.at, slot.utc_offset_minutes.into());
        let here = is_elsewhere.then(|| view! { <td>{format::minute(slot.at, browser::utc_offset(slot.at))}</td> });
        view! { <tr><td>{there}</td>{here}</tr> }
    };
    view! {
        <table class="times">
            <caption class="visually-hidden">"Next runs"</caption>
            <thead>
                <tr>
                    <th scope="col">{format!("Next runs in {zone}")}</th>
                    {is_elsewhere.then(|| view! { <th scope="col">"In your time zone"</th> })}
                </tr>
            </thead>
            <tbody>{slots.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}
