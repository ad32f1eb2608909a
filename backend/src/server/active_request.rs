//! Requests in progress on a connection, each of which ends with the body of its response.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::Body;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use tracing::Span;

use crate::transport::connections::Connection;

/// An active request on a connection, from its headers to the end of its response.
pub(super) struct ActiveRequest(Arc<Connection>);

impl ActiveRequest {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        connection.begin();
        Self(connection)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.end(Instant::now());
    }
}

/// The body of a response. The request counts as active until the body was passed to the connection.
pub(super) struct ResponseBody {
    body: Body,
    _request: ActiveRequest,
    /// The span of the request, if parts of the body are created after its handler has returned.
    span: Option<Span>,
}

impl ResponseBody {
    pub(super) fn new(body: Body, request: ActiveRequest, span: &Span) -> Self {
        // A body of known size is in memory.
        let span = body.size_hint().exact().is_none().then(|| span.clone());
        Self { body, _request: request, span }
    }
}

impl HttpBody for ResponseBody {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let answer = self.get_mut();
        let _entered = answer.span.as_ref().map(Span::enter);
        Pin::new(&mut answer.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
