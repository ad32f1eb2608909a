//! The drawer beside the graph with the details of a step: what it does, its attempts, its full error and its transfer.

use std::time::Duration;

use leptos::{ev::KeyboardEvent, prelude::*};

use super::log::RunLog;
use crate::{
    api::{
        pipeline_plan::PlannedStep,
        pipeline_runs::{Step, StepStatus},
    },
    base_path::href,
    browser, format,
    labels::{
        pipelines::step_state,
        run_log::{StepChange, status_text},
    },
    pages::graph::StepDetails,
    ui::{Badge, Card, Fact, Icon, Message, OptionalTime, Time},
};

/// The element id of the drawer. It does not begin with `step-`, as the ids of steps in the graph do, because users
/// choose the names of steps.
const ELEMENT: &str = "details-of-step";

/// The state of the drawer. A handle: copies share the same state.
#[derive(Clone, Copy)]
pub(super) struct Drawer {
    /// The id of the step whose details are shown; without one, the drawer is closed.
    pub(super) step: RwSignal<Option<String>>,
    /// The id of the element that opened the drawer.
    opener: StoredValue<String>,
}

impl Drawer {
    pub(super) fn new() -> Self {
        Self { step: RwSignal::new(None), opener: StoredValue::new(String::new()) }
    }

    /// Opens the drawer with the details of a step, and moves the focus to the drawer. When the drawer closes, the
    /// focus returns to the element with the id `opener`.
    pub(super) fn open(self, step: String, opener: String) {
        self.opener.set_value(opener);
        self.step.set(Some(step));
        set_timeout(|| browser::focus(ELEMENT), Duration::ZERO);
    }

    fn close(self) {
        self.step.set(None);
        browser::focus(&self.opener.get_value());
    }
}

/// The drawer with the details of a step.
#[component]
pub(super) fn StepDrawer(
    id: String,
    planned: Memo<Vec<PlannedStep>>,
    steps: Memo<Vec<Step>>,
    log: RunLog,
    drawer: Drawer,
) -> impl IntoView {
    let own = id.clone();
    let step = Memo::new(move |_| steps.with(|steps| steps.iter().find(|step| step.id == own).cloned()));
    let own = id.clone();
    let changes = Memo::new(move |_| log.changes_of(&own));
    let plan = move || {
        let planned = planned.with(|planned| planned.iter().find(|planned| planned.id == id).cloned());
        planned.map(|step| view! { <StepDetails step /> })
    };
    let press = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            drawer.close();
        }
    };
    let close_button = move || {
        view! {
            <button
                type="button"
                class="button button-small button-bare"
                aria-label="Close"
                on:click=move |_| drawer.close()
            >
                <Icon name="close" />
            </button>
        }
        .into_any()
    };
    let read = move |read: fn(&Step) -> String| move || step.with(|step| step.as_ref().map(read).unwrap_or_default());
    let state = Signal::derive(move || {
        let (word, _, tone) =
            step_state(step.with(|step| step.as_ref().map_or(StepStatus::Queued, |step| step.status)));
        (word, tone)
    });
    let started_at = Signal::derive(move || step.with(|step| step.as_ref().and_then(|step| step.started_at)));
    let completed_at = Signal::derive(move || step.with(|step| step.as_ref().and_then(|step| step.completed_at)));
    let error = Memo::new(move |_| step.with(|step| step.as_ref().and_then(|step| step.error_message.clone())));
    let transfer = Memo::new(move |_| step.with(|step| step.as_ref().and_then(|step| step.transfer_id.clone())));
    view! {
        <div class="step-drawer" id=ELEMENT tabindex="-1" on:keydown=press>
            <Card title="Step" aside=close_button>
                {plan}
                <dl class="facts">
                    <Fact name="Status">
                        <Badge state />
                    </Fact>
                    <Fact name="Attempt">{read(|step| step.attempt.to_string())}</Fact>
                    <Fact name="Copied">
                        {read(|step| {
                            step.bytes_transferred.as_ref().map_or_else(|| "–".to_owned(), |bytes| format::bytes(bytes.0))
                        })}
                    </Fact>
                    <Fact name="Started">
                        <OptionalTime at=started_at />
                    </Fact>
                    <Fact name="Ended">
                        <OptionalTime at=completed_at />
                    </Fact>
                    {move || {
                        transfer
                            .get()
                            .map(|id| {
                                view! {
                                    <Fact name="Transfer">
                                        <a href=href(format!("/transfers/{}", id.inner()))>"Open transfer"</a>
                                    </Fact>
                                }
                            })
                    }}
                </dl>
                {move || {
                    error
                        .get()
                        .map(|error| {
                            view! {
                                <div class="error-text card-part">
                                    <h3>"Error"</h3>
                                    <pre tabindex="0"><Message text=error /></pre>
                                </div>
                            }
                        })
                }}
                <ol class="timeline" aria-label="Attempts">
                    {move || changes.get().into_iter().map(change_line).collect_view()}
                </ol>
            </Card>
        </div>
    }
}

fn change_line(change: StepChange) -> impl IntoView {
    let StepChange { at, status, attempt, error } = change;
    let (.., tone) = step_state(status);
    view! {
        <li class="timeline-step" data-tone=tone.name()>
            <span class="timeline-name">{status_text(status, attempt)}</span>
            <span class="timeline-at">
                <Time at />
            </span>
            {error.map(|error| view! { <span class="timeline-why"><Message text=error /></span> })}
        </li>
    }
}
