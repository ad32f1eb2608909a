//! The dependency graph of steps: their topological order, and cycles.

use std::collections::HashMap;

use super::{
    nearest::nearest,
    reader::{Object, Reader},
    yaml::shown,
};

/// The dependencies of steps, by their indices in the text.
pub(super) struct Graph {
    /// The indices of the steps in topological order; where that allows several orders, in the order of the text. Steps
    /// in a cycle are left out.
    pub(super) order: Vec<usize>,
    /// The indices of the steps that each step needs.
    pub(super) needs: Vec<Vec<usize>>,
}

/// Builds the graph. Cycles, duplicate ids and unknown ids are reported.
pub(super) fn graph(reader: &mut Reader<'_>, objects: &[Object]) -> Graph {
    let ids: Vec<Option<String>> = objects.iter().map(|object| object.text("id")).collect();
    let mut indices: HashMap<&str, usize> = HashMap::new();
    for (index, id) in ids.iter().enumerate() {
        let Some(id) = id else { continue };
        if let Some(first) = indices.get(id.as_str()) {
            let line = objects[*first].location("id").at.line;
            let location = objects[index].location("id");
            reader.diagnostics.error(location, || {
                format!("the id `{id}` is used by two steps, the first one on line {line}: give this step another id")
            });
        } else {
            indices.insert(id, index);
        }
    }
    let needs: Vec<Vec<usize>> = objects.iter().map(|object| needs(reader, object, &indices)).collect();
    let order = sorted(&needs);
    for cycle in cycles(&needs, &order) {
        let location = objects[cycle[0]].location("needs");
        let names: Vec<&str> =
            cycle.iter().chain(&cycle[..1]).map(|index| ids[*index].as_deref().unwrap_or_default()).collect();
        reader.diagnostics.error(location, || match names.as_slice() {
            [name, _] => format!("`{name}` needs itself: remove it from its `needs`"),
            names => {
                format!("these steps wait for each other: `{}`; remove one of these `needs`", names.join("` needs `"))
            }
        });
    }
    Graph { order, needs }
}

/// The indices of the steps that a step needs.
fn needs(reader: &mut Reader<'_>, object: &Object, indices: &HashMap<&str, usize>) -> Vec<usize> {
    let mut found = Vec::new();
    for (id, location) in object.needs() {
        if let Some(index) = indices.get(id.as_str()) {
            found.push(*index);
            continue;
        }
        reader.diagnostics.missing(location, || {
            let mut ids: Vec<&str> = indices.keys().copied().collect();
            ids.sort_unstable_by_key(|id| indices[id]);
            match nearest(id, &ids) {
                Some((meant, true)) => format!("there is no step `{}`: did you mean `{meant}`?", shown(id)),
                _ => format!("there is no step `{}`: write the id of one, such as `{}`", shown(id), some(&ids)),
            }
        });
    }
    found
}

/// The first five ids, for messages.
fn some(ids: &[&str]) -> String {
    let first: Vec<&str> = ids.iter().take(5).copied().collect();
    first.join("`, `")
}

/// The topological order of the steps; of those that are ready the one with the lowest index first.
fn sorted(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut is_placed = vec![false; needs.len()];
    let mut order = Vec::with_capacity(needs.len());
    while let Some(next) = (0..needs.len()).find(|at| !is_placed[*at] && needs[*at].iter().all(|need| is_placed[*need]))
    {
        is_placed[next] = true;
        order.push(next);
    }
    order
}

/// The cycles among the steps that could not be sorted, each once.
fn cycles(needs: &[Vec<usize>], sorted: &[usize]) -> Vec<Vec<usize>> {
    let mut is_seen = vec![false; needs.len()];
    for at in sorted {
        is_seen[*at] = true;
    }
    let mut cycles = Vec::new();
    for start in 0..needs.len() {
        // A step that could not be sorted needs another one of these. Following that ends in a cycle, or at a step
        // that was visited before.
        let mut trail = Vec::new();
        let mut at = start;
        while !is_seen[at] {
            is_seen[at] = true;
            trail.push(at);
            let Some(next) = needs[at].iter().find(|need| !is_seen[**need] || trail.contains(need)) else { break };
            at = *next;
        }
        if let Some(begin) = trail.iter().position(|step| *step == at && needs[trail[trail.len() - 1]].contains(&at)) {
            cycles.push(trail.split_off(begin));
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(vec![vec![], vec![0], vec![1]], vec![0, 1, 2], vec![])]
    #[case(vec![vec![2], vec![], vec![1]], vec![1, 2, 0], vec![])]
    #[case(vec![vec![0]], vec![], vec![vec![0]])]
    #[case(vec![vec![1], vec![2], vec![0], vec![]], vec![3], vec![vec![0, 1, 2]])]
    #[case(vec![vec![1], vec![0], vec![3], vec![2]], vec![], vec![vec![0, 1], vec![2, 3]])]
    #[case::a_step_that_only_needs_a_cycle_is_in_none(vec![vec![1], vec![2], vec![1]], vec![], vec![vec![1, 2]])]
    fn steps_are_sorted_and_cycles_found(
        #[case] needs: Vec<Vec<usize>>,
        #[case] order: Vec<usize>,
        #[case] found: Vec<Vec<usize>>,
    ) {
        assert_eq!(sorted(&needs), order);
        assert_eq!(cycles(&needs, &order), found);
    }
}
