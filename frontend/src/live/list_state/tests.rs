//! Tests which rows a list has after results and updates in different orders.

use super::*;

#[derive(Clone, Debug, PartialEq)]
struct Thing {
    id: &'static str,
    revision: i32,
    running: bool,
    stalled: bool,
}

impl Revisioned for Thing {
    fn id(&self) -> &str {
        self.id
    }

    fn revision(&self) -> i32 {
        self.revision
    }

    fn is_running(&self) -> bool {
        self.running
    }

    fn comes_first(&self) -> bool {
        self.stalled
    }
}

fn running(id: &'static str, revision: i32) -> Thing {
    Thing { id, revision, running: true, stalled: false }
}

fn stalled(id: &'static str, revision: i32) -> Thing {
    Thing { stalled: true, ..running(id, revision) }
}

fn ended(id: &'static str, revision: i32) -> Thing {
    Thing { running: false, ..running(id, revision) }
}

fn state(admission: Admission, things: &[Thing]) -> ListState<Thing> {
    let mut state = ListState::new(admission);
    state.apply_query(things.to_vec(), 0);
    state
}

#[test]
fn the_newest_revision_wins_in_any_order() {
    let mut state = state(Admission::Listed, &[running("a", 5)]);
    assert_eq!(state.apply_update(running("a", 7), 10).changed, ["a"]);
    assert_eq!(state.apply_update(running("a", 6), 11), Changes::default());
    assert_eq!(state.apply_query(vec![running("a", 6)], 5), Changes::default());
    assert_eq!(state.get("a").map(|entry| (entry.object.revision, entry.updated_at)), Some((7, Some(10))));
}

#[test]
fn a_listed_list_ignores_other_objects() {
    let mut state = state(Admission::Listed, &[running("a", 1)]);
    assert_eq!(state.apply_update(running("b", 1), 1), Changes::default());
    assert_eq!(state.order(), ["a"]);
}

#[test]
fn a_new_object_appears_in_a_full_list_in_place_of_the_oldest() {
    let mut state = state(Admission::Running(2), &[running("b", 1)]);
    assert_eq!(state.apply_update(ended("x", 1), 1), Changes::default());
    assert_eq!(state.apply_update(running("c", 1), 1), Changes { changed: vec!["c".to_owned()], order: true });
    assert_eq!(state.apply_update(running("d", 1), 1), Changes { changed: vec!["d".to_owned()], order: true });
    assert_eq!(state.order(), ["d", "c"]);
    // Objects beyond the maximum number do not come back with their next report.
    assert_eq!(state.apply_update(running("b", 2), 2), Changes::default());
    assert_eq!(state.apply_update(running("a", 2), 2), Changes::default());
    assert!(state.get("b").is_none());
}

#[test]
fn stalled_objects_come_first_and_then_the_newest() {
    let mut state = state(Admission::Running(3), &[stalled("b", 1), running("d", 1), running("c", 1)]);
    assert_eq!(state.order(), ["b", "d", "c"]);
    state.apply_update(stalled("a", 1), 1);
    assert_eq!(state.order(), ["b", "a", "d"]);
    state.apply_update(running("b", 2), 2);
    assert_eq!(state.order(), ["a", "d", "b"]);
    // An object that ends keeps its place until it leaves the list.
    assert!(!state.apply_update(ended("a", 2), 3).order);
    assert_eq!(state.order(), ["a", "d", "b"]);
}

#[test]
fn held_rows_keep_their_places_and_change_where_they_are() {
    let mut state = state(Admission::Running(3), &[running("c", 1), running("b", 1)]);
    state.hold(true, 0);
    assert_eq!(state.apply_update(stalled("b", 2), 1), Changes { changed: vec!["b".to_owned()], order: false });
    assert_eq!(state.apply_update(running("d", 1), 2), Changes::default());
    assert_eq!(state.apply_update(running("e", 1), 2), Changes::default());
    state.apply_update(ended("e", 2), 3);
    state.apply_update(ended("c", 2), 4);
    assert!(!state.remove_ended(4 + KEEP_ENDED).order);
    assert_eq!(state.order(), ["c", "b"]);
    assert_eq!(state.new_among(&[running("d", 1), running("f", 1), running("b", 1)]), 2);

    assert!(state.hold(false, 5).order);
    assert_eq!(state.order(), ["b", "d", "c"]);
    assert_eq!(state.new_among(&[]), 0);
    assert!(state.remove_ended(4 + KEEP_ENDED).order);
}

#[test]
fn an_ended_object_stays_for_a_while_and_then_leaves() {
    let mut state = state(Admission::Running(9), &[running("a", 1), running("b", 1)]);
    state.apply_update(ended("a", 2), 1000);
    assert!(!state.remove_ended(1000 + KEEP_ENDED - 1).order);
    assert!(state.remove_ended(1000 + KEEP_ENDED).order);
    assert_eq!(state.order(), ["b"]);
}

#[test]
fn an_object_that_runs_again_stays() {
    let mut state = state(Admission::Running(9), &[running("a", 1)]);
    state.apply_update(ended("a", 2), 1000);
    state.apply_update(running("a", 3), 1500);
    assert!(!state.remove_ended(1000 + KEEP_ENDED).order);
}

#[test]
fn a_query_result_removes_missing_objects_but_not_those_updated_since() {
    let mut state = state(Admission::Running(9), &[running("gone", 1), running("kept", 1)]);
    state.apply_update(running("new", 1), 200);
    state.apply_update(ended("kept", 2), 50);
    state.apply_query(vec![running("other", 1)], 100);
    assert_eq!(state.order(), ["other", "new", "kept"]);
    assert!(state.get("gone").is_none());
}

#[test]
fn known_objects_are_updated_where_they_are() {
    let mut state = state(Admission::Listed, &[running("a", 1), running("b", 1)]);
    let changes = state.apply_known(&[running("new", 1), running("b", 2)]);
    assert_eq!(changes, Changes { changed: vec!["b".to_owned()], order: false });
    assert_eq!(state.order(), ["a", "b"]);
}

#[test]
fn a_query_result_sets_the_order_of_a_listed_list() {
    let mut state = state(Admission::Listed, &[running("a", 1), running("b", 1)]);
    assert!(state.apply_query(vec![running("b", 1), running("a", 1)], 9).order);
    assert_eq!(state.order(), ["b", "a"]);
}

#[test]
fn an_update_that_overtakes_the_result_of_a_query_is_not_lost() {
    for admission in [Admission::Listed, Admission::Running(10)] {
        let mut state = ListState::new(admission);
        assert_eq!(state.apply_update(ended("a", 3), 20), Changes::default());
        assert_eq!(state.apply_update(ended("a", 2), 21), Changes::default());
        assert_eq!(state.apply_query(vec![running("a", 1)], 10).changed, ["a", "a"]);
        assert_eq!(state.get("a").map(|entry| (entry.object.revision, entry.updated_at)), Some((3, Some(20))));
    }
}

#[test]
fn an_update_from_before_a_query_is_not_applied_to_its_result() {
    let mut state = ListState::new(Admission::Listed);
    state.apply_update(ended("a", 3), 5);
    assert_eq!(state.apply_query(vec![running("a", 4), running("b", 1)], 10).changed, ["a", "b"]);
    assert_eq!(state.get("a").map(|entry| entry.object.revision), Some(4));
}
