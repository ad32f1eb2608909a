//! What watchers subscribe with. Every document selects `speed`, which says which report a state came from: first, so
//! that it is found at once.

/// The fields that every document selects.
const FIELDS: &str = "speed id status progress bytesTransferred revision etaSeconds stalled agentName";
/// Fields that some documents select in addition: each subset is another document.
const MORE_FIELDS: [&str; 6] = ["protocol", "direction", "attempt", "createdAt", "sizeKnown", "agentHostname"];
/// How often the document of a stalled watcher selects the source.
const SOURCES: usize = 30;

/// The document with this number, below 64. The first one selects what the others select at least.
pub(super) fn selection(number: usize) -> String {
    let more = MORE_FIELDS.iter().enumerate().filter(|(bit, _)| (number >> bit) & 1 == 1);
    let more: Vec<&str> = more.map(|(_, field)| *field).collect();
    subscription(&more.join(" "))
}

/// A document with long states, which soon fill the buffers of a socket that is not read.
pub(super) fn long() -> String {
    let sources: Vec<String> = (0..SOURCES).map(|number| format!("s{number}: source")).collect();
    subscription(&sources.join(" "))
}

fn subscription(more: &str) -> String {
    format!("subscription {{ transferUpdated {{ resync transfer {{ {FIELDS} {more} }} }} }}")
}
