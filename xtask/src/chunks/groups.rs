//! Decides which chunks become one file. The splitter writes one chunk for each set of pieces that share code. Almost
//! every page is a piece, so there are hundreds of chunks, most of them smaller than a kilobyte.

/// The cost of a request: the bytes that a piece may load without needing them, if this saves one request. Counted in
/// bytes of functions and data before optimisation and compression.
const REQUEST: u64 = 12_000;
/// The maximum size of a group in bytes before optimisation. Optimised and compressed, about a third is left, which is
/// within the size budget of a file.
const LARGEST: u64 = 170_000;
/// The weight of the piece that most visits load first. Every other piece has the weight 1.
const FIRST_WEIGHT: u64 = 4;
/// The bit in [`Group::pieces`] of the piece that most visits load first.
const FIRST: u64 = 1;
/// Divides the cost of unneeded bytes that the first piece loads too: other pieces are mostly opened after the first
/// piece, and the bytes are then loaded already.
const LOADED_BEFORE: u64 = 4;

/// A group of chunks that become one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The names of the chunks. The file gets the name of the first chunk.
    pub(super) chunks: Vec<String>,
    /// The pieces that load the file, one bit for each. The lowest bit stands for the piece that most visits load
    /// first.
    pub(super) pieces: u64,
    /// The size of the functions and data in bytes.
    pub(super) size: u64,
}

impl Group {
    /// The gain of merging the two groups: the saved requests less the unneeded bytes, in weighted bytes. `None` if
    /// merging gains nothing or the result is larger than [`LARGEST`].
    fn gain(&self, other: &Self) -> Option<u64> {
        if self.size + other.size > LARGEST {
            return None;
        }
        let won = weight(self.pieces & other.pieces) * REQUEST * LOADED_BEFORE;
        won.checked_sub(self.waste(other) + other.waste(self)).filter(|gain| *gain > 0)
    }

    /// The cost of this group's bytes for the pieces that need only `other`.
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

/// Merges groups, beginning with the smallest: each is merged with the group that gives the highest [`Group::gain`].
pub(super) fn merge(mut open: Vec<Group>) -> Vec<Group> {
    let mut closed: Vec<Group> = Vec::new();
    // In descending order of size, so that the smallest group is the last.
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
