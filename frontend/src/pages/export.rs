//! Exports a list as a file: all rows that match the filters.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::ApiError,
    browser,
    session::Session,
    ui::{Menu, Toasts},
};

/// The formats: label and media type.
const FORMATS: [(&str, &str); 2] = [("CSV", "text/csv"), ("NDJSON", "application/x-ndjson")];

/// A menu that saves a list as a file.
#[component]
pub(super) fn ExportMenu(
    /// The paths of the API that together export the rows of the list, one after the other.
    #[prop(into)]
    paths: Callback<(), Vec<String>>,
) -> impl IntoView {
    let (session, toasts) = (expect_context::<Session>(), expect_context::<Toasts>());
    let is_busy = RwSignal::new(false);
    let button = move |(label, media_type): (&'static str, &'static str)| {
        let export = move |_| {
            if is_busy.get_untracked() {
                return;
            }
            is_busy.set(true);
            let paths = untrack(|| paths.run(()));
            spawn_local(async move {
                match export(session, paths, media_type).await {
                    Ok(name) => toasts.success(format!("{name} was saved.")),
                    Err(error) => toasts.error(error.to_string()),
                }
                // The user may have left the page.
                is_busy.try_set(false);
            });
        };
        view! {
            // The attribute `disabled` is not used, because it would take the focus from the button.
            <button
                type="button"
                class="button"
                aria-disabled=move || is_busy.get().to_string()
                on:click=export
            >
                {move || if is_busy.get() { "Exporting" } else { label }}
            </button>
        }
    };
    view! {
        <Menu name="Export" icon="pull">
            <p class="form-text">"All rows that the filters show, at most 1,000,000."</p>
            {FORMATS.map(button).collect_view()}
        </Menu>
    }
}

/// Downloads the files, joins them and saves the result; returns its name.
async fn export(session: Session, paths: Vec<String>, media_type: &str) -> Result<String, ApiError> {
    let (mut contents, mut first_name) = (Vec::new(), None);
    for path in paths {
        let file = session.download(&path, media_type).await?;
        contents.push(file.content);
        first_name.get_or_insert(file.name);
    }
    let has_head = media_type == "text/csv";
    let name = first_name.unwrap_or_default();
    let content = browser::join_files(contents, has_head).await;
    let saved = content.and_then(|content| browser::save(&content, &name));
    saved.map(|()| name).map_err(|_| ApiError::InvalidResponse)
}
