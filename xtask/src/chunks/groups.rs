//! Which chunks become one file. The splitter writes a chunk for each set of pieces that share something: with a piece
//! for almost every page that is hundreds, most of them below a kilobyte.

/// What a piece may load in vain to save a request, in bytes of functions and data before they are optimised and
/// compressed.
const REQUEST: u64 = 12_000;
/// The maximum size of a group, so that its file is within the budget: about a third of it is left, compressed.
const LARGEST: u64 = 170_000;
/// How much the piece that most visits load first weighs, in other pieces.
const FIRST_WEIGHT: u64 = 4;
/// The bit of that piece in [`Group::pieces`].
const FIRST: u64 = 1;
/// What others load in vain of what the first piece loads anyway costs this fraction: they are mostly opened after it.
const LOADED_BEFORE: u64 = 4;

/// Chunks that are one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The names of the chunks. The file has the first one.
    pub(super) chunks: Vec<String>,
    /// The pieces that load the file, one bit each; the first bit is that of the piece that most visits load first.
    pub(super) pieces: u64,
    /// The size of the functions and data in bytes.
    pub(super) size: u64,
}

impl Group {
    /// What the pieces that load both files together win if they are one file: requests, without what is loaded in vain.
    /// `None` if they should not be one file.
    fn gain(&self, other: &Self) -> Option<u64> {
        if self.size + other.size > LARGEST {
            return None;
        }
        let won = weight(self.pieces & other.pieces) * REQUEST * LOADED_BEFORE;
        won.checked_sub(self.waste(other) + other.waste(self)).filter(|gain| *gain > 0)
    }

    /// What is loaded in vain of these chunks by the pieces that need only the others.
    fn waste(&self, other: &Self) -> u64 {
        let cost = if self.pieces & FIRST == 0 { LOADED_BEFORE } else { 1 };
        weight(other.pieces & !self.pieces) * self.size * cost
    }

    fn merge(&mut self, other: Self) {
        self.chunks.extend(other.chunks);
        self.pieces |= other.pieces;
        self.size += other.size;
    }
}

fn weight(pieces: u64) -> u64 {
    u64::from(pieces.count_ones()) + (FIRST_WEIGHT - 1) * (pieces & FIRST)
}

/// Merges groups, from the smallest on, each with the one with which it wins most.
pub(super) fn merge(mut open: Vec<Group>) -> Vec<Group> {
    let mut closed: Vec<Group> = Vec::new();
    // The smallest is the last.
    open.sort_by_key(|group| std::cmp::Reverse(group.size));
    while let Some(mut group) = open.pop() {
        let gains = open.iter().chain(&closed).enumerate().filter_map(|(at, other)| Some((group.gain(other)?, at)));
        let Some((_, at)) = gains.max() else {
            closed.push(group);
            continue;
        };
        let other = if at < open.len() { open.remove(at) } else { closed.remove(at - open.len()) };
        group.merge(other);
        let place = open.partition_point(|other| other.size > group.size);
        open.insert(place, group);
    }
    closed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, pieces: u64, size: u64) -> Group {
        Group { chunks: vec![name.to_owned()], pieces, size }
    }

    fn merged(groups: &[Group]) -> Vec<Vec<String>> {
        let mut names: Vec<Vec<String>> = merge(groups.to_vec()).into_iter().map(|group| group.chunks).collect();
        for names in &mut names {
            names.sort();
        }
        names.sort();
        names
    }

    #[test]
    fn small_chunks_join_those_of_almost_the_same_pieces() {
        let found = merged(&[
            group("large", 0b1110, 80_000),
            group("small", 0b0110, 300),
            group("other", 0b11_0000, 60_000),
            group("both", 0b11_1110, 900),
        ]);
        assert_eq!(found, [vec!["both"], vec!["large", "small"], vec!["other"]]);
    }

    #[test]
    fn a_piece_does_not_load_much_in_vain() {
        assert_eq!(merged(&[group("a", 0b0110, 50_000), group("b", 0b1100, 50_000)]), [vec!["a"], vec!["b"]]);
        assert_eq!(merged(&[group("a", 0b0110, 5_000), group("b", 0b1100, 5_000)]), [vec!["a", "b"]]);
        assert_eq!(merged(&[group("a", 0b0010, 10), group("b", 0b1100, 10)]), [vec!["a"], vec!["b"]]);
    }

    #[test]
    fn the_first_piece_loads_less_in_vain_than_others() {
        let sizes = |pieces| [group("a", 0b0110, 9_000), group("b", pieces, 300)];
        assert_eq!(merged(&sizes(0b1110)), [vec!["a", "b"]]);
        assert_eq!(merged(&sizes(0b0111)), [vec!["a"], vec!["b"]]);
    }

    #[test]
    fn no_file_is_larger_than_the_budget_allows() {
        let found = merged(&[group("a", 0b0110, 100_000), group("b", 0b0110, 60_000), group("c", 0b0110, 20_000)]);
        assert_eq!(found, [vec!["a"], vec!["b", "c"]]);
    }
}
