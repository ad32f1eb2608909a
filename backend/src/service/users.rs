//! Users: created and changed by administrators.

use super::{ControlPlane, Work};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    events::Invalidation,
    ids::UserId,
    model::{
        Page, PageRequest,
        account::{CreateUser, Role, UpdateUser, User, UserFilter},
        event::{Kind, Object},
    },
    store::{self, db::EnumText, idempotency::IdempotencyClaim, users::UserRow},
};

impl ControlPlane {
    /// Creates a user.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator, [`Error::Fields`] for an unknown customer,
    /// [`Error::Conflict`] if the e-mail address is taken.
    pub async fn create_user(
        &self,
        actor: &Actor,
        input: CreateUser,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<User> {
        actor.require(Permission::CreateUser)?;
        let password_hash = self.hash(input.password).await?;
        let mut work = self.begin(actor).await?;
        if let Some(customer) = input.customer_id
            && store::customers::find(&mut work.tx, customer).await?.is_none()
        {
            return Err(Error::field("customerId", "there is no customer with this id"));
        }
        let row = UserRow {
            id: self.ids.next(work.now),
            email: input.email,
            password_hash,
            role: EnumText(input.role),
            customer_id: input.customer_id,
            suspended: false,
            created_at: work.now,
        };
        if !store::users::insert(&mut work.tx, &row).await? {
            return Err(Error::conflict("a user with this e-mail address already exists: choose another one"));
        }
        let user = User::from(row);
        work.note(Kind::UserCreated, Object::User(user.clone()));
        work.complete(claim, &user).await?;
        self.commit(work).await?;
        Ok(user)
    }

    /// Returns a page of the users that a filter selects, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator.
    pub async fn list_users(&self, actor: &Actor, filter: &UserFilter, request: PageRequest) -> Result<Page<User>> {
        actor.require(Permission::ViewUsers)?;
        store::users::list(&self.db, filter, request).await
    }

    /// Changes a user. A new password, a role in the input, or a suspension ends the user's sessions.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope; within it, [`Error::Forbidden`] for callers who are not
    /// administrators, [`Error::Fields`] for a role that the user cannot have, [`Error::Conflict`] if no administrator
    /// would be left who can sign in, and for administrators who suspend or demote themselves.
    pub async fn update_user(&self, actor: &Actor, id: UserId, input: UpdateUser) -> Result<User> {
        let found = store::users::find(&self.db, id).await?.ok_or(Error::NotFound("user"))?;
        if !actor.scope().covers(found.customer_id) {
            return Err(Error::NotFound("user"));
        }
        actor.require(Permission::UpdateUser)?;
        let demotes = input.suspended == Some(true) || input.role == Some(Role::Customer);
        if demotes && matches!(actor, Actor::Admin { user, .. } if *user == id) {
            return Err(Error::conflict("you cannot suspend or demote yourself: another administrator can"));
        }
        let ends_sessions = input.password.is_some() || input.role.is_some() || input.suspended == Some(true);
        let password_hash = match input.password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };
        let mut work = self.begin(actor).await?;
        if input.role.is_some() || input.suspended == Some(true) {
            // Locks all administrators: of two who suspend each other, the second one is refused.
            store::users::lock_admins(&mut work.tx).await?;
            self.require_still_admin(&mut work, actor).await?;
        }
        let mut row = store::users::find(&mut work.tx, id).await?.ok_or(Error::NotFound("user"))?;
        let was_admin = row.role.0 == Role::Admin && !row.suspended;
        let (before, is_new_password) = (User::from(row.clone()), password_hash.is_some());
        match (input.role, row.customer_id) {
            (Some(Role::Customer), None) => {
                return Err(Error::field("role", "an administrator belongs to no customer: create a new user instead"));
            }
            (Some(Role::Admin), _) => row.customer_id = None,
            _ => {}
        }
        row.role = EnumText(input.role.unwrap_or(row.role.0));
        row.suspended = input.suspended.unwrap_or(row.suspended);
        row.password_hash = password_hash.unwrap_or(row.password_hash);
        store::users::save(&mut work.tx, &row).await?;
        let is_admin = row.role.0 == Role::Admin && !row.suspended;
        if was_admin && !is_admin && store::users::count_active_admins(&mut work.tx).await? == 0 {
            return Err(Error::conflict(
                "this is the last administrator who can sign in: create or reactivate another one first",
            ));
        }
        if ends_sessions {
            for session in store::sessions::end_all(&mut work.tx, id, work.now).await? {
                work.invalidate(Invalidation::Session(session));
            }
        }
        let user = User::from(row);
        work.invalidate(Invalidation::User(id));
        if user != before || is_new_password {
            work.note(Kind::UserUpdated, Object::User(user.clone()));
        }
        self.commit(work).await?;
        Ok(user)
    }

    /// An error if the calling administrator was suspended or demoted since the access token was checked.
    async fn require_still_admin(&self, work: &mut Work, actor: &Actor) -> Result<()> {
        let Actor::Admin { user, .. } = actor else { return Ok(()) };
        let row = store::users::find(&mut work.tx, *user).await?;
        let is_admin = row.is_some_and(|row| row.role.0 == Role::Admin && !row.suspended);
        if is_admin { Ok(()) } else { Err(Error::Unauthenticated("you are no longer an administrator")) }
    }

    /// Creates the first administrator. Returns false if the e-mail address is taken, for example because another
    /// server has created the administrator.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the actor is the system.
    pub async fn ensure_first_admin(&self, actor: &Actor, email: &str, password: String) -> Result<bool> {
        actor.require(Permission::CreateFirstAdministrator)?;
        let first = CreateUser { email: email.to_lowercase(), password, role: Role::Admin, customer_id: None };
        match self.create_user(actor, first, None).await {
            Ok(_) => Ok(true),
            // Another server has created the user first.
            Err(Error::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether there is an administrator who is not suspended.
    pub async fn has_admin(&self) -> Result<bool> {
        Ok(store::users::count_active_admins(&self.db).await? > 0)
    }

    async fn hash(&self, password: String) -> Result<String> {
        let mut salt = [0; 16];
        self.ids.fill(&mut salt);
        self.passwords.hash(password, salt).await
    }
}
