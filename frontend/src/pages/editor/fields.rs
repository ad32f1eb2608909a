//! The fields of a pipeline beside its definition: name, identifier, description, customer.

use leptos::prelude::*;

use crate::{
    api::pipelines::{CreatePipelineInput, DescribeInput, Pipeline},
    pages::customer_select::CustomerSelect,
    session::{Permission, Session},
    ui::{Card, Field},
};

/// The edited values: a signal for each field. A handle: copies share the same values.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    pub(super) identifier: RwSignal<String>,
    pub(super) name: RwSignal<String>,
    pub(super) description: RwSignal<String>,
    /// The id of the customer. If it is empty, the pipeline belongs to the customer of the agents that the definition
    /// names by id.
    pub(super) customer: RwSignal<String>,
}

impl Draft {
    /// The draft of a new pipeline.
    pub(super) fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self { identifier: empty(), name: empty(), description: empty(), customer: empty() }
    }

    /// The draft of an existing pipeline.
    pub(super) fn of(pipeline: &Pipeline) -> Self {
        let draft = Self::new();
        draft.identifier.set(pipeline.identifier.clone());
        draft.name.set(pipeline.name.clone());
        draft.description.set(pipeline.description.clone().unwrap_or_default());
        draft.customer.set(pipeline.customer_id.as_ref().map(|id| id.inner().to_owned()).unwrap_or_default());
        draft
    }

    /// Whether the draft differs from a pipeline, or from an empty one. Reactive.
    pub(super) fn differs(self, pipeline: Option<&Pipeline>) -> bool {
        let (name, description) = (self.name.get(), self.description.get());
        match pipeline {
            Some(pipeline) => {
                name.trim() != pipeline.name
                    || description.trim() != pipeline.description.as_deref().unwrap_or_default()
            }
            None => [name, description, self.identifier.get()].iter().any(|text| !text.trim().is_empty()),
        }
    }

    /// The input to create the pipeline.
    pub(super) fn for_create(self, yaml: String) -> CreatePipelineInput {
        let DescribeInput { name, description } = self.for_update();
        let customer = self.customer.get_untracked();
        CreatePipelineInput {
            identifier: self.identifier.get_untracked().trim().to_owned(),
            name,
            description,
            yaml,
            customer_id: (!customer.is_empty()).then(|| cynic::Id::new(customer)),
        }
    }

    /// The input to change name and description.
    pub(super) fn for_update(self) -> DescribeInput {
        let text = |field: RwSignal<String>| field.get_untracked().trim().to_owned();
        DescribeInput {
            name: text(self.name),
            description: Some(text(self.description)).filter(|text| !text.is_empty()),
        }
    }
}

/// The fields of a pipeline beside its definition.
#[component]
pub(super) fn Fields(draft: Draft, is_new: bool) -> impl IntoView {
    let chooses_customer = is_new && expect_context::<Session>().may(Permission::ListCustomers);
    view! {
        <Card title="Pipeline">
            <div class="sheet-fields">
                <Field label="Name" value=draft.name bounds=(1, 255) is_required=true is_first=is_new />
                {is_new
                    .then(|| {
                        view! {
                            <Field
                                label="Identifier"
                                value=draft.identifier
                                hint="Lower-case letters, digits and hyphens. Part of the URL; it cannot be changed later."
                                bounds=(1, 64)
                                is_required=true
                            />
                        }
                    })}
                <Field label="Description" value=draft.description bounds=(0, 500) />
                {chooses_customer
                    .then(|| {
                        view! {
                            <CustomerSelect none="The customer of the agents that are named by id" chosen=draft.customer />
                        }
                    })}
            </div>
        </Card>
    }
}
