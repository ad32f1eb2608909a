//! The card with the schedule and its time zone, and a preview of them during input.

use leptos::prelude::*;

use crate::{
    browser,
    effect::settled,
    pages::jobs::{ScheduleSummary, fetch_preview},
    ui::Card,
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

/// The fields of a schedule, with the preview.
#[component]
pub(super) fn ScheduleCard(schedule: RwSignal<String>, timezone: RwSignal<String>) -> impl IntoView {
    let choice = move |(text, name): (&'static str, &'static str)| {
        view! {
            <button type="button" class="button button-small" on:click=move |_| schedule.set(text.to_owned())>
                {name}
            </button>
        }
    };
    let (settled_schedule, settled_timezone) = (settled(schedule), settled(timezone));
    let preview = fetch_preview(settled_schedule, settled_timezone, || None);
    // The server's message begins with the name of the field.
    let is_wrong = move |field: &'static str| {
        move || preview.failure().is_some_and(|error| error.to_string().starts_with(field)).to_string()
    };
    let zones = browser::time_zones().into_iter().map(|zone| view! { <option value=zone></option> }).collect_view();
    view! {
        <Card title="When it runs">
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
                        aria-invalid=is_wrong("Schedule")
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
                        aria-invalid=is_wrong("Timezone")
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
                </div>
            </div>
        </Card>
    }
}
