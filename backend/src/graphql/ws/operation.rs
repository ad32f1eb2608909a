//! One operation of a socket, from its request to its last message.

use std::{panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Request, ServerError, Value};
use futures_util::{FutureExt, StreamExt};
use tokio::runtime::Handle;

use super::operation_plan::{Plan, States};
use crate::{
    error::Error,
    graphql::{
        Graphql,
        bounded_response_json::{Payload, write},
        context::Caller,
        errors::{is_request_error, json, server_error},
        executor::Executed,
        fanout::JoinRequest,
        outbound_queue::{OperationNumber, Outbound, OutboundQueue, SubscriptionSink},
        request::CheckedRequest,
        runtimes::OtherRuntime,
    },
    transport::panicked,
};

/// The task of one operation.
#[derive(Clone)]
pub(super) struct OperationTask {
    pub(super) graphql: Graphql,
    pub(super) caller: Caller,
    pub(super) outbound: Arc<OutboundQueue>,
    pub(super) number: OperationNumber,
}

impl OperationTask {
    /// Runs the operation until it ends. A panic becomes an error of the operation.
    pub(super) async fn run(self, request: Result<Box<Request>, Error>) {
        if let Err(panic) = AssertUnwindSafe(self.attempt(request)).catch_unwind().await {
            self.refuse(&[server_error(&panicked(panic.as_ref()))]);
        }
    }

    /// Counts the operation and executes it.
    async fn attempt(&self, request: Result<Box<Request>, Error>) {
        if let Err(error) = self.count().await {
            return self.refuse(&[server_error(&error)]);
        }
        let checked = match request {
            Ok(request) => CheckedRequest::new(&self.graphql.documents, *request, &self.caller).await,
            Err(error) => Err(server_error(&error)),
        };
        match checked.and_then(Plan::of) {
            Err(error) => self.refuse(&[error]),
            Ok(Plan::Once(request)) => self.answer(request).await,
            Ok(Plan::States(states)) => self.watch(*states).await,
            Ok(Plan::Log(request)) => self.follow(request).await,
        }
    }

    async fn count(&self) -> Result<(), Error> {
        let cp = &self.graphql.settings.cp;
        match self.caller.count(cp).await? {
            Some(verdict) if verdict.exceeded => {
                Err(Error::RateLimited((verdict.resets_at - cp.now()).to_std().unwrap_or_default()))
            }
            _ => Ok(()),
        }
    }

    /// Executes a query or a mutation: one response, or the errors of a refused request.
    async fn answer(&self, request: CheckedRequest) {
        let Some(permit) = self.outbound.answer_permit().await else { return };
        match self.graphql.executor.execute(request, &self.caller).await {
            Err(error) => self.refuse(&[server_error(&error)]),
            Ok(Executed::Refused(errors)) => self.refuse(&errors),
            Ok(Executed::Answered(payload)) => self.outbound.push(Outbound::Answer(self.number, payload, permit)),
        }
    }

    async fn watch(&self, states: States) {
        let States { request, topic, key, is_snapshot_due, interval } = states;
        if !interval.is_zero() {
            self.outbound.throttle(self.number, interval);
        }
        let sink = SubscriptionSink { outbound: Arc::clone(&self.outbound), operation: self.number };
        let join = JoinRequest { topic, key, request, is_snapshot_due };
        match self.graphql.fanout.join(&self.caller, join, sink).await {
            Ok(guard) => self.outbound.push(Outbound::Joined(self.number, Box::new(guard))),
            Err(errors) => self.refuse(&errors),
        }
    }

    /// Streams the event log. It is read here, and its entries are executed by the runtime of deliveries.
    async fn follow(&self, request: Request) {
        let settings = &self.graphql.settings;
        let requests = OtherRuntime::new(&settings.tasks, Handle::current());
        let request = self.caller.prepare(request, &settings.cp, &settings.tasks).data(requests);
        let deliveries = OtherRuntime::new(&settings.tasks, settings.deliveries.runtime());
        // An error means that the server stops.
        drop(deliveries.run(self.clone().stream(request)).await);
    }

    /// Sends the responses of a stream of the event log, no faster than the socket does.
    async fn stream(self, request: Request) {
        let settings = &self.graphql.settings;
        let mut responses = self.graphql.schema.execute_stream(request);
        let (name, mut has_begun) = (self.caller.name(), false);
        while let Some(response) = responses.next().await {
            // A stream that could not start has no data: nothing was executed.
            if is_request_error(&response) || (!has_begun && response.data == Value::Null) {
                return self.refuse(&response.errors);
            }
            has_begun = true;
            let entry = match write(&Payload::from(&response), settings.max_response) {
                Ok(entry) => settings.responses.hold(entry, &name).await,
                Err(error) => Err(error),
            };
            match entry {
                Ok(entry) => self.outbound.push_log_entry(self.number, entry).await,
                Err(error) => return self.refuse(&[server_error(&error)]),
            }
        }
        self.outbound.push(Outbound::Complete(self.number));
    }

    fn refuse(&self, errors: &[ServerError]) {
        self.outbound.push(Outbound::Error(self.number, json(&errors)));
    }
}
