//! The dialog that backfills a job: a time range, with a preview of its slots.

use leptos::prelude::*;

use crate::{
    api::backfill::{self, BackfillPreview, BackfillSlot},
    browser, effect, format, labels,
    reactive_query::Fetch,
    time::Instant,
    ui::{Badge, FormDialog, Notice, Toasts, Tone},
    user_action::UserAction,
    zone,
};

/// The maximum number of slots in the preview.
const LISTED: usize = 8;

/// The dialog to backfill a job.
#[component]
pub(super) fn Backfill(open: RwSignal<bool>, job: String) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let job = StoredValue::new(job);
    let (from, to) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    effect::effect(move || {
        if open.get() {
            let now = browser::now();
            from.set(local(Instant(now.0 - 86_400_000)));
            to.set(local(now));
        }
    });
    let range = move || zone::minute(&from.get()).zip(zone::minute(&to.get()));
    let preview = Fetch::when(move || {
        let (from, to) = range().filter(|_| open.get())?;
        Some(backfill::preview(&job.get_value(), from, to))
    });
    let count = Memo::new(move |_| preview.read(|preview| preview.run_count).unwrap_or_default());
    let user_action = UserAction::new();
    let backfill = move |()| {
        let Some((from, to)) = untrack(range) else { return };
        user_action.run(backfill::run(&job.get_value(), from, to), move |queued| {
            open.set(false);
            let slots = format::counted(i64::try_from(queued).unwrap_or_default(), "slot");
            toasts.success(format!("{slots} will run, one after the other."));
        });
    };
    let action = move || match count.get() {
        0 => "Backfill".to_owned(),
        count => format!("Run {}", format::counted(count.into(), "slot")),
    };
    let is_blocked = move || preview.is_busy() || preview.failure().is_some() || count.get() == 0;
    view! {
        <FormDialog
            open
            title="Backfill"
            action=Signal::derive(action)
            user_action
            on_submit=backfill
            is_blocked=Signal::derive(is_blocked)
        >
            <p class="form-text">
                "Runs the past slots of a time range that did not run, oldest first. Times are in "
                {move || zone::name()} "."
            </p>
            <Moment label="From" value=from is_first=true />
            <Moment label="To" value=to />
            <div aria-live="polite" aria-busy=move || preview.is_busy().to_string()>
                {move || preview.read(|preview| view! { <Slots preview=preview.clone() /> })}
            </div>
            <Notice text=Signal::derive(move || preview.failure().map(|error| error.to_string())) />
        </FormDialog>
    }
}

/// A date and time in the zone that the user has chosen.
#[component]
fn Moment(label: &'static str, value: RwSignal<String>, #[prop(optional)] is_first: bool) -> impl IntoView {
    view! {
        <label class="field">
            <span class="field-label">{label}</span>
            <input
                class="control"
                type="datetime-local"
                required
                autofocus=is_first
                prop:value=move || value.get()
                on:change=move |event| value.set(event_target_value(&event))
            />
        </label>
    }
}

/// The slots that will run, with their current outcomes.
#[component]
fn Slots(preview: BackfillPreview) -> impl IntoView {
    let BackfillPreview { slots, run_count } = preview;
    let counted = format::counted(i64::try_from(slots.len()).unwrap_or_default(), "slot");
    let summary = match (slots.len(), run_count) {
        (0, _) => "The schedule has no slots in this range.".to_owned(),
        (_, 0) => format!("Nothing to do: all slots in this range ran ({counted})."),
        (_, count) => format!("{count} of {counted} will run. Slots that ran do not run again."),
    };
    let row = |slot: BackfillSlot| {
        let state = slot.outcome.map_or(("No record", Tone::Neutral), labels::jobs::outcome);
        let at = slot.scheduled_for;
        view! {
            <li>
                <span>{move || format::minute(at, zone::offset(at))}</span>
                <Badge state=Signal::stored(state) />
            </li>
        }
    };
    let more = usize::try_from(run_count).unwrap_or_default().saturating_sub(LISTED);
    view! {
        <p>{summary}</p>
        <ul class="backfill">
            {slots.into_iter().filter(|slot| slot.will_run).take(LISTED).map(row).collect_view()}
            {(more > 0).then(|| view! { <li class="form-text">{format!("and {more} more")}</li> })}
        </ul>
    }
}

/// An instant as `datetime-local` writes it.
fn local(instant: Instant) -> String {
    let civil = instant.civil(zone::offset(instant));
    format!("{:04}-{:02}-{:02}T{:02}:{:02}", civil.year, civil.month, civil.day, civil.hour, civil.minute)
}
