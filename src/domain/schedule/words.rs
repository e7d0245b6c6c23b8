//! A schedule in words: `daily at 03:00`, `Monday to Friday at 09:30`, `every 15 minutes`. What has no short words keeps
//! its five fields: a sentence nobody can hold in mind says less than they do.

use super::fields;

/// Most times of a day that are named one by one.
const TIMES_MAX: usize = 4;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// All expressions of a schedule in words, with the time zone; empty if there are none.
pub fn words(expressions: &[String], zone: &str) -> String {
    if expressions.is_empty() {
        return String::new();
    }
    let each: Vec<String> = expressions.iter().map(|text| in_words(text).unwrap_or_else(|| text.clone())).collect();
    format!("{} {zone}", each.join("; "))
}

/// One expression; none if it has no short words.
fn in_words(text: &str) -> Option<String> {
    let [minute, hour, day, month, weekday] = fields::words(text).ok()?;
    if month != "*" {
        return None;
    }
    if day == "*" && weekday == "*" && (hour == "*" || hour.starts_with("*/")) {
        return rhythm(minute, hour);
    }
    let days = match (day, weekday) {
        ("*", "*") => "daily".to_owned(),
        ("*", weekday) => weekdays(weekday)?,
        ("L", "*") => "on the last day of each month".to_owned(),
        (day, "*") => format!("on the {} of each month", ordinal(number(day, 31)?)),
        _ => return None,
    };
    Some(format!("{days} at {}", times(minute, hour)?))
}

fn rhythm(minute: &str, hour: &str) -> Option<String> {
    let step = |word: &str, most| word.strip_prefix("*/").and_then(|step| number(step, most));
    Some(match (minute, hour) {
        ("*", "*") => "every minute".to_owned(),
        (minute, "*") if minute.starts_with("*/") => format!("every {} minutes", step(minute, 59)?),
        ("0", "*") => "every hour".to_owned(),
        (minute, "*") => format!("every hour at {} past", number(minute, 59)?),
        ("0", hour) => format!("every {} hours", step(hour, 23)?),
        _ => return None,
    })
}

/// `02:00 and 14:00`.
fn times(minute: &str, hour: &str) -> Option<String> {
    let minute = number(minute, 59)?;
    let hours: Vec<&str> = hour.split(',').collect();
    if hours.len() > TIMES_MAX {
        return None;
    }
    let times: Option<Vec<String>> =
        hours.into_iter().map(|hour| Some(format!("{:02}:{minute:02}", number(hour, 23)?))).collect();
    Some(listed(&times?))
}

/// `Monday to Friday`, `Monday and Thursday`.
fn weekdays(word: &str) -> Option<String> {
    if let Some((first, last)) = word.split_once('-') {
        return Some(format!("{} to {}", weekday(first)?, weekday(last)?));
    }
    let days: Option<Vec<String>> = word.split(',').map(|day| weekday(day).map(|day| format!("{day}s"))).collect();
    Some(listed(&days?))
}

fn weekday(word: &str) -> Option<&'static str> {
    let by_name = || DAYS.iter().position(|day| day.get(..3).is_some_and(|short| short.eq_ignore_ascii_case(word)));
    let place = number(word, 7).map(|day| day as usize % 7).or_else(by_name)?;
    DAYS.get(place).copied()
}

fn listed(words: &[String]) -> String {
    match words {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        words => words.concat(),
    }
}

fn ordinal(day: u32) -> String {
    let ending = match (day % 10, day) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{day}{ending}")
}

fn number(word: &str, most: u32) -> Option<u32> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|number| digits && *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_expressions_are_said_in_words_and_the_rest_as_it_stands() {
        let said = [
            ("0 3 * * *", "daily at 03:00 UTC"),
            ("@daily", "daily at 00:00 UTC"),
            ("5 2,14 * * *", "daily at 02:05 and 14:05 UTC"),
            ("*/15 * * * *", "every 15 minutes UTC"),
            ("@hourly", "every hour UTC"),
            ("20 * * * *", "every hour at 20 past UTC"),
            ("0 */6 * * *", "every 6 hours UTC"),
            ("30 9 * * MON-FRI", "Monday to Friday at 09:30 UTC"),
            ("0 8 * * 1,thu", "Mondays and Thursdays at 08:00 UTC"),
            ("@weekly", "Sundays at 00:00 UTC"),
            ("0 0 1 * *", "on the 1st of each month at 00:00 UTC"),
            ("0 6 L * *", "on the last day of each month at 06:00 UTC"),
            ("0 6 13 * 5", "0 6 13 * 5 UTC"),
            ("0 6 1 JAN *", "0 6 1 JAN * UTC"),
            ("0-30/10 6 * * *", "0-30/10 6 * * * UTC"),
            ("0 1,2,3,4,5 * * *", "0 1,2,3,4,5 * * * UTC"),
            ("0 6 * * FRI#2", "0 6 * * FRI#2 UTC"),
        ];
        for (expression, expected) in said {
            assert_eq!(words(&[expression.to_owned()], "UTC"), expected);
        }
        assert_eq!(words(&[], "UTC"), "");
        let two = ["0 3 * * *", "0 6 L * *"].map(str::to_owned);
        assert_eq!(
            words(&two, "Europe/Berlin"),
            "daily at 03:00; on the last day of each month at 06:00 Europe/Berlin"
        );
    }
}
