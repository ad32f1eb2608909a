//! The documents with which watchers subscribe. Every document selects `speed` first. Its value is the number of the
//! report that a state came from, and as the first field it is found at once.

/// The fields that every document selects.
const FIELDS: &str = "speed id status progress bytesTransferred revision etaSeconds stalled agentName";
/// Fields that documents may select in addition. Each subset gives a different document.
const MORE_FIELDS: [&str; 6] = ["protocol", "direction", "attempt", "createdAt", "sizeKnown", "agentHostname"];
/// How many times the document of a stalled watcher selects the source.
const SOURCES: usize = 30;

/// The document with this number, which must be below 64. Document 0 selects only the fields that all documents select.
pub(super) fn selection(number: usize) -> String {
    let more = MORE_FIELDS.iter().enumerate().filter(|(bit, _)| (number >> bit) & 1 == 1);
    let more: Vec<&str> = more.map(|(_, field)| *field).collect();
    subscription(&more.join(" "))
}

/// A document whose states are long, so that they soon fill the buffers of a socket that is not read.
pub(super) fn long() -> String {
    let sources: Vec<String> = (0..SOURCES).map(|number| format!("s{number}: source")).collect();
    subscription(&sources.join(" "))
}

fn subscription(more: &str) -> String {
    format!("subscription {{ transferUpdated {{ resync transfer {{ {FIELDS} {more} }} }} }}")
}
