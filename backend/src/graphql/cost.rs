//! The cost of a parsed document with its fragments expanded, computed before the fragments are expanded. Fragments
//! that spread each other can double the cost at each level, so each fragment is measured once.
//!
//! The validation and the execution of the library visit every spread again. For a document within the limits checked
//! here, their time is bounded.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use async_graphql::{
    Name, Positioned, Variables,
    parser::types::{Directive, ExecutableDocument, OperationType, Selection, SelectionSet},
};
use async_graphql_value::{ConstValue, Value};

use crate::error::{Error, Result};

/// The maximum number of selections of a document with its fragments expanded, `__typename` included.
const MAX_SELECTIONS: usize = 20_000;
/// The maximum depth of nested selections, fragments included.
const MAX_DEPTH: usize = 32;
/// The maximum number of times that one selection set may select the same field, under any aliases.
const MAX_ALIASES: usize = 32;
/// The maximum number of fields at the root of a mutation.
const MAX_MUTATIONS: usize = 10;
/// The maximum number of values in all arguments together. A variable counts at each use, since each use is a copy.
const MAX_VALUES: usize = 100_000;
/// The number of bytes of text that count as one value.
const TEXT: usize = 256;

/// The root fields of the operations of a document.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// The names of the root fields of all operations.
    pub(super) fields: Vec<String>,
}

/// Measures a document, and returns its root fields.
///
/// # Errors
///
/// [`Error::Invalid`] if the document exceeds a limit, or if a fragment spreads itself.
pub(super) fn check(document: &ExecutableDocument, variables: &Variables) -> Result<Roots> {
    let mut measure =
        Measure { document, values: values(document, variables), known: HashMap::new(), total: Size::default() };
    let mut roots = Roots::default();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let mut shape = Shape::default();
        shape.add_values(measure.values_of(&operation.directives))?;
        measure.measure(&operation.selection_set.node, 0, &mut shape)?;
        measure.add(shape.size)?;
        let fields = shape.fields.iter().filter(|(name, _)| **name != "__typename");
        if operation.ty == OperationType::Mutation && fields.map(|(_, count)| count).sum::<usize>() > MAX_MUTATIONS {
            return Err(Error::Invalid(format!(
                "an operation may have at most {MAX_MUTATIONS} mutations: send several requests"
            )));
        }
        roots.fields.extend(shape.fields.into_keys().map(str::to_owned));
    }
    // The library visits unused fragments, too.
    for name in document.fragments.keys() {
        let shape = measure.fragment(name, 0)?;
        if let Some(shape) = shape {
            measure.add(shape.size)?;
        }
    }
    Ok(roots)
}

/// The size of a selection set or of a value.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    selections: usize,
    values: usize,
}

/// The cost of a selection set.
#[derive(Debug, Default)]
struct Shape<'a> {
    size: Size,
    /// The number of nested levels of selection sets.
    height: usize,
    /// How often each field is selected at the first level, fragments included.
    fields: BTreeMap<&'a str, usize>,
}

impl<'a> Shape<'a> {
    fn add_selections(&mut self, count: usize) -> Result<()> {
        self.size.selections = self.size.selections.saturating_add(count);
        if self.size.selections > MAX_SELECTIONS {
            return Err(Error::Invalid(format!(
                "the document has more than {MAX_SELECTIONS} fields with its fragments expanded: select fewer"
            )));
        }
        Ok(())
    }

    fn add_values(&mut self, count: usize) -> Result<()> {
        self.size.values = self.size.values.saturating_add(count);
        if self.size.values > MAX_VALUES {
            return Err(Error::Invalid(format!("the arguments have more than {MAX_VALUES} values: send fewer")));
        }
        Ok(())
    }

    fn add_field(&mut self, name: &'a str, count: usize) -> Result<()> {
        let selected = self.fields.entry(name).or_default();
        *selected = selected.saturating_add(count);
        if *selected > MAX_ALIASES {
            return Err(Error::Invalid(format!(
                "a selection set selects one field more than {MAX_ALIASES} times: send several requests"
            )));
        }
        Ok(())
    }
}

/// A document that is being measured.
struct Measure<'a> {
    document: &'a ExecutableDocument,
    /// The size of the value of each variable.
    values: HashMap<Name, usize>,
    /// The cost of the fragments so far; `None` for one that is being measured.
    known: HashMap<&'a str, Option<Rc<Shape<'a>>>>,
    total: Size,
}

impl<'a> Measure<'a> {
    fn add(&mut self, size: Size) -> Result<()> {
        let mut all = Shape { size: self.total, ..Shape::default() };
        all.add_selections(size.selections)?;
        all.add_values(size.values)?;
        self.total = all.size;
        Ok(())
    }

    /// Adds the cost of a selection set at this depth to its parent. The maximum depth limits the recursion.
    fn measure(&mut self, set: &'a SelectionSet, depth: usize, into: &mut Shape<'a>) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        for selection in &set.items {
            into.add_selections(1)?;
            into.add_values(self.values_of(selection.node.directives()))?;
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    into.add_field(field.name.node.as_str(), 1)?;
                    for (_, value) in &field.arguments {
                        into.add_values(self.value(&value.node))?;
                    }
                    let inner = &field.selection_set.node;
                    if !inner.items.is_empty() {
                        let mut own = Shape::default();
                        self.measure(inner, depth + 1, &mut own)?;
                        into.add_selections(own.size.selections)?;
                        into.add_values(own.size.values)?;
                        into.height = into.height.max(own.height + 1);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let height = into.height;
                    into.height = 0;
                    self.measure(&fragment.node.selection_set.node, depth + 1, into)?;
                    into.height = height.max(into.height + 1);
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.fragment(spread.node.fragment_name.node.as_str(), depth + 1)? else {
                        continue;
                    };
                    if depth + 1 + fragment.height > MAX_DEPTH {
                        return Err(too_deep());
                    }
                    into.add_selections(fragment.size.selections)?;
                    into.add_values(fragment.size.values)?;
                    into.height = into.height.max(fragment.height + 1);
                    for (name, count) in &fragment.fields {
                        into.add_field(name, *count)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The cost of a fragment; `None` if it does not exist, which validation reports.
    fn fragment(&mut self, name: &str, depth: usize) -> Result<Option<Rc<Shape<'a>>>> {
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Ok(None) };
        match self.known.get(name.as_str()) {
            Some(Some(shape)) => return Ok(Some(Rc::clone(shape))),
            Some(None) => return Err(Error::Invalid(format!("the fragment `{name}` spreads itself"))),
            None => {}
        }
        self.known.insert(name.as_str(), None);
        let mut shape = Shape::default();
        shape.add_values(self.values_of(&fragment.node.directives))?;
        self.measure(&fragment.node.selection_set.node, depth, &mut shape)?;
        let shape = Rc::new(shape);
        self.known.insert(name.as_str(), Some(Rc::clone(&shape)));
        Ok(Some(shape))
    }

    fn values_of(&self, directives: &[Positioned<Directive>]) -> usize {
        let arguments = directives.iter().flat_map(|directive| &directive.node.arguments);
        // The directives themselves count too.
        arguments.fold(directives.len(), |sum, (_, value)| sum.saturating_add(self.value(&value.node)))
    }

    /// The size of a value. The scanner limits its nesting.
    fn value(&self, value: &Value) -> usize {
        match value {
            Value::Variable(name) => self.values.get(name).copied().unwrap_or(1),
            Value::String(text) => 1 + text.len() / TEXT,
            Value::List(items) => items.iter().fold(1, |sum, item| sum.saturating_add(self.value(item))),
            Value::Object(fields) => fields.values().fold(1, |sum, field| sum.saturating_add(self.value(field))),
            _ => 1,
        }
    }
}

fn too_deep() -> Error {
    Error::Invalid(format!(
        "the document is nested deeper than {MAX_DEPTH} levels with its fragments expanded: select fewer levels"
    ))
}

/// The size of the value of each variable, or of its default if that is larger.
fn values(document: &ExecutableDocument, variables: &Variables) -> HashMap<Name, usize> {
    let mut values: HashMap<Name, usize> =
        variables.iter().map(|(name, value)| (name.clone(), constant(value))).collect();
    for (_, operation) in document.operations.iter() {
        for definition in &operation.node.variable_definitions {
            let default = definition.node.default_value.as_ref().map_or(1, |value| constant(&value.node));
            let known = values.entry(definition.node.name.node.clone()).or_default();
            *known = default.max(*known);
        }
    }
    values
}

fn constant(value: &ConstValue) -> usize {
    match value {
        ConstValue::String(text) => 1 + text.len() / TEXT,
        ConstValue::List(items) => items.iter().fold(1, |sum, item| sum.saturating_add(constant(item))),
        ConstValue::Object(fields) => fields.values().fold(1, |sum, field| sum.saturating_add(constant(field))),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn outcome(document: &str, variables: serde_json::Value) -> Result<Roots> {
        check(&parse_query(document).expect("a document"), &Variables::from_json(variables))
    }

    fn sentence(document: &str) -> String {
        outcome(document, json!({})).err().map(|error| error.to_string()).unwrap_or_default()
    }

    /// A document with fragments, each of which spreads the previous one twice.
    fn doubling(levels: usize) -> String {
        let doubled =
            (1..=levels).map(|level| format!(" fragment F{level} on Query {{ ...F{} ...F{} }}", level - 1, level - 1));
        let doubled = doubled.collect::<Vec<_>>().concat();
        format!("{{ ...F{levels} }} fragment F0 on Query {{ __typename }}{doubled}")
    }

    #[test]
    fn fragments_that_double_are_measured_without_being_walked() {
        assert_eq!(sentence(&doubling(3)), "");
        for levels in [6, 15, 22, 30, 500] {
            assert_ne!(sentence(&doubling(levels)), "", "{levels}");
        }
    }

    #[rstest]
    #[case::few(30, true)]
    #[case::many(40, false)]
    #[case::very_many(500, false)]
    fn fragments_may_lead_to_one_another_so_many_times(#[case] links: usize, #[case] is_taken: bool) {
        let links = (0..links)
            .map(|link| format!("fragment F{link} on Query {{ ...F{} }} ", link + 1))
            .collect::<Vec<_>>()
            .concat();
        for start in ["{ ...F0 }", "{ __typename }"] {
            assert_eq!(sentence(&format!("{start} {links}")).is_empty(), is_taken);
        }
    }

    #[rstest]
    #[case::itself("{ ...A } fragment A on Query { ...A }")]
    #[case::a_circle("{ ...A } fragment A on Query { me { ...B } } fragment B on User { ...A }")]
    #[case::a_circle_apart("{ me { id } } fragment A on Query { ...B } fragment B on Query { ...A }")]
    fn a_fragment_does_not_spread_itself(#[case] document: &str) {
        assert!(sentence(document).ends_with("spreads itself"), "{document}");
    }

    #[test]
    fn a_field_is_selected_32_times_in_a_selection_set_and_not_once_more() {
        let aliases = |count: usize| (0..count).map(|one| format!("a{one}: id ")).collect::<Vec<_>>().concat();
        assert_eq!(sentence(&format!("{{ me {{ {} }} other: me {{ {} }} }}", aliases(32), aliases(32))), "");
        for document in [
            format!("{{ me {{ {} }} }}", aliases(33)),
            format!("{{ {} }}", "id ".repeat(33)),
            format!("{{ {} ... {{ id }} }}", aliases(32)),
            format!("{{ ...A ...A }} fragment A on Query {{ {} }}", aliases(17)),
            format!("{{ __typename }} fragment A on Query {{ {} }}", aliases(33)),
        ] {
            assert!(sentence(&document).ends_with("more than 32 times: send several requests"), "{document}");
        }
    }

    #[test]
    fn an_operation_holds_10_mutations_however_they_are_written() {
        let field =
            |from: usize, to: usize| (from..to).map(|one| format!("a{one}: logout ")).collect::<Vec<_>>().concat();
        assert_eq!(sentence(&format!("mutation {{ __typename {} }}", field(0, 10))), "");
        let through = format!("mutation {{ {} ...A }} fragment A on Mutation {{ {} }}", field(0, 5), field(5, 11));
        for document in [format!("mutation {{ {} }}", field(0, 11)), through] {
            assert_eq!(sentence(&document), "an operation may have at most 10 mutations: send several requests");
        }
    }

    #[test]
    fn a_variable_counts_as_often_as_it_is_used() {
        let document = |uses: usize| {
            let fields = (0..uses).map(|one| format!("f{one}(v: $v) ")).collect::<Vec<_>>().concat();
            format!("query ($v: [Int] = [1, 2, 3]) {{ {fields} }}")
        };
        let long = json!({ "v": vec![0; 9_999] });
        assert!(outcome(&document(10), long.clone()).is_ok());
        assert!(outcome(&document(11), long).is_err());
        assert!(outcome(&document(11), json!({})).is_ok());
    }

    #[test]
    fn the_roots_are_those_of_all_operations() {
        let roots = outcome("query A { ...X } mutation B { logout } fragment X on Query { me { id } }", json!({}));
        let mut fields = roots.expect("roots").fields;
        fields.sort_unstable();
        assert_eq!(fields, ["logout", "me"]);
    }
}
