//! The permissions, and the table that says which role has which of them. A caller without the permission is refused;
//! an object outside the caller's [`Scope`](super::Scope) does not exist for the caller, whatever permissions the
//! caller has.

use Permission as P;

use crate::model::account::Role;

/// A permission: the right to do one thing. Each method of the control plane states its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Permission {
    /// Read the caller's own account.
    ViewOwnAccount,
    /// End the caller's own session.
    SignOut,
    /// Read, create, change and delete the caller's own saved views.
    ManageSavedViews,

    /// Read the totals of the fleet, now and over time.
    ViewFleet,
    /// Read and follow what needs attention.
    ViewAttention,
    /// Read and follow the event log.
    ViewEvents,
    /// Find an object of any type by its id. The caller also needs the permission to read objects of that type.
    FindObjects,
    /// Read customers within the caller's scope.
    ViewCustomers,
    /// Read enrolment codes, without their secrets.
    ViewEnrolmentCodes,
    /// Read the metadata of webhook secrets, but not the secret values.
    ViewWebhookSecrets,
    /// Read agents.
    ViewAgents,
    /// Read transfers.
    ViewTransfers,
    /// List jobs. An agent lists its own enabled jobs.
    ListJobs,
    /// Read jobs.
    ViewJobs,
    /// Preview a schedule.
    PreviewSchedules,
    /// Read the current versions of pipelines.
    ViewPipelines,
    /// Read the JSON Schema of definitions, and check definitions against it.
    CheckDefinitions,

    /// Create an enrolment code.
    CreateEnrolmentCode,
    /// Delete an enrolment code.
    DeleteEnrolmentCode,
    /// Register an agent.
    RegisterAgent,
    /// Create a new API key for an agent. An agent may create its own.
    RotateAgentKey,
    /// Request that an agent replaces its API key.
    RequestKeyRotation,
    /// Revoke an agent.
    RevokeAgent,
    /// Cancel a transfer.
    CancelTransfer,
    /// Retry a transfer.
    RetryTransfer,
    /// Snooze an attention item for all users who see it, or end a snooze.
    SnoozeAttention,
    /// Create a pipeline.
    CreatePipeline,
    /// Change a pipeline: its name, its description, its definition, and whether it is enabled.
    UpdatePipeline,
    /// Delete a pipeline with its runs.
    DeletePipeline,
    /// Replace a webhook secret.
    RotateWebhookSecret,

    /// List all customers, and find one by its name.
    ListCustomers,
    /// Read all users.
    ViewUsers,
    /// Read the slot history of jobs.
    ViewJobSlots,
    /// Read and subscribe to job runs.
    ViewJobRuns,
    /// Read the slot history of pipelines.
    ViewPipelineSlots,
    /// Read and subscribe to pipeline runs.
    ViewPipelineRuns,
    /// Read the earlier versions of pipelines.
    ViewPipelineVersions,

    /// Create a customer.
    CreateCustomer,
    /// Rename or suspend a customer.
    UpdateCustomer,
    /// Create a user.
    CreateUser,
    /// Change the password or role of a user, or suspend the user.
    UpdateUser,
    /// Create a job.
    CreateJob,
    /// Change, enable or disable a job.
    UpdateJob,
    /// Delete a job with its runs.
    DeleteJob,
    /// Start a job outside its schedule.
    RunJob,
    /// Run past slots of a job.
    BackfillJob,
    /// Cancel a job run.
    CancelJobRun,
    /// Retry a job run.
    RetryJobRun,
    /// Start a pipeline outside its schedule.
    RunPipeline,
    /// Cancel a pipeline run.
    CancelPipelineRun,
    /// Continue a failed pipeline run, as a new run.
    RerunPipelineRun,
    /// Restore an earlier version of a pipeline as the newest version.
    RestorePipelineVersion,

    /// Send a heartbeat.
    SendHeartbeat,
    /// Read the agent's own directives.
    ReceiveDirectives,
    /// Acknowledge a directive.
    AcknowledgeDirective,
    /// Issue a client certificate to the calling agent.
    IssueAgentCertificate,
    /// Create a transfer of the calling agent.
    CreateTransfer,
    /// Report the status and progress of a transfer of the calling agent.
    ReportTransfer,
    /// Start a run of a job of the calling agent.
    StartJobRun,
    /// Report the status and progress of a job run of the calling agent.
    ReportJobRun,
    /// Report the status and progress of a pipeline step that was sent to the calling agent.
    ReportPipelineStep,

    /// Create a session for a user without the user's password.
    IssueToken,
    /// Create the first administrator.
    CreateFirstAdministrator,
}

/// A holder of permissions: users by their role, agents, or the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grantee {
    /// A user of this role.
    User(Role),
    /// An agent.
    Agent,
    /// The server's background tasks and its command line.
    System,
}

/// The permissions for the caller's own account.
const OWN_ACCOUNT: &[Permission] = &[P::ViewOwnAccount, P::SignOut, P::ManageSavedViews];

/// The permissions to read a fleet.
const VIEW_FLEET: &[Permission] = &[
    P::ViewFleet,
    P::ViewAttention,
    P::ViewEvents,
    P::FindObjects,
    P::ViewCustomers,
    P::ViewEnrolmentCodes,
    P::ViewWebhookSecrets,
    P::ViewAgents,
    P::ViewTransfers,
    P::ListJobs,
    P::ViewJobs,
    P::PreviewSchedules,
    P::ViewPipelines,
    P::CheckDefinitions,
];

/// The permissions to change a fleet.
const MANAGE_FLEET: &[Permission] = &[
    P::CreateEnrolmentCode,
    P::DeleteEnrolmentCode,
    P::RegisterAgent,
    P::RotateAgentKey,
    P::RequestKeyRotation,
    P::RevokeAgent,
    P::CancelTransfer,
    P::RetryTransfer,
    P::SnoozeAttention,
    P::CreatePipeline,
    P::UpdatePipeline,
    P::DeletePipeline,
    P::RotateWebhookSecret,
];

/// The permissions to read what only administrators read. The statements behind these calls have no scope, so the
/// caller must be allowed to see everything.
const VIEW_PLATFORM: &[Permission] = &[
    P::ListCustomers,
    P::ViewUsers,
    P::ViewJobSlots,
    P::ViewJobRuns,
    P::ViewPipelineSlots,
    P::ViewPipelineRuns,
    P::ViewPipelineVersions,
];

/// The permissions to change what only administrators change.
const MANAGE_PLATFORM: &[Permission] = &[
    P::CreateCustomer,
    P::UpdateCustomer,
    P::CreateUser,
    P::UpdateUser,
    P::CreateJob,
    P::UpdateJob,
    P::DeleteJob,
    P::RunJob,
    P::BackfillJob,
    P::CancelJobRun,
    P::RetryJobRun,
    P::RunPipeline,
    P::CancelPipelineRun,
    P::RerunPipelineRun,
    P::RestorePipelineVersion,
];

/// The permissions of agents.
const WORK: &[Permission] = &[
    P::ListJobs,
    P::RotateAgentKey,
    P::SendHeartbeat,
    P::ReceiveDirectives,
    P::AcknowledgeDirective,
    P::IssueAgentCertificate,
    P::CreateTransfer,
    P::ReportTransfer,
    P::StartJobRun,
    P::ReportJobRun,
    P::ReportPipelineStep,
];

/// The permissions that only the server has.
const SERVER: &[Permission] = &[P::IssueToken, P::CreateFirstAdministrator];

impl Grantee {
    /// The permissions of the grantee. No grantee has a permission that is in no row.
    const fn row(self) -> &'static [&'static [Permission]] {
        match self {
            Self::User(Role::Admin) => &[OWN_ACCOUNT, VIEW_FLEET, MANAGE_FLEET, VIEW_PLATFORM, MANAGE_PLATFORM],
            Self::User(Role::Customer) => &[OWN_ACCOUNT, VIEW_FLEET, MANAGE_FLEET],
            Self::Agent => &[WORK],
            Self::System => &[VIEW_FLEET, MANAGE_FLEET, VIEW_PLATFORM, MANAGE_PLATFORM, SERVER],
        }
    }

    /// Whether the grantee has a permission.
    #[must_use]
    pub fn has(self, permission: Permission) -> bool {
        self.row().iter().any(|group| group.contains(&permission))
    }
}

impl Permission {
    /// Returns the error message for a caller that lacks this permission. The message says which kind of caller has it.
    #[must_use]
    pub fn refusal(self) -> &'static str {
        if Grantee::User(Role::Customer).has(self) {
            "only a signed-in user may do this"
        } else if Grantee::User(Role::Admin).has(self) {
            "only an administrator may do this"
        } else if Grantee::Agent.has(self) {
            "only an agent may do this, with its API key"
        } else {
            "only the server or its command line may do this"
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    const YES: bool = true;
    const NO: bool = false;

    const USERS: &str = "only a signed-in user may do this";
    const ADMINISTRATORS: &str = "only an administrator may do this";
    const AGENTS: &str = "only an agent may do this, with its API key";
    const THE_SERVER: &str = "only the server or its command line may do this";

    /// For each permission: whether administrators, users of a customer, agents and the server have it, and the message
    /// for others.
    #[rustfmt::skip]
    const TABLE: &[(Permission, [bool; 4], &str)] = &[
        (P::ViewOwnAccount, [YES, YES, NO, NO], USERS),
        (P::SignOut, [YES, YES, NO, NO], USERS),
        (P::ManageSavedViews, [YES, YES, NO, NO], USERS),
        (P::ViewFleet, [YES, YES, NO, YES], USERS),
        (P::ViewAttention, [YES, YES, NO, YES], USERS),
        (P::ViewEvents, [YES, YES, NO, YES], USERS),
        (P::FindObjects, [YES, YES, NO, YES], USERS),
        (P::ViewCustomers, [YES, YES, NO, YES], USERS),
        (P::ViewEnrolmentCodes, [YES, YES, NO, YES], USERS),
        (P::ViewWebhookSecrets, [YES, YES, NO, YES], USERS),
        (P::ViewAgents, [YES, YES, NO, YES], USERS),
        (P::ViewTransfers, [YES, YES, NO, YES], USERS),
        (P::ListJobs, [YES, YES, YES, YES], USERS),
        (P::ViewJobs, [YES, YES, NO, YES], USERS),
        (P::PreviewSchedules, [YES, YES, NO, YES], USERS),
        (P::ViewPipelines, [YES, YES, NO, YES], USERS),
        (P::CheckDefinitions, [YES, YES, NO, YES], USERS),
        (P::CreateEnrolmentCode, [YES, YES, NO, YES], USERS),
        (P::DeleteEnrolmentCode, [YES, YES, NO, YES], USERS),
        (P::RegisterAgent, [YES, YES, NO, YES], USERS),
        (P::RotateAgentKey, [YES, YES, YES, YES], USERS),
        (P::RequestKeyRotation, [YES, YES, NO, YES], USERS),
        (P::RevokeAgent, [YES, YES, NO, YES], USERS),
        (P::CancelTransfer, [YES, YES, NO, YES], USERS),
        (P::RetryTransfer, [YES, YES, NO, YES], USERS),
        (P::SnoozeAttention, [YES, YES, NO, YES], USERS),
        (P::CreatePipeline, [YES, YES, NO, YES], USERS),
        (P::UpdatePipeline, [YES, YES, NO, YES], USERS),
        (P::DeletePipeline, [YES, YES, NO, YES], USERS),
        (P::RotateWebhookSecret, [YES, YES, NO, YES], USERS),
        (P::ListCustomers, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::ViewUsers, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::ViewJobSlots, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::ViewJobRuns, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::ViewPipelineSlots, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::ViewPipelineRuns, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::ViewPipelineVersions, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::CreateCustomer, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::UpdateCustomer, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::CreateUser, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::UpdateUser, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::CreateJob, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::UpdateJob, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::DeleteJob, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::RunJob, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::BackfillJob, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::CancelJobRun, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::RetryJobRun, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::RunPipeline, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::CancelPipelineRun, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::RerunPipelineRun, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::RestorePipelineVersion, [YES, NO, NO, YES], ADMINISTRATORS),
        (P::SendHeartbeat, [NO, NO, YES, NO], AGENTS),
        (P::ReceiveDirectives, [NO, NO, YES, NO], AGENTS),
        (P::AcknowledgeDirective, [NO, NO, YES, NO], AGENTS),
        (P::IssueAgentCertificate, [NO, NO, YES, NO], AGENTS),
        (P::CreateTransfer, [NO, NO, YES, NO], AGENTS),
        (P::ReportTransfer, [NO, NO, YES, NO], AGENTS),
        (P::StartJobRun, [NO, NO, YES, NO], AGENTS),
        (P::ReportJobRun, [NO, NO, YES, NO], AGENTS),
        (P::ReportPipelineStep, [NO, NO, YES, NO], AGENTS),
        (P::IssueToken, [NO, NO, NO, YES], THE_SERVER),
        (P::CreateFirstAdministrator, [NO, NO, NO, YES], THE_SERVER),
    ];

    #[test]
    fn each_grantee_has_the_permissions_of_the_table_and_no_others() {
        let listed: Vec<Permission> = TABLE.iter().map(|(permission, ..)| *permission).collect();
        assert_eq!(listed, Permission::iter().collect::<Vec<_>>(), "each permission stands in the table once");
        let grantees = [Grantee::User(Role::Admin), Grantee::User(Role::Customer), Grantee::Agent, Grantee::System];
        for &(permission, granted, refusal) in TABLE {
            assert_eq!(grantees.map(|grantee| grantee.has(permission)), granted, "{permission:?}");
            assert_eq!(permission.refusal(), refusal, "{permission:?}");
        }
    }
}
