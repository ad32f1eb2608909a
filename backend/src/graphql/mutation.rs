//! What can be done.

use async_graphql::{Context, Object, SimpleObject};

use super::{
    context::{actor, control_plane, may_sign_in},
    filters::{
        CreateCustomerInput, CreateEnrolmentCodeInput, CreateUserInput, UpdateCustomerInput, UpdateUserInput, read,
    },
    job_inputs::{CreateJobInput, UpdateJobInput, read_job},
    pipeline_inputs::{CreatePipelineInput, ParameterInput, UpdatePipelineInput, read_parameters},
    pipeline_queries::LABORIOUS,
};
use crate::{
    error::Result,
    ids::{AgentId, CustomerId, EnrolmentCodeId, JobId, PipelineId, RunId, TransferId, UserId},
    model::{
        Instant,
        account::{Login, SignedIn, User},
        agent::RotateAgentKey,
        customer::{Customer, EnrolmentCode},
        job::{Backfill, BackfillPreview, Job, JobRun, JobSlot},
        pipeline::{Pipeline, PipelineRef, ReplaceDefinition, run::PipelineRun},
        transfer::Transfer,
        webhook::WebhookSecret,
    },
};

/// What can be done.
pub(crate) struct MutationRoot;

/// A new API key. It is not shown again.
#[derive(SimpleObject)]
pub(crate) struct AgentKey {
    /// The key.
    api_key: String,
}

/// What can be done.
#[Object(name = "Mutation")]
impl MutationRoot {
    /// Signs in. A document may hold this once.
    async fn login(&self, ctx: &Context<'_>, email: String, password: String) -> Result<SignedIn> {
        let address = may_sign_in(ctx).await?;
        let login = read::<Login>(&serde_json::json!({ "email": email, "password": password }))?;
        control_plane(ctx)?.login(login, address).await
    }

    /// Ends the session of the token.
    async fn logout(&self, ctx: &Context<'_>) -> Result<bool> {
        control_plane(ctx)?.logout(actor(ctx)?).await?;
        Ok(true)
    }

    /// Makes a customer. For administrators.
    async fn create_customer(&self, ctx: &Context<'_>, input: CreateCustomerInput) -> Result<Customer> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.create_customer(actor, read(&input)?, None).await
    }

    /// Renames a customer, shuts them out or lets them in again. For administrators.
    async fn update_customer(&self, ctx: &Context<'_>, id: CustomerId, input: UpdateCustomerInput) -> Result<Customer> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.update_customer(actor, id, read(&input)?).await
    }

    /// Makes a user. For administrators.
    async fn create_user(&self, ctx: &Context<'_>, input: CreateUserInput) -> Result<User> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.create_user(actor, read(&input)?, None).await
    }

    /// Changes a user. A new password or role, or a suspension, ends their sessions. For administrators.
    async fn update_user(&self, ctx: &Context<'_>, id: UserId, input: UpdateUserInput) -> Result<User> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.update_user(actor, id, read(&input)?).await
    }

    /// Makes an enrolment code. The answer is the only place where it stands in full.
    async fn create_enrolment_code(
        &self,
        ctx: &Context<'_>,
        customer_id: CustomerId,
        input: Option<CreateEnrolmentCodeInput>,
    ) -> Result<EnrolmentCode> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.create_enrolment_code(actor, customer_id, read(&input.unwrap_or_default())?).await
    }

    /// Withdraws an enrolment code; agents that enrolled with it stay.
    async fn delete_enrolment_code(&self, ctx: &Context<'_>, id: EnrolmentCodeId) -> Result<EnrolmentCodeId> {
        control_plane(ctx)?.delete_enrolment_code(actor(ctx)?, id).await?;
        Ok(id)
    }

    /// Gives an agent a new key. Both keys work for the overlap: a day, unless said otherwise; 0 ends the old one now.
    async fn rotate_agent_key(&self, ctx: &Context<'_>, id: AgentId, overlap_seconds: Option<i32>) -> Result<AgentKey> {
        let actor = actor(ctx)?;
        let input: RotateAgentKey = read(&serde_json::json!({ "overlapSeconds": overlap_seconds }))?;
        let api_key = control_plane(ctx)?.rotate_agent_key(actor, id, input.overlap()).await?;
        Ok(AgentKey { api_key })
    }

    /// Revokes an agent: its keys end now, its transfers stay.
    async fn revoke_agent(&self, ctx: &Context<'_>, id: AgentId) -> Result<AgentId> {
        control_plane(ctx)?.revoke_agent(actor(ctx)?, id).await?;
        Ok(id)
    }

    /// Cancels a transfer: a queued one at once, a running one when its agent says so or its lease ends.
    async fn cancel_transfer(&self, ctx: &Context<'_>, id: TransferId) -> Result<Transfer> {
        control_plane(ctx)?.cancel_transfer(actor(ctx)?, id).await
    }

    /// Queues another attempt of a failed transfer and asks its agent to make it.
    async fn retry_transfer(&self, ctx: &Context<'_>, id: TransferId) -> Result<Transfer> {
        control_plane(ctx)?.retry_transfer(actor(ctx)?, id).await
    }

    /// Makes a job. For administrators.
    async fn create_job(&self, ctx: &Context<'_>, input: CreateJobInput) -> Result<Job> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.create_job(actor, read_job(&input)?, None).await
    }

    /// Changes a job; a new schedule takes effect at once. For administrators.
    async fn update_job(&self, ctx: &Context<'_>, id: JobId, input: UpdateJobInput) -> Result<Job> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.update_job(actor, id, read_job(&input)?).await
    }

    /// Deletes a job with its runs and its ledger; its transfers stay. For administrators.
    async fn delete_job(&self, ctx: &Context<'_>, id: JobId) -> Result<JobId> {
        control_plane(ctx)?.delete_job(actor(ctx)?, id).await?;
        Ok(id)
    }

    /// Lets a job's schedule start it. For administrators.
    async fn enable_job(&self, ctx: &Context<'_>, id: JobId) -> Result<Job> {
        control_plane(ctx)?.enable_job(actor(ctx)?, id).await
    }

    /// Stops a job's schedule; a run at work goes on. For administrators.
    async fn disable_job(&self, ctx: &Context<'_>, id: JobId) -> Result<Job> {
        control_plane(ctx)?.disable_job(actor(ctx)?, id).await
    }

    /// Starts a job now, beside its schedule. For administrators.
    async fn run_job(&self, ctx: &Context<'_>, id: JobId) -> Result<Job> {
        control_plane(ctx)?.run_job(actor(ctx)?, id).await
    }

    /// Asks for the end of a run: its agent confirms it, or its lease ends it. For administrators.
    async fn cancel_job_run(&self, ctx: &Context<'_>, id: RunId) -> Result<JobRun> {
        control_plane(ctx)?.cancel_job_run(actor(ctx)?, id).await
    }

    /// Makes a run again that failed or was cancelled, as another attempt. For administrators.
    async fn retry_job_run(&self, ctx: &Context<'_>, id: RunId) -> Result<JobRun> {
        control_plane(ctx)?.retry_job_run(actor(ctx)?, id).await
    }

    /// What `backfillJob` would do; changes nothing. For administrators.
    async fn preview_backfill(
        &self,
        ctx: &Context<'_>,
        job_id: JobId,
        from: Instant,
        to: Instant,
    ) -> Result<BackfillPreview> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.preview_backfill(actor, job_id, range(from, to)?).await
    }

    /// Runs the slots of a range of the past, both ends included, that did not run; the slots that will. At most 100. For
    /// administrators.
    async fn backfill_job(&self, ctx: &Context<'_>, job_id: JobId, from: Instant, to: Instant) -> Result<Vec<JobSlot>> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.backfill_job(actor, job_id, range(from, to)?).await
    }

    /// Makes a pipeline. A definition that is not valid is refused with all that is wrong in `extensions.details`.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn create_pipeline(&self, ctx: &Context<'_>, input: CreatePipelineInput) -> Result<Pipeline> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.create_pipeline(actor, read(&input)?, None).await
    }

    /// Renames a pipeline, describes it, or switches it on or off: no new version.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn update_pipeline(
        &self,
        ctx: &Context<'_>,
        id: PipelineRef,
        input: UpdatePipelineInput,
    ) -> Result<Pipeline> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.update_pipeline(actor, &id, read(&input)?).await
    }

    /// Gives a pipeline a new definition: one version more, unless it is the same as the current one. Refused like that of
    /// `createPipeline` if it is not valid.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn replace_pipeline_definition(
        &self,
        ctx: &Context<'_>,
        id: PipelineRef,
        yaml: String,
        #[graphql(desc = "The version it was made from: if another one is current by now, that is a conflict which \
                          names both in `extensions.details`.")]
        expected_version: Option<i64>,
        #[graphql(desc = "The commit it comes from.")] git_sha: Option<String>,
    ) -> Result<Pipeline> {
        let actor = actor(ctx)?;
        let said = serde_json::json!({ "yaml": yaml, "expectedVersion": expected_version, "gitSha": git_sha });
        let input = ReplaceDefinition { unless_same: true, ..read(&said)? };
        control_plane(ctx)?.replace_pipeline_definition(actor, &id, input).await
    }

    /// Deletes a pipeline with its versions, its runs and its ledger; what runs is cancelled first, transfers stay.
    async fn delete_pipeline(&self, ctx: &Context<'_>, id: PipelineRef) -> Result<PipelineId> {
        control_plane(ctx)?.delete_pipeline(actor(ctx)?, &id).await
    }

    /// Makes an earlier version the newest one, under a number of its own. For administrators.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn restore_pipeline_version(
        &self,
        ctx: &Context<'_>,
        pipeline_id: PipelineRef,
        #[graphql(desc = "The number of the earlier version.")] version: i64,
        #[graphql(desc = "As of `replacePipelineDefinition`.")] expected_version: Option<i64>,
    ) -> Result<Pipeline> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.restore_pipeline_version(actor, &pipeline_id, version, expected_version).await
    }

    /// Starts a run of a pipeline's current version, beside its schedule. Where the definition does not say which of
    /// several agents is meant, it is refused with their ids in `extensions.details`. For administrators.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn run_pipeline(
        &self,
        ctx: &Context<'_>,
        id: PipelineRef,
        #[graphql(desc = "What is left out has the value the definition gives it.")] parameters: Option<
            Vec<ParameterInput>,
        >,
    ) -> Result<PipelineRun> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.run_pipeline(actor, &id, read_parameters(parameters.unwrap_or_default())?, None).await
    }

    /// Cancels a run: what has not begun will not, what is on its way ends when its agent says so or its lease ends. For
    /// administrators.
    async fn cancel_pipeline_run(&self, ctx: &Context<'_>, id: RunId) -> Result<PipelineRun> {
        control_plane(ctx)?.cancel_pipeline_run(actor(ctx)?, id).await
    }

    /// Goes on from where a run failed or was cancelled, as a new run of the same version with the same parameters. For
    /// administrators.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn rerun_pipeline_run(&self, ctx: &Context<'_>, id: RunId) -> Result<PipelineRun> {
        control_plane(ctx)?.rerun_pipeline_run(actor(ctx)?, id, None).await
    }

    /// Makes a new secret to sign webhooks with; the one before works no more. The answer is the only place where it
    /// stands in full. Administrators name the customer, or mean the platform's own.
    async fn rotate_webhook_secret(&self, ctx: &Context<'_>, customer_id: Option<CustomerId>) -> Result<WebhookSecret> {
        control_plane(ctx)?.rotate_webhook_secret(actor(ctx)?, customer_id).await
    }
}

fn range(from: Instant, to: Instant) -> Result<Backfill> {
    read(&serde_json::json!({ "from": from, "to": to }))
}
