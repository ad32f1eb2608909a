//! Compares two texts line by line and arranges the lines side by side. Pure.

use crate::api::pipeline_versions::{Change, Line};

/// The number of unchanged lines that are shown around changed ones.
const AROUND: usize = 3;
/// The maximum number of differing lines that are compared; beyond it, all old lines count as removed and all new ones
/// as added.
const MOST: usize = 1500;

/// Two lines side by side; one may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) old: Option<String>,
    pub(super) old_number: Option<i32>,
    pub(super) new: Option<String>,
    pub(super) new_number: Option<i32>,
    pub(super) is_same: bool,
}

/// Consecutive pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) pairs: Vec<Pair>,
    /// Whether the block is folded, because all its lines are equal and far from any change.
    pub(super) is_folded: bool,
}

/// Arranges lines side by side: removed lines beside the added lines that replace them.
fn pairs(lines: &[Line]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    // The index of the first pair of the current run of changed lines, and its number of added lines.
    let (mut start, mut added) = (0, 0);
    for line in lines {
        let text = Some(line.text.clone());
        match line.change {
            Change::Same => {
                pairs.push(Pair {
                    old: text.clone(),
                    old_number: line.old_number,
                    new: text,
                    new_number: line.new_number,
                    is_same: true,
                });
                (start, added) = (pairs.len(), 0);
            }
            Change::Removed => pairs.push(Pair { old: text, old_number: line.old_number, ..Pair::default() }),
            Change::Added => {
                match pairs.get_mut(start + added) {
                    Some(pair) => (pair.new, pair.new_number) = (text, line.new_number),
                    None => pairs.push(Pair { new: text, new_number: line.new_number, ..Pair::default() }),
                }
                added += 1;
            }
        }
    }
    pairs
}

/// All lines in blocks; blocks far from any change are folded.
pub(super) fn blocks(lines: &[Line]) -> Vec<Block> {
    let pairs = pairs(lines);
    let changed: Vec<usize> = pairs.iter().enumerate().filter(|(_, pair)| !pair.is_same).map(|(at, _)| at).collect();
    let is_near = |at: usize| {
        let next = changed.partition_point(|changed| *changed < at);
        let near = |changed: &usize| changed.abs_diff(at) <= AROUND;
        changed.get(next).is_some_and(near) || next.checked_sub(1).and_then(|last| changed.get(last)).is_some_and(near)
    };
    let mut blocks: Vec<Block> = Vec::new();
    for (at, pair) in pairs.into_iter().enumerate() {
        let is_folded = !is_near(at);
        match blocks.last_mut() {
            Some(block) if block.is_folded == is_folded => block.pairs.push(pair),
            _ => blocks.push(Block { pairs: vec![pair], is_folded }),
        }
    }
    // Folding only a few lines would take more space than the lines.
    for block in &mut blocks {
        block.is_folded &= block.pairs.len() > AROUND;
    }
    blocks
}

/// Compares two texts line by line.
pub(crate) fn diff_lines(old: &str, new: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let ahead = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let left = old.len().min(new.len()) - ahead;
    let behind = old.iter().rev().zip(new.iter().rev()).take(left).take_while(|(old, new)| old == new).count();
    let (from, to) = (&old[ahead..old.len() - behind], &new[ahead..new.len() - behind]);
    let mut changes = vec![Change::Same; ahead];
    changes.extend(changes_between(from, to));
    changes.extend(vec![Change::Same; behind]);
    let (mut at_old, mut at_new) = (0, 0);
    let number = |at: usize| i32::try_from(at + 1).ok();
    let mut lines = Vec::new();
    for change in changes {
        let (is_old, is_new) = (change != Change::Added, change != Change::Removed);
        let text = if is_old { old.get(at_old) } else { new.get(at_new) };
        lines.push(Line {
            change,
            old_number: number(at_old).filter(|_| is_old),
            new_number: number(at_new).filter(|_| is_new),
            text: text.copied().unwrap_or_default().to_owned(),
        });
        at_old += usize::from(is_old);
        at_new += usize::from(is_new);
    }
    lines
}

/// The smallest list of changes that turns the old lines into the new ones, by their longest common subsequence.
fn changes_between(old: &[&str], new: &[&str]) -> Vec<Change> {
    if old.len() > MOST || new.len() > MOST {
        return [vec![Change::Removed; old.len()], vec![Change::Added; new.len()]].concat();
    }
    let width = new.len() + 1;
    // The length of the longest common subsequence of the rest, for each pair of positions.
    let mut common = vec![0_u16; (old.len() + 1) * width];
    for row in (0..old.len()).rev() {
        for column in (0..new.len()).rev() {
            common[row * width + column] = if old[row] == new[column] {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut changes = Vec::new();
    while row < old.len() || column < new.len() {
        let is_old_left = row < old.len();
        let change = if is_old_left && new.get(column) == old.get(row) {
            Change::Same
        } else if is_old_left
            && (column == new.len() || common[(row + 1) * width + column] >= common[row * width + column + 1])
        {
            Change::Removed
        } else {
            Change::Added
        };
        row += usize::from(change != Change::Added);
        column += usize::from(change != Change::Removed);
        changes.push(change);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let sign = |line: &Line| match line.change {
            Change::Same => ' ',
            Change::Added => '+',
            Change::Removed => '-',
        };
        diff_lines(old, new).iter().map(|line| format!("{}{}", sign(line), line.text)).collect()
    }

    #[test]
    fn texts_are_compared_by_what_they_have_in_common() {
        assert_eq!(shown("a\nb\nc", "a\nx\nc"), [" a", "-b", "+x", " c"]);
        assert_eq!(shown("a\nb\nc\nd", "b\nd\ne"), ["-a", " b", "-c", " d", "+e"]);
        assert_eq!(shown("", "a"), ["+a"]);
        assert_eq!(shown("a\na", "a"), [" a", "-a"]);
    }

    #[test]
    fn numbers_are_those_of_each_text() {
        let numbers: Vec<_> =
            diff_lines("a\nb", "b\nc").iter().map(|line| (line.old_number, line.new_number)).collect();
        assert_eq!(numbers, [(Some(1), None), (Some(2), Some(1)), (None, Some(2))]);
    }

    #[test]
    fn removed_lines_stand_beside_added_lines() {
        let pairs = pairs(&diff_lines("a\nb\nc", "a\nx\ny\nz\nc"));
        let texts: Vec<_> = pairs.iter().map(|pair| (pair.old.as_deref(), pair.new.as_deref())).collect();
        assert_eq!(
            texts,
            [
                (Some("a"), Some("a")),
                (Some("b"), Some("x")),
                (None, Some("y")),
                (None, Some("z")),
                (Some("c"), Some("c"))
            ]
        );
    }

    #[test]
    fn long_unchanged_blocks_are_folded() {
        let text: Vec<String> = (0..30).map(|line| line.to_string()).collect();
        let mut other = text.clone();
        other[20] = "x".to_owned();
        let blocks = blocks(&diff_lines(&text.join("\n"), &other.join("\n")));
        let shape: Vec<_> = blocks.iter().map(|block| (block.pairs.len(), block.is_folded)).collect();
        assert_eq!(shape, [(17, true), (7, false), (6, true)]);
    }
}
