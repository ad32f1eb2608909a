//! Callers of the control plane and their rights. Every call names its actor and states the [`Permission`] that it needs.

use crate::{
    error::{Error, Result},
    ids::{AgentId, CustomerId, SessionId, UserId},
    model::account::Role,
};

mod permission;

pub use permission::{Grantee, Permission};

/// On whose behalf a call of the control plane is made.
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
        /// The digest of the API key in the request; `None` if the agent has authenticated with its client certificate
        /// only, or if the server records a change on behalf of the agent.
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
    /// sees. Always false for the scope of an agent.
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
    /// Returns the scope of this actor. To see an object in the scope, the actor also needs the permission for its
    /// type.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Admin { .. } | Self::System => Scope::All,
            Self::Customer { customer, .. } => Scope::Customer(*customer),
            Self::Agent { agent, .. } => Scope::Agent(*agent),
        }
    }

    /// Returns the grantee of this actor, which is its row in the table of permissions.
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

    /// Checks that the actor has a permission, and returns the scope within which the permission applies.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] if the actor lacks the permission.
    pub fn require(&self, permission: Permission) -> Result<Scope> {
        if self.may(permission) { Ok(self.scope()) } else { Err(refused(permission)) }
    }

    /// Checks that the actor is an agent with this permission, and returns the id of the agent.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] if the actor lacks the permission or is not an agent.
    pub fn require_agent(&self, permission: Permission) -> Result<AgentId> {
        match self.require(permission)? {
            Scope::Agent(agent) => Ok(agent),
            Scope::All | Scope::Customer(_) => Err(refused(permission)),
        }
    }

    /// Checks that the actor is a user with this permission, and returns the ids of the user and the session.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] if the actor lacks the permission or is not a user.
    pub fn require_session(&self, permission: Permission) -> Result<(UserId, SessionId)> {
        self.require(permission)?;
        self.session().ok_or_else(|| refused(permission))
    }

    /// Returns the ids of the user and the session; `None` if the actor is an agent or the system.
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
