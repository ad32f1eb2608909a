//! One field of a cron expression: a list of numbers, names, ranges and steps, read as a set of values.

/// The days of the week as the `cron` crate names them, Sunday first. The numbers of that crate differ from those of
/// Unix cron.
pub(super) const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

pub(super) const MINUTE: Kind = Kind { name: "minute", first: 0, last: 59, names: &[], holds: "0 to 59" };
pub(super) const HOUR: Kind = Kind { name: "hour", first: 0, last: 23, names: &[], holds: "0 to 23" };
pub(super) const DAY_OF_MONTH: Kind = Kind { name: "day of month", first: 1, last: 31, names: &[], holds: "1 to 31" };
pub(super) const MONTH: Kind =
    Kind { name: "month", first: 1, last: 12, names: &MONTHS, holds: "1 to 12 or jan to dec" };
pub(super) const DAY_OF_WEEK: Kind = Kind {
    name: "day of week",
    first: 0,
    last: 7,
    names: &WEEKDAYS,
    holds: "0 to 7 (0 and 7 are Sunday) or sun to sat",
};

/// A kind of field: its name and the values that it may hold.
pub(super) struct Kind {
    name: &'static str,
    first: u32,
    last: u32,
    names: &'static [&'static str],
    holds: &'static str,
}

/// The values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// One bit for each value.
    bits: u64,
    /// Whether the text begins with `*`, which has a special meaning in cron.
    pub(super) starred: bool,
}

impl Kind {
    /// Reads the field; an error is a sentence that names the field.
    pub(super) fn parse(&self, text: &str) -> Result<Field, String> {
        let mut bits = 0;
        for item in text.split(',') {
            bits |= self.item(item).map_err(|problem| format!("{}: {problem}", self.name))?;
        }
        // Seven is another name for Sunday; only the day of the week ends there.
        if self.last == 7 && bits & (1 << 7) != 0 {
            bits = bits & !(1 << 7) | 1;
        }
        Ok(Field { bits, starred: text.starts_with('*') })
    }

    /// The values of one item of the list, as bits.
    fn item(&self, text: &str) -> Result<u64, String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.first, self.last),
            Some((from, to)) => self.range(from, to)?,
            None if step.is_some() => {
                let start = if range.is_empty() { "*".to_owned() } else { format!("{range}-{}", self.last) };
                return Err(format!(
                    "a step must follow `*` or a range, such as `{start}/{}`",
                    step.unwrap_or_default()
                ));
            }
            None => [self.value(range)?; 2].into(),
        };
        let step = step.map_or(Ok(1), |step| Self::step(range, step))?;
        Ok((from..=to).step_by(step).fold(0, |bits, value| bits | 1 << value))
    }

    fn range(&self, from: &str, to: &str) -> Result<(u32, u32), String> {
        let (first, last) = (self.value(from)?, self.value(to)?);
        if first <= last {
            return Ok((first, last));
        }
        // Names are used if there are any: 0 and 7 are the same day, and the message must show which end is meant.
        let (start, end) = match self.names {
            [start, .., end] if from.parse::<u32>().is_err() => ((*start).to_owned(), (*end).to_owned()),
            _ => (self.first.to_string(), self.last.to_string()),
        };
        let part = |from: &str, to: &str| if from == to { from.to_owned() } else { format!("{from}-{to}") };
        let parts = [part(from, &end), part(&start, to)].join(",");
        Err(format!("`{from}-{to}` must not run backwards: write `{parts}`"))
    }

    fn step(range: &str, text: &str) -> Result<usize, String> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u16>().ok().filter(|_| digits) {
            Some(0) => Err("a step must be at least 1".to_owned()),
            Some(step) => Ok(step.into()),
            None => Err(format!("a step must be a number, such as `{range}/2`")),
        }
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named.and_then(|position| u32::try_from(position).ok()) {
            Some(position) => Some(self.first + position),
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            None => None,
        };
        value.filter(|value| (self.first..=self.last).contains(value)).ok_or_else(|| self.no_value(text))
    }

    /// The message for a text that is not a value of the field.
    fn no_value(&self, text: &str) -> String {
        let holds = format!("it may hold {}, `*`, and lists, ranges and steps of these", self.holds);
        let begins = |name: &&&str| text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(name));
        match (text, self.names.iter().find(begins)) {
            ("", _) => format!("a value is missing; {holds}"),
            ("?", _) => "`?` is not known here: write `*`".to_owned(),
            (_, Some(name)) => format!("`{text}` is not known here: write `{name}`"),
            _ => format!("`{text}` is not one of its values; {holds}"),
        }
    }
}

impl Field {
    /// The values in ascending order.
    pub(super) fn values(self) -> impl DoubleEndedIterator<Item = u32> + Clone {
        (0..u64::BITS).filter(move |value| self.holds(*value))
    }

    /// Whether this value is one of the field's values.
    pub(super) fn holds(self, value: u32) -> bool {
        self.bits >> value & 1 == 1
    }

    /// Whether the field has every value of its kind.
    pub(super) fn is_all(self, kind: &Kind) -> bool {
        (kind.first..=kind.last).all(|value| self.holds(value))
    }

    /// Whether the field has every day of the week. (0 and 7 are the same day.)
    pub(super) fn is_week(self) -> bool {
        (0..7).all(|day| self.holds(day))
    }

    /// The smallest value.
    pub(super) fn first(self) -> u32 {
        self.bits.trailing_zeros()
    }

    /// The greatest value.
    pub(super) fn last(self) -> u32 {
        self.bits.ilog2()
    }

    /// The distance between neighbouring values, if it is the same for all.
    pub(super) fn step(self) -> Option<u32> {
        let next = self.values().nth(1)?;
        let step = next - self.first();
        let pairs = self.values().zip(self.values().skip(1));
        pairs.fold(true, |even, (left, right)| even && right - left == step).then_some(step)
    }

    /// The number of values.
    pub(super) fn count(self) -> usize {
        self.bits.count_ones() as usize
    }

    /// The values as a list of numbers.
    pub(super) fn numbers(self) -> String {
        self.values().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
    }

    /// The values as a list of names, of which the first stands for 0.
    pub(super) fn names(self, names: &[&str]) -> String {
        names
            .iter()
            .zip(0..)
            .filter(|(_, value)| self.holds(*value))
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(",")
    }
}
