//! Callers of the control plane and their rights. Every call names its actor and states the [`Permission`] that it needs.

use crate::{
    error::{Error, Result},
    ids::{AgentId, CustomerId, SessionId, UserId},
    model::account::Role,
};

mod permission;

pub use permission::{Grantee, Permission};

/// The actor of a call: on whose behalf it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An administrator of the platform.
    Admin {
        /// The signed-in user.
        user: UserId,
        /// The session of the access token.
        session: SessionId,
    },
    /// A user of one customer.
    Customer {
        /// The signed-in user.
        user: UserId,
        /// The session of the access token.
        session: SessionId,
        /// The customer whose objects the user sees.
        customer: CustomerId,
    },
    /// An agent with its API key or its client certificate.
    Agent {
        /// The agent that calls.
        agent: AgentId,
        /// The customer of the agent.
        customer: CustomerId,
        /// The API key of the request; `None` if the agent has sent its certificate alone, or if the server records a
        /// change on behalf of the agent.
        key: Option<KeyDigest>,
    },
    /// The server's own background tasks and its command line.
    System,
}

/// The SHA-256 of an agent's API key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyDigest(pub [u8; 32]);

impl std::fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyDigest")
    }
}

/// The SHA-256 of a client certificate in its DER form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateDigest(pub [u8; 32]);

/// The set of objects that a call may see. It is part of every WHERE clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every object.
    All,
    /// The objects of one customer.
    Customer(CustomerId),
    /// The objects of one agent.
    Agent(AgentId),
}

impl Scope {
    /// Whether objects of this customer are in the scope. `None` stands for objects of the platform, which no customer
    /// sees.
    #[must_use]
    pub fn covers(self, customer: Option<CustomerId>) -> bool {
        match self {
            Self::All => true,
            Self::Customer(own) => customer == Some(own),
            Self::Agent(_) => false,
        }
    }
}

impl Actor {
    /// The objects that this actor may see, if it has the permission for their type.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Admin { .. } | Self::System => Scope::All,
            Self::Customer { customer, .. } => Scope::Customer(*customer),
            Self::Agent { agent, .. } => Scope::Agent(*agent),
        }
    }

    /// The row of the permission table for this actor.
    #[must_use]
    pub const fn grantee(&self) -> Grantee {
        match self {
            Self::Admin { .. } => Grantee::User(Role::Admin),
            Self::Customer { .. } => Grantee::User(Role::Customer),
            Self::Agent { .. } => Grantee::Agent,
            Self::System => Grantee::System,
        }
    }

    /// Whether the actor has a permission, for objects within its scope.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.grantee().has(permission)
    }

    /// The scope within which this actor has a permission.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] without the permission.
    pub fn require(&self, permission: Permission) -> Result<Scope> {
        if self.may(permission) { Ok(self.scope()) } else { Err(refused(permission)) }
    }

    /// The calling agent, if it has the permission.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] without the permission, and for other actors.
    pub fn require_agent(&self, permission: Permission) -> Result<AgentId> {
        match self.require(permission)? {
            Scope::Agent(agent) => Ok(agent),
            Scope::All | Scope::Customer(_) => Err(refused(permission)),
        }
    }

    /// The calling user and the session, if the user has the permission.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] without the permission, and for other actors.
    pub fn require_session(&self, permission: Permission) -> Result<(UserId, SessionId)> {
        self.require(permission)?;
        self.session().ok_or_else(|| refused(permission))
    }

    /// The calling user and the session, if the actor is a user.
    #[must_use]
    pub const fn session(&self) -> Option<(UserId, SessionId)> {
        match self {
            Self::Admin { user, session } | Self::Customer { user, session, .. } => Some((*user, *session)),
            Self::Agent { .. } | Self::System => None,
        }
    }
}

fn refused(permission: Permission) -> Error {
    Error::Forbidden(permission.refusal())
}

/// The name of the actor in the event log: `user:<id>`, `agent:<id>` or `system`.
impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Admin { user, .. } | Self::Customer { user, .. } => write!(f, "user:{user}"),
            Self::Agent { agent, .. } => write!(f, "agent:{agent}"),
            Self::System => f.write_str("system"),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_permission_holds_within_the_scope_of_its_actor() {
        let [own, other] = [1, 2].map(|number| CustomerId(Uuid::from_u128(number)));
        let (user, session) = (UserId(Uuid::from_u128(3)), SessionId(Uuid::from_u128(4)));
        let actor = Actor::Customer { user, session, customer: own };
        let scope = actor.require(Permission::CancelTransfer).expect("they may");
        assert_eq!(scope, Scope::Customer(own));
        assert_eq!([Some(own), Some(other), None].map(|customer| scope.covers(customer)), [true, false, false]);
        let refused = actor.require(Permission::RunJob).expect_err("they may not");
        assert!(matches!(refused, Error::Forbidden("only an administrator may do this")), "{refused}");
    }
}
