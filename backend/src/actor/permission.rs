//! The permissions, and the table that says who has which. A caller without a permission is refused; an object outside the
//! caller's [`Scope`](super::Scope) does not exist, whatever permissions they have.

use Permission as P;

use crate::model::account::Role;

/// What a call of the control plane does, as far as it needs a right. Each method states its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Permission {
    /// Read one's own account.
    ViewOwnAccount,
    /// End one's own session.
    SignOut,

    /// Read the totals of the fleet.
    ViewFleet,
    /// Read and follow the event log.
    ViewEvents,
    /// Find an object by its id alone. What is found, the permissions for each type of object say.
    FindObjects,
    /// Read the customers that own what is in scope.
    ViewCustomers,
    /// Read enrolment codes, without their secrets.
    ViewEnrolmentCodes,
    /// Read when secrets of webhooks were created, without the secrets.
    ViewWebhookSecrets,
    /// Read agents.
    ViewAgents,
    /// Read transfers.
    ViewTransfers,
    /// List jobs. An agent lists its enabled ones.
    ListJobs,
    /// Read jobs.
    ViewJobs,
    /// See what a schedule means.
    PreviewSchedules,
    /// Read the current versions of pipelines.
    ViewPipelines,
    /// Read the JSON Schema of definitions, and check definitions against it.
    CheckDefinitions,

    /// Create an enrolment code.
    CreateEnrolmentCode,
    /// Withdraw an enrolment code.
    DeleteEnrolmentCode,
    /// Register an agent.
    RegisterAgent,
    /// Create a new key for an agent. An agent creates its own.
    RotateAgentKey,
    /// Ask an agent to create a new key for itself.
    RequestKeyRotation,
    /// Revoke an agent.
    RevokeAgent,
    /// Cancel a transfer.
    CancelTransfer,
    /// Ask for another attempt of a transfer.
    RetryTransfer,
    /// Create a pipeline.
    CreatePipeline,
    /// Change a pipeline: its name, its description, its definition, and whether it is enabled.
    UpdatePipeline,
    /// Delete a pipeline with its runs.
    DeletePipeline,
    /// Create a new secret that webhooks are signed with.
    RotateWebhookSecret,

    /// List all customers, and find one by its name.
    ListCustomers,
    /// Read all users.
    ViewUsers,
    /// Read what became of the scheduled times of jobs.
    ViewJobSlots,
    /// Read and follow runs of jobs.
    ViewJobRuns,
    /// Read what became of the scheduled times of pipelines.
    ViewPipelineSlots,
    /// Read and follow runs of pipelines.
    ViewPipelineRuns,
    /// Read the earlier versions of pipelines.
    ViewPipelineVersions,

    /// Create a customer.
    CreateCustomer,
    /// Rename or suspend a customer.
    UpdateCustomer,
    /// Create a user.
    CreateUser,
    /// Change the password or role of a user, or suspend them.
    UpdateUser,
    /// Create a job.
    CreateJob,
    /// Change a job, enable or disable it.
    UpdateJob,
    /// Delete a job with its runs.
    DeleteJob,
    /// Start a job beside its schedule.
    RunJob,
    /// Run scheduled times of the past.
    BackfillJob,
    /// Cancel a run of a job.
    CancelJobRun,
    /// Ask for another attempt of a run of a job.
    RetryJobRun,
    /// Start a pipeline beside its schedule.
    RunPipeline,
    /// Cancel a run of a pipeline.
    CancelPipelineRun,
    /// Continue from where a run of a pipeline failed, as a new run.
    RerunPipelineRun,
    /// Make an earlier version of a pipeline the newest one.
    RestorePipelineVersion,

    /// Send a heartbeat.
    SendHeartbeat,
    /// Read the directives for oneself.
    ReceiveDirectives,
    /// Acknowledge a directive.
    AcknowledgeDirective,
    /// Create a transfer of one's own.
    CreateTransfer,
    /// Report the progress of one's own transfers.
    ReportTransfer,
    /// Start a run of one's own job.
    StartJobRun,
    /// Report the progress of a run of one's own job.
    ReportJobRun,
    /// Report the progress of a step that was sent to oneself.
    ReportPipelineStep,

    /// Create a session for a user without their password.
    IssueToken,
    /// Create the first administrator.
    CreateFirstAdministrator,
}

/// Who has permissions: users by their role, agents, and the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grantee {
    /// A user of this role.
    User(Role),
    /// An agent.
    Agent,
    /// The server's background work and its command line.
    System,
}

/// One's own account.
const OWN_ACCOUNT: &[Permission] = &[P::ViewOwnAccount, P::SignOut];

/// Reading a fleet.
const VIEW_FLEET: &[Permission] = &[
    P::ViewFleet,
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

/// Changing a fleet.
const MANAGE_FLEET: &[Permission] = &[
    P::CreateEnrolmentCode,
    P::DeleteEnrolmentCode,
    P::RegisterAgent,
    P::RotateAgentKey,
    P::RequestKeyRotation,
    P::RevokeAgent,
    P::CancelTransfer,
    P::RetryTransfer,
    P::CreatePipeline,
    P::UpdatePipeline,
    P::DeletePipeline,
    P::RotateWebhookSecret,
];

/// Reading what administrators alone read. The statements behind it know no scope: whoever has it must see everything.
const VIEW_PLATFORM: &[Permission] = &[
    P::ListCustomers,
    P::ViewUsers,
    P::ViewJobSlots,
    P::ViewJobRuns,
    P::ViewPipelineSlots,
    P::ViewPipelineRuns,
    P::ViewPipelineVersions,
];

/// Changing what administrators alone change.
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

/// What an agent does.
const WORK: &[Permission] = &[
    P::ListJobs,
    P::RotateAgentKey,
    P::SendHeartbeat,
    P::ReceiveDirectives,
    P::AcknowledgeDirective,
    P::CreateTransfer,
    P::ReportTransfer,
    P::StartJobRun,
    P::ReportJobRun,
    P::ReportPipelineStep,
];

/// What nobody but the server does.
const SERVER: &[Permission] = &[P::IssueToken, P::CreateFirstAdministrator];

impl Grantee {
    /// The table: a row for each grantee. What stands in no row, nobody may do.
    const fn row(self) -> &'static [&'static [Permission]] {
        match self {
            Self::User(Role::Admin) => &[OWN_ACCOUNT, VIEW_FLEET, MANAGE_FLEET, VIEW_PLATFORM, MANAGE_PLATFORM],
            Self::User(Role::Customer) => &[OWN_ACCOUNT, VIEW_FLEET, MANAGE_FLEET],
            Self::Agent => &[WORK],
            Self::System => &[VIEW_FLEET, MANAGE_FLEET, VIEW_PLATFORM, MANAGE_PLATFORM, SERVER],
        }
    }

    /// Whether the table grants a permission.
    #[must_use]
    pub fn has(self, permission: Permission) -> bool {
        self.row().iter().any(|group| group.contains(&permission))
    }
}

impl Permission {
    /// What a caller without it is told: who has it.
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

    /// For each permission whether administrators, users of a customer, agents and the server have it, and what others
    /// are told.
    #[rustfmt::skip]
    const TABLE: [(Permission, [bool; 4], &str); 59] = [
        (P::ViewOwnAccount, [YES, YES, NO, NO], USERS),
        (P::SignOut, [YES, YES, NO, NO], USERS),
        (P::ViewFleet, [YES, YES, NO, YES], USERS),
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
        for (permission, granted, refusal) in TABLE {
            assert_eq!(grantees.map(|grantee| grantee.has(permission)), granted, "{permission:?}");
            assert_eq!(permission.refusal(), refusal, "{permission:?}");
        }
    }
}
