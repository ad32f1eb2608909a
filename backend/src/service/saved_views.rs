//! Saved views. A user sees and changes only the views that the user has saved.

use super::ControlPlane;
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    ids::SavedViewId,
    model::{
        Page, PageRequest,
        saved_view::{CreateView, MAX_VIEWS, SavedView, UpdateView},
    },
    store::{self, idempotency::IdempotencyClaim, saved_views::SavedViewRow},
};

impl ControlPlane {
    /// Returns a page of the caller's saved views, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is a user.
    pub async fn list_views(&self, actor: &Actor, request: PageRequest) -> Result<Page<SavedView>> {
        let (user, _) = actor.require_session(Permission::ManageSavedViews)?;
        Ok(store::saved_views::list(&self.db, user, request).await?.map(SavedView::from))
    }

    /// Creates a saved view of the caller.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is a user, [`Error::Conflict`] if the caller has 50 views.
    pub async fn create_view(
        &self,
        actor: &Actor,
        input: CreateView,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<SavedView> {
        let (user, _) = actor.require_session(Permission::ManageSavedViews)?;
        let mut work = self.begin(actor).await?;
        // Two requests at once would count the same views.
        store::users::lock(&mut work.tx, user).await?;
        if store::saved_views::count(&mut work.tx, user).await? >= MAX_VIEWS {
            return Err(Error::conflict(format!("there are {MAX_VIEWS} saved views already: delete one of them")));
        }
        let row = SavedViewRow {
            id: self.ids.next(work.now),
            user_id: user,
            name: input.name,
            page: input.page,
            query: input.query,
            is_default: false,
            created_at: work.now,
            updated_at: work.now,
        };
        store::saved_views::insert(&mut work.tx, &row).await?;
        let view = SavedView::from(row);
        work.complete(claim, &view).await?;
        self.commit(work).await?;
        Ok(view)
    }

    /// Changes a saved view of the caller. If it becomes the default view of its page, the previous default no longer
    /// is.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is a user, [`Error::NotFound`] if the caller has no such view.
    pub async fn update_view(&self, actor: &Actor, id: SavedViewId, input: UpdateView) -> Result<SavedView> {
        let (user, _) = actor.require_session(Permission::ManageSavedViews)?;
        let mut work = self.begin(actor).await?;
        // Two requests at once would each make a view the default.
        store::users::lock(&mut work.tx, user).await?;
        let found = store::saved_views::find(&mut work.tx, user, id).await?;
        let mut row = found.ok_or(Error::NotFound("view"))?;
        row.name = input.name.unwrap_or(row.name);
        row.page = input.page.unwrap_or(row.page);
        row.query = input.query.unwrap_or(row.query);
        row.is_default = input.is_default.unwrap_or(row.is_default);
        row.updated_at = work.now;
        if row.is_default {
            store::saved_views::clear_default(&mut work.tx, user, &row.page, work.now).await?;
        }
        store::saved_views::save(&mut work.tx, &row).await?;
        self.commit(work).await?;
        Ok(row.into())
    }

    /// Deletes a saved view of the caller.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is a user, [`Error::NotFound`] if the caller has no such view.
    pub async fn delete_view(&self, actor: &Actor, id: SavedViewId) -> Result<()> {
        let (user, _) = actor.require_session(Permission::ManageSavedViews)?;
        let mut work = self.begin(actor).await?;
        if !store::saved_views::delete(&mut work.tx, user, id).await? {
            return Err(Error::NotFound("view"));
        }
        self.commit(work).await
    }
}
