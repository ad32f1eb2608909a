//! Descriptions of schedules in plain English, made from the values of their fields: schedules with the same slots have
//! the same description.

use super::{
    Times,
    field::{DAY_OF_MONTH, Field, HOUR, MONTH},
};

const MONTHS: [&str; 13] = [
    "",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Days of each month, in the year that has most.
const LENGTHS: [u32; 13] = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// The maximum number of times or days that are listed one by one if there is a shorter description.
const LISTED: usize = 6;

/// Describes a schedule in one sentence, with its time zone unless the sentence is true in every zone.
pub(super) fn sentence(times: &Times, zone: &str) -> String {
    let days = days(times);
    let text = match (clock(times), &days) {
        (Clock::At(text), Days::Every) => format!("every day at {text}"),
        (Clock::At(text), Days::In(months)) => format!("every day in {months} at {text}"),
        (Clock::At(text), Days::On(days)) => format!("at {text} on {days}"),
        (Clock::Every(text), Days::Every) => text,
        (Clock::Every(text), Days::In(months)) => format!("{text} in {months}"),
        (Clock::Every(text), Days::On(days)) => format!("{text} on {days}"),
    };
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    let text: String = first.into_iter().chain(characters).collect();
    // "Every 15 minutes" is true of every zone; what names an hour, a minute or a day is not.
    let anywhere = matches!(days, Days::Every) && times.hour.is_all(&HOUR) && every_minutes(times.minute).is_some();
    if anywhere { text } else { format!("{text}, {zone}") }
}

/// The message for a schedule with dates that do not exist in any month.
pub(super) fn never(times: &Times) -> String {
    let months = list(&runs(times.month.values(), |month| MONTHS[month as usize].to_owned()), "and");
    let days = list(&runs(times.day_of_month.values(), ordinal), "or");
    let have = if times.month.count() == 1 { "has" } else { "have" };
    format!("day of month: {months} {have} no {days}, so it would never run")
}

/// The time of day.
enum Clock {
    /// "09:00 and 17:00"
    At(String),
    /// "every 15 minutes from 09:00 to 17:45"
    Every(String),
}

fn clock(times: &Times) -> Clock {
    let (minute, hour) = (times.minute, times.hour);
    let clock = |hour: u32, minute: u32| format!("{hour:02}:{minute:02}");
    if hour.is_all(&HOUR) {
        return Clock::Every(minutes_of_every_hour(minute));
    }
    if minute.count() * hour.count() <= LISTED {
        let times = hour.values().flat_map(|hour| minute.values().map(move |minute| clock(hour, minute)));
        return Clock::At(list(&times.collect::<Vec<_>>(), "and"));
    }
    let (from, to) = (clock(hour.first(), minute.first()), clock(hour.last(), minute.last()));
    if let (Some(interval), Some(1)) = (every_minutes(minute).or(around_the_hour(minute)), hour.step().or(single(hour)))
    {
        return Clock::Every(format!("{} from {from} to {to}", every(interval, "minute")));
    }
    if let (1, Some(step)) = (minute.count(), hour.step()) {
        return Clock::Every(format!("{} from {from} to {to}", every(step, "hour")));
    }
    let hours = list(&runs(hour.values(), |hour| format!("{hour:02}")), "and");
    Clock::Every(format!("{} of the {} {hours}", minutes(minute), plural(hour.count(), "hour")))
}

fn minutes_of_every_hour(minute: Field) -> String {
    if let Some(interval) = every_minutes(minute) {
        return every(interval, "minute");
    }
    match (minute.count(), minute.first()) {
        (1, 0) => "every hour".to_owned(),
        (1, 1) => "at 1 minute past every hour".to_owned(),
        (1, past) => format!("at {past} minutes past every hour"),
        _ => format!("{} of every hour", minutes(minute)),
    }
}

/// The minutes of an hour that is named next.
fn minutes(minute: Field) -> String {
    if let Some(interval) = every_minutes(minute) {
        return every(interval, "minute");
    }
    match minute.step() {
        Some(step) if minute.count() > LISTED || step == 1 => {
            format!("{} from minute {} to {}", every(step, "minute"), minute.first(), minute.last())
        }
        _ => {
            let minutes = list(&runs(minute.values(), |minute| minute.to_string()), "and");
            format!("at {} {minutes}", plural(minute.count(), "minute"))
        }
    }
}

/// The interval of minutes that recur evenly from the full hour on, also across hours.
fn every_minutes(minute: Field) -> Option<u32> {
    around_the_hour(minute).filter(|_| minute.first() == 0)
}

/// The interval of minutes that recur evenly, also across hours, from any minute on.
fn around_the_hour(minute: Field) -> Option<u32> {
    minute.step().filter(|step| step * u32::try_from(minute.count()).unwrap_or(0) == 60)
}

fn single(field: Field) -> Option<u32> {
    (field.count() == 1).then_some(1)
}

/// The days of a schedule.
enum Days {
    Every,
    /// "June and July"
    In(String),
    /// "Monday to Friday"
    On(String),
}

fn days(times: &Times) -> Days {
    let (any_date, any_weekday) = (times.day_of_month.is_all(&DAY_OF_MONTH), times.day_of_week.is_week());
    let every_day = if times.either_day() { any_date || any_weekday } else { any_date && any_weekday };
    let months = months(times);
    if every_day {
        return months.map_or(Days::Every, Days::In);
    }
    let weekdays = |last| weekdays(times.day_of_week, last);
    let in_months = months.map(|months| format!(" in {months}")).unwrap_or_default();
    Days::On(if any_date {
        format!("{}{in_months}", weekdays("and"))
    } else if any_weekday {
        dates(times)
    } else if times.either_day() {
        format!("{}, and also on every {}{in_months}", dates(times), weekdays("and"))
    } else {
        format!("{}, if it is a {}", dates(times), weekdays("or"))
    })
}

/// The days of the month, with their months.
fn dates(times: &Times) -> String {
    let days = times.day_of_month;
    let text = match days.step() {
        Some(step) if step > 1 && days.count() > LISTED => {
            format!("every {} day from the {} to the {}", ordinal(step), ordinal(days.first()), ordinal(days.last()))
        }
        _ => format!("the {}", list(&runs(days.values(), ordinal), "and")),
    };
    let shortest = times.month.values().map(|month| if month == 2 { 28 } else { LENGTHS[month as usize] }).min();
    let not_always = days.count() == 1 && Some(days.first()) > shortest;
    match months(times) {
        None if not_always => format!("{text} of every month that has one"),
        None => format!("{text} of every month"),
        Some(months) if not_always && months == "February" => format!("{text} of February in leap years"),
        Some(months) => format!("{text} of {months}"),
    }
}

/// The months; `None` for all months.
fn months(times: &Times) -> Option<String> {
    let all = times.month.is_all(&MONTH);
    (!all).then(|| list(&runs(times.month.values(), |month| MONTHS[month as usize].to_owned()), "and"))
}

/// The days of the week, Monday first.
fn weekdays(days: Field, last: &str) -> String {
    list(&runs((1..=7).filter(|day| days.holds(day % 7)), |day| DAYS[day as usize % 7].to_owned()), last)
}

/// The names of the values; three or more consecutive values are written as a range.
fn runs(values: impl Iterator<Item = u32>, word: impl Fn(u32) -> String) -> Vec<String> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == value => *last = value,
            _ => runs.push((value, value)),
        }
    }
    let words = |(first, last): (u32, u32)| match last - first {
        0 => vec![word(first)],
        1 => vec![word(first), word(last)],
        _ => vec![format!("{} to {}", word(first), word(last))],
    };
    runs.into_iter().flat_map(words).collect()
}

/// "a", "a and b", "a, b and c"
fn list(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [first @ .., word] => format!("{} {last} {word}", first.join(", ")),
    }
}

fn every(interval: u32, unit: &str) -> String {
    if interval == 1 { format!("every {unit}") } else { format!("every {interval} {unit}s") }
}

fn plural(count: usize, unit: &str) -> String {
    if count == 1 { unit.to_owned() } else { format!("{unit}s") }
}

/// "1st", "2nd", "11th"
fn ordinal(number: u32) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
