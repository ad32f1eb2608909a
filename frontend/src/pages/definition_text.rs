//! The read-only text of a definition.

use leptos::prelude::*;

use crate::ui::{Card, CopyButton};

/// The read-only text of a definition.
#[component]
pub(super) fn DefinitionText(#[prop(into)] text: Signal<String>) -> impl IntoView {
    view! {
        <Card title="Definition" aside=move || view! { <CopyButton what="definition" text /> }>
            // Keyboard users can scroll long lines.
            <pre class="definition" tabindex="0" role="region" aria-label="Text of the definition">
                {move || text.get()}
            </pre>
        </Card>
    }
}
