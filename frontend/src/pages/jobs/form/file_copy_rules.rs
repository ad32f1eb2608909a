//! The card with the rules of the copy, and its values.

use leptos::prelude::*;

use super::{options, problems::Problems};
use crate::{
    api::jobs::{Job, PreservedAttribute, UpdateJobInput},
    labels::{
        file_copy_rules::{ATTRIBUTES, ON_EXISTS, ON_FILE_ERROR, SYMLINKS, VERIFICATIONS},
        name_of,
    },
    ui::{Card, Field, Select},
};

/// What happens to the source files: name and label.
const AFTER_SUCCESS: [(&str, &str); 3] =
    [("keep", "Keep them"), ("delete", "Delete them"), (MOVE, "Move them to a folder")];
/// The choice that needs a folder.
const MOVE: &str = "move";
/// Which attributes are kept: their words, or a name for the default and for none, with a label.
const PRESERVE: [(&str, &str); 5] = [
    ("", "All between local paths, otherwise none"),
    ("none", "None"),
    ("times", "Modification times"),
    ("modes", "Permissions"),
    ("times modes", "Modification times and permissions"),
];

/// A signal for each field. A handle: copies are the same draft.
#[derive(Clone, Copy)]
pub(super) struct RulesDraft {
    credentials: RwSignal<String>,
    endpoint: RwSignal<String>,
    on_exists: RwSignal<String>,
    after_success: RwSignal<String>,
    /// The folder to move source files to; unused with another choice.
    folder: RwSignal<String>,
    preserve: RwSignal<String>,
    on_file_error: RwSignal<String>,
    symlinks: RwSignal<String>,
    verify: RwSignal<String>,
}

impl RulesDraft {
    /// The rules of a new job: all defaults.
    pub(super) fn new() -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        Self {
            credentials: text(""),
            endpoint: text(""),
            on_exists: text(ON_EXISTS[0].1),
            after_success: text(AFTER_SUCCESS[0].0),
            folder: text(""),
            preserve: text(PRESERVE[0].0),
            on_file_error: text(ON_FILE_ERROR[0].1),
            symlinks: text(SYMLINKS[0].1),
            verify: text(VERIFICATIONS[0].1),
        }
    }

    /// Takes over the rules of an existing job.
    pub(super) fn read(self, job: &Job) {
        self.credentials.set(job.credentials.clone().unwrap_or_default());
        self.endpoint.set(job.endpoint.clone().unwrap_or_default());
        if let Some(rule) = &job.on_exists {
            self.on_exists.set(name_of(&ON_EXISTS, rule).to_owned());
        }
        match job.after_success.as_deref().map(|rule| (rule, rule.strip_prefix("moveTo:"))) {
            Some((_, Some(folder))) => {
                self.after_success.set(MOVE.to_owned());
                self.folder.set(folder.to_owned());
            }
            Some((rule, None)) => self.after_success.set(rule.to_owned()),
            None => {}
        }
        if let Some(kept) = &job.preserve {
            let words: Vec<&str> = kept.iter().map(|kept| name_of(&ATTRIBUTES, kept)).collect();
            self.preserve.set(if words.is_empty() { "none".to_owned() } else { words.join(" ") });
        }
        if let Some(rule) = &job.on_file_error {
            self.on_file_error.set(name_of(&ON_FILE_ERROR, rule).to_owned());
        }
        if let Some(rule) = &job.symlinks {
            self.symlinks.set(name_of(&SYMLINKS, rule).to_owned());
        }
        if let Some(rule) = &job.verify {
            self.verify.set(name_of(&VERIFICATIONS, rule).to_owned());
        }
    }

    /// All values, to see whether they have changed. Reactive.
    pub(super) fn values(self) -> Vec<String> {
        let fields = [
            self.credentials,
            self.endpoint,
            self.on_exists,
            self.after_success,
            self.folder,
            self.preserve,
            self.on_file_error,
            self.symlinks,
            self.verify,
        ];
        fields.into_iter().map(|field| field.get()).collect()
    }

    /// Puts the rules into the input. A default is sent as null.
    pub(super) fn write(self, input: &mut UpdateJobInput) {
        let text = |field: RwSignal<String>| {
            let text = field.get_untracked().trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        input.credentials = text(self.credentials);
        input.endpoint = text(self.endpoint);
        input.on_exists = unless_first(&ON_EXISTS, self.on_exists);
        input.after_success = self.after_success();
        input.preserve = self.preserve();
        input.on_file_error = unless_first(&ON_FILE_ERROR, self.on_file_error);
        input.symlinks = unless_first(&SYMLINKS, self.symlinks);
        input.verify = unless_first(&VERIFICATIONS, self.verify);
    }

    fn after_success(self) -> Option<String> {
        match self.after_success.get_untracked().as_str() {
            "keep" => None,
            MOVE => Some(format!("moveTo:{}", self.folder.get_untracked().trim())),
            rule => Some(rule.to_owned()),
        }
    }

    fn preserve(self) -> Option<Vec<PreservedAttribute>> {
        let chosen = self.preserve.get_untracked();
        let is_chosen = |word: &str| chosen.split(' ').any(|chosen| chosen == word);
        let kept = ATTRIBUTES.iter().filter(|(_, word, _)| is_chosen(word)).map(|(kept, ..)| *kept).collect();
        (!chosen.is_empty()).then_some(kept)
    }
}

/// The value of a name, or none if it is the first of the table, the default.
fn unless_first<T: Copy>(table: &[(T, &'static str, &'static str)], name: RwSignal<String>) -> Option<T> {
    let name = name.get_untracked();
    table.iter().skip(1).find(|(_, known, _)| *known == name).map(|(value, ..)| *value)
}

/// The card.
#[component]
pub(super) fn RulesCard(draft: RulesDraft, problems: Problems) -> impl IntoView {
    let moves = Memo::new(move |_| draft.after_success.with(|chosen| chosen == MOVE));
    view! {
        <Card title="Copy rules">
            <div class="sheet-fields">
                <Field
                    label="Credentials"
                    value=draft.credentials
                    hint="Name of a set in the agent's configuration, not a password. Empty: the set configured for the server"
                    bounds=(0, 64)
                    problem=problems.of("credentials")
                />
                <Field
                    label="Endpoint"
                    value=draft.endpoint
                    hint="Name of a server in the agent's configuration, for a source (pull) or destination (push) that is a path. Empty: the server in the URL"
                    bounds=(0, 64)
                    problem=problems.of("endpoint")
                />
                <Select
                    label="If a file exists"
                    options=options(&ON_EXISTS)
                    chosen=draft.on_exists
                    on_choose=move |chosen| draft.on_exists.set(chosen)
                    problem=problems.of("onExists")
                />
                <Select
                    label="If files of a folder fail"
                    options=options(&ON_FILE_ERROR)
                    chosen=draft.on_file_error
                    on_choose=move |chosen| draft.on_file_error.set(chosen)
                    problem=problems.of("onFileError")
                />
                <Select
                    label="Copied files at the source"
                    options=pairs(&AFTER_SUCCESS)
                    chosen=draft.after_success
                    on_choose=move |chosen| draft.after_success.set(chosen)
                />
                <Show when=move || moves.get()>
                    <Field
                        label="Folder to move them to"
                        value=draft.folder
                        hint="An absolute path on the same server or machine, or a path inside the folder of the source"
                        bounds=(1, 4000)
                        is_required=true
                        problem=problems.of("afterSuccess")
                    />
                </Show>
                <Select
                    label="Symbolic links"
                    options=options(&SYMLINKS)
                    chosen=draft.symlinks
                    on_choose=move |chosen| draft.symlinks.set(chosen)
                    problem=problems.of("symlinks")
                />
                <Select
                    label="Attributes to keep"
                    options=pairs(&PRESERVE)
                    chosen=draft.preserve
                    on_choose=move |chosen| draft.preserve.set(chosen)
                    problem=problems.of("preserve")
                />
                <Select
                    label="Verification"
                    options=options(&VERIFICATIONS)
                    chosen=draft.verify
                    on_choose=move |chosen| draft.verify.set(chosen)
                    problem=problems.of("verify")
                />
            </div>
        </Card>
    }
}

fn pairs(table: &[(&str, &str)]) -> Vec<(String, String)> {
    table.iter().map(|(name, label)| ((*name).to_owned(), (*label).to_owned())).collect()
}
