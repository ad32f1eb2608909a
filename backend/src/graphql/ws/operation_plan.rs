//! Plans a request of a socket: one response, a shared state subscription, or a stream of the event log.

use std::{collections::BTreeSet, time::Duration};

use async_graphql::{
    Name, Positioned, Request, ServerError, SubscriptionType, Value, Variables,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use crate::{
    error::Error,
    graphql::{
        SubscriptionRoot,
        errors::server_error,
        fanout::{SubscriptionKey, Topic},
        request::CheckedRequest,
    },
};

/// The longest interval between two states of an object, in milliseconds.
const MAX_THROTTLE: u64 = 60_000;

/// The maximum length of the document of a subscription, and of the text of its variables, in bytes. Both are kept
/// until the subscription ends.
const MAX_TEXT: usize = 64 * 1024;

/// How a request is executed.
pub(super) enum Plan {
    /// A query, a mutation, or an invalid request, which the execution refuses.
    Once(CheckedRequest),
    /// A state subscription, which may be shared.
    States(Box<States>),
    /// A stream of the event log, which is not shared.
    Log(Request),
}

/// A state subscription.
pub(super) struct States {
    pub(super) request: Request,
    pub(super) topic: Topic,
    /// The key of the shared subscription.
    pub(super) key: SubscriptionKey,
    /// Whether the subscription begins with a snapshot.
    pub(super) is_snapshot_due: bool,
    /// The shortest interval between two states of an object.
    pub(super) interval: Duration,
}

impl Plan {
    /// Plans a request. The execution reports errors of the document itself.
    ///
    /// # Errors
    ///
    /// The error for a subscription that breaks a rule of this server, such as one with several root fields.
    pub(super) fn of(mut checked: CheckedRequest) -> Result<Self, ServerError> {
        let name = checked.operation_name();
        let operation = chosen(&checked.document()?.operations, name.as_deref());
        let Some(operation) = operation.filter(|operation| operation.node.ty == OperationType::Subscription) else {
            return Ok(Self::Once(checked));
        };
        let operation = operation.node.clone();
        if checked.is_longer_than(MAX_TEXT) {
            return Err(wrong(
                "the document of a subscription or its variables are larger than 64 KiB: send smaller ones",
            ));
        }
        let mut document = checked.document()?.clone();
        let mut request = checked.into_request();
        let mut roots = Roots::default();
        roots.collect(&document, &operation.selection_set.node)?;
        let [field] = roots.fields.as_slice() else {
            return Err(wrong("a subscription selects exactly one field"));
        };
        let Some(topic) = Topic::of_field(&field.node.name.node) else {
            roots.make_plain(&mut document, name.as_deref());
            request.set_parsed_query(document);
            return Ok(Self::Log(request));
        };
        let own = SocketArguments { query: &request.query, operation: &operation, variables: &request.variables };
        let (initial, first) = own.argument(&field.node, "initial")?;
        let (throttle, second) = own.argument(&field.node, "throttleMs")?;
        let is_snapshot_due = match initial {
            Value::Null => false,
            Value::Boolean(initial) => initial,
            _ => return Err(wrong("initial: must be true or false")),
        };
        let throttle = match throttle {
            Value::Null => Some(0),
            Value::Number(millis) => millis.as_u64().filter(|millis| *millis <= MAX_THROTTLE),
            _ => None,
        };
        let interval =
            throttle.map(Duration::from_millis).ok_or_else(|| wrong("throttleMs: must be from 0 to 60000"))?;
        let mut shared = request.variables.clone();
        for name in [first, second].into_iter().flatten() {
            shared.remove(&name);
        }
        let key = SubscriptionKey::new(request.query.clone(), name.clone(), shared.into_value().to_string());
        roots.make_plain(&mut document, name.as_deref());
        request.set_parsed_query(document);
        Ok(Self::States(Box::new(States { request, topic, key, is_snapshot_due, interval })))
    }
}

fn wrong(sentence: &str) -> ServerError {
    server_error(&Error::Invalid(sentence.to_owned()))
}

fn chosen<'a>(operations: &'a DocumentOperations, name: Option<&str>) -> Option<&'a Positioned<OperationDefinition>> {
    match (operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        _ => None,
    }
}

/// The root fields of a subscription, and the fragments that hold them.
#[derive(Default)]
struct Roots {
    fields: Vec<Positioned<Field>>,
    fragments: BTreeSet<Name>,
    is_nested: bool,
}

impl Roots {
    fn collect(&mut self, document: &ExecutableDocument, selected: &SelectionSet) -> Result<(), ServerError> {
        for selection in &selected.items {
            if selection.node.directives().iter().any(|used| ["skip", "include"].contains(&&*used.node.name.node)) {
                return Err(wrong("the one field of a subscription cannot be skipped"));
            }
            let (condition, inner) = match &selection.node {
                Selection::Field(field) => {
                    self.fields.push(field.clone());
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = document.fragments.get(name) else {
                        return Err(wrong(&format!("there is no fragment `{name}`")));
                    };
                    if !self.fragments.insert(name.clone()) {
                        continue;
                    }
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set)
                }
            };
            self.is_nested = true;
            if condition.is_some_and(|on| *on.node.on.node != *SubscriptionRoot::type_name()) {
                return Err(wrong("a fragment here must be on the type `Subscription`"));
            }
            self.collect(document, &inner.node)?;
        }
        Ok(())
    }

    /// Moves the one root field out of its fragments, since the library does not look into them.
    fn make_plain(self, document: &mut ExecutableDocument, name: Option<&str>) {
        if !self.is_nested {
            return;
        }
        let operation = match (&mut document.operations, name) {
            (DocumentOperations::Single(operation), _) => Some(operation),
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get_mut(name),
            (DocumentOperations::Multiple(operations), None) => operations.values_mut().next(),
        };
        if let Some(operation) = operation {
            let fields =
                self.fields.into_iter().map(|field| Positioned::new(Selection::Field(field.clone()), field.pos));
            operation.node.selection_set.node.items = fields.collect();
        }
        document.fragments.retain(|name, _| !self.fragments.contains(name));
    }
}

/// Reads the arguments that only the socket uses: `initial` and `throttleMs`.
struct SocketArguments<'a> {
    query: &'a str,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
}

impl SocketArguments<'_> {
    /// The value of an argument, and the variable that only this argument uses.
    fn argument(&self, field: &Field, name: &str) -> Result<(Value, Option<Name>), ServerError> {
        let Some(argument) = field.get_argument(name) else { return Ok((Value::Null, None)) };
        let mut used = None;
        let value = argument.node.clone().into_const_with(|variable| {
            let value = self.variable(&variable);
            used = Some(variable);
            value
        })?;
        Ok((value, used.filter(|variable| self.is_used_once(variable))))
    }

    fn variable(&self, name: &Name) -> Result<Value, ServerError> {
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        let mut declared = self.operation.variable_definitions.iter();
        let declared = declared.find(|declared| declared.node.name.node == *name);
        let default = declared.and_then(|declared| declared.node.default_value());
        default.cloned().ok_or_else(|| wrong(&format!("the variable ${name} is missing")))
    }

    /// Whether a variable occurs in the document twice: in its declaration and once more.
    fn is_used_once(&self, name: &Name) -> bool {
        let variable = format!("${name}");
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let ends = self.query.match_indices(&variable).map(|(at, _)| &self.query[at + variable.len()..]);
        ends.filter(|rest| !rest.starts_with(is_part)).count() == 2
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::graphql::document_cache::Documents;

    fn plan(query: &str, variables: Json) -> Result<Plan, String> {
        let request = Request::new(query).variables(Variables::from_json(variables));
        CheckedRequest::check(&Documents::default(), request, true).and_then(Plan::of).map_err(|error| error.message)
    }

    fn states(query: &str, variables: Json) -> States {
        let Ok(Plan::States(states)) = plan(query, variables) else { panic!("states: {query}") };
        *states
    }

    #[rstest]
    #[case("subscription { fleetUpdated { resync } transferUpdated { resync } }")]
    #[case("subscription { a: fleetUpdated { resync } b: fleetUpdated { resync } }")]
    #[case("subscription { ...Two } fragment Two on Subscription { fleetUpdated { resync } agentUpdated { resync } }")]
    #[case("subscription { fleetUpdated @skip(if: true) { resync } }")]
    #[case("subscription { ...Odd } fragment Odd on Query { fleet { at } }")]
    #[case("subscription { ...None }")]
    #[case("subscription { ...Loop } fragment Loop on Subscription { ...Loop }")]
    #[case("subscription { fleetUpdated(throttleMs: 60001) { resync } }")]
    #[case("subscription { fleetUpdated(throttleMs: -1) { resync } }")]
    #[case("subscription { fleetUpdated(throttleMs: \"5\") { resync } }")]
    #[case("subscription { fleetUpdated(initial: 1) { resync } }")]
    #[case("subscription ($ms: Int!) { fleetUpdated(throttleMs: $ms) { resync } }")]
    fn what_is_no_stream_of_one_field_is_refused(#[case] query: &str) {
        assert!(plan(query, json!({})).is_err(), "{query}");
    }

    #[test]
    fn the_socket_s_own_arguments_are_read_and_make_no_difference_to_the_key() {
        let query = "subscription ($ids: [ID!], $ms: Int = 5, $first: Boolean) \
                     { transferUpdated(ids: $ids, throttleMs: $ms, initial: $first) { resync } }";
        let one = states(query, json!({ "ids": ["a"], "ms": 100, "first": true }));
        assert_eq!((one.is_snapshot_due, one.interval), (true, Duration::from_millis(100)));
        let two = states(query, json!({ "ids": ["a"] }));
        assert_eq!((two.is_snapshot_due, two.interval), (false, Duration::from_millis(5)));
        assert!(one.key == two.key);
        assert!(one.key != states(query, json!({ "ids": ["b"], "ms": 100, "first": true })).key);
    }

    #[test]
    fn a_variable_that_is_used_elsewhere_too_makes_a_difference() {
        let query = "subscription ($first: Boolean!) \
                     { fleetUpdated(initial: $first) { resync fleet @include(if: $first) { at } } }";
        let (yes, no) = (states(query, json!({ "first": true })), states(query, json!({ "first": false })));
        assert!(yes.key != no.key);
    }

    #[test]
    fn a_field_in_a_fragment_is_found_and_put_in_the_open() {
        let query = "subscription { ...Live } fragment Live on Subscription { ... { fleetUpdated { ...Figures } } } \
                     fragment Figures on FleetUpdate { resync }";
        let mut states = states(query, json!({}));
        let document = states.request.parsed_query().expect("a document");
        assert_eq!(document.fragments.len(), 1);
        let operation = chosen(&document.operations, None).expect("an operation");
        assert!(matches!(operation.node.selection_set.node.items[0].node, Selection::Field(_)));
    }

    #[rstest]
    #[case("{ me { id } }")]
    #[case("subscription A { fleetUpdated { resync } } subscription B { fleetUpdated { resync } }")]
    fn what_is_no_subscription_is_left_to_its_execution(#[case] query: &str) {
        assert!(matches!(plan(query, json!({})), Ok(Plan::Once(_))));
    }

    #[test]
    fn a_log_is_a_stream_of_its_own() {
        assert!(matches!(plan("subscription { events { gap } }", json!({})), Ok(Plan::Log(_))));
    }
}
