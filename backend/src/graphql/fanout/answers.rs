//! One subscription at work: objects in, answers out, each serialised once.

use std::sync::{Mutex, PoisonError};

use async_graphql::{Context, Request, Response, ServerError};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream, Stream},
};
use tokio::sync::{mpsc, oneshot};

use super::change::{Interest, Item};
use crate::{
    error::{Error, Result},
    graphql::{Schema, errors::server_error, response::write},
};

/// What the resolver of a state subscription finds in its request: where to say what it wants, and what it is then fed.
struct Feed {
    interest: oneshot::Sender<Interest>,
    items: mpsc::Receiver<Item>,
}

/// The feed, until the resolver takes it.
struct Slot(Mutex<Option<Feed>>);

/// For the resolver of a state subscription: says what it wants, and gives what it will be fed.
///
/// # Errors
///
/// [`Error::Invalid`] where nothing feeds it: subscriptions are answered on the socket only.
pub(in crate::graphql) fn feed(ctx: &Context<'_>, interest: Interest) -> Result<impl Stream<Item = Item> + use<>> {
    let feed = ctx.data_opt::<Slot>().and_then(|slot| slot.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    let Some(Feed { interest: wanted, items }) = feed else {
        return Err(Error::Invalid("subscriptions are answered at /graphql/ws only".to_owned()));
    };
    // Whoever is gone by now wants no answers.
    drop(wanted.send(interest));
    Ok(stream::unfold(items, |mut items| async { items.recv().await.map(|item| (item, items)) }))
}

/// Why a subscription did not begin.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// The request is wrong, or not allowed.
    Errors(Vec<ServerError>),
    /// It ended at once.
    Ended,
}

/// An answer, ready to be sent as often as it is wanted.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The execution result as JSON.
    pub(super) payload: Bytes,
    /// Whether parts of it could not be resolved.
    pub(super) is_partial: bool,
}

/// A subscription at work.
pub(super) struct Answers {
    responses: BoxStream<'static, Response>,
    items: mpsc::Sender<Item>,
    max_response: usize,
}

impl Answers {
    /// Begins a subscription: parses and validates it, and runs its resolver as far as to know what it wants.
    ///
    /// # Errors
    ///
    /// What the client is told instead of answers.
    pub(super) async fn open(
        schema: &Schema,
        request: Request,
        max_response: usize,
    ) -> Result<(Self, Interest), Refusal> {
        let (interest, mut wanted) = oneshot::channel();
        let (items, fed) = mpsc::channel(1);
        let slot = Slot(Mutex::new(Some(Feed { interest, items: fed })));
        let mut responses = schema.execute_stream(request.data(slot));
        tokio::select! {
            biased;
            response = responses.next() => Err(match response {
                Some(response) if !response.errors.is_empty() => Refusal::Errors(response.errors),
                _ => Refusal::Ended,
            }),
            interest = &mut wanted => match interest {
                Ok(interest) => Ok((Self { responses, items, max_response }, interest)),
                Err(_) => Err(Refusal::Ended),
            },
        }
    }

    /// A subscription that answers so, whatever it is fed.
    #[cfg(test)]
    pub(super) fn of(responses: BoxStream<'static, Response>) -> Self {
        let (items, fed) = mpsc::channel(16);
        // What it is fed is thrown away, but it is open for more.
        let responses = responses.map(move |response| {
            let _ = &fed;
            response
        });
        Self { responses: responses.boxed(), items, max_response: usize::MAX }
    }

    /// The answer about this item; nothing if the subscription has ended.
    pub(super) async fn about(&mut self, item: Item) -> Option<Answer> {
        self.items.send(item).await.ok()?;
        let response = self.responses.next().await?;
        let (payload, is_partial) = match write(&response, self.max_response) {
            Ok(payload) => (payload, !response.errors.is_empty()),
            Err(error) => (write(&Response::from_errors(vec![server_error(&error)]), usize::MAX).ok()?, true),
        };
        Some(Answer { payload, is_partial })
    }
}
