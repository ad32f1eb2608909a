//! Pipelines: definitions as code, with every version kept. Their runs are in `run`, the state machine of a run is in
//! `run_state_machine`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    Instant,
    definition::{Diagnostic, Filling, Plan, Severity},
    field_reader::{Change, Check, Fields, FromFields, boolean, id, integer, parsed, text},
    input_macro::input,
};
use crate::ids::{CustomerId, Named, PipelineId};

pub mod run;
pub mod run_state_machine;
mod slot;
mod step_report;
pub mod stored_run_plan;
mod version_diff;

pub use slot::PipelineSlot;
pub use step_report::UpdateStep;
pub use version_diff::{VersionDiff, VersionText};

/// The longest identifier, in characters.
pub const MAX_IDENTIFIER: usize = 64;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 500;
/// Path segments of the API that cannot be identifiers.
const RESERVED: [&str; 2] = ["schema", "dry-run"];

/// A pipeline with its current definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// Id of the pipeline.
    pub id: PipelineId,
    /// Identifier in URLs. Unique among the pipelines of its customer; never changes.
    #[schema(example = "daily-etl-pipeline")]
    pub identifier: String,
    /// Name of the pipeline.
    #[schema(example = "Daily ETL Pipeline")]
    pub name: String,
    /// Purpose of the pipeline.
    #[schema(required, example = "Extract, transform, and load daily data")]
    pub description: Option<String>,
    /// Current definition exactly as it was sent.
    #[schema(example = "source: sftp://ftp.example.com/exports/orders.csv\ndestination: /data/in/\n")]
    pub yaml: String,
    /// Whether runs may start, both scheduled and manual ones.
    pub enabled: bool,
    /// Time at which the pipeline was created.
    pub created_at: Instant,
    /// Time of the last change.
    pub updated_at: Instant,
    /// Newest versions, at most 20, newest first. Customers get only the current version.
    #[graphql(complexity = "20 * child_complexity + 1")]
    pub versions: Vec<PipelineVersion>,
    /// Number of the current version.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// Customer that owns the pipeline; null if it belongs to the platform.
    #[schema(required)]
    pub customer_id: Option<CustomerId>,
    /// Time of the next slot; null without a schedule or while the pipeline is disabled.
    #[schema(required)]
    pub next_run_at: Option<Instant>,
}

/// An immutable version of a pipeline's definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct PipelineVersion {
    /// Number of the version, counted from 1.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// Time at which the version was created.
    pub created_at: Instant,
    /// SHA of the Git commit that the definition comes from, if the client sent one.
    #[schema(required, pattern = "^[0-9a-f]{7,64}$", example = "3f786850e387550fdab836ed7e6dc881de23001b")]
    pub git_sha: Option<String>,
}

/// A reference to a pipeline, by its id or its identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PipelineRef {
    /// The pipeline with this id.
    Id(PipelineId),
    /// The pipeline with this identifier, among those that the caller may see.
    Identifier(String),
}

impl Named for PipelineRef {
    const NOUN: &'static str = PipelineId::NOUN;
}

impl std::str::FromStr for PipelineRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => identifier(Value::from(text)).map(Self::Identifier),
        }
    }
}

impl From<PipelineId> for PipelineRef {
    fn from(id: PipelineId) -> Self {
        Self::Id(id)
    }
}

/// Input for creating a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "identifier": "daily-etl-pipeline", "name": "Daily ETL Pipeline",
    "description": "Extract, transform, and load daily data",
    "yaml": "source: sftp://ftp.example.com/exports/orders.csv\ndestination: /data/in/\n", "enabled": true,
}))]
pub struct CreatePipeline {
    /// Identifier in URLs, which cannot be changed later. Lower-case letters, digits and hyphens, with a letter or
    /// digit at both ends. A UUID, `schema` and `dry-run` are not allowed.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    pub identifier: String,
    /// Name of the pipeline.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
    /// Purpose of the pipeline.
    #[schema(max_length = 500)]
    pub description: Option<String>,
    /// Definition in YAML. It must be valid.
    #[schema(min_length = 1)]
    pub yaml: String,
    /// Whether runs may start, both scheduled and manual ones.
    #[schema(value_type = Option<bool>, default = true)]
    pub enabled: bool,
    /// Customer that owns the pipeline. Only administrators can choose it; for other users it is ignored, and the
    /// pipeline belongs to their customer. If an administrator omits it, the owner is the customer of the agents that
    /// the definition names by id. If there is no such agent, or they belong to several customers, the pipeline belongs
    /// to the platform.
    pub customer_id: Option<CustomerId>,
    /// SHA of the Git commit that the definition comes from.
    #[schema(pattern = "^[0-9a-fA-F]{7,64}$")]
    pub git_sha: Option<String>,
}

impl FromFields for CreatePipeline {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let identifier = fields.required("identifier", &[], identifier);
        let name = fields.required("name", &[], text(1, 255));
        let description = fields.optional("description", &[], text(0, MAX_DESCRIPTION));
        let yaml = fields.required("yaml", &[], definition);
        let enabled = fields.optional("enabled", &[], boolean);
        let customer_id = fields.optional("customerId", &[], id);
        let git_sha = fields.optional("gitSha", &[], commit);
        Some(Self {
            identifier: identifier?,
            name: name?,
            description: description?,
            yaml: yaml?,
            enabled: enabled?.unwrap_or(true),
            customer_id: customer_id?,
            git_sha: git_sha?,
        })
    }
}

/// Input for replacing a definition.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "yaml": "source: sftp://ftp.example.com/exports/orders.csv\ndestination: /data/in/\nschedule: \"0 2 * * *\"\n",
    "expectedVersion": 1,
}))]
pub struct ReplaceDefinition {
    /// New definition in YAML. It must be valid.
    #[schema(min_length = 1)]
    pub yaml: String,
    /// Version that the new definition is based on. If it is not the current version, nothing changes and the answer is
    /// 409.
    #[schema(minimum = 1)]
    pub expected_version: Option<i64>,
    /// SHA of the Git commit that the definition comes from.
    #[schema(pattern = "^[0-9a-fA-F]{7,64}$")]
    pub git_sha: Option<String>,
    /// Whether no version is created if the current definition is the same. Always `false` in REST, where each PUT
    /// creates a version.
    #[schema(ignore)]
    pub unless_same: bool,
    /// How parameters are filled in. A restored version keeps the rule under which it was saved.
    #[schema(ignore)]
    pub filling: Filling,
}

impl FromFields for ReplaceDefinition {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let yaml = fields.required("yaml", &[], definition);
        let expected_version = fields.optional("expectedVersion", &[], integer(1, i64::MAX));
        let git_sha = fields.optional("gitSha", &[], commit);
        Some(Self {
            yaml: yaml?,
            expected_version: expected_version?,
            git_sha: git_sha?,
            unless_same: false,
            filling: Filling::default(),
        })
    }
}

input! {
    /// Changes to a pipeline that create no new version. Omitted fields keep their values.
    #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
    #[schema(example = json!({ "enabled": false }))]
    pub struct UpdatePipeline {
        /// New name.
        #[schema(nullable = false, min_length = 1, max_length = 255)]
        name: Option<String> = update("name", &[], text(1, 255)),
        /// New description. Null removes it.
        #[schema(value_type = Option<String>, max_length = 500)]
        description: Change<String> = clearable("description", &[], text(0, MAX_DESCRIPTION)),
        /// Whether runs may start, both scheduled and manual ones.
        #[schema(nullable = false)]
        enabled: Option<bool> = update("enabled", &[], boolean),
    }
}

input! {
    /// Input for checking a definition.
    #[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
    #[schema(rename_all = "camelCase", example = json!({
        "yaml": "source: sftp://ftp.example.com/exports/orders.csv\ndestination: /data/in/\n",
    }))]
    pub struct DryRun {
        /// Definition in YAML.
        yaml: String = required("yaml", &[], definition),
        /// Customer whose agents are looked up. Only administrators can choose it; for other users it is ignored.
        customer_id: Option<CustomerId> = optional("customerId", &[], id),
    }
}

/// Result of checking a definition.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "PipelineVerdict")]
pub struct Verdict {
    /// Whether the definition is valid and can be saved.
    pub valid: bool,
    /// Errors, each with its line and column.
    #[schema(example = json!(["line 3, column 1: unknown key `sorce`: did you mean `source`?"]))]
    pub errors: Vec<String>,
    /// Warnings about what is allowed but probably not intended, each with its line and column.
    pub warnings: Vec<String>,
    /// Plan of a run: the steps, each after those that it needs, with their agents and filled-in parameters, and the
    /// next slots of the schedule. Empty if no plan can be made.
    #[schema(value_type = Object)]
    pub ast: Value,
    /// The same errors and warnings as objects, for programs.
    pub diagnostics: Vec<Diagnostic>,
}

impl Verdict {
    /// Creates the verdict on a definition from its diagnostics and its plan.
    #[must_use]
    pub fn new(diagnostics: Vec<Diagnostic>, plan: Option<&Plan>) -> Self {
        let of = |severity| diagnostics.iter().filter(move |found| found.severity == severity).map(ToString::to_string);
        let (errors, warnings): (Vec<String>, Vec<String>) =
            (of(Severity::Error).collect(), of(Severity::Warning).collect());
        let ast = plan.and_then(|plan| serde_json::to_value(plan).ok());
        Self {
            valid: errors.is_empty(),
            errors,
            warnings,
            ast: ast.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            diagnostics,
        }
    }
}

/// Selects pipelines. All given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, IntoParams, async_graphql::InputObject)]
#[into_params(parameter_in = Query)]
pub struct PipelineFilter {
    /// `true` selects enabled pipelines, `false` disabled ones.
    pub enabled: Option<bool>,
    /// Pipelines whose identifier, name or description contains this text. Case is ignored.
    #[param(max_length = 255, pattern = "^[^\\x00-\\x1F\\x7F-\\x9F]*$")]
    pub search: Option<String>,
}

impl FromFields for PipelineFilter {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let enabled = fields.optional("enabled", &[], parsed(boolean));
        let search = fields.optional("search", &[], text(0, 255));
        Some(Self { enabled: enabled?, search: search?.filter(|search| !search.is_empty()) })
    }
}

/// Reads an identifier. An error is a message that says what the identifier must be.
fn identifier(value: Value) -> Check<String> {
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_formed =
        text.starts_with(is_plain) && text.ends_with(is_plain) && text.chars().all(|c| is_plain(c) || c == '-');
    if !is_formed || text.len() > MAX_IDENTIFIER {
        return Err(format!(
            "must be 1 to {MAX_IDENTIFIER} lower-case letters, digits and hyphens, with a letter or digit at both ends"
        ));
    }
    if uuid::Uuid::try_parse(&text).is_ok() || RESERVED.contains(&text.as_str()) {
        return Err("must not be a UUID, nor `schema` or `dry-run`".to_owned());
    }
    Ok(text)
}

/// Reads the text of a definition. Whether the definition is valid is checked elsewhere, with diagnostics.
#[expect(clippy::needless_pass_by_value, reason = "a check is handed the value it takes")]
fn definition(value: Value) -> Check<String> {
    value.as_str().map(ToOwned::to_owned).ok_or_else(|| "must be a string".to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "a check is handed the value it takes")]
fn commit(value: Value) -> Check<String> {
    match value.as_str() {
        Some(sha) if (7..=64).contains(&sha.len()) && sha.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(sha.to_ascii_lowercase())
        }
        _ => Err("must be the SHA of a commit: 7 to 64 hexadecimal digits".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_small_letters_digits_and_hyphens_between() {
        for good in ["a", "0", "daily-etl-pipeline", "a--b", &"x".repeat(64)] {
            assert_eq!(identifier(Value::from(good)).as_deref(), Ok(good));
        }
        let long = "x".repeat(65);
        let uuid = "0199c1f0-6c00-7000-8000-000000000001";
        for bad in ["", "-a", "a-", "A", "a_b", "ä", "a b", "schema", "dry-run", uuid, &uuid.replace('-', ""), &long] {
            assert!(identifier(Value::from(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pipeline_is_meant_by_its_id_or_its_identifier() {
        let id = "0199c1f0-6c00-7000-8000-000000000001";
        assert!(matches!(id.parse(), Ok(PipelineRef::Id(_))));
        assert_eq!("daily".parse(), Ok(PipelineRef::Identifier("daily".to_owned())));
        assert!("Daily!".parse::<PipelineRef>().is_err());
    }
}
