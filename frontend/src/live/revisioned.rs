//! The trait of objects of which a newer state can be distinguished from an older one.

/// An object with a revision.
pub(crate) trait Revisioned: Clone + PartialEq {
    /// The id of the object.
    fn id(&self) -> &str;
    /// The revision of the object, which increases with each change.
    fn revision(&self) -> i32;
    /// Whether the object belongs in a list of running objects.
    fn is_running(&self) -> bool {
        true
    }
    /// Whether the object comes before others in a list of running objects, such as a stalled transfer.
    fn comes_first(&self) -> bool {
        false
    }
}
