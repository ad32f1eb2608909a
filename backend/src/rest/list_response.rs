//! Answers with lists, which are serialised item by item. Large lists have a share of the memory budget for lists.

use std::vec::IntoIter;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;

use super::{envelope::Failure, list_memory_budget::Share};
use crate::{
    error::{Error, Result},
    model::Pagination,
};

/// The approximate size of a chunk of an answer, in bytes.
const PIECE: usize = 64 * 1024;

/// The result of a handler that returns a list.
pub(super) type ListAnswer<T> = Result<List<T>, Failure>;

/// The data of a list: its items under their name in the plural, and the pagination.
pub(super) trait Listed: Send + 'static {
    /// The type of the items.
    type Item: Serialize + Send + 'static;
    /// The name of the list in JSON.
    const NAME: &'static str;

    /// Splits the data into its items and the position of the page.
    fn into_parts(self) -> (Vec<Self::Item>, Pagination);
}

/// Implements `Listed` for structs, and says which field holds the items.
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

/// An answer with a list.
pub(super) struct List<T> {
    data: T,
    share: Option<Share>,
}

impl<T> List<T> {
    /// An answer with small items, which needs no share of the memory budget.
    pub(super) const fn small(data: T) -> Self {
        Self { data, share: None }
    }

    /// An answer for which a share of the memory budget is reserved.
    pub(super) const fn large(data: T, share: Share) -> Self {
        Self { data, share: Some(share) }
    }
}

/// The part of a list that is not written yet.
struct Writing<I> {
    items: IntoIter<I>,
    is_first: bool,
    pagination: Option<Pagination>,
    share: Option<Share>,
}

impl<I: Serialize> Writing<I> {
    /// Appends items until the chunk is full or the list has ended. Returns whether the list has ended.
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
                    // The answer has begun, so the error can only be shown by ending the connection.
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
    use crate::{
        actor::Actor,
        ids::{SessionId, UserId},
        rest::list_memory_budget::{ListBudget, PERMIT},
    };

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
}
