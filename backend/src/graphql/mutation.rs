//! The mutations.

use async_graphql::{Context, Object, SimpleObject};

use super::{
    context::{actor, control_plane, may_sign_in},
    customer_inputs::{CreateCustomerInput, UpdateCustomerInput},
    enrolment_code_inputs::CreateEnrolmentCodeInput,
    idempotency::once,
    job_inputs::{CreateJobInput, UpdateJobInput, read_job},
    pipeline_inputs::{CreatePipelineInput, ParameterInput, UpdatePipelineInput, read_start},
    pipeline_queries::LABORIOUS,
    read_input::{read, read_transfer_filter},
    saved_view_inputs::{CreateViewInput, UpdateViewInput},
    transfer_fields::{TransferResult, results},
    user_inputs::{CreateUserInput, UpdateUserInput},
};
use crate::{
    actor::Permission,
    error::Result,
    ids::{
        AgentId, AttentionId, CustomerId, EnrolmentCodeId, JobId, PipelineId, RunId, SavedViewId, TransferId, UserId,
    },
    model::{
        Instant,
        account::{Login, SignedIn, User},
        agent::{Agent, RotateAgentKey},
        attention::{AttentionItem, SnoozeAttention},
        customer::Customer,
        enrolment_code::EnrolmentCode,
        job::{Backfill, BackfillPreview, Job, JobRun, JobSlot},
        pipeline::{Pipeline, PipelineRef, ReplaceDefinition, run::PipelineRun},
        saved_view::SavedView,
        transfer::{MAX_SELECTED, SelectTransfers, Transfer, TransferFilter, TransferSelection},
        webhook_secret::WebhookSecret,
    },
};

/// Mutations.
pub(crate) struct MutationRoot;

/// A new API key. It is returned only once.
#[derive(SimpleObject)]
pub(crate) struct AgentKey {
    /// The API key.
    api_key: String,
}

/// Mutations.
#[Object(name = "Mutation")]
impl MutationRoot {
    /// Signs a user in. A document may contain this field only once.
    async fn login(&self, ctx: &Context<'_>, email: String, password: String) -> Result<SignedIn> {
        let address = may_sign_in(ctx).await?;
        let login = read::<Login>(&serde_json::json!({ "email": email, "password": password }))?;
        control_plane(ctx)?.login(login, address).await
    }

    /// Ends the session of the access token.
    async fn logout(&self, ctx: &Context<'_>) -> Result<bool> {
        control_plane(ctx)?.logout(actor(ctx)?).await?;
        Ok(true)
    }

    /// Creates a customer. For administrators.
    async fn create_customer(&self, ctx: &Context<'_>, input: CreateCustomerInput) -> Result<Customer> {
        let new = read(&input)?;
        once(ctx, Permission::CreateCustomer, "create_customer", &input, |cp, who, claim| async move {
            cp.create_customer(&who, new, claim.as_ref()).await
        })
        .await
    }

    /// Renames or suspends a customer, or ends its suspension. For administrators.
    async fn update_customer(&self, ctx: &Context<'_>, id: CustomerId, input: UpdateCustomerInput) -> Result<Customer> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.update_customer(actor, id, read(&input)?).await
    }

    /// Creates a user. For administrators.
    async fn create_user(&self, ctx: &Context<'_>, input: CreateUserInput) -> Result<User> {
        let new = read(&input)?;
        once(ctx, Permission::CreateUser, "create_user", &input, |cp, who, claim| async move {
            cp.create_user(&who, new, claim.as_ref()).await
        })
        .await
    }

    /// Changes a user. A new password, a new role or a suspension ends the user's sessions. For administrators.
    async fn update_user(&self, ctx: &Context<'_>, id: UserId, input: UpdateUserInput) -> Result<User> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.update_user(actor, id, read(&input)?).await
    }

    /// Saves a view of a page for the signed-in user, who may have 50 of them.
    async fn create_view(&self, ctx: &Context<'_>, input: CreateViewInput) -> Result<SavedView> {
        let new = read(&input)?;
        once(ctx, Permission::ManageSavedViews, "create_view", &input, |cp, who, claim| async move {
            cp.create_view(&who, new, claim.as_ref()).await
        })
        .await
    }

    /// Changes a saved view of the signed-in user.
    async fn update_view(&self, ctx: &Context<'_>, id: SavedViewId, input: UpdateViewInput) -> Result<SavedView> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.update_view(actor, id, read(&input)?).await
    }

    /// Deletes a saved view of the signed-in user.
    async fn delete_view(&self, ctx: &Context<'_>, id: SavedViewId) -> Result<SavedViewId> {
        control_plane(ctx)?.delete_view(actor(ctx)?, id).await?;
        Ok(id)
    }

    /// Creates an enrolment code. Only this answer contains the whole code.
    async fn create_enrolment_code(
        &self,
        ctx: &Context<'_>,
        customer_id: CustomerId,
        input: Option<CreateEnrolmentCodeInput>,
    ) -> Result<EnrolmentCode> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.create_enrolment_code(actor, customer_id, read(&input.unwrap_or_default())?).await
    }

    /// Deletes an enrolment code. Agents that registered with it are not affected.
    async fn delete_enrolment_code(&self, ctx: &Context<'_>, id: EnrolmentCodeId) -> Result<EnrolmentCodeId> {
        control_plane(ctx)?.delete_enrolment_code(actor(ctx)?, id).await?;
        Ok(id)
    }

    /// Creates a new API key for an agent. The old key stays valid for `overlapSeconds`, by default one day; 0 ends it
    /// at once.
    async fn rotate_agent_key(&self, ctx: &Context<'_>, id: AgentId, overlap_seconds: Option<i32>) -> Result<AgentKey> {
        let actor = actor(ctx)?;
        let input: RotateAgentKey = read(&serde_json::json!({ "overlapSeconds": overlap_seconds }))?;
        let api_key = control_plane(ctx)?.rotate_agent_key(actor, id, input.overlap()).await?;
        Ok(AgentKey { api_key })
    }

    /// Sends an agent the directive to replace its API key itself, so that no user sees the new key. Changes nothing while
    /// such a directive waits; a directive expires after one day. Fails with a conflict if the agent's customer is
    /// suspended.
    async fn request_key_rotation(&self, ctx: &Context<'_>, id: AgentId) -> Result<Agent> {
        control_plane(ctx)?.request_key_rotation(actor(ctx)?, id).await
    }

    /// Revokes an agent. Its API keys become invalid at once; its transfers are kept.
    async fn revoke_agent(&self, ctx: &Context<'_>, id: AgentId) -> Result<AgentId> {
        control_plane(ctx)?.revoke_agent(actor(ctx)?, id).await?;
        Ok(id)
    }

    /// Cancels a transfer: a queued one at once, a running one when its agent confirms or when the lease ends.
    async fn cancel_transfer(&self, ctx: &Context<'_>, id: TransferId) -> Result<Transfer> {
        control_plane(ctx)?.cancel_transfer(actor(ctx)?, id).await
    }

    /// Queues another attempt of a failed transfer and sends it to the agent.
    async fn retry_transfer(&self, ctx: &Context<'_>, id: TransferId) -> Result<Transfer> {
        control_plane(ctx)?.retry_transfer(actor(ctx)?, id).await
    }

    /// Cancels several transfers, as `cancelTransfer` does each: either those with these ids, 1 to 500, or those of a
    /// filter, which may select at most 500.
    #[graphql(complexity = "MAX_SELECTED * child_complexity + 1")]
    async fn cancel_transfers(
        &self,
        ctx: &Context<'_>,
        ids: Option<Vec<TransferId>>,
        filter: Option<TransferFilter>,
    ) -> Result<Vec<TransferResult>> {
        let selection = selection(ids, filter)?;
        Ok(results(control_plane(ctx)?.cancel_transfers(actor(ctx)?, &selection).await?))
    }

    /// Retries several failed transfers, as `retryTransfer` does each: either those with these ids, 1 to 500, or those of
    /// a filter, which may select at most 500.
    #[graphql(complexity = "MAX_SELECTED * child_complexity + 1")]
    async fn retry_transfers(
        &self,
        ctx: &Context<'_>,
        ids: Option<Vec<TransferId>>,
        filter: Option<TransferFilter>,
    ) -> Result<Vec<TransferResult>> {
        let selection = selection(ids, filter)?;
        Ok(results(control_plane(ctx)?.retry_transfers(actor(ctx)?, &selection).await?))
    }

    /// Creates a job. For administrators.
    async fn create_job(&self, ctx: &Context<'_>, input: CreateJobInput) -> Result<Job> {
        let new = read_job(&input)?;
        once(ctx, Permission::CreateJob, "create_job", &input, |cp, who, claim| async move {
            cp.create_job(&who, new, claim.as_ref()).await
        })
        .await
    }

    /// Changes a job. A new schedule takes effect at once. For administrators.
    async fn update_job(&self, ctx: &Context<'_>, id: JobId, input: UpdateJobInput) -> Result<Job> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.update_job(actor, id, read_job(&input)?).await
    }

    /// Deletes a job with its runs and its slot history. Its transfers are kept. For administrators.
    async fn delete_job(&self, ctx: &Context<'_>, id: JobId) -> Result<JobId> {
        control_plane(ctx)?.delete_job(actor(ctx)?, id).await?;
        Ok(id)
    }

    /// Enables a job: its schedule starts runs. For administrators.
    async fn enable_job(&self, ctx: &Context<'_>, id: JobId) -> Result<Job> {
        control_plane(ctx)?.enable_job(actor(ctx)?, id).await
    }

    /// Disables a job: its schedule starts no runs. Active runs continue. For administrators.
    async fn disable_job(&self, ctx: &Context<'_>, id: JobId) -> Result<Job> {
        control_plane(ctx)?.disable_job(actor(ctx)?, id).await
    }

    /// Starts a job now, outside its schedule. For administrators.
    async fn run_job(&self, ctx: &Context<'_>, id: JobId) -> Result<Job> {
        once(ctx, Permission::RunJob, "run_job", &id, |cp, who, claim| async move {
            cp.run_job(&who, id, claim.as_ref()).await
        })
        .await
    }

    /// Requests the cancellation of a job run. It ends when its agent confirms or when the lease ends. For
    /// administrators.
    async fn cancel_job_run(&self, ctx: &Context<'_>, id: RunId) -> Result<JobRun> {
        control_plane(ctx)?.cancel_job_run(actor(ctx)?, id).await
    }

    /// Retries a failed or cancelled job run, as the next attempt. For administrators.
    async fn retry_job_run(&self, ctx: &Context<'_>, id: RunId) -> Result<JobRun> {
        control_plane(ctx)?.retry_job_run(actor(ctx)?, id).await
    }

    /// Shows what `backfillJob` would do. Changes nothing. For administrators.
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

    /// Runs the past slots in a range, including both ends, that did not run: at most 100. Returns the slots that will
    /// run. For administrators.
    async fn backfill_job(&self, ctx: &Context<'_>, job_id: JobId, from: Instant, to: Instant) -> Result<Vec<JobSlot>> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.backfill_job(actor, job_id, range(from, to)?).await
    }

    /// Snoozes an attention item until this time, for all who see it. `reason` says why, in 1 to 500 characters. The
    /// snooze ends early if the severity of the item rises.
    async fn snooze_attention(
        &self,
        ctx: &Context<'_>,
        id: AttentionId,
        until: Instant,
        reason: String,
    ) -> Result<AttentionItem> {
        let actor = actor(ctx)?;
        let input: SnoozeAttention = read(&serde_json::json!({ "until": until, "reason": reason }))?;
        control_plane(ctx)?.snooze_attention(actor, id, input).await
    }

    /// Ends the snooze of an attention item.
    async fn end_attention_snooze(&self, ctx: &Context<'_>, id: AttentionId) -> Result<AttentionId> {
        control_plane(ctx)?.end_attention_snooze(actor(ctx)?, id).await?;
        Ok(id)
    }

    /// Creates a pipeline. An invalid definition is refused, with all errors in `extensions.details`.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn create_pipeline(&self, ctx: &Context<'_>, input: CreatePipelineInput) -> Result<Pipeline> {
        let new = read(&input)?;
        once(ctx, Permission::CreatePipeline, "create_pipeline", &input, |cp, who, claim| async move {
            cp.create_pipeline(&who, new, claim.as_ref()).await
        })
        .await
    }

    /// Renames, describes, enables or disables a pipeline. Creates no new version.
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

    /// Replaces the definition of a pipeline and creates a new version, unless the definition is the same as the
    /// current one. An invalid definition is refused, with all errors in `extensions.details`.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn replace_pipeline_definition(
        &self,
        ctx: &Context<'_>,
        id: PipelineRef,
        yaml: String,
        #[graphql(desc = "Version that the new definition is based on. If it is not the current version, the \
                          request fails with a conflict, with both versions in `extensions.details`.")]
        expected_version: Option<i64>,
        #[graphql(desc = "SHA of the Git commit that the definition comes from.")] git_sha: Option<String>,
    ) -> Result<Pipeline> {
        let actor = actor(ctx)?;
        let said = serde_json::json!({ "yaml": yaml, "expectedVersion": expected_version, "gitSha": git_sha });
        let input = ReplaceDefinition { unless_same: true, ..read(&said)? };
        control_plane(ctx)?.replace_pipeline_definition(actor, &id, input).await
    }

    /// Deletes a pipeline with its versions, runs and slot history. Active runs are cancelled first; transfers are
    /// kept.
    async fn delete_pipeline(&self, ctx: &Context<'_>, id: PipelineRef) -> Result<PipelineId> {
        control_plane(ctx)?.delete_pipeline(actor(ctx)?, &id).await
    }

    /// Creates a new version with the definition of an earlier one. For administrators.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn restore_pipeline_version(
        &self,
        ctx: &Context<'_>,
        pipeline_id: PipelineRef,
        #[graphql(desc = "Number of the earlier version.")] version: i64,
        #[graphql(desc = "As in `replacePipelineDefinition`.")] expected_version: Option<i64>,
    ) -> Result<Pipeline> {
        let actor = actor(ctx)?;
        control_plane(ctx)?.restore_pipeline_version(actor, &pipeline_id, version, expected_version).await
    }

    /// Starts a run of the current version of a pipeline, or of a draft, outside its schedule. If the definition names
    /// no agent and there are several, the request is refused with their ids in `extensions.details`. For
    /// administrators.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn run_pipeline(
        &self,
        ctx: &Context<'_>,
        id: PipelineRef,
        #[graphql(desc = "Omitted parameters have the default values of the definition.")] parameters: Option<
            Vec<ParameterInput>,
        >,
        #[graphql(desc = "Draft that the run executes instead of the current version. It must be valid. It is kept \
                          with the run alone: the pipeline, its versions and its schedule do not change.")]
        yaml: Option<String>,
    ) -> Result<PipelineRun> {
        let input = read_start(parameters.unwrap_or_default(), yaml)?;
        let said = (format!("{id:?}"), input.parameters.0.clone(), input.yaml.clone());
        once(ctx, Permission::RunPipeline, "run_pipeline", &said, |cp, who, claim| async move {
            cp.run_pipeline(&who, &id, input, claim.as_ref()).await
        })
        .await
    }

    /// Cancels a pipeline run. Steps that have not started are cancelled at once; running steps end when their agents
    /// confirm or when the lease ends. For administrators.
    async fn cancel_pipeline_run(&self, ctx: &Context<'_>, id: RunId) -> Result<PipelineRun> {
        control_plane(ctx)?.cancel_pipeline_run(actor(ctx)?, id).await
    }

    /// Continues a failed or cancelled run from where it stopped, as a new run of the same version or draft with the
    /// same parameters. For administrators.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn rerun_pipeline_run(&self, ctx: &Context<'_>, id: RunId) -> Result<PipelineRun> {
        once(ctx, Permission::RerunPipelineRun, "rerun_pipeline_run", &id, |cp, who, claim| async move {
            cp.rerun_pipeline_run(&who, id, claim.as_ref()).await
        })
        .await
    }

    /// Creates a new webhook secret; the old one becomes invalid at once. Only this answer contains the whole secret.
    /// An administrator names the customer, or omits `customerId` for the platform's secret.
    async fn rotate_webhook_secret(&self, ctx: &Context<'_>, customer_id: Option<CustomerId>) -> Result<WebhookSecret> {
        control_plane(ctx)?.rotate_webhook_secret(actor(ctx)?, customer_id).await
    }
}

fn range(from: Instant, to: Instant) -> Result<Backfill> {
    read(&serde_json::json!({ "from": from, "to": to }))
}

fn selection(ids: Option<Vec<TransferId>>, filter: Option<TransferFilter>) -> Result<TransferSelection> {
    let filter = filter.map(|filter| read_transfer_filter(Some(filter))).transpose()?;
    SelectTransfers { ids, filter }.selection()
}
