//! Sessions of users: sign-in, renewal and sign-out.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::{
    ControlPlane, Work,
    optimistic_attempt_limit::OptimisticRetry,
    tokens::{ACCESS, REFRESH},
};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    events::Invalidation,
    ids::SessionId,
    model::{
        account::{Login, Role, SignedIn, User},
        event::{Kind, Object},
    },
    rate_limits::{Class, Reservation},
    store::{self, Conn, sessions::SessionRow, users::UserRow},
};

/// How long the last refresh token that was replaced remains valid, because the answer with its replacement may have
/// been lost.
const GRACE: TimeDelta = TimeDelta::seconds(10);

const WRONG: Error = Error::Unauthenticated("wrong e-mail address or password");
const ENDED: Error = Error::Unauthenticated("this session has ended: sign in again");

impl ControlPlane {
    /// Signs a user in with e-mail address and password, and begins a session. `address` is the client's address in the
    /// form in which rate limits count it.
    ///
    /// The attempt counts as a failure before the password is verified, and no longer counts if the password is right.
    /// So concurrent attempts cannot exceed the limit.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] for a wrong address or password, or a suspended user; [`Error::RateLimited`] after
    /// five failures with this e-mail address from this client address, or twenty from all client addresses;
    /// [`Error::Unavailable`] while too many sign-ins wait.
    pub async fn login(&self, login: Login, address: &str) -> Result<SignedIn> {
        let attempt = self.reserve_attempt(&login.email, address).await?;
        let checked = self.check_password(login).await;
        // An attempt that the server could not verify is no failure.
        if !matches!(checked, Ok(None)) {
            self.release_attempt(attempt).await;
        }
        self.begin_session(checked?.ok_or(WRONG)?, ACCESS).await
    }

    /// Counts an attempt to sign in: for the e-mail and client address together, then for the e-mail address alone.
    async fn reserve_attempt(&self, email: &str, address: &str) -> Result<Vec<Reservation>> {
        let now = self.now();
        // As digests, so that the memory for a name does not depend on its length.
        let account = counted(&[email]);
        let mut attempt = Vec::new();
        for (class, subject) in [(Class::Failure, counted(&[email, address])), (Class::Account, account)] {
            match self.limits.reserve(class, subject, now).await {
                Ok(reservation) => attempt.extend(reservation),
                Err(resets_at) => {
                    self.release_attempt(attempt).await;
                    return Err(Error::RateLimited((resets_at - now).to_std().unwrap_or_default()));
                }
            }
        }
        Ok(attempt)
    }

    async fn release_attempt(&self, attempt: Vec<Reservation>) {
        for reservation in attempt {
            self.limits.release(reservation, self.now()).await;
        }
    }

    /// The user, if the password is right and the user may sign in. The check of an unknown e-mail address takes the
    /// same time.
    async fn check_password(&self, login: Login) -> Result<Option<User>> {
        let user = store::users::find_by_email(&self.db, &login.email).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let is_right = self.passwords.verify(login.password, hash).await?;
        match user {
            Some(user) if is_right && Self::may_sign_in(&self.db, &user).await? => Ok(Some(user.into())),
            _ => Ok(None),
        }
    }

    /// Begins a session for a user without the user's password, for an operator at the command line. `life` is how long
    /// the access token is valid.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the actor is the system, [`Error::NotFound`] for an unknown e-mail address.
    pub async fn issue_token(&self, actor: &Actor, email: &str, life: TimeDelta) -> Result<SignedIn> {
        actor.require(Permission::IssueToken)?;
        let user = store::users::find_by_email(&self.db, &email.to_lowercase()).await?;
        self.begin_session(user.ok_or(Error::NotFound("user"))?.into(), life).await
    }

    async fn begin_session(&self, user: User, life: TimeDelta) -> Result<SignedIn> {
        let now = self.now();
        let session = SessionRow {
            id: self.ids.next(now),
            user_id: user.id,
            generation: 0,
            rotated_at: now,
            created_at: now,
            expires_at: now + REFRESH.max(life),
            ended_at: None,
        };
        let actor = acting(&user, session.id);
        let mut work = self.begin(&actor).await?;
        store::sessions::insert(&mut work.tx, &session).await?;
        work.note(Kind::SignedIn, Object::User(user.clone()));
        self.commit(work).await?;
        self.signed_in(user, session.id, 0, now, life)
    }

    /// Renews a session: exchanges its refresh token for a new access token and a new refresh token.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if the token is not the session's latest. Using a token that was replaced ends the
    /// session. The exception is the last replaced token within ten seconds of its replacement, because the answer may
    /// have been lost.
    pub async fn refresh_session(&self, token: &str) -> Result<SignedIn> {
        let (id, generation) = self.tokens.read_refresh(token).ok_or(ENDED)?;
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(&Actor::System).await?;
            let session = store::sessions::find(&mut work.tx, id).await?.ok_or(ENDED)?;
            let now = work.now;
            if session.ended_at.is_some() || session.expires_at <= now {
                return Err(ENDED);
            }
            let user = store::users::find(&mut work.tx, session.user_id).await?.ok_or(ENDED)?;
            let is_current = generation == session.generation;
            let is_lost_answer = generation + 1 == session.generation && now - session.rotated_at <= GRACE;
            if !is_current && !is_lost_answer {
                self.end_session(work, id, Kind::SessionEndedForReuse, user.into()).await?;
                return Err(ENDED);
            }
            if !Self::may_sign_in(&mut work.tx, &user).await? {
                return Err(ENDED);
            }
            if !store::sessions::rotate(&mut work.tx, &session, now, now + REFRESH).await? {
                // A concurrent call with the same token has changed the session: read it again.
                continue;
            }
            work.invalidate(Invalidation::Session(id));
            self.commit(work).await?;
            return self.signed_in(user.into(), id, session.generation + 1, now, ACCESS);
        }
    }

    /// Ends the caller's session.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is a user.
    pub async fn logout(&self, actor: &Actor) -> Result<()> {
        let (user, session) = actor.require_session(Permission::SignOut)?;
        let mut work = self.begin(actor).await?;
        let user = store::users::find(&mut work.tx, user).await?.ok_or(ENDED)?;
        self.end_session(work, session, Kind::SignedOut, user.into()).await
    }

    /// Ends the session of a refresh token. Has no effect if the session has already ended.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if no server on this database has issued the token.
    pub async fn logout_by_refresh_token(&self, token: &str) -> Result<()> {
        let (id, _) = self.tokens.read_refresh(token).ok_or(ENDED)?;
        let mut work = self.begin(&Actor::System).await?;
        let Some(session) = store::sessions::find(&mut work.tx, id).await? else { return Ok(()) };
        let user: User = store::users::find(&mut work.tx, session.user_id).await?.ok_or(ENDED)?.into();
        work.actor = acting(&user, id).to_string();
        self.end_session(work, id, Kind::SignedOut, user).await
    }

    async fn end_session(&self, mut work: Work, id: SessionId, kind: Kind, user: User) -> Result<()> {
        if store::sessions::end(&mut work.tx, id, work.now).await? {
            work.note(kind, Object::User(user));
        }
        work.invalidate(Invalidation::Session(id));
        self.commit(work).await
    }

    /// Returns the calling user.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is a user.
    pub async fn me(&self, actor: &Actor) -> Result<User> {
        let (user, _) = actor.require_session(Permission::ViewOwnAccount)?;
        Ok(store::users::find(&self.db, user).await?.ok_or(Error::NotFound("user"))?.into())
    }

    async fn may_sign_in(conn: impl Into<Conn<'_>>, user: &UserRow) -> Result<bool> {
        let customer = match user.customer_id {
            Some(customer) => store::customers::find(conn, customer).await?.is_some_and(|found| !found.suspended),
            None => user.role.0 == Role::Admin,
        };
        Ok(customer && !user.suspended)
    }

    fn signed_in(
        &self,
        user: User,
        session: SessionId,
        generation: i64,
        now: DateTime<Utc>,
        life: TimeDelta,
    ) -> Result<SignedIn> {
        let token = self.tokens.access(&user, session, now, life)?;
        // The token counts in whole seconds.
        let expires_at = DateTime::from_timestamp((now + life).timestamp(), 0).unwrap_or(now);
        Ok(SignedIn {
            token,
            expires_at: expires_at.into(),
            refresh_token: Some(self.tokens.refresh(session, generation)),
            user,
        })
    }
}

fn acting(user: &User, session: SessionId) -> Actor {
    match user.customer_id {
        Some(customer) => Actor::Customer { user: user.id, session, customer },
        None => Actor::Admin { user: user.id, session },
    }
}

/// The name under which attempts to sign in are counted.
fn counted(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let start = digest.finalize().first_chunk().copied().unwrap_or_default();
    format!("{:032x}", u128::from_be_bytes(start))
}
