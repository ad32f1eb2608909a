//! The card for a conflict: another version was saved meanwhile. The user can compare, overwrite or discard.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::text_and_selection::Buffer;
use crate::{
    api::pipelines::{self, Pipeline},
    effect::effect,
    reactive_query::Fetch,
    ui::{DiffTable, Failure, Icon, diff_lines},
    user_action::UserAction,
};

/// The conflict card. It is empty until saving fails because another version is current.
#[component]
pub(super) fn Conflict(
    /// The pipeline as it was when this page was opened.
    pipeline: Pipeline,
    code: Buffer,
    /// The action that saves.
    user_action: UserAction,
    /// Saves the text as the successor of the given version.
    replace: Callback<(Pipeline, i32)>,
    is_unsaved: RwSignal<bool>,
) -> impl IntoView {
    let navigate = use_navigate();
    let id = StoredValue::new(pipeline.id.inner().to_owned());
    let has_conflict = RwSignal::new(false);
    effect(move || {
        if user_action.is_conflict() {
            has_conflict.set(true);
        }
    });
    // The current pipeline is queried again at each conflict.
    let current =
        Fetch::when(move || (has_conflict.get() && user_action.is_conflict()).then(|| pipelines::get(&id.get_value())));
    let is_compared = RwSignal::new(false);
    let leave = Callback::new(move |()| {
        is_unsaved.set(false);
        navigate(&format!("/pipelines/{}", id.get_value()), NavigateOptions::default());
    });
    let card = move |theirs: Pipeline| {
        let (base, version) = (pipeline.version, theirs.version);
        let yaml = theirs.yaml.clone();
        let compared = move || {
            is_compared.get().then(|| {
                let lines = code.text.with(|mine| diff_lines(&yaml, mine));
                view! { <DiffTable old=format!("Version {version}") new="Your text" lines /> }
            })
        };
        view! {
            <div class="conflict-text">
                <Icon name="warning" />
                <p>
                    {format!(
                        "Not saved: you edited version {base}, and version {version} was saved in the meantime. Compare both, then save your text as a new version or discard it.",
                    )}
                </p>
            </div>
            <div class="form-actions">
                <button
                    type="button"
                    class="button"
                    aria-expanded=move || is_compared.get().to_string()
                    on:click=move |_| is_compared.update(|compared| *compared = !*compared)
                >
                    {format!("Compare with version {version}")}
                </button>
                <button type="button" class="button" on:click=move |_| leave.run(())>
                    "Discard my text"
                </button>
                <button
                    type="button"
                    class="button button-danger"
                    disabled=move || user_action.is_busy()
                    on:click=move |_| replace.run((theirs.clone(), version))
                >
                    {format!("Save my text as version {}", version + 1)}
                </button>
            </div>
            {compared}
        }
    };
    let card = StoredValue::new(card);
    move || {
        has_conflict.get().then(|| {
            view! {
                <section class="card conflict" role="alert" aria-label="Another version was saved">
                    {move || current.read(Clone::clone).map(|theirs| card.with_value(|card| card(theirs)))}
                    {move || current.failure().map(|error| view! { <Failure error on_retry=move |()| current.reload() /> })}
                </section>
            }
        })
    }
}
