//! The card with the schedule and its time zone, and a preview of both during input.

use leptos::prelude::*;

use super::problems::Problems;
use crate::{
    browser,
    effect::{debounced, effect},
    pages::jobs::{ScheduleSummary, fetch_preview},
    ui::{Card, Message},
};

/// Common schedules.
const COMMON: [(&str, &str); 6] = [
    ("* * * * *", "Every minute"),
    ("*/15 * * * *", "Every 15 minutes"),
    ("@hourly", "Every hour"),
    ("0 2 * * *", "Every night at 2"),
    ("0 9 * * mon-fri", "Weekdays at 9"),
    ("0 0 1 * *", "First of the month"),
];

/// The names in the API of the fields of a schedule.
const FIELDS: [&str; 2] = ["schedule", "timezone"];

/// The fields of a schedule, with the preview.
#[component]
pub(super) fn ScheduleCard(
    schedule: RwSignal<String>,
    timezone: RwSignal<String>,
    problems: Problems,
) -> impl IntoView {
    let choice = move |(text, name): (&'static str, &'static str)| {
        view! {
            <button type="button" class="button button-small" on:click=move |_| schedule.set(text.to_owned())>
                {name}
            </button>
        }
    };
    let (settled_schedule, settled_timezone) = (debounced(schedule), debounced(timezone));
    let preview = fetch_preview(settled_schedule, settled_timezone, || None);
    // The preview shows what is wrong with the values. Saving may find further problems; these are shown until one of
    // the values is changed.
    let refused = RwSignal::new(None::<(String, String)>);
    let texts = move || (schedule.get(), timezone.get());
    effect(move || {
        let is_refused = FIELDS.into_iter().any(|field| problems.of(field).with(Option::is_some));
        refused.set(is_refused.then(|| untrack(texts)));
    });
    let saved = move |field: &'static str| {
        let problem = problems.of(field);
        move || problem.get().filter(|_| refused.get() == Some(texts()))
    };
    let is_wrong = move |field: &'static str| {
        let saved = saved(field);
        move || {
            let is_wrong = preview.failure().is_some_and(|error| error.problem(field).is_some());
            (is_wrong || saved().is_some()).to_string()
        }
    };
    let not_saved = move || {
        let found = FIELDS.into_iter().filter_map(|field| saved(field)());
        let found: Vec<String> = found.filter(|_| preview.failure().is_none()).collect();
        (!found.is_empty()).then(|| view! { <p class="field-problem"><Message text=found.join(" ") /></p> })
    };
    let zones = browser::time_zones().into_iter().map(|zone| view! { <option value=zone></option> }).collect_view();
    view! {
        <Card title="Schedule">
            <div class="sheet-fields">
                <label class="field">
                    <span class="field-label">"Schedule"</span>
                    <input
                        class="control control-code"
                        type="text"
                        required
                        maxlength=255
                        autocomplete="off"
                        spellcheck="false"
                        aria-describedby="reading"
                        aria-invalid=is_wrong("schedule")
                        prop:value=move || schedule.get()
                        on:input=move |event| schedule.set(event_target_value(&event))
                    />
                    <span class="field-hint">
                        "Minute, hour, day of month, month, day of week, as in cron"
                    </span>
                </label>
                <label class="field">
                    <span class="field-label">"Time zone"</span>
                    <input
                        class="control"
                        type="text"
                        list="time-zones"
                        required
                        maxlength=64
                        autocomplete="off"
                        spellcheck="false"
                        aria-describedby="reading"
                        aria-invalid=is_wrong("timezone")
                        prop:value=move || timezone.get()
                        on:input=move |event| timezone.set(event_target_value(&event))
                    />
                    <datalist id="time-zones">{zones}</datalist>
                </label>
                <div class="sheet-wide choices" role="group" aria-label="Common schedules">
                    {COMMON.map(choice).collect_view()}
                </div>
                <div class="sheet-wide">
                    <ScheduleSummary preview timezone=settled_timezone />
                    {not_saved}
                </div>
            </div>
        </Card>
    }
}
