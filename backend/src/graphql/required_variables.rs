//! Finds missing variables before the execution; the library would find them only during the execution.

use async_graphql::{Name, Request, Value, parser::types::DocumentOperations};

use crate::error::{Error, FieldErrors, Result};

/// Checks that every required variable has a value. Other errors of the request are found later.
///
/// # Errors
///
/// [`Error::Fields`] with all missing variables.
pub(super) fn check(request: &mut Request) -> Result<()> {
    let wanted = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return Ok(()) };
    let operation = match (&document.operations, wanted) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name.as_str()),
        (DocumentOperations::Multiple(operations), None) => {
            operations.values().next().filter(|_| operations.len() == 1)
        }
    };
    let definitions = operation.map(|operation| operation.node.variable_definitions.iter());
    let required = definitions.into_iter().flatten().map(|definition| &definition.node);
    let required = required.filter(|variable| !variable.var_type.node.nullable && variable.default_value.is_none());
    let names: Vec<Name> = required.map(|variable| variable.name.node.clone()).collect();
    let mut problems = FieldErrors::default();
    for name in names {
        if request.variables.get(&name).is_none_or(|value| *value == Value::Null) {
            problems.add(name.as_str(), "is required: the operation declares this variable");
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Fields(problems)) }
}
