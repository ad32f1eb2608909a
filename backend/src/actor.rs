//! Who asks, and what they may do. Every call of the control plane names its actor and states the [`Permission`] it needs.

use crate::{
    error::{Error, Result},
    ids::{AgentId, CustomerId, SessionId, UserId},
    model::account::Role,
};

mod permission;

pub use permission::{Grantee, Permission};

/// On whose behalf a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An administrator of the platform.
    Admin {
        /// The signed-in user.
        user: UserId,
        /// The session the token belongs to.
        session: SessionId,
    },
    /// A user of one customer.
    Customer {
        /// The signed-in user.
        user: UserId,
        /// The session the token belongs to.
        session: SessionId,
        /// The customer whose objects they see.
        customer: CustomerId,
    },
    /// An agent with its key.
    Agent {
        /// The agent itself.
        agent: AgentId,
        /// Whose agent it is.
        customer: CustomerId,
        /// The key it showed; none where the server names an agent as the actor of what it records.
        key: Option<KeyDigest>,
    },
    /// The server's own background work and its command line.
    System,
}

/// The SHA-256 of an agent's key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyDigest(pub [u8; 32]);

impl std::fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyDigest")
    }
}

/// Which objects a call may see; the store puts it into every WHERE clause.
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
    /// Whether it holds what belongs to this customer; `None` is the platform itself, which no customer sees.
    #[must_use]
    pub fn covers(self, owner: Option<CustomerId>) -> bool {
        match self {
            Self::All => true,
            Self::Customer(own) => owner == Some(own),
            Self::Agent(_) => false,
        }
    }
}

impl Actor {
    /// Which objects this actor may see, as far as they may see any of that type.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Admin { .. } | Self::System => Scope::All,
            Self::Customer { customer, .. } => Scope::Customer(*customer),
            Self::Agent { agent, .. } => Scope::Agent(*agent),
        }
    }

    /// Whose row of the table of permissions applies.
    #[must_use]
    pub const fn grantee(&self) -> Grantee {
        match self {
            Self::Admin { .. } => Grantee::User(Role::Admin),
            Self::Customer { .. } => Grantee::User(Role::Customer),
            Self::Agent { .. } => Grantee::Agent,
            Self::System => Grantee::System,
        }
    }

    /// Whether this actor has a permission, for objects within their scope.
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

    /// The agent that asks, with a permission of agents.
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

    /// The user who asks and their session, with a permission of users.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] without the permission, and for other actors.
    pub fn require_session(&self, permission: Permission) -> Result<(UserId, SessionId)> {
        self.require(permission)?;
        self.session().ok_or_else(|| refused(permission))
    }

    /// The signed-in user and their session, if a user asks.
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

/// How the log of events names the actor: `user:<id>`, `agent:<id>` or `system`.
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
        assert_eq!([Some(own), Some(other), None].map(|owner| scope.covers(owner)), [true, false, false]);
        let refused = actor.require(Permission::RunJob).expect_err("they may not");
        assert!(matches!(refused, Error::Forbidden("only an administrator may do this")), "{refused}");
    }
}
