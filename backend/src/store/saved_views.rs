//! The table of the saved views of users.

use chrono::{DateTime, Utc};

use super::{
    db::{
        Conn, Db, Tx, sql,
        table::{table, values},
    },
    pagination,
};
use crate::{
    error::Result,
    ids::{SavedViewId, UserId},
    model::{Page, PageRequest, Total, saved_view::SavedView},
};

/// A saved view as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedViewRow {
    /// The id of the view, which begins with the milliseconds of its creation.
    pub id: SavedViewId,
    /// The user who has saved the view.
    pub user_id: UserId,
    /// The name of the view.
    pub name: String,
    /// The page of the dashboard that the view belongs to.
    pub page: String,
    /// The query text of the page's URL.
    pub query: String,
    /// Whether the dashboard opens the page with this view.
    pub is_default: bool,
    /// The time at which the view was saved.
    pub created_at: DateTime<Utc>,
    /// The time of the last change.
    pub updated_at: DateTime<Utc>,
}

table! {
    saved_views: SavedViewRow { id, user_id, name, page, query, is_default, created_at, updated_at }
    from "saved_views" prefix "";

    /// Written when the view is saved.
    const CREATED { id: Uuid, user_id: Uuid, created_at: Instant }

    /// Written by every change.
    const CHANGED { name: Text, page: Text, query: Text, is_default: Boolean, updated_at: Instant }
}

impl From<SavedViewRow> for SavedView {
    fn from(row: SavedViewRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            page: row.page,
            query: row.query,
            is_default: row.is_default,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

/// Stores a new view.
pub async fn insert(tx: &mut Tx, view: &SavedViewRow) -> Result<()> {
    let row = values(SavedViewRow::CREATED, view).chain(values(SavedViewRow::CHANGED, view));
    SavedViewRow::TABLE.insert(row).execute(tx).await?;
    Ok(())
}

/// Writes the columns of a view that change after its creation.
pub async fn save(tx: &mut Tx, view: &SavedViewRow) -> Result<()> {
    let statement = SavedViewRow::TABLE.update(values(SavedViewRow::CHANGED, view));
    statement.push_bind(" WHERE id = ", view.id).execute(tx).await?;
    Ok(())
}

/// Ends the state of a user's view as the default of a page, so that the user has no default view for the page.
pub async fn clear_default(tx: &mut Tx, user: UserId, page: &str, now: DateTime<Utc>) -> Result<()> {
    let statement = sql(
        "UPDATE saved_views SET is_default = $1, updated_at = $2 WHERE user_id = $3 AND page = $4 AND is_default = $5",
    );
    statement.bind(false).bind(now).bind(user).bind(page).bind(true).execute(tx).await?;
    Ok(())
}

/// Reads a view of a user; `None` if the user has no view with this id.
pub async fn find(conn: impl Into<Conn<'_>>, user: UserId, id: SavedViewId) -> Result<Option<SavedViewRow>> {
    let statement = SavedViewRow::TABLE.select().push_bind(" WHERE id = ", id);
    statement.push_bind(" AND user_id = ", user).fetch_optional(conn).await
}

/// Counts the views of a user.
pub async fn count(conn: impl Into<Conn<'_>>, user: UserId) -> Result<u64> {
    let counted = sql("SELECT COUNT(*) FROM saved_views WHERE user_id = $1").bind(user);
    let (total,): (i64,) = counted.fetch_one(conn).await?;
    Ok(total.unsigned_abs())
}

/// Reads a page of a user's views, newest first.
pub async fn list(db: &Db, user: UserId, request: PageRequest) -> Result<Page<SavedViewRow>> {
    let total = Total::Exactly(count(db, user).await?);
    let views = SavedViewRow::TABLE.select().push_bind(" WHERE user_id = ", user);
    let rows = pagination::cut(views, request).fetch_all(db).await?;
    Ok(pagination::page(rows, request, total))
}

/// Deletes a view of a user. Returns false if the user has no view with this id.
pub async fn delete(tx: &mut Tx, user: UserId, id: SavedViewId) -> Result<bool> {
    let statement = sql("DELETE FROM saved_views WHERE id = $1 AND user_id = $2").bind(id).bind(user);
    Ok(statement.execute(tx).await? == 1)
}
