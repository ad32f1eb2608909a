//! The card with the text of a definition. It is loaded separately, because the code of its colours, completion and
//! help is larger than the rest of the editor.

use leptos::prelude::*;

use super::{
    code_area::CodeArea, diagnostic_list::DiagnosticList, format_button::FormatButton, text_and_selection::Buffer,
};
use crate::{
    api::definition_dry_run_and_schema::{self, Diagnostic, Verdict},
    reactive_query::Fetch,
    ui::Card,
};

/// The data that the editor passes to the card. A handle: copies share the same data.
#[derive(Clone, Copy)]
pub(super) struct Definition {
    pub(super) code: Buffer,
    pub(super) problems: Memo<Vec<Diagnostic>>,
    pub(super) verdict: Fetch<Verdict>,
    /// Whether the diagnostics are those of an earlier text.
    pub(super) is_stale: Signal<bool>,
    /// The id of the customer that the definition is for, if there is one.
    pub(super) owner: Signal<Option<String>>,
}

/// The view of the card.
pub(super) fn show(definition: Definition) -> AnyView {
    view! { <DefinitionCard definition /> }.into_any()
}

#[component]
fn DefinitionCard(definition: Definition) -> impl IntoView {
    let Definition { code, problems, verdict, is_stale, owner } = definition;
    let grammar = Fetch::new(definition_dry_run_and_schema::grammar);
    let grammar = Memo::new(move |_| grammar.read(Clone::clone).unwrap_or_default());
    view! {
        <Card title="Definition" aside=move || view! { <FormatButton code owner /> }>
            <CodeArea code problems grammar />
            <DiagnosticList code problems verdict is_stale />
        </Card>
    }
}
