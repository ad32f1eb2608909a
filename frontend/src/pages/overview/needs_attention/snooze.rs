//! The dialog that snoozes an attention item, with a reason and an end.

use leptos::prelude::*;

use super::Board;
use crate::{
    api::attention,
    browser,
    clock::Clock,
    effect::effect,
    time::Instant,
    ui::{Field, FormDialog, Message, Select},
    user_action::UserAction,
    zone,
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The end times to choose from: name, label.
const ENDS: [(&str, &str); 4] =
    [("1h", "In 1 hour"), ("4h", "In 4 hours"), ("tomorrow", "Tomorrow at 08:00"), ("other", "At another time")];

/// The dialog.
#[component]
pub(super) fn SnoozeDialog() -> impl IntoView {
    let board = expect_context::<Board>();
    let clock = expect_context::<Clock>();
    let Board { attention: items, session, toasts, .. } = board;
    let (reason, other) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let end = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<String>);
    let snoozing = UserAction::new();
    effect(move || {
        if board.is_snoozing.get() {
            reason.set(String::new());
            other.set(String::new());
            end.set("1h".to_owned());
            problem.set(None);
        }
    });
    let submit = move |()| {
        let Some(item) = board.snoozing.get_untracked() else { return };
        let chosen = other.with_untracked(|other| zone::minute(other));
        let Some(until) = end.with_untracked(|end| end_of(end, chosen, browser::now(), zone::offset)) else {
            return problem.set(Some("Enter a date and a time.".to_owned()));
        };
        problem.set(None);
        let reason = reason.with_untracked(|reason| reason.trim().to_owned());
        let id = item.id.into_inner();
        snoozing.run(attention::snooze(&id, until, reason), move |_| {
            board.is_snoozing.set(false);
            let undo = move || {
                session.execute(attention::end_snooze(&id), move |outcome| {
                    toasts.undone(outcome);
                    items.reload();
                });
            };
            toasts.undoable(format!("Snoozed until {}.", clock.moment(until)), undo);
            board.settle();
        });
    };
    let summary =
        move || board.snoozing.with(|item| item.as_ref().map(|item| item.summary.clone())).unwrap_or_default();
    let ends: Vec<_> = ENDS.iter().map(|(name, label)| ((*name).to_owned(), (*label).to_owned())).collect();
    let ends = StoredValue::new(ends);
    let zone_name = || if zone::is_utc() { "UTC".to_owned() } else { browser::time_zone() };
    view! {
        <FormDialog
            open=board.is_snoozing
            title="Snooze"
            action="Snooze"
            user_action=snoozing
            on_submit=submit
            dismiss="Cancel"
        >
            <p class="form-text">
                <Message text=Signal::derive(summary) />
            </p>
            <Field label="Reason" value=reason bounds=(1, 500) is_required=true is_first=true />
            <Select
                label="End"
                options=ends.get_value()
                chosen=end
                on_choose=move |chosen: String| end.set(chosen)
            />
            <Show when=move || end.with(|end| end == "other")>
                <Field
                    label=format!("Date and time in {}", zone_name())
                    kind="datetime-local"
                    value=other
                    is_required=true
                    problem
                />
            </Show>
            <p class="form-text">
                "Everyone who sees this item sees the reason. The snooze ends earlier if the severity rises."
            </p>
        </FormDialog>
    }
}

/// The time of the end with this name. `other` is the time that the user has entered; `offset` returns how many minutes
/// the time zone is ahead of UTC at an instant.
fn end_of(name: &str, other: Option<Instant>, now: Instant, offset: impl Fn(Instant) -> i64) -> Option<Instant> {
    match name {
        "1h" => Some(Instant(now.0 + HOUR)),
        "4h" => Some(Instant(now.0 + 4 * HOUR)),
        "tomorrow" => {
            let today = (now.0 + offset(now) * 60_000).div_euclid(DAY);
            let as_if_utc = (today + 1) * DAY + 8 * HOUR;
            // The offset may change during the night.
            let guess = Instant(as_if_utc - offset(now) * 60_000);
            Some(Instant(as_if_utc - offset(guess) * 60_000))
        }
        _ => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    #[test]
    fn an_end_is_after_some_hours_or_at_a_given_time() {
        let now = at("2026-04-25T13:30:00Z");
        assert_eq!(end_of("1h", None, now, |_| 0), Some(at("2026-04-25T14:30:00Z")));
        assert_eq!(end_of("4h", None, now, |_| 0), Some(at("2026-04-25T17:30:00Z")));
        assert_eq!(end_of("other", Some(now), now, |_| 0), Some(now));
        assert_eq!(end_of("other", None, now, |_| 0), None);
    }

    #[test]
    fn tomorrow_begins_at_midnight_of_the_zone() {
        let late = at("2026-04-25T23:30:00Z");
        assert_eq!(end_of("tomorrow", None, late, |_| 0), Some(at("2026-04-26T08:00:00Z")));
        assert_eq!(end_of("tomorrow", None, late, |_| 120), Some(at("2026-04-27T06:00:00Z")));
        // Clocks are set back during the night.
        let change = at("2026-10-25T01:00:00Z");
        let offset = |at: Instant| if at < change { 120 } else { 60 };
        assert_eq!(end_of("tomorrow", None, at("2026-10-24T10:00:00Z"), offset), Some(at("2026-10-25T07:00:00Z")));
    }
}
