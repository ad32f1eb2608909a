//! Pipelines: created, read, changed, enabled or disabled, and deleted.

use serde_json::json;

use definition_schedule::unschedule;

use super::{ControlPlane, Work, optimistic_attempt_limit::OptimisticRetry};
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    ids::{CustomerId, PipelineId},
    model::{
        Page, PageRequest,
        definition::{Definition, Filling},
        event::{Kind, Object},
        field_reader::Change,
        job_and_pipeline_order::ScheduledSort,
        pipeline::{
            CreatePipeline, Pipeline, PipelineFilter, PipelineRef, PipelineVersion, ReplaceDefinition, UpdatePipeline,
        },
    },
    store::{self, db::EnumText, idempotency::IdempotencyClaim, pipelines::PipelineRow},
};

mod blocked_pipelines;
mod definition_checks_and_plans;
mod definition_schedule;
mod versions;

pub(super) use blocked_pipelines::{BlockedPipeline, NamedAgents};

/// The maximum number of versions in the view of a pipeline.
const VERSIONS: i64 = 20;

impl ControlPlane {
    /// Creates a pipeline. A user's pipeline belongs to the user's customer. An administrator's pipeline belongs to the
    /// customer that the input names. If the input names no customer, the pipeline belongs to the customer of the
    /// agents that the definition names by id, if all of them have the same customer. In all other cases it belongs to
    /// the platform.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::Refused`] with all diagnostics if the definition is not valid,
    /// [`Error::Fields`] for an unknown customer, [`Error::Conflict`] if the identifier is taken.
    pub async fn create_pipeline(
        &self,
        actor: &Actor,
        input: CreatePipeline,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<Pipeline> {
        actor.require(Permission::CreatePipeline)?;
        let definition = self.new_definition(&input.yaml, Filling::default()).await?;
        let customer_id = self.customer_of(actor, input.customer_id, Some(&definition)).await?;
        self.require_clear_agents(customer_id, &definition).await?;
        let mut work = self.begin(actor).await?;
        let mut row = PipelineRow {
            id: self.ids.next(work.now),
            customer_id,
            identifier: input.identifier,
            name: input.name,
            description: input.description,
            enabled: input.enabled,
            version: 1,
            created_at: work.now,
            updated_at: work.now,
            yaml: input.yaml,
            filling: EnumText(Filling::default()),
            git_sha: input.git_sha,
            version_created_at: work.now,
            next_run_at: None,
        };
        if !store::pipelines::insert(&mut work.tx, &row).await? {
            return Err(Error::conflict(format!(
                "a pipeline with the identifier `{}` already exists: choose another one",
                row.identifier
            )));
        }
        insert_version(&mut work, &row).await?;
        self.reschedule(&mut work, &mut row, Some(&definition)).await?;
        let pipeline = row.view();
        work.note(Kind::PipelineCreated, Object::Pipeline(pipeline.clone()));
        work.complete(claim, &pipeline).await?;
        self.commit(work).await?;
        Ok(pipeline)
    }

    /// Returns a page of the pipelines that the caller may see.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn list_pipelines(
        &self,
        actor: &Actor,
        filter: &PipelineFilter,
        sort: ScheduledSort,
        request: PageRequest,
    ) -> Result<Page<Pipeline>> {
        let scope = actor.require(Permission::ViewPipelines)?;
        let page = store::pipelines::list(&self.db, scope, filter, sort, request).await?.map(PipelineRow::view);
        let Page { items, request, total, has_more } = page;
        Ok(Page { items: self.with_versions(actor, items).await?, request, total, has_more })
    }

    /// Returns a pipeline.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if there is no such pipeline within the caller's scope,
    /// [`Error::Conflict`] if several pipelines have this identifier.
    pub async fn get_pipeline(&self, actor: &Actor, meant: &PipelineRef) -> Result<Pipeline> {
        actor.require(Permission::ViewPipelines)?;
        let pipeline = self.pipeline(actor, meant).await?.view();
        self.with_versions(actor, vec![pipeline]).await?.pop().ok_or(Error::NotFound("pipeline"))
    }

    /// Returns the pipelines with these ids that the caller may see, in no particular order.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn find_pipelines(&self, actor: &Actor, ids: &[PipelineId]) -> Result<Vec<Pipeline>> {
        let scope = actor.require(Permission::ViewPipelines)?;
        let rows = store::pipelines::find_all(&self.db, scope, ids).await?;
        self.with_versions(actor, rows.into_iter().map(PipelineRow::view).collect()).await
    }

    /// Returns the identifier of a pipeline, and its definition as it was sent.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::get_pipeline`].
    pub async fn export_pipeline(&self, actor: &Actor, meant: &PipelineRef) -> Result<(String, String)> {
        actor.require(Permission::ViewPipelines)?;
        let row = self.pipeline(actor, meant).await?;
        Ok((row.identifier, row.yaml))
    }

    /// Replaces the definition of a pipeline, which creates a new version.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::get_pipeline`]; [`Error::Refused`] with all diagnostics if the definition is not valid,
    /// [`Error::Conflict`] with both version numbers if the current version is not the expected one.
    pub async fn replace_pipeline_definition(
        &self,
        actor: &Actor,
        meant: &PipelineRef,
        input: ReplaceDefinition,
    ) -> Result<Pipeline> {
        actor.require(Permission::UpdatePipeline)?;
        let PipelineRow { id, customer_id, .. } = self.pipeline(actor, meant).await?;
        let definition = self.new_definition(&input.yaml, input.filling).await?;
        self.require_clear_agents(customer_id, &definition).await?;
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let mut row = lock_and_read(&mut work, actor, id).await?;
            require_version(&row, input.expected_version)?;
            if input.unless_same && row.yaml == input.yaml {
                break;
            }
            row.version += 1;
            row.updated_at = work.now;
            row.version_created_at = work.now;
            row.yaml.clone_from(&input.yaml);
            row.filling = EnumText(input.filling);
            row.git_sha.clone_from(&input.git_sha);
            insert_version(&mut work, &row).await?;
            store::pipelines::save(&mut work.tx, &row).await?;
            if self.reschedule(&mut work, &mut row, Some(&definition)).await? {
                work.note(Kind::PipelineUpdated, Object::Pipeline(row.view()));
                self.commit(work).await?;
                break;
            }
            drop(work);
            self.decide_due_slots_of_pipeline(id).await?;
        }
        self.get_pipeline(actor, &id.into()).await
    }

    /// Changes the name or description of a pipeline, or enables or disables it. Creates no version.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::get_pipeline`].
    pub async fn update_pipeline(&self, actor: &Actor, meant: &PipelineRef, input: UpdatePipeline) -> Result<Pipeline> {
        actor.require(Permission::UpdatePipeline)?;
        let id = self.pipeline(actor, meant).await?.id;
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let before = lock_and_read(&mut work, actor, id).await?;
            let mut row = before.clone();
            apply(&mut row, &input);
            if row == before {
                break;
            }
            row.updated_at = work.now;
            store::pipelines::save(&mut work.tx, &row).await?;
            let is_scheduled = row.enabled == before.enabled || {
                // It was valid when it was saved, so parsing is bounded as it was then.
                let definition = Definition::parse_by(&row.yaml, row.filling.0).definition;
                self.reschedule(&mut work, &mut row, definition.as_ref()).await?
            };
            if is_scheduled {
                work.note(Kind::PipelineUpdated, Object::Pipeline(row.view()));
                self.commit(work).await?;
                break;
            }
            drop(work);
            self.decide_due_slots_of_pipeline(id).await?;
        }
        self.get_pipeline(actor, &id.into()).await
    }

    /// Deletes a pipeline with its versions and runs. Active runs are cancelled first; transfers remain. Returns the id
    /// of the pipeline.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::get_pipeline`].
    pub async fn delete_pipeline(&self, actor: &Actor, meant: &PipelineRef) -> Result<PipelineId> {
        actor.require(Permission::DeletePipeline)?;
        let id = self.pipeline(actor, meant).await?.id;
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let row = lock_and_read(&mut work, actor, id).await?;
            if self.abandon_runs(&mut work, id).await? {
                store::pipeline_runs::delete_of_pipeline(&mut work.tx, id).await?;
                unschedule(&mut work, id).await?;
                store::pipelines::delete(&mut work.tx, id).await?;
                work.note(Kind::PipelineDeleted, Object::Pipeline(row.view()));
                self.commit(work).await?;
                return Ok(id);
            }
        }
    }

    /// Finds the pipeline that `meant` refers to, within the caller's scope.
    pub(super) async fn pipeline(&self, actor: &Actor, meant: &PipelineRef) -> Result<PipelineRow> {
        let mut found = store::pipelines::find(&self.db, actor.scope(), meant).await?;
        if found.len() > 1 {
            let ids: Vec<PipelineId> = found.iter().map(|row| row.id).collect();
            return Err(Error::Conflict {
                message: format!("{} pipelines have this identifier: name one by its id", ids.len()),
                details: Some(json!({ "ids": ids })),
            });
        }
        found.pop().ok_or(Error::NotFound("pipeline"))
    }

    /// Determines the customer that a new pipeline belongs to; `None` for the platform.
    pub(super) async fn customer_of(
        &self,
        actor: &Actor,
        named: Option<CustomerId>,
        definition: Option<&Definition>,
    ) -> Result<Option<CustomerId>> {
        if let Scope::Customer(own) = actor.scope() {
            return Ok(Some(own));
        }
        if let Some(named) = named {
            let customer = store::customers::find(&self.db, named).await?;
            return customer
                .map(|_| Some(named))
                .ok_or_else(|| Error::field("customerId", "there is no customer with this id"));
        }
        let ids: Vec<_> = definition.into_iter().flat_map(Definition::agent_ids).collect();
        let agents = store::agents::find_all(&self.db, Scope::All, &ids).await?;
        let first = agents.first().map(|agent| agent.customer_id);
        Ok(first.filter(|first| agents.iter().all(|agent| agent.customer_id == *first)))
    }

    /// Adds the newest versions, if the caller may see more than the current one.
    async fn with_versions(&self, actor: &Actor, mut pipelines: Vec<Pipeline>) -> Result<Vec<Pipeline>> {
        if !actor.may(Permission::ViewPipelineVersions) {
            return Ok(pipelines);
        }
        let ids: Vec<PipelineId> = pipelines.iter().map(|pipeline| pipeline.id).collect();
        let versions = store::pipelines::newest_versions(&self.db, &ids, VERSIONS).await?;
        for pipeline in &mut pipelines {
            // Leaves out versions that were created after the pipeline was read.
            let own = versions.iter().filter(|(id, found)| *id == pipeline.id && found.version <= pipeline.version);
            pipeline.versions = own.map(|(_, version)| version.clone()).collect();
        }
        Ok(pipelines)
    }
}

/// Locks the row of a pipeline until the end of the transaction, and reads it. Returns [`Error::NotFound`] if the
/// pipeline is not within the caller's scope.
pub(super) async fn lock_and_read(work: &mut Work, actor: &Actor, id: PipelineId) -> Result<PipelineRow> {
    store::pipelines::lock(&mut work.tx, id).await?;
    let row = store::pipelines::find(&mut work.tx, actor.scope(), &id.into()).await?.pop();
    row.ok_or(Error::NotFound("pipeline"))
}

/// An error if the caller expects another version than the current one.
fn require_version(row: &PipelineRow, expected: Option<i64>) -> Result<()> {
    match expected {
        Some(expected) if expected != row.version => Err(Error::Conflict {
            message: format!(
                "version {} is current, not version {expected}: read the current definition, and change that",
                row.version
            ),
            details: Some(json!({ "currentVersion": row.version, "expectedVersion": expected })),
        }),
        _ => Ok(()),
    }
}

fn apply(row: &mut PipelineRow, input: &UpdatePipeline) {
    if let Some(name) = &input.name {
        row.name.clone_from(name);
    }
    match &input.description {
        Change::Keep => {}
        Change::Clear => row.description = None,
        Change::Set(description) => row.description = Some(description.clone()),
    }
    row.enabled = input.enabled.unwrap_or(row.enabled);
}

async fn insert_version(work: &mut Work, row: &PipelineRow) -> Result<()> {
    let version = PipelineVersion {
        version: row.version,
        created_at: row.version_created_at.into(),
        git_sha: row.git_sha.clone(),
    };
    store::pipelines::insert_version(&mut work.tx, row.id, &version, &row.yaml, row.filling.0).await
}
