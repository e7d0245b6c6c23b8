use croner::Cron as Croner;
use proptest::prelude::*;

use super::*;

fn berlin() -> TimeZone {
    zone("Europe/Berlin").expect("it is part of the program")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn cron(text: &str) -> Cron {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The next times after a local one, as clocks there show them with their distance from UTC.
fn next(expression: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    let zone = zone(zone_name).expect("a zone");
    let after = zone.to_timestamp(after.parse().expect("a local time")).expect("it is a time");
    let (cron, shown) = (cron(expression), zone.clone());
    std::iter::successors(cron.next(Timestamp(after.as_millisecond()), &zone), |last| cron.next(*last, &zone))
        .take(count)
        .map(|time| {
            let time = Instant::from_millisecond(time.0).expect("it is in range").to_zoned(shown.clone());
            time.strftime("%m-%d %H:%M%:z").to_string()
        })
        .collect()
}

#[test]
fn a_fixed_time_that_is_skipped_comes_once_right_after_the_gap() {
    // 2026-03-29 02:00 +01:00 is 03:00 +02:00.
    assert_eq!(
        next("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00", 3),
        ["03-28 02:30+01:00", "03-29 03:00+02:00", "03-30 02:30+02:00"]
    );
    assert_eq!(
        next("0,20,40 2 * * *", "Europe/Berlin", "2026-03-29T00:00", 2),
        ["03-29 03:00+02:00", "03-30 02:00+02:00"],
        "three that are skipped are one"
    );
    assert_eq!(
        next("0 2,3,4 * * *", "Europe/Berlin", "2026-03-29T00:00", 2),
        ["03-29 03:00+02:00", "03-29 04:00+02:00"],
        "what is skipped falls together with what comes anyway"
    );
    assert_eq!(
        next("30 2 * * *", "America/New_York", "2026-03-08T00:00", 2),
        ["03-08 03:00-04:00", "03-09 02:30-04:00"]
    );
    // 2026-10-04 02:00 +10:30 is 02:30 +11:00.
    assert_eq!(
        next("15 2 * * *", "Australia/Lord_Howe", "2026-10-04T00:00", 2),
        ["10-04 02:30+11:00", "10-05 02:15+11:00"]
    );
    // Midnight itself is skipped.
    assert_eq!(next("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00", 2), ["04-24 01:00+03:00", "04-25 00:00+03:00"]);
}

#[test]
fn a_fixed_time_that_comes_twice_counts_once() {
    assert_eq!(next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 2), ["10-25 02:30+02:00", "10-26 02:30+01:00"]);
    assert_eq!(
        next("0 1,2,3 * * *", "Europe/Berlin", "2026-10-25T00:00", 4),
        ["10-25 01:00+02:00", "10-25 02:00+02:00", "10-25 03:00+01:00", "10-26 01:00+01:00"]
    );
    assert_eq!(
        next("30 1 * * *", "America/New_York", "2026-11-01T00:00", 2),
        ["11-01 01:30-04:00", "11-02 01:30-05:00"]
    );
    // 2026-04-05 02:00 +11:00 is 01:30 +10:30.
    assert_eq!(
        next("30,45 1 * * *", "Australia/Lord_Howe", "2026-04-05T00:00", 3),
        ["04-05 01:30+11:00", "04-05 01:45+11:00", "04-06 01:30+10:30"]
    );
}

#[test]
fn a_rhythm_goes_on_through_both_changes() {
    assert_eq!(
        next("*/30 * * * *", "Europe/Berlin", "2026-03-29T01:00", 3),
        ["03-29 01:30+01:00", "03-29 03:00+02:00", "03-29 03:30+02:00"]
    );
    assert_eq!(
        next("*/30 * * * *", "Europe/Berlin", "2026-10-25T01:30", 5),
        ["10-25 02:00+02:00", "10-25 02:30+02:00", "10-25 02:00+01:00", "10-25 02:30+01:00", "10-25 03:00+01:00"]
    );
    assert_eq!(
        next("@hourly", "America/New_York", "2026-11-01T00:30", 3),
        ["11-01 01:00-04:00", "11-01 01:00-05:00", "11-01 02:00-05:00"]
    );
    assert_eq!(
        next("*/15 * * * *", "Australia/Lord_Howe", "2026-04-05T01:30", 4),
        ["04-05 01:45+11:00", "04-05 01:30+10:30", "04-05 01:45+10:30", "04-05 02:00+10:30"]
    );
    assert_eq!(
        next("*/15 * * * *", "Australia/Lord_Howe", "2026-10-04T01:30", 3),
        ["10-04 01:45+10:30", "10-04 02:30+11:00", "10-04 02:45+11:00"]
    );
}

#[test]
fn years_end_and_leap_days_come() {
    assert_eq!(next("59 23 31 12 *", "Europe/Berlin", "2026-12-31T23:59", 1), ["12-31 23:59+01:00"]);
    let (zone, leap) = (TimeZone::UTC, cron("0 12 29 FEB *"));
    assert_eq!(leap.next(at("2026-01-01T00:00:00Z"), &zone), Some(at("2028-02-29T12:00:00Z")));
    assert_eq!(leap.next(at("2096-03-01T00:00:00Z"), &zone), Some(at("2104-02-29T12:00:00Z")), "2100 has none");
    assert_eq!(leap.previous(at("2103-01-01T00:00:00Z"), &zone), Some(at("2096-02-29T12:00:00Z")));
    let new_year = cron("@yearly");
    assert_eq!(new_year.next(at("2026-12-31T23:59:59.999Z"), &zone), Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(new_year.next(at("2027-01-01T00:00:00Z"), &zone), Some(at("2028-01-01T00:00:00Z")), "after, not at");
    assert_eq!(new_year.previous(at("2027-01-01T00:00:00Z"), &zone), Some(at("2027-01-01T00:00:00Z")), "at or before");
    assert_eq!(new_year.next(at("9999-12-30T00:00:00Z"), &zone), None);
    assert_eq!(cron("* * * * *").next(Timestamp(i64::MAX), &zone), None);
    assert_eq!(cron("* * * * *").previous(Timestamp(i64::MIN), &zone), None);
}

#[test]
fn days_are_told_by_their_place_in_the_month_or_the_week() {
    let days = |expression: &str, count| {
        next(expression, "UTC", "2026-01-30T12:00", count).iter().map(|time| time[..5].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(days("0 0 L * *", 3), ["01-31", "02-28", "03-31"]);
    assert_eq!(days("0 0 * * fri#2", 2), ["02-13", "03-13"]);
    assert_eq!(days("0 0 * * MON#L", 2), ["02-23", "03-30"]);
    assert_eq!(days("0 0 * * 0,7", 2), ["02-01", "02-08"]);
    assert_eq!(days("0 0 * * SAT-SUN", 3), ["01-31", "02-01", "02-07"]);
    assert_eq!(days("0 0 13 * FRI", 3), ["02-06", "02-13", "02-20"], "one of them is enough");
    assert_eq!(days("0 0 */2 * FRI", 2), ["02-13", "02-27"], "with a star both must hold, as in Vixie cron");
    assert_eq!(days("0 0 1-15/7 4,JUN *", 4), ["04-01", "04-08", "04-15", "06-01"]);
}

#[test]
fn what_never_comes_is_an_error() {
    for never in ["0 0 31 2 *", "0 0 30 FEB *", "* * 31 4,6,9,11 *"] {
        assert_eq!(never.parse::<Cron>(), Err(CronError::Never), "{never}");
    }
    assert!("0 0 31 2 MON".parse::<Cron>().is_ok(), "Mondays in February come");
    assert!("0 0 29 2 *".parse::<Cron>().is_ok());
}

#[test]
fn an_error_says_which_field_is_wrong_and_what_is_allowed() {
    for (expression, says) in [
        ("60 * * * *", r#"minute (first field): 60 is out of range; allowed are 0-59"#),
        ("* 24 * * *", "hour (second field): 24 is out of range; allowed are 0-23"),
        ("* * 0 * *", "day of month (third field): 0 is out of range; allowed are 1-31"),
        ("* * * FOO *", r#"month (fourth field): "FOO" is not known; allowed are 1-12 or JAN-DEC"#),
        ("* * * * 8", "day of week (fifth field): 8 is out of range; allowed are 0-7"),
        ("5/15 * * * *", r#"minute (first field): in "5/15" the step has no range; write 5-59/15"#),
        ("*/0 * * * *", r#"minute (first field): "0" is no step from 1 to 59"#),
        ("* 17-9 * * *", r#"hour (second field): the range "17-9" goes backwards"#),
        ("1,,2 * * * *", "minute (first field): a number is missing"),
        ("-5 * * * *", "minute (first field): a number is missing"),
        ("+5 * * * *", r#"minute (first field): "+5" is not known"#),
        ("* * * * FRI#6", r##"day of week (fifth field): in "FRI#6" "6" says none of the month's"##),
        ("* * * *", "has 4 fields, but needs 5: minute, hour, day of month, month, day of week"),
        ("0 0 0 * * *", "has 6 fields, but needs 5"),
        ("", "has 0 fields"),
        ("@midday", r#""@midday" is no short form: there are @hourly"#),
    ] {
        let error = expression.parse::<Cron>().expect_err(expression).to_string();
        assert!(error.starts_with(says), "{expression}: {error}");
    }
    assert_eq!("*".repeat(EXPRESSION_MAX + 1).parse::<Cron>(), Err(CronError::Long));
    let error = Schedule::new(&["0 3 * * *"], "Europe/Berlni").expect_err("no zone");
    assert!(error.to_string().contains("Europe/Berlni"), "{error}");
    let error = Schedule::new(&["0 3 * * *", "0 25 * * *"], UTC).expect_err("no hour");
    assert!(error.to_string().starts_with(r#""0 25 * * *": hour"#), "{error}");
}

#[test]
fn a_schedule_has_the_times_of_all_its_expressions_in_order() {
    let schedule = Schedule::new(&["0 6 * * *", "0 18 * * *", "@daily"], "Europe/Berlin").expect("it is good");
    let times = schedule.upcoming(at("2026-11-22T10:00:00Z"), 4);
    let expected = ["2026-11-22T17:00:00Z", "2026-11-22T23:00:00Z", "2026-11-23T05:00:00Z", "2026-11-23T17:00:00Z"];
    assert_eq!(times, expected.map(at));
    assert_eq!(schedule.previous(at("2026-11-23T04:59:59Z")), Some(at("2026-11-22T23:00:00Z")));
}

/// Every minute of some days, with what Vixie cron would do in it: no arithmetic, only a look at the clock.
fn walked(cron: &Cron, zone: &TimeZone, from: Instant, minutes: i64) -> Vec<Timestamp> {
    let clock = |minute: i64| zone.to_datetime(from + SignedDuration::from_mins(minute));
    let mut times = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for minute in -180..minutes {
        let (before, now) = (clock(minute - 1), clock(minute));
        // The minutes that clocks show at once: several of them where they are put forward.
        let shown: Vec<DateTime> =
            std::iter::successors(Some(before.max(now - SignedDuration::from_hours(3)) + MINUTE_LONG), |last| {
                Some(*last + MINUTE_LONG)
            })
            .take_while(|shown| *shown <= now)
            .collect();
        let comes = if cron.fixed {
            let new: Vec<_> = shown.into_iter().filter(|shown| seen.insert(*shown)).collect();
            new.into_iter().any(|shown| cron.shows(shown))
        } else {
            cron.shows(now)
        };
        if comes && minute >= 0 {
            times.push(Timestamp((from + SignedDuration::from_mins(minute)).as_millisecond()));
        }
    }
    times
}

const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "Asia/Kolkata"];
/// Days on which clocks are changed somewhere.
const CHANGES: [&str; 10] = [
    "2026-03-28T12:00Z",
    "2026-10-24T12:00Z",
    "2026-03-07T12:00Z",
    "2026-10-31T12:00Z",
    "2026-10-03T06:00Z",
    "2026-04-04T06:00Z",
    "2026-04-23T12:00Z",
    "2026-10-29T12:00Z",
    "2026-09-05T12:00Z",
    "2026-04-04T18:00Z",
];

fn field(least: u32, most: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("*".to_owned()),
        3 => prop::collection::vec(least..=most, 1..4)
            .prop_map(|numbers| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        2 => (2..=most / 2).prop_map(|step| format!("*/{step}")),
        2 => (least..=most, least..=most, 1..=5u32)
            .prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b))),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let days = prop_oneof![3 => Just("*".to_owned()), 1 => field(1, 28)];
    (
        field(0, 59),
        prop_oneof![field(0, 4), field(0, 23)],
        days,
        prop_oneof![4 => Just("*".to_owned()), 1 => field(0, 6)],
    )
        .prop_map(|(minute, hour, day, weekday)| format!("{minute} {hour} {day} * {weekday}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn around_a_change_the_times_are_those_of_somebody_who_looks_at_the_clock_each_minute(
        text in expression(), zone_name in prop::sample::select(ZONES.to_vec()),
        change in prop::sample::select(CHANGES.to_vec()),
    ) {
        let (cron, zone) = (cron(&text), zone(zone_name).expect("a zone"));
        let from: Instant = change.replace('Z', ":00Z").parse().expect("an instant");
        let expected = walked(&cron, &zone, from, 24 * 60);
        let end = from + SignedDuration::from_mins(24 * 60 - 1);
        let (mut forward, mut last) = (Vec::new(), Timestamp(from.as_millisecond() - 1));
        while let Some(next) = cron.next(last, &zone).filter(|next| next.0 <= end.as_millisecond()) {
            forward.push(next);
            last = next;
        }
        prop_assert_eq!(&forward, &expected, "{} in {} from {}", text, zone_name, change);
        let (mut backward, mut last) = (Vec::new(), Timestamp(end.as_millisecond()));
        while let Some(previous) = cron.previous(last, &zone).filter(|previous| previous.0 >= from.as_millisecond()) {
            backward.insert(0, previous);
            last = Timestamp(previous.0 - 1);
        }
        prop_assert_eq!(&backward, &expected, "{} in {} back to {}", text, zone_name, change);
    }

    #[test]
    fn in_utc_the_times_are_those_that_croner_finds(text in expression(), from in 1_700_000_000i64..2_000_000_000) {
        // They differ in what `*/2` beside a day of the other kind means; there Vixie cron is followed.
        let words: Vec<&str> = text.split(' ').collect();
        prop_assume!(!words[2].starts_with("*/") && !words[4].starts_with("*/"));
        let (ours, theirs) = (cron(&text), text.parse::<Croner>().expect("croner takes it, too"));
        let start = Instant::from_second(from).expect("it is in range").to_zoned(TimeZone::UTC);
        let next = theirs.find_next_occurrence(&start, false).ok().map(|time| time.timestamp().as_millisecond());
        prop_assert_eq!(ours.next(Timestamp(from * 1000), &TimeZone::UTC).map(|time| time.0), next, "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-*/0-9,#L@A-Z ]{0,24}", from in any::<i64>()) {
        if let Ok(cron) = text.parse::<Cron>() {
            let zone = berlin();
            let _ = (cron.next(Timestamp(from), &zone), cron.previous(Timestamp(from), &zone));
        }
    }
}
