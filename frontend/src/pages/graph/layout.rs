//! The layout of the graph: steps in layers, each below all steps that it needs. Pure.

use std::fmt::Write;

/// Width and height of a step, in pixels.
pub(super) const NODE: (i32, i32) = (216, 60);
/// The gap between two steps of a layer, and between two layers, in pixels.
const GAP: (i32, i32) = (24, 48);
/// The width that is reserved for a line that passes a layer, in pixels.
const LANE: i32 = 16;
/// The margin around the graph, in pixels, so that no line is cut off.
const MARGIN: i32 = 4;
/// The maximum number of lines that are routed between steps; further lines pass under the steps.
const MOST_ROUTED: usize = 1000;
/// The number of passes over the layers that order their steps, alternately downwards and upwards.
const SWEEPS: usize = 4;

/// The positions of all steps and lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layout {
    pub(super) width: i32,
    pub(super) height: i32,
    /// The steps, in the order of [`lay_out`]'s argument.
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// The position of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// The number of the layer, from 0 at the top.
    pub(super) layer: usize,
    /// The left edge, in pixels.
    pub(super) x: i32,
    /// The upper edge, in pixels.
    pub(super) y: i32,
}

/// A line from a step to one that needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The index of the step that needs the other one.
    pub(super) to: usize,
    /// The line, as an SVG path.
    pub(super) line: String,
    /// The arrow head, as an SVG path.
    pub(super) head: String,
}

/// An item of a layer: a step, or a line that passes the layer.
struct Item {
    width: i32,
    /// The connected items in the layer above, and in the layer below.
    up: Vec<usize>,
    down: Vec<usize>,
    x: i32,
    layer: usize,
}

/// Lays out steps. `needs` has, for each step, the indexes of the steps that it needs, which must be lower than its
/// own.
pub(super) fn lay_out(needs: &[Vec<usize>]) -> Layout {
    if needs.is_empty() {
        return Layout::default();
    }
    let mut items: Vec<Item> = Vec::new();
    for of_step in needs {
        let layer = of_step.iter().filter_map(|need| items.get(*need)).map(|need| need.layer + 1).max().unwrap_or(0);
        items.push(Item { width: NODE.0, up: Vec::new(), down: Vec::new(), x: 0, layer });
    }
    let routes = connect(&mut items, needs);
    let layers = in_order(&items);
    let width_of = |layer: &Vec<usize>| {
        let taken: i32 = layer.iter().map(|item| items[*item].width + GAP.0).sum();
        taken - GAP.0
    };
    let widths: Vec<i32> = layers.iter().map(width_of).collect();
    let width = widths.iter().copied().max().unwrap_or(0);
    for (layer, own) in layers.iter().zip(&widths) {
        let mut x = MARGIN + (width - own) / 2;
        for item in layer {
            items[*item].x = x;
            x += items[*item].width + GAP.0;
        }
    }
    let nodes = items[..needs.len()].iter().map(|item| Node { layer: item.layer, x: item.x, y: top(item.layer) });
    let edges = routes.iter().map(|route| edge(&items, route)).collect();
    let height = top(layers.len()) - GAP.1 + MARGIN;
    Layout { width: width + 2 * MARGIN, height, nodes: nodes.collect(), edges }
}

fn top(layer: usize) -> i32 {
    MARGIN + i32::try_from(layer).unwrap_or(i32::MAX / 1000) * (NODE.1 + GAP.1)
}

/// Connects the items of adjacent layers, and adds an item for each layer that a line passes. Returns the items of each
/// line.
fn connect(items: &mut Vec<Item>, needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let is_routed = needs.iter().map(Vec::len).sum::<usize>() <= MOST_ROUTED;
    let mut routes = Vec::new();
    for (to, of_step) in needs.iter().enumerate() {
        for from in of_step.iter().copied().filter(|from| *from < to) {
            let mut route = vec![from];
            if is_routed {
                for layer in items[from].layer + 1..items[to].layer {
                    items.push(Item { width: LANE, up: Vec::new(), down: Vec::new(), x: 0, layer });
                    route.push(items.len() - 1);
                }
            }
            route.push(to);
            for pair in route.windows(2) {
                items[pair[0]].down.push(pair[1]);
                items[pair[1]].up.push(pair[0]);
            }
            routes.push(route);
        }
    }
    routes
}

/// The items of each layer from left to right, each near its connected items.
fn in_order(items: &[Item]) -> Vec<Vec<usize>> {
    let depth = items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
    let mut layers = vec![Vec::new(); depth];
    for (index, item) in items.iter().enumerate() {
        layers[item.layer].push(index);
    }
    let mut place = vec![0_i64; items.len()];
    for sweep in 0..SWEEPS {
        let is_down = sweep % 2 == 0;
        for step in 0..depth {
            let layer = if is_down { step } else { depth - 1 - step };
            let weight = |index: &usize| {
                let near = if is_down { &items[*index].up } else { &items[*index].down };
                let sum: i64 = near.iter().map(|other| place[*other]).sum();
                let count = i64::try_from(near.len()).unwrap_or(1);
                if count == 0 { place[*index] } else { sum / count }
            };
            let mut weighed: Vec<_> = layers[layer].iter().map(|index| (weight(index), *index)).collect();
            weighed.sort_by_key(|(weight, _)| *weight);
            layers[layer] = weighed.into_iter().map(|(_, index)| index).collect();
            // Positions are in millionths of the layer's width, so that layers of different sizes are comparable.
            let steps = i64::try_from(layers[layer].len()).unwrap_or(1) + 1;
            for (index, item) in layers[layer].iter().enumerate() {
                place[*item] = (i64::try_from(index).unwrap_or(0) + 1) * 1_000_000 / steps;
            }
        }
    }
    layers
}

/// The line through the centres of its items. It goes straight down where it passes a layer.
fn edge(items: &[Item], route: &[usize]) -> Edge {
    let middle = |item: &Item| item.x + item.width / 2;
    let mut line = String::new();
    let (mut x, mut y) = (0, 0);
    for (index, item) in route.iter().map(|item| &items[*item]).enumerate() {
        let (next, above) = (middle(item), top(item.layer));
        let is_last = index + 1 == route.len();
        if index == 0 {
            line = format!("M{next} {}", above + NODE.1);
        } else {
            let (end, bend) = (if is_last { above - 7 } else { above }, GAP.1 / 2);
            // Writing to a string cannot fail.
            let _ = write!(line, "C{x} {} {next} {} {next} {end}", y + bend, end - bend);
            if !is_last {
                let _ = write!(line, "V{}", above + NODE.1);
            }
        }
        (x, y) = (next, above + NODE.1);
    }
    let to = route.last().copied().unwrap_or(0);
    let (tip, above) = (middle(&items[to]), top(items[to].layer));
    Edge { to, line, head: format!("M{} {}h10L{tip} {}Z", tip - 5, above - 8, above - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(needs: &[Vec<usize>]) -> Vec<usize> {
        lay_out(needs).nodes.iter().map(|node| node.layer).collect()
    }

    #[test]
    fn each_step_stands_below_all_it_needs() {
        assert_eq!(layers(&[vec![], vec![0], vec![], vec![1, 2], vec![0]]), [0, 1, 0, 2, 1]);
    }

    #[test]
    fn steps_of_a_layer_do_not_touch_and_stand_in_the_middle() {
        let layout = lay_out(&[vec![], vec![0], vec![0], vec![1, 2]]);
        let [first, left, right, last] = layout.nodes[..] else { panic!("four steps") };
        assert_eq!(right.x - left.x, NODE.0 + GAP.0);
        assert_eq!((first.x, last.x), (i32::midpoint(left.x, right.x), first.x));
        assert_eq!(layout.width, 2 * NODE.0 + GAP.0 + 2 * MARGIN);
        assert_eq!(layout.height, 3 * NODE.1 + 2 * GAP.1 + 2 * MARGIN);
        assert_eq!(layout.edges.len(), 4);
    }

    #[test]
    fn steps_are_ordered_to_avoid_crossing_lines() {
        // The first step of the upper layer is needed by the second step of the lower layer.
        let layout = lay_out(&[vec![], vec![], vec![1], vec![0]]);
        assert!(layout.nodes[3].x < layout.nodes[2].x);
    }

    #[test]
    fn a_line_that_passes_a_layer_goes_beside_its_steps() {
        let layout = lay_out(&[vec![], vec![0], vec![0, 1]]);
        let past = layout.edges.iter().find(|edge| edge.to == 2 && edge.line.contains('V')).unwrap();
        let passed = layout.nodes[1];
        let x: i32 = past.line.split('V').next().unwrap().rsplit(' ').nth(1).unwrap().parse().unwrap();
        assert!(x < passed.x || x > passed.x + NODE.0, "{x} is within {passed:?}");
    }

    #[test]
    fn no_steps_take_no_room_and_many_do_not_take_long() {
        assert_eq!(lay_out(&[]), Layout::default());
        let dense: Vec<Vec<usize>> = (0..200).map(|step| (0..step).collect()).collect();
        assert_eq!(lay_out(&dense).edges.len(), 200 * 199 / 2);
    }
}
