//! Modal dialogs with the native `dialog` element, which keeps the focus inside and returns it at the end.

use leptos::{ev::SubmitEvent, html, prelude::*};

use super::Notice;
use crate::{effect::effect, user_action::UserAction};

/// A dialog that is open while `open` is true. Its contents are created each time it opens.
#[component]
pub(crate) fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// Whether the dialog hides the page behind it and cannot be closed with Escape.
    #[prop(optional)]
    covers_page: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    effect(move || {
        let Some(element) = dialog.get() else { return };
        if !open.get() {
            element.close();
        } else if !element.open() {
            // Opens after the contents are rendered, so that the first field gets the focus.
            request_animation_frame(move || {
                // The dialog may have been closed meanwhile, or the user may have left the page.
                if open.try_get_untracked() != Some(true) || element.open() {
                    return;
                }
                if let Err(error) = element.show_modal() {
                    leptos::logging::warn!("the dialog did not open: {error:?}");
                }
            });
        }
    });
    view! {
        <dialog
            node_ref=dialog
            class="dialog"
            data-covers=covers_page.to_string()
            aria-label=move || title.get()
            on:keydown=move |event| {
                if covers_page && event.key() == "Escape" {
                    event.prevent_default();
                }
            }
            on:close=move |_| open.set(false)
        >
            <Show when=move || open.get()>
                <h2>{move || title.get()}</h2>
                {children()}
            </Show>
        </dialog>
    }
}

/// A dialog with a form: fields, the last error, and two buttons.
#[component]
pub(crate) fn FormDialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// The label of the submit button.
    #[prop(into)]
    action: Signal<String>,
    user_action: UserAction,
    #[prop(into)] on_submit: Callback<()>,
    /// Whether the action is destructive.
    #[prop(optional)]
    is_dangerous: bool,
    /// Whether the form cannot be submitted yet.
    #[prop(optional, into)]
    is_blocked: Signal<bool>,
    /// The label of the button that closes the dialog without submitting.
    #[prop(into, default = "Cancel".into())]
    dismiss: Signal<String>,
    children: ChildrenFn,
) -> impl IntoView {
    effect(move || {
        if open.get() {
            user_action.reset();
        }
    });
    let children = StoredValue::new(children);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !is_blocked.get_untracked() {
            on_submit.run(());
        }
    };
    let class = if is_dangerous { "button button-danger" } else { "button button-primary" };
    view! {
        <Dialog open title>
            <form class="form" on:submit=submit>
                {children.with_value(|children| children())}
                <Notice text=Signal::derive(move || user_action.failure()) />
                <div class="form-actions">
                    <button type="button" class="button" on:click=move |_| open.set(false)>
                        {move || dismiss.get()}
                    </button>
                    <button type="submit" class=class disabled=move || user_action.is_busy() || is_blocked.get()>
                        {move || action.get()}
                    </button>
                </div>
            </form>
        </Dialog>
    }
}

/// A dialog that asks for confirmation.
#[component]
pub(crate) fn Confirm(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// The consequence of the action.
    #[prop(into)]
    text: Signal<String>,
    #[prop(into)] action: Signal<String>,
    user_action: UserAction,
    #[prop(into)] on_confirm: Callback<()>,
    #[prop(optional)] is_dangerous: bool,
    /// The label of the button that changes nothing.
    #[prop(into, default = "Cancel".into())]
    dismiss: Signal<String>,
) -> impl IntoView {
    view! {
        <FormDialog open title action user_action on_submit=on_confirm is_dangerous dismiss>
            <p class="form-text">{move || text.get()}</p>
        </FormDialog>
    }
}
