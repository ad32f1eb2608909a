//! The role of the signed-in user, and the permissions that do not depend on an object. What the viewer may do with an
//! object is in the object's fields `viewerCan…`.

use serde::Deserialize;

use crate::api::users::Role;

/// The role of the signed-in user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ViewerRole {
    Admin,
    Customer,
}

impl From<ViewerRole> for Role {
    fn from(role: ViewerRole) -> Self {
        match role {
            ViewerRole::Admin => Self::Admin,
            ViewerRole::Customer => Self::Customer,
        }
    }
}

/// A permission of a role, named as in the server's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Create jobs.
    CreateJob,
    /// See all customers and the customer of each object, and choose for which customer to act.
    ListCustomers,
    /// Start pipelines outside their schedules. The fields of a pipeline say whether it can be started now.
    RunPipeline,
    /// See the runs and slots of jobs.
    ViewJobRuns,
    /// See the runs and slots of pipelines.
    ViewPipelineRuns,
    /// See the earlier versions of pipelines.
    ViewPipelineVersions,
    /// See and change users.
    ViewUsers,
}

impl Permission {
    /// The sentence that a page shows to users without this permission.
    pub(crate) const fn withheld(self) -> &'static str {
        match self {
            Self::CreateJob => "Only administrators create jobs",
            Self::ListCustomers => "Only administrators see all customers",
            Self::RunPipeline => "Only administrators start pipelines outside their schedules",
            Self::ViewJobRuns => "Only administrators see the runs of jobs",
            Self::ViewPipelineRuns => "Only administrators see the runs of pipelines",
            Self::ViewPipelineVersions => "Only administrators see the earlier versions of pipelines",
            Self::ViewUsers => "Only administrators see and change users",
        }
    }
}

impl ViewerRole {
    /// Whether this role has a permission.
    pub(crate) fn has(self, permission: Permission) -> bool {
        self.row().contains(&permission)
    }

    const fn row(self) -> &'static [Permission] {
        match self {
            Self::Admin => &[
                Permission::CreateJob,
                Permission::ListCustomers,
                Permission::RunPipeline,
                Permission::ViewJobRuns,
                Permission::ViewPipelineRuns,
                Permission::ViewPipelineVersions,
                Permission::ViewUsers,
            ],
            Self::Customer => &[],
        }
    }
}
