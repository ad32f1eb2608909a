//! Requests to GraphQL over HTTP, and queries generated from the schema.

use std::collections::BTreeMap;

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition},
};
use serde_json::{Value, json};

use super::{Answer, Client};

impl Client {
    /// Sends a query to GraphQL.
    pub(crate) async fn ask(&self, query: &str, variables: &Value) -> Answer {
        self.post("/graphql", &json!({ "query": query, "variables": variables })).await
    }

    /// The data of a query, which must have no errors.
    pub(crate) async fn data(&self, query: &str, variables: &Value) -> Value {
        let mut answer = self.ask(query, variables).await;
        assert_eq!((answer.status, &answer.body["errors"]), (200, &Value::Null), "{query}: {}", answer.body);
        answer.body["data"].take()
    }
}

impl Answer {
    /// The codes of the errors that GraphQL reports.
    pub(crate) fn codes(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array();
        errors.into_iter().flatten().map(|error| error["extensions"]["code"].as_str().unwrap_or("none")).collect()
    }

    /// The names of the invalid arguments, in alphabetical order.
    pub(crate) fn wrong_arguments(&self) -> Vec<&str> {
        let fields = self.body["errors"][0]["extensions"]["fields"].as_object();
        fields.map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

/// The types of the published schema.
pub(crate) struct Schema {
    types: BTreeMap<String, TypeKind>,
}

impl Schema {
    pub(crate) fn read() -> Self {
        let document = parse_schema(backend::graphql::document()).expect("a schema");
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(found) => Some((found.node.name.node.to_string(), found.node.kind)),
            _ => None,
        });
        Self { types: types.collect() }
    }

    /// The fields of an object type or an interface, with the type of each; empty if the schema has no such type.
    pub(crate) fn fields(&self, of: &str) -> Vec<(&str, &str)> {
        self.definitions(of).map(|field| (field.name.node.as_str(), named(&field.ty.node))).collect()
    }

    /// Whether values of this type have no fields of their own.
    pub(crate) fn is_leaf(&self, name: &str) -> bool {
        // Built-in scalars are not in the text of the schema.
        self.types.get(name).is_none_or(|kind| matches!(kind, TypeKind::Scalar | TypeKind::Enum(_)))
    }

    /// Whether this type is an enum.
    pub(crate) fn is_enum(&self, name: &str) -> bool {
        matches!(self.types.get(name), Some(TypeKind::Enum(_)))
    }

    /// A selection of all fields of this type, following links up to `depth`.
    ///
    /// Under an interface each field has an alias with the name of its type, since fields of different types may conflict.
    pub(crate) fn everything(&self, of: &str, depth: usize) -> String {
        self.all(of, depth, true)
    }

    /// A selection of all fields of this type, like [`Self::everything`], without the fields for administrators.
    pub(crate) fn granted(&self, of: &str, depth: usize) -> String {
        self.all(of, depth, false)
    }

    fn all(&self, of: &str, depth: usize, is_admin: bool) -> String {
        if let Some(TypeKind::Interface(_)) = self.types.get(of) {
            let known = self.types.iter().filter(|(_, kind)| implements(kind, of));
            let parts =
                known.map(|(name, _)| format!("... on {name} {{ {} }}", self.selected(name, depth, name, is_admin)));
            return format!("__typename id {}", parts.collect::<Vec<_>>().join(" "));
        }
        self.selected(of, depth, "", is_admin)
    }

    fn selected(&self, of: &str, depth: usize, prefix: &str, is_admin: bool) -> String {
        let granted = self.definitions(of).filter(|field| is_admin || !is_for_administrators(field));
        let selected = granted.filter_map(|field| {
            let (name, kind) = (field.name.node.as_str(), named(&field.ty.node));
            let alias = if prefix.is_empty() { String::new() } else { format!("{prefix}_{name}: ") };
            match (self.is_leaf(kind), depth) {
                (true, _) => Some(format!("{alias}{name}")),
                (false, 0) => None,
                (false, _) => {
                    // Full pages within pages would exceed the cost limit.
                    let takes_first = field.arguments.iter().any(|argument| argument.node.name.node == "first");
                    let few = if takes_first { "(first: 2)" } else { "" };
                    Some(format!("{alias}{name}{few} {{ {} }}", self.all(kind, depth - 1, is_admin)))
                }
            }
        });
        std::iter::once("__typename".to_owned()).chain(selected).collect::<Vec<_>>().join(" ")
    }

    fn definitions(&self, of: &str) -> impl Iterator<Item = &FieldDefinition> {
        let fields = match self.types.get(of) {
            Some(TypeKind::Object(object)) => object.fields.as_slice(),
            Some(TypeKind::Interface(interface)) => interface.fields.as_slice(),
            _ => &[],
        };
        fields.iter().map(|field| &field.node)
    }
}

fn is_for_administrators(field: &FieldDefinition) -> bool {
    let description = field.description.as_ref().map_or("", |description| &description.node);
    let mut words = description.split_whitespace().rev();
    (words.next(), words.next()) == (Some("administrators."), Some("For"))
}

/// The name of a type, without lists around it.
fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(item) => named(item),
    }
}

fn implements(kind: &TypeKind, interface: &str) -> bool {
    matches!(kind, TypeKind::Object(object) if object.implements.iter().any(|name| name.node == interface))
}
