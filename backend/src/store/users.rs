//! The table of users.

use chrono::{DateTime, Utc};

use super::{
    db::{
        Conn, Db, EnumText, MOST_VALUES, Sql, Tx, sql,
        table::{table, values},
    },
    pagination,
};
use crate::{
    error::Result,
    ids::{CustomerId, UserId},
    model::{
        Page, PageRequest, Total,
        account::{Role, User, UserFilter},
    },
};

/// A user as stored, with the hash of the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// The id of the user, chosen when the user is created.
    pub id: UserId,
    /// The e-mail address in lower case, unique among users.
    pub email: String,
    /// The Argon2 hash of the password.
    pub password_hash: String,
    /// The role, which decides the permissions.
    pub role: EnumText<Role>,
    /// The customer whose objects the user sees; `None` for administrators.
    pub customer_id: Option<CustomerId>,
    /// Whether the user is suspended and cannot sign in.
    pub suspended: bool,
    /// The time at which the user was created.
    pub created_at: DateTime<Utc>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            role: row.role.0,
            customer_id: row.customer_id,
            suspended: row.suspended,
            created_at: row.created_at.into(),
        }
    }
}

table! {
    users: UserRow { id, email, password_hash, role: EnumText(role), customer_id, suspended, created_at }
    from "users" prefix "";

    /// Written when the user is created.
    const CREATED { id: Uuid, email: Text, created_at: Instant }

    /// Written by every change.
    const CHANGED { password_hash: Text, role: EnumText, customer_id: Uuid, suspended: Boolean }
}

/// Stores a new user. Returns false if the e-mail address is taken.
pub async fn insert(tx: &mut Tx, user: &UserRow) -> Result<bool> {
    let columns = values(UserRow::CREATED, user).chain(values(UserRow::CHANGED, user));
    let statement = UserRow::TABLE.insert(columns).push(" ON CONFLICT (email) DO NOTHING");
    Ok(statement.execute(tx).await? == 1)
}

/// Reads the user with this id; `None` if there is no such user.
pub async fn find(conn: impl Into<Conn<'_>>, id: UserId) -> Result<Option<UserRow>> {
    UserRow::TABLE.select().push_bind(" WHERE id = ", id).fetch_optional(conn).await
}

/// Reads the user with this e-mail address, which must be in lower case; `None` if there is no such user.
pub async fn find_by_email(conn: impl Into<Conn<'_>>, email: &str) -> Result<Option<UserRow>> {
    UserRow::TABLE.select().push_bind(" WHERE email = ", email).fetch_optional(conn).await
}

/// Returns the users among `ids` that belong to the customer, in no particular order.
pub async fn of_customer(db: &Db, customer: CustomerId, ids: &[UserId]) -> Result<Vec<UserId>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql("SELECT id FROM users").push_bind(" WHERE customer_id = ", customer).push(" AND id IN ");
        let rows: Vec<(UserId,)> = statement.push_tuple(ids.iter().map(|id| (*id).into())).fetch_all(db).await?;
        found.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

/// Reads a page of the users that a filter selects, newest first.
pub async fn list(db: &Db, filter: &UserFilter, request: PageRequest) -> Result<Page<User>> {
    let conditions = |statement: Sql| {
        let statement = statement.push(" WHERE 1 = 1");
        match filter.customer_id {
            Some(customer) => statement.push_bind(" AND customer_id = ", customer),
            None => statement,
        }
    };
    let (total,): (i64,) = conditions(sql("SELECT COUNT(*) FROM users")).fetch_one(db).await?;
    let rows: Vec<Option<UserRow>> =
        pagination::cut(conditions(UserRow::TABLE.select()), request).fetch_readable(db).await?;
    Ok(pagination::page_of_readable(rows, request, Total::Exactly(total.unsigned_abs())).map(User::from))
}

/// Locks the row of a user until the end of the transaction, so that no other transaction can change it.
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<()> {
    sql("UPDATE users SET suspended = suspended WHERE id = $1").bind(id).execute(tx).await?;
    Ok(())
}

/// Writes the columns of a user that change after its creation.
pub async fn save(tx: &mut Tx, user: &UserRow) -> Result<()> {
    let statement = UserRow::TABLE.update(values(UserRow::CHANGED, user));
    statement.push_bind(" WHERE id = ", user.id).execute(tx).await?;
    Ok(())
}

/// Counts the administrators that are not suspended.
pub async fn count_active_admins(conn: impl Into<Conn<'_>>) -> Result<i64> {
    let statement = sql("SELECT COUNT(*) FROM users WHERE role = 'admin' AND suspended = $1").bind(false);
    let (count,): (i64,) = statement.fetch_one(conn).await?;
    Ok(count)
}

/// Locks the rows of all administrators until the end of the transaction, so that no other transaction can change their
/// roles or suspend them.
pub async fn lock_admins(tx: &mut Tx) -> Result<()> {
    sql("UPDATE users SET role = role WHERE role = 'admin'").execute(tx).await?;
    Ok(())
}
