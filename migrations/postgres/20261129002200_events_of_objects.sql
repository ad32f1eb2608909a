-- Events about one object, for its page. The customer stands before the number, so that SQLite prefers this index to the
-- one of the customer's events.
CREATE INDEX events_object ON events (object_id, customer_id, number);
