//! Lists on their way out: an answer is written item by item, and large ones wait for their share of memory instead of
//! being refused.

use std::{sync::Arc, vec::IntoIter};

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::envelope::Failure;
use crate::{
    actor::Actor,
    error::{Error, Result},
    model::Pagination,
    transport::CallerSemaphores,
};

/// The memory that large lists may take together, in bytes.
const BUDGET: usize = 256 * 1024 * 1024;
/// Bytes per permit.
const PERMIT: usize = 1024;
/// Large lists of one caller that are answered at once; further ones wait.
const TURNS: usize = 2;
/// About how many bytes are handed on at once.
const PIECE: usize = 64 * 1024;

/// What a handler of a list returns.
pub(super) type ListAnswer<T> = Result<List<T>, Failure>;

/// The data of a list: its items under their plural, and the pagination.
pub(super) trait Listed: Send + 'static {
    /// One item.
    type Item: Serialize + Send + 'static;
    /// The name of the list.
    const NAME: &'static str;

    /// The items and where they stand.
    fn into_parts(self) -> (Vec<Self::Item>, Pagination);
}

/// Says which field of a struct holds the items of a list.
macro_rules! listed {
    ($data:ty, $name:literal, $field:ident: $item:ty) => {
        impl $crate::rest::list_response::Listed for $data {
            type Item = $item;
            const NAME: &'static str = $name;

            fn into_parts(self) -> (Vec<$item>, $crate::model::Pagination) {
                (self.$field, self.pagination)
            }
        }
    };
}
pub(super) use listed;

/// The memory of large lists.
#[derive(Clone, Debug)]
pub struct ListBudget {
    bytes: Arc<Semaphore>,
    /// All permits of `bytes`.
    permits: usize,
    turns: CallerSemaphores,
}

impl Default for ListBudget {
    fn default() -> Self {
        Self::new(BUDGET)
    }
}

impl ListBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let permits = bytes / PERMIT;
        Self { bytes: Arc::new(Semaphore::new(permits)), permits, turns: CallerSemaphores::new(TURNS) }
    }

    /// Waits until the caller may hold a list of so many bytes. It is reserved before the list is read from the database.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the budget were closed, which it never is.
    pub(super) async fn reserve(&self, actor: &Actor, items: u64, bytes_each: usize) -> Result<Share> {
        let turn = self.turns.of(&caller(actor)).acquire_owned().await.map_err(Error::internal)?;
        let each = bytes_each.div_ceil(PERMIT);
        // A list larger than the whole budget has it to itself.
        let permits = usize::try_from(items).unwrap_or(usize::MAX).saturating_mul(each).min(self.permits);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let held = Arc::clone(&self.bytes).acquire_many_owned(permits).await.map_err(Error::internal)?;
        Ok(Share { held, each, _turn: turn })
    }
}

/// What names the caller among all callers.
fn caller(actor: &Actor) -> String {
    match actor {
        Actor::Admin { user, .. } | Actor::Customer { user, .. } => user.to_string(),
        Actor::Agent { agent, .. } => agent.to_string(),
        Actor::System => String::new(),
    }
}

/// The share of an answer, given back while it is written.
#[derive(Debug)]
pub(super) struct Share {
    held: OwnedSemaphorePermit,
    each: usize,
    _turn: OwnedSemaphorePermit,
}

impl Share {
    /// So many items are held and no more.
    fn shrink(&mut self, items: usize) {
        let surplus = self.held.num_permits().saturating_sub(items.saturating_mul(self.each));
        drop(self.held.split(surplus));
    }
}

/// A list on its way out.
pub(super) struct List<T> {
    data: T,
    share: Option<Share>,
}

impl<T> List<T> {
    /// A list whose items are small.
    pub(super) const fn small(data: T) -> Self {
        Self { data, share: None }
    }

    /// A list whose memory was reserved.
    pub(super) const fn large(data: T, share: Share) -> Self {
        Self { data, share: Some(share) }
    }
}

/// What is still to be written of a list.
struct Writing<I> {
    items: IntoIter<I>,
    is_first: bool,
    pagination: Option<Pagination>,
    share: Option<Share>,
}

impl<I: Serialize> Writing<I> {
    /// Appends items until the piece is full or the end is written; whether the end is.
    fn fill(&mut self, piece: &mut Vec<u8>) -> serde_json::Result<bool> {
        while piece.len() < PIECE {
            let Some(item) = self.items.next() else {
                let Some(pagination) = self.pagination.take() else { return Ok(true) };
                piece.extend_from_slice(br#"],"pagination":"#);
                serde_json::to_writer(&mut *piece, &pagination)?;
                piece.extend_from_slice(b"}}");
                return Ok(true);
            };
            if !std::mem::take(&mut self.is_first) {
                piece.push(b',');
            }
            serde_json::to_writer(&mut *piece, &item)?;
        }
        Ok(false)
    }
}

impl<T: Listed> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        let Self { data, mut share } = self;
        let (items, pagination) = data.into_parts();
        if let Some(share) = &mut share {
            share.shrink(items.len());
        }
        let mut writing = Writing { items: items.into_iter(), is_first: true, pagination: Some(pagination), share };
        let mut piece = format!(r#"{{"success":true,"data":{{"{}":["#, T::NAME).into_bytes();
        let body = match writing.fill(&mut piece) {
            Ok(true) => Body::from(piece),
            Ok(false) => Body::from_stream(stream::unfold(Some((writing, piece)), |rest| async move {
                let (mut writing, piece) = rest?;
                let mut next = Vec::new();
                let outcome = writing.fill(&mut next);
                if let Some(share) = &mut writing.share {
                    share.shrink(writing.items.len());
                }
                match outcome {
                    Ok(_) => Some((Ok(Bytes::from(piece)), (!next.is_empty()).then_some((writing, next)))),
                    // The answer has begun: that it breaks off is all that can be said.
                    Err(error) => Some((Err(error), None)),
                }
            })),
            Err(error) => return Failure(Error::internal(error)).into_response(),
        };
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{HttpBody, to_bytes};
    use futures_util::FutureExt;

    use super::*;
    use crate::ids::{SessionId, UserId};

    struct Texts {
        texts: Vec<String>,
        pagination: Pagination,
    }
    listed!(Texts, "texts", texts: String);

    fn texts(number: usize, bytes: usize) -> Texts {
        let pagination = Pagination { page: 1, limit: 20, total: 0, pages: 0, total_is_at_least: false };
        Texts { texts: (0..number).map(|index| format!("{index}{}", "x".repeat(bytes))).collect(), pagination }
    }

    fn admin(number: u128) -> Actor {
        let id = uuid::Uuid::from_u128(number);
        Actor::Admin { user: UserId(id), session: SessionId(id) }
    }

    #[tokio::test]
    async fn a_small_list_has_a_length_and_a_large_one_comes_in_pieces() {
        for (number, bytes, is_whole) in [(0, 0, true), (3, 10, true), (1, 100_000, false), (40, 20_000, false)] {
            let body = List::small(texts(number, bytes)).into_response().into_body();
            assert_eq!(body.size_hint().exact().is_some(), is_whole, "{number} of {bytes}");
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(value["data"]["texts"].as_array().unwrap().len(), number);
            assert_eq!((&value["success"], &value["data"]["pagination"]["page"]), (&true.into(), &1.into()));
        }
    }

    #[tokio::test]
    async fn a_list_waits_for_memory_until_others_are_written_or_given_up() {
        let budget = ListBudget::new(8 * PERMIT);
        let share = budget.reserve(&admin(1), 8, PERMIT).await.unwrap();
        assert!(budget.reserve(&admin(2), 1, PERMIT).now_or_never().is_none(), "it waits");
        // Only half of the page was found, and gives back the rest at once.
        let response = List::large(texts(4, PIECE), share).into_response();
        let second = budget.reserve(&admin(2), 4, PERMIT).now_or_never().expect("there is room").unwrap();
        assert!(budget.reserve(&admin(3), 1, PERMIT).now_or_never().is_none(), "it waits");
        to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(budget.reserve(&admin(3), 4, PERMIT).now_or_never().is_some());
        drop(second);
    }

    #[tokio::test]
    async fn a_caller_has_two_large_lists_at_once() {
        let budget = ListBudget::new(8 * PERMIT);
        let first = budget.reserve(&admin(1), 1, PERMIT).await.unwrap();
        let _second = budget.reserve(&admin(1), 1, PERMIT).await.unwrap();
        assert!(budget.reserve(&admin(1), 1, PERMIT).now_or_never().is_none(), "the third one waits");
        assert!(budget.reserve(&admin(2), 1, PERMIT).now_or_never().is_some(), "others do not");
        drop(first);
        assert!(budget.reserve(&admin(1), 1, PERMIT).now_or_never().is_some());
    }
}
