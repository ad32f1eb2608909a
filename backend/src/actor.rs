//! Who asks. Every call of the control plane names its actor, and its guards read like sentences.

use crate::{
    error::{Error, Result},
    ids::{AgentId, CustomerId, SessionId, UserId},
};

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

impl Actor {
    /// Which objects this actor may see.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Admin { .. } | Self::System => Scope::All,
            Self::Customer { customer, .. } => Scope::Customer(*customer),
            Self::Agent { agent, .. } => Scope::Agent(*agent),
        }
    }

    /// The agent that asks.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for everybody else.
    pub const fn require_agent(&self) -> Result<AgentId> {
        match self {
            Self::Agent { agent, .. } => Ok(*agent),
            _ => Err(Error::Forbidden("only an agent may do this, with its API key")),
        }
    }

    /// Lets administrators (and the server itself) pass.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for everybody else.
    pub const fn require_admin(&self) -> Result<()> {
        match self {
            Self::Admin { .. } | Self::System => Ok(()),
            _ => Err(Error::Forbidden("only an administrator may do this")),
        }
    }

    /// Lets administrators and customers pass, and the server itself.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub const fn require_user(&self) -> Result<()> {
        match self {
            Self::Admin { .. } | Self::Customer { .. } | Self::System => Ok(()),
            Self::Agent { .. } => Err(Error::Forbidden("only a signed-in user may do this")),
        }
    }

    /// The signed-in user and session.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents and the server itself.
    pub const fn require_session(&self) -> Result<(UserId, SessionId)> {
        match self {
            Self::Admin { user, session } | Self::Customer { user, session, .. } => Ok((*user, *session)),
            _ => Err(Error::Forbidden("only a signed-in user may do this")),
        }
    }
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
