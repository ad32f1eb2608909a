//! The actions on an attention item that the viewer may take.

use leptos::prelude::*;

use super::{Board, affected_objects};
use crate::{
    api::{
        ApiError, ItemResult,
        attention::{self, AttentionActionType, AttentionItem, AttentionKind, AttentionObjectType},
        jobs, pipeline_runs, pipelines, transfers,
    },
    format,
    idempotency::Intent,
    labels,
    live::Entry,
    session::Permission,
    ui::Confirm,
    user_action::UserAction,
};

/// The job or pipeline of an item: whether it is a pipeline, its id and its name.
type Owner = (bool, String, String);

/// The actions of an item's buttons. A handle: copies share the same state.
#[derive(Clone, Copy)]
struct Acting {
    board: Board,
    is_busy: RwSignal<bool>,
    starting: Intent,
}

/// The buttons of an item.
#[component]
pub(super) fn Actions(row: RwSignal<Entry<AttentionItem>>) -> impl IntoView {
    let board = expect_context::<Board>();
    let acting = Acting { board, is_busy: RwSignal::new(false), starting: Intent::new() };
    let (id, owner) = row.with_untracked(|entry| (entry.object.id.inner().to_owned(), pausable(&entry.object)));
    let id = StoredValue::new(id);
    let action = Memo::new(move |_| row.with(|entry| entry.object.action.as_ref().map(|action| action.kind)));
    let count = Memo::new(move |_| row.with(|entry| entry.object.count));
    let label = Memo::new(move |_| action.get().map(|kind| labels::attention::action(kind, count.get())));
    let act = move |_| {
        if let Some(kind) = action.get_untracked().filter(|_| !acting.is_busy.get_untracked()) {
            acting.begin(&id.get_value(), kind);
        }
    };
    let button = move || {
        label.get().map(|label| {
            // The attribute `disabled` is not used: it would take the focus out of the table without an event.
            view! {
                <button
                    type="button"
                    class="button button-small"
                    aria-disabled=move || acting.is_busy.get().to_string()
                    on:click=act
                >
                    {label}
                </button>
            }
        })
    };
    let may_pause = board.session.may(Permission::CreateJob);
    let pause = owner.filter(|_| may_pause).map(|owner| {
        view! {
            <button type="button" class="button button-small" on:click=move |_| acting.pause(owner.clone())>
                "Pause"
            </button>
        }
    });
    view! {
        {button}
        {pause}
    }
}

/// The dialog that asks before transfers are cancelled.
#[component]
pub(super) fn CancelDialog() -> impl IntoView {
    let board = expect_context::<Board>();
    let cancelling = UserAction::new();
    let cancel = move |()| {
        cancelling.run(transfers::cancel_several(&board.cancelling.get_untracked()), move |results| {
            board.is_cancelling.set(false);
            board.say(summary(&results, "cancelled, or asked to end"));
        });
    };
    let count = move || board.cancelling.with(Vec::len);
    let asked = move || format::counted(i64::try_from(count()).unwrap_or(i64::MAX), "transfer");
    view! {
        <Confirm
            open=board.is_cancelling
            title=Signal::derive(move || format!("Cancel {}?", asked()))
            text="Running transfers end when their agents confirm it."
            action=Signal::derive(move || format!("Cancel {}", asked()))
            user_action=cancelling
            on_confirm=cancel
            is_dangerous=true
            dismiss=Signal::derive(move || if count() == 1 { "Keep it".to_owned() } else { "Keep them".to_owned() })
        />
    }
}

impl Acting {
    /// Queries the objects that the action would change now, and then executes it. Before cancelling, the user is
    /// asked.
    fn begin(self, id: &str, kind: AttentionActionType) {
        self.is_busy.set(true);
        self.board.session.execute(attention::action_ids(id), move |outcome| match outcome {
            Ok(ids) => self.perform(kind, ids),
            Err(error) => self.say(Err(error.to_string())),
        });
    }

    fn perform(self, kind: AttentionActionType, ids: Vec<String>) {
        let Some(first) = ids.first() else {
            return self.say(Err("This needs attention no longer.".to_owned()));
        };
        let session = self.board.session;
        match kind {
            AttentionActionType::CancelTransfers => {
                self.is_busy.try_set(false);
                self.board.cancelling.try_set(ids);
                self.board.is_cancelling.try_set(true);
            }
            AttentionActionType::RetryTransfers => {
                session.execute(transfers::retry_several(&ids), move |outcome| match outcome {
                    Ok(results) => self.say(summary(&results, "queued again")),
                    Err(error) => self.say(Err(error.to_string())),
                });
            }
            AttentionActionType::RunJob => {
                self.starting.execute(session, jobs::run(first), move |outcome| self.say_started(outcome.map(drop)));
            }
            AttentionActionType::RunPipeline => {
                let start = pipeline_runs::start(first, Vec::new());
                self.starting.execute(session, start, move |outcome| self.say_started(outcome.map(drop)));
            }
            AttentionActionType::RerunPipelineRun => {
                let rerun = pipeline_runs::rerun(first);
                self.starting.execute(session, rerun, move |outcome| self.say_started(outcome.map(drop)));
            }
        }
    }

    /// Pauses the job or pipeline of an item. The notification has a button that undoes this.
    fn pause(self, (is_pipeline, id, name): Owner) {
        let board = self.board;
        let Board { session, toasts, .. } = board;
        let enable = move |id: &str, enabled: bool| {
            if is_pipeline { pipelines::enable(id, enabled).map(drop) } else { jobs::enable(id, enabled).map(drop) }
        };
        session.execute(enable(&id, false), move |outcome| match outcome {
            Ok(()) => {
                let undo = move || session.execute(enable(&id, true), move |outcome| toasts.undone(outcome));
                toasts.undoable(format!("Paused {name}."), undo);
                board.settle();
            }
            Err(error) => toasts.error(error.to_string()),
        });
    }

    fn say_started(self, outcome: Result<(), ApiError>) {
        self.say(outcome.map(|()| "Run requested.".to_owned()).map_err(|error| error.to_string()));
    }

    fn say(self, outcome: Result<String, String>) {
        // The item and its row may have been removed.
        self.is_busy.try_set(false);
        self.board.say(outcome);
    }
}

/// The job or pipeline of an item, if pausing it is a reasonable action.
fn pausable(item: &AttentionItem) -> Option<Owner> {
    let is_answer = matches!(
        item.kind,
        AttentionKind::RunFailed
            | AttentionKind::RunLate
            | AttentionKind::SlotMissed
            | AttentionKind::PipelineCannotRun
    );
    let owner = affected_objects::owner(item).filter(|_| is_answer)?;
    Some((owner.kind == AttentionObjectType::Pipeline, owner.id.inner().to_owned(), owner.name.clone()))
}

/// The text about a change of several transfers: how many were changed, and why the first refused one was not. `Err` if
/// any was refused.
fn summary(results: &[ItemResult], done: &str) -> Result<String, String> {
    let refused: Vec<&str> = results.iter().filter_map(|result| result.error.as_deref()).collect();
    let changed = results.len() - refused.len();
    let count = |number: usize| format::count(i64::try_from(number).unwrap_or(i64::MAX));
    match refused.first() {
        None => Ok(format!("{} {done}.", count(changed))),
        Some(reason) if changed == 0 => Err(format!("{} not changed: {reason}.", count(refused.len()))),
        Some(reason) => Err(format!("{} {done}, {} not changed: {reason}.", count(changed), count(refused.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_says_how_many_were_changed_and_why_others_were_not() {
        let changed = ItemResult { id: "a".to_owned(), error: None };
        let refused = ItemResult { id: "b".to_owned(), error: Some("The transfer is running".to_owned()) };
        assert_eq!(summary(&[changed.clone(), changed.clone()], "queued again"), Ok("2 queued again.".to_owned()));
        let some = summary(&[changed, refused.clone()], "queued again");
        assert_eq!(some, Err("1 queued again, 1 not changed: The transfer is running.".to_owned()));
        let none = summary(&[refused], "queued again");
        assert_eq!(none, Err("1 not changed: The transfer is running.".to_owned()));
    }
}
