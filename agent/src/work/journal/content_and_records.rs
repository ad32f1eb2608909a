//! The content of the journal in memory, and its records in the file. The names in the file must not change.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::storage::record_log::push_line;
use crate::work::work_item::WorkItem;

/// The number of finished items that are kept, to recognise a repeated directive.
pub(super) const MAX_FINISHED: usize = 1000;

/// The state of an item in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemState {
    /// The journal does not contain the item.
    New,
    /// The item was accepted. It has not ended, or its end is not reported.
    Open,
    /// The item has ended, and its end is reported.
    Finished,
}

/// A record, which is one line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Record<T> {
    /// The first line. Because of it, an empty file is recognised as damaged.
    Begin {},
    /// The current state of an open item. `key` identifies the item for versions of the agent that cannot read `item`.
    Put { key: Option<String>, item: T },
    /// The end of an item is reported.
    Finish { key: String },
}

/// The new state of an item: `item` is the open item, or `None` if the item is finished.
pub(super) struct Change {
    pub(super) key: String,
    pub(super) item: Option<Box<WorkItem>>,
}

impl Change {
    /// The record of the change as JSON.
    pub(super) fn record(&self) -> io::Result<Vec<u8>> {
        let key = self.key.clone();
        let record = match self.item.as_deref() {
            Some(item) => Record::Put { key: Some(key), item },
            None => Record::Finish { key },
        };
        Ok(serde_json::to_vec(&record)?)
    }
}

/// A record of another version of the agent, which this version cannot read and keeps unchanged.
#[derive(Debug)]
struct Unreadable {
    key: Option<String>,
    json: Vec<u8>,
}

/// The content of the journal.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// The open items by their number, in the order in which they were accepted.
    open: BTreeMap<u64, WorkItem>,
    /// The numbers of the open items by their keys.
    places: HashMap<String, u64>,
    next_place: u64,
    /// The keys of finished items, oldest first.
    finished: VecDeque<String>,
    is_finished: HashSet<String>,
    unreadable: Vec<Unreadable>,
}

impl Entries {
    /// The open items, oldest first.
    pub(super) fn open(&self) -> impl Iterator<Item = &WorkItem> {
        self.open.values()
    }

    /// The open item with this key; `None` if there is none.
    pub(super) fn get(&self, key: &str) -> Option<&WorkItem> {
        self.open.get(self.places.get(key)?)
    }

    pub(super) fn state_of(&self, key: &str) -> ItemState {
        // An item that only another version of the agent can read counts as open, so that this version does not start
        // it.
        if self.places.contains_key(key) || self.unreadable.iter().any(|item| item.key.as_deref() == Some(key)) {
            ItemState::Open
        } else if self.is_finished.contains(key) {
            ItemState::Finished
        } else {
            ItemState::New
        }
    }

    pub(super) fn apply(&mut self, Change { key, item }: Change) {
        self.unreadable.retain(|item| item.key.as_ref() != Some(&key));
        match item {
            Some(item) => {
                let place = *self.places.entry(key).or_insert(self.next_place);
                self.next_place = self.next_place.max(place + 1);
                self.open.insert(place, *item);
            }
            None => self.finish(key),
        }
    }

    fn finish(&mut self, key: String) {
        if let Some(place) = self.places.remove(&key) {
            self.open.remove(&place);
        }
        if !self.is_finished.insert(key.clone()) {
            return;
        }
        self.finished.push_back(key);
        while self.finished.len() > MAX_FINISHED {
            if let Some(oldest) = self.finished.pop_front() {
                self.is_finished.remove(&oldest);
            }
        }
    }

    /// Applies a record of the file. A record that cannot be read is kept unchanged.
    pub(super) fn read(&mut self, json: &[u8]) {
        match serde_json::from_slice::<Record<Value>>(json) {
            Ok(Record::Begin {}) => {}
            Ok(Record::Put { key, item }) => self.put_stored(key, &item, json),
            Ok(Record::Finish { key }) => self.apply(Change { key, item: None }),
            Err(error) => {
                tracing::warn!(%error, "a record of another version cannot be read and is kept unchanged");
                self.unreadable.push(Unreadable { key: None, json: json.to_vec() });
            }
        }
    }

    fn put_stored(&mut self, key: Option<String>, item: &Value, json: &[u8]) {
        match WorkItem::deserialize(item) {
            Ok(item) => self.apply(Change { key: item.key(), item: Some(Box::new(item)) }),
            Err(error) => {
                tracing::warn!(%error, "a work item of another version cannot be read and is kept unchanged");
                self.unreadable.retain(|other| key.is_none() || other.key != key);
                self.unreadable.push(Unreadable { key, json: json.to_vec() });
            }
        }
    }

    /// Adds the items from the file of an earlier version that the journal does not contain.
    pub(super) fn add_missing(&mut self, open: &[Value], finished: &VecDeque<String>) -> io::Result<()> {
        for key in finished {
            if self.state_of(key) == ItemState::New {
                self.apply(Change { key: key.clone(), item: None });
            }
        }
        for stored in open {
            let key = WorkItem::deserialize(stored).ok().map(|item| item.key());
            let json = serde_json::to_vec(&Record::Put { key: key.clone(), item: stored })?;
            let is_known = match &key {
                Some(key) => self.state_of(key) != ItemState::New,
                None => self.unreadable.iter().any(|item| item.json == json),
            };
            if !is_known {
                self.put_stored(key, stored, &json);
            }
        }
        Ok(())
    }

    /// The lines of a compact file with this content.
    pub(super) fn lines(&self) -> io::Result<Vec<u8>> {
        let mut lines = Vec::new();
        push_line(&mut lines, &serde_json::to_vec(&Record::<Value>::Begin {})?)?;
        for key in &self.finished {
            push_line(&mut lines, &serde_json::to_vec(&Record::<Value>::Finish { key: key.clone() })?)?;
        }
        for Unreadable { json, .. } in &self.unreadable {
            push_line(&mut lines, json)?;
        }
        for item in self.open.values() {
            push_line(&mut lines, &serde_json::to_vec(&Record::Put { key: Some(item.key()), item })?)?;
        }
        Ok(lines)
    }
}
