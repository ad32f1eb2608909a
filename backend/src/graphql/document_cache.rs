//! Caches of what depends on a document alone, or on a document and its variables: the parsed document, and the result of
//! its validation. Programs send few documents many times.
//!
//! The limits apply to each operation: tokens, cost and complexity are compared with their limits whether or not they
//! come from a cache. Only documents of callers with a token are cached, so that clients without a token cannot fill
//! the caches.

use std::sync::Arc;

use async_graphql::{Request, ValidationResult, parser::types::ExecutableDocument};
use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest, Sha256};

use super::bounded_response_json::write;

/// The maximum size of all parsed documents together, in bytes, approximately.
const DOCUMENTS: u64 = 16 * 1024 * 1024;
/// The minimum size that a document counts as, in bytes, which bounds their number to 4,096.
const MIN_DOCUMENT: u64 = 4 * 1024;
/// The longest document that is kept, in bytes.
const MAX_DOCUMENT: usize = 64 * 1024;
/// The approximate memory of a parsed token, in bytes.
const TOKEN: u64 = 128;
/// The maximum number of validations that are kept, of about 100 bytes each.
const VALIDATIONS: usize = 10_000;
/// The longest variables with which a validation is kept, as bytes of JSON.
const MAX_VARIABLES: usize = 4 * 1024;

/// A document that was scanned and parsed.
pub(super) struct ParsedDocument {
    pub(super) document: ExecutableDocument,
    /// The number of tokens of the text.
    pub(super) tokens: usize,
}

/// A cache of parsed documents by their text.
#[derive(Clone)]
pub(super) struct Documents(Arc<Cache<Arc<str>, Arc<ParsedDocument>, Size>>);

/// Counts the approximate memory of a document.
#[derive(Clone)]
struct Size;

impl Weighter<Arc<str>, Arc<ParsedDocument>> for Size {
    fn weight(&self, text: &Arc<str>, parsed: &Arc<ParsedDocument>) -> u64 {
        (text.len() as u64 + parsed.tokens as u64 * TOKEN).max(MIN_DOCUMENT)
    }
}

impl Default for Documents {
    fn default() -> Self {
        let number = usize::try_from(DOCUMENTS / MIN_DOCUMENT).unwrap_or(usize::MAX);
        Self(Arc::new(Cache::with_weighter(number, DOCUMENTS, Size)))
    }
}

impl Documents {
    /// Returns the parsed document with this text, if it is cached.
    pub(super) fn get(&self, text: &str) -> Option<Arc<ParsedDocument>> {
        self.0.get(text)
    }

    /// Caches a document, unless its text is longer than [`MAX_DOCUMENT`].
    pub(super) fn keep(&self, text: Arc<str>, document: &ExecutableDocument, tokens: usize) {
        if text.len() <= MAX_DOCUMENT {
            self.0.insert(text, Arc::new(ParsedDocument { document: document.clone(), tokens }));
        }
    }
}

/// A cache of the results of successful validations.
#[derive(Clone)]
pub(super) struct Validations(Arc<Cache<ValidationKey, ValidationResult>>);

/// The key of a validation: the SHA-256 of the document, the name of the operation and the variables.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ValidationKey([u8; 32]);

impl Default for Validations {
    fn default() -> Self {
        Self(Arc::new(Cache::new(VALIDATIONS)))
    }
}

impl Validations {
    pub(super) fn get(&self, key: &ValidationKey) -> Option<ValidationResult> {
        self.0.get(key)
    }

    pub(super) fn keep(&self, key: ValidationKey, result: ValidationResult) {
        self.0.insert(key, result);
    }
}

impl ValidationKey {
    /// Returns the key of a request; `None` if its variables are too long to be cached.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let variables = write(&request.variables, MAX_VARIABLES).ok()?;
        let name = request.operation_name.as_deref();
        // With its length before it, each part ends where it ends, and no name differs from an empty one.
        let parts = [Some(request.query.as_bytes()), name.map(str::as_bytes), Some(&variables[..])];
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
            digest.update(part.unwrap_or_default());
        }
        Some(Self(digest.finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Variables, parser::parse_query};
    use serde_json::{Value, json};

    use super::*;

    fn key(query: &str, name: Option<&str>, variables: Value) -> Option<[u8; 32]> {
        let mut request = Request::new(query).variables(Variables::from_json(variables));
        request.operation_name = name.map(str::to_owned);
        ValidationKey::of(&request).map(|key| key.0)
    }

    #[test]
    fn a_validation_depends_on_document_operation_and_variables() {
        let same = key("query A { me { id } }", Some("A"), json!({ "a": 1 }));
        assert_eq!(same, key("query A { me { id } }", Some("A"), json!({ "a": 1 })));
        let others = [
            key("query A { me { id }}", Some("A"), json!({ "a": 1 })),
            key("query A { me { id } }", None, json!({ "a": 1 })),
            key("query A { me { id } }", Some(""), json!({ "a": 1 })),
            key("query A { me { id } }", Some("A"), json!({ "a": 2 })),
            key("query A { me { id } }", Some("A"), json!({})),
        ];
        for (index, other) in others.iter().enumerate() {
            assert!(other.is_some() && *other != same && !others[..index].contains(other), "{index}");
        }
        assert_eq!(key("{ me { id } }", None, json!({ "a": "x".repeat(MAX_VARIABLES) })), None);
    }

    #[test]
    fn the_documents_that_are_kept_are_bounded() {
        let documents = Documents::default();
        let document = parse_query("{ __typename }").expect("a document");
        let text = |number: usize| format!("{{ __typename }} # {number}");
        let most = usize::try_from(DOCUMENTS / MIN_DOCUMENT).expect("a number");
        for number in 0..2 * most {
            documents.keep(text(number).into(), &document, 3);
        }
        assert!(documents.0.len() <= most, "{}", documents.0.len());
        assert!(documents.get(&text(2 * most - 1)).is_some_and(|parsed| parsed.tokens == 3));
        documents.keep("#".repeat(MAX_DOCUMENT + 1).into(), &document, 0);
        assert!(documents.get(&"#".repeat(MAX_DOCUMENT + 1)).is_none());
    }
}
