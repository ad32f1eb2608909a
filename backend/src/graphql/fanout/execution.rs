//! The execution of one subscription: each update yields one response, which is serialised once. Responses that need nothing
//! but the updated object are written from it by a [`Projection`]; the library executes the subscription for the others.

use std::sync::{Mutex, PoisonError};

use async_graphql::{Context, Request, Response, ServerError};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream, Stream},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::coop::consume_budget,
};

use super::{
    change::{EventFilter, Update},
    transfer_projection::{Projection, Viewer},
};
use crate::{
    error::{Error, Result},
    graphql::{Schema, bounded_response_json::write, errors::server_error},
};

/// The channels between a state subscription and its resolver: the resolver sends its filter, and receives the updates.
struct Feed {
    event_filter: oneshot::Sender<EventFilter>,
    updates: mpsc::Receiver<Update>,
}

/// Holds the feed until the resolver takes it.
struct Slot(Mutex<Option<Feed>>);

/// Passes the filter of a state subscription to its execution, and returns the stream of updates. Called by the
/// resolver.
///
/// # Errors
///
/// [`Error::Invalid`] outside of a socket, where no updates are sent.
pub(in crate::graphql) fn feed(
    ctx: &Context<'_>,
    event_filter: EventFilter,
) -> Result<impl Stream<Item = Update> + use<>> {
    let feed = ctx.data_opt::<Slot>().and_then(|slot| slot.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    let Some(Feed { event_filter: wanted, updates }) = feed else {
        return Err(Error::Invalid("subscriptions are answered at /graphql/ws only".to_owned()));
    };
    // An error means that the subscription was dropped.
    drop(wanted.send(event_filter));
    Ok(stream::unfold(updates, |mut updates| async { updates.recv().await.map(|update| (update, updates)) }))
}

/// Why a subscription did not begin.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// The request is invalid, or not allowed.
    Errors(Vec<ServerError>),
    /// The subscription ended before it sent its filter.
    Ended,
}

/// A response, ready to be sent to any number of subscribers.
#[derive(Clone, Debug)]
pub(super) struct SerializedResponse {
    /// The execution result as JSON.
    pub(super) payload: Bytes,
    /// Whether parts of the response could not be resolved.
    pub(super) is_partial: bool,
}

/// The execution of a subscription.
pub(super) struct Execution {
    responses: BoxStream<'static, Response>,
    updates: mpsc::Sender<Update>,
    max_response: usize,
    projection: Option<Projection>,
}

impl Execution {
    /// Starts a subscription: parses and validates it, and runs its resolver until the filter is known.
    ///
    /// # Errors
    ///
    /// The errors that the client gets instead of responses.
    pub(super) async fn open(
        schema: &Schema,
        mut request: Request,
        max_response: usize,
        viewer: Viewer,
    ) -> Result<(Self, EventFilter), Refusal> {
        let (document, operation) = (request.parsed_query().ok().cloned(), request.operation_name.clone());
        let (event_filter, mut wanted) = oneshot::channel();
        let (updates, fed) = mpsc::channel(1);
        let slot = Slot(Mutex::new(Some(Feed { event_filter, updates: fed })));
        let mut responses = schema.execute_stream(request.data(slot));
        tokio::select! {
            biased;
            response = responses.next() => Err(match response {
                Some(response) if !response.errors.is_empty() => Refusal::Errors(response.errors),
                _ => Refusal::Ended,
            }),
            event_filter = &mut wanted => match event_filter {
                Ok(event_filter) => {
                    // The library has accepted the document.
                    let document = document.as_ref();
                    let projection = document.and_then(|document| Projection::of(document, operation.as_deref(), viewer));
                    Ok((Self { responses, updates, max_response, projection }, event_filter))
                }
                Err(_) => Err(Refusal::Ended),
            },
        }
    }

    /// An execution that returns these responses in their order, whatever updates it is given.
    #[cfg(test)]
    pub(super) fn of(responses: BoxStream<'static, Response>) -> Self {
        let (updates, fed) = mpsc::channel(16);
        // The updates are never read, but the channel stays open.
        let responses = responses.map(move |response| {
            let _ = &fed;
            response
        });
        Self { responses: responses.boxed(), updates, max_response: usize::MAX, projection: None }
    }

    /// Computes the response to this update; `None` if the subscription has ended.
    pub(super) async fn execute(&mut self, update: Update) -> Option<SerializedResponse> {
        if let (Some(projection), Update::Transfer(transfer)) = (&self.projection, &update)
            && let Some(payload) = projection.write(transfer, self.max_response)
        {
            // Nothing here waits, so other tasks get their turn this way.
            consume_budget().await;
            return Some(SerializedResponse { payload, is_partial: false });
        }
        self.updates.send(update).await.ok()?;
        let response = self.responses.next().await?;
        let (payload, is_partial) = match write(&response, self.max_response) {
            Ok(payload) => (payload, !response.errors.is_empty()),
            Err(error) => (write(&Response::from_errors(vec![server_error(&error)]), usize::MAX).ok()?, true),
        };
        Some(SerializedResponse { payload, is_partial })
    }
}
