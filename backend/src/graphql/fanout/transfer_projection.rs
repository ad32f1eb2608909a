//! Responses to `transferUpdated` that are written from the transfer itself. A document that selects nothing but the
//! fields of the transfer has responses of constant text, with the values of these fields between. Responses written in
//! this way have the same bytes as those of the library, at a small part of the cost. That matters where clients
//! subscribe with many different documents, each of which needs a response of its own for every change.

use async_graphql::{
    InputType,
    parser::types::{DocumentOperations, ExecutableDocument, Field, OperationType, Selection, SelectionSet},
};
use bytes::Bytes;
use serde::Serialize;

use crate::{
    actor::{Actor, Permission},
    model::transfer::Transfer,
};

#[cfg(test)]
mod tests;

/// The maximum number of fields of an object. Documents with more are left to the library.
const MAX_FIELDS: usize = 256;
/// The length of the constant text, in bytes, from which on the library writes the responses. A fragment may be selected
/// under many names, each of which repeats its text, so the text may be far longer than the document.
const MAX_TEXT: usize = 64 * 1024;
/// The expected length of a value, in bytes.
const VALUE: usize = 16;

/// Appends the value of a field as JSON. Returns false if the library has to resolve the field.
type WriteValue = fn(&Transfer, Viewer, &mut Vec<u8>) -> bool;

/// What the viewer of a subscription may do with the transfers that it sends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Viewer {
    may_cancel: bool,
    may_retry: bool,
}

impl Viewer {
    pub(super) fn of(actor: &Actor) -> Self {
        Self { may_cancel: actor.may(Permission::CancelTransfer), may_retry: actor.may(Permission::RetryTransfer) }
    }
}

/// A template from which the responses of one document are written.
pub(super) struct Projection {
    /// The values in the order of the response, each with the text before it.
    values: Vec<(Box<str>, WriteValue)>,
    /// The text after the last value.
    end: Box<str>,
    /// The expected length of a response, in bytes.
    length: usize,
    viewer: Viewer,
}

impl Projection {
    /// Compiles a valid document into a template; `None` if the library has to write the responses.
    pub(super) fn of(document: &ExecutableDocument, operation: Option<&str>, viewer: Viewer) -> Option<Self> {
        let operation = match (&document.operations, operation) {
            (DocumentOperations::Single(operation), _) => operation,
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name)?,
            (DocumentOperations::Multiple(operations), None) => operations.values().next()?,
        };
        let [root] = operation.node.selection_set.node.items.as_slice() else { return None };
        let Selection::Field(root) = &root.node else { return None };
        let is_plain = operation.node.directives.is_empty() && root.node.directives.is_empty();
        let is_ours = operation.node.ty == OperationType::Subscription && root.node.name.node == "transferUpdated";
        if !is_plain || !is_ours {
            return None;
        }
        let mut compiler = Compiler { document, text: "{\"data\":{".to_owned(), values: Vec::new(), length: 0 };
        compiler.name(&root.node);
        compiler.object(Object::Update, &root.node.selection_set.node)?;
        compiler.text.push_str("}}");
        let Compiler { text: end, values, length, .. } = compiler;
        let length = length + values.len() * VALUE + end.len();
        Some(Self { values, end: end.into(), length, viewer })
    }

    /// Writes the response with this state of a transfer; `None` if the library has to write it, or if it is longer
    /// than `max_response` bytes.
    pub(super) fn write(&self, transfer: &Transfer, max_response: usize) -> Option<Bytes> {
        let mut response = Vec::with_capacity(self.length);
        for (text, write) in &self.values {
            response.extend_from_slice(text.as_bytes());
            if !write(transfer, self.viewer, &mut response) {
                return None;
            }
        }
        response.extend_from_slice(self.end.as_bytes());
        (response.len() <= max_response).then(|| response.into())
    }
}

/// The types of the objects in a response.
#[derive(Clone, Copy)]
enum Object {
    Update,
    Transfer,
    Network,
}

impl Object {
    const fn name(self) -> &'static str {
        match self {
            Self::Update => "TransferUpdate",
            Self::Transfer => "Transfer",
            Self::Network => "Network",
        }
    }
}

struct Compiler<'a> {
    document: &'a ExecutableDocument,
    /// The text after the last value so far.
    text: String,
    values: Vec<(Box<str>, WriteValue)>,
    /// The length of the text before the values, in bytes.
    length: usize,
}

impl<'a> Compiler<'a> {
    /// Appends an object with the selected fields.
    fn object(&mut self, object: Object, selected: &'a SelectionSet) -> Option<()> {
        let mut fields = Vec::new();
        collect(self.document, selected, object, &mut fields)?;
        self.text.push('{');
        for (index, field) in fields.into_iter().enumerate() {
            if self.length + self.text.len() >= MAX_TEXT {
                return None;
            }
            if index > 0 {
                self.text.push(',');
            }
            self.name(field);
            match (object, field.name.node.as_str()) {
                (_, "__typename") => self.quoted(object.name()),
                // An update with a transfer is not a resync.
                (Object::Update, "resync") => self.text.push_str("false"),
                (Object::Update, "transfer") => self.object(Object::Transfer, &field.selection_set.node)?,
                (Object::Update, _) => return None,
                (Object::Transfer, "network") => self.object(Object::Network, &field.selection_set.node)?,
                (Object::Transfer, name) => self.value(of_transfer(name)?),
                (Object::Network, name) => self.value(of_network(name)?),
            }
        }
        self.text.push('}');
        Some(())
    }

    fn name(&mut self, field: &Field) {
        self.quoted(&field.response_key().node);
        self.text.push(':');
    }

    /// Appends a name, which has no characters that JSON escapes.
    fn quoted(&mut self, name: &str) {
        self.text.push('"');
        self.text.push_str(name);
        self.text.push('"');
    }

    fn value(&mut self, write: WriteValue) {
        self.length += self.text.len();
        self.values.push((std::mem::take(&mut self.text).into(), write));
    }
}

/// Adds the selected fields of an object, those of its fragments included; `None` if the library has to choose them.
fn collect<'a>(
    document: &'a ExecutableDocument,
    selected: &'a SelectionSet,
    object: Object,
    fields: &mut Vec<&'a Field>,
) -> Option<()> {
    for selection in &selected.items {
        // They may leave a selection out.
        if !selection.node.directives().is_empty() {
            return None;
        }
        let (condition, inner) = match &selection.node {
            Selection::Field(field) => {
                add(&field.node, fields)?;
                continue;
            }
            Selection::InlineFragment(fragment) => {
                (fragment.node.type_condition.as_ref(), &fragment.node.selection_set.node)
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &document.fragments.get(&spread.node.fragment_name.node)?.node;
                (Some(&fragment.type_condition), &fragment.selection_set.node)
            }
        };
        if condition.is_some_and(|condition| condition.node.on.node.as_str() != object.name()) {
            return None;
        }
        collect(document, inner, object, fields)?;
    }
    Some(())
}

/// Adds a field, unless it was selected before.
fn add<'a>(field: &'a Field, fields: &mut Vec<&'a Field>) -> Option<()> {
    let is_leaf = |field: &Field| field.selection_set.node.items.is_empty();
    match fields.iter().find(|earlier| earlier.response_key().node == field.response_key().node) {
        // Two selections of one object would have to be merged.
        Some(earlier) => (is_leaf(earlier) && is_leaf(field)).then_some(()),
        None if fields.len() >= MAX_FIELDS => None,
        None => {
            fields.push(field);
            Some(())
        }
    }
}

/// The value of a field of a transfer; `None` if the library has to resolve the field.
fn of_transfer(name: &str) -> Option<WriteValue> {
    let write: WriteValue = match name {
        "id" => |transfer, _, out| json(out, &transfer.id),
        "agentId" => |transfer, _, out| json(out, &transfer.agent_id),
        "agentName" => |transfer, _, out| json(out, &transfer.agent.name),
        "agentHostname" => |transfer, _, out| json(out, &transfer.agent.hostname),
        "source" => |transfer, _, out| json(out, &transfer.source),
        "destination" => |transfer, _, out| json(out, &transfer.destination),
        "protocol" => |transfer, _, out| json(out, &transfer.protocol.to_value()),
        "status" => |transfer, _, out| json(out, &transfer.status.to_value()),
        "progress" => |transfer, _, out| json(out, &transfer.progress),
        "bytesTotal" => |transfer, _, out| json(out, &transfer.bytes_total),
        "sizeKnown" => |transfer, _, out| json(out, &transfer.size_known),
        "bytesTransferred" => |transfer, _, out| json(out, &transfer.bytes_transferred),
        "speed" => |transfer, _, out| json(out, &transfer.speed),
        "errorMessage" => |transfer, _, out| json(out, &transfer.error_message),
        "startedAt" => |transfer, _, out| json(out, &transfer.started_at),
        "completedAt" => |transfer, _, out| json(out, &transfer.completed_at),
        "createdAt" => |transfer, _, out| json(out, &transfer.created_at),
        "customerId" => |transfer, _, out| json(out, &transfer.customer_id),
        "direction" => |transfer, _, out| json(out, &transfer.direction.to_value()),
        "jobRunId" => |transfer, _, out| json(out, &transfer.job_run_id),
        "pipelineRunId" => |transfer, _, out| json(out, &transfer.pipeline_run_id),
        "attempt" => |transfer, _, out| json(out, &transfer.attempt),
        "revision" => |transfer, _, out| json(out, &transfer.revision),
        "etaSeconds" => |transfer, _, out| json(out, &transfer.eta()),
        "stalled" => |transfer, _, out| json(out, &transfer.stalled),
        "lastProgressAt" => |transfer, _, out| json(out, &transfer.last_progress_at),
        "cancelRequestedAt" => |transfer, _, out| json(out, &transfer.cancel_requested_at),
        "viewerCanCancel" => |transfer, viewer, out| json(out, &(viewer.may_cancel && transfer.can_be_cancelled())),
        // Whether a failed transfer can be retried depends on its agent, which the library loads.
        "viewerCanRetry" => |transfer, viewer, out| {
            let is_undecided = viewer.may_retry && transfer.status.can_be_retried();
            !is_undecided && json(out, &false)
        },
        #[cfg(feature = "next-version")]
        "weight" => |transfer, _, out| json(out, &transfer.weight),
        name => return detail(name),
    };
    Some(write)
}

/// Declares which values the details of a transfer have.
macro_rules! details {
    ($($(#[$text:meta])+ $field:ident: $type:ident = $key:literal $rest:tt)+) => {
        /// The value of a detail of a transfer.
        fn detail(name: &str) -> Option<WriteValue> {
            $(if name == $key {
                let write: WriteValue = |transfer, _, out| json(out, &transfer.$field);
                return Some(write);
            })+
            None
        }
    };
}

mftplus_protocol::transfer_details!(details);

/// The value of a field of the network measurements.
fn of_network(name: &str) -> Option<WriteValue> {
    let write: WriteValue = match name {
        "throughputMbps" => |transfer, _, out| json(out, &transfer.network.throughput_mbps),
        "latencyMs" => |transfer, _, out| json(out, &transfer.network.latency_ms),
        "packetLossPercent" => |transfer, _, out| json(out, &transfer.network.packet_loss_percent),
        _ => return None,
    };
    Some(write)
}

fn json(out: &mut Vec<u8>, value: &impl Serialize) -> bool {
    serde_json::to_writer(out, value).is_ok()
}
