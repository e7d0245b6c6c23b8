use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// An execution that began at ten o'clock, with these fields.
fn execution(fields: Value) -> Execution {
    let mut whole = json!({ "id": "01934f0e-7b1c-7000-8000-000000000001", "workflow": "w", "owner": "alice", "trigger": "api",
        "status": "running", "params": {}, "percent": 0.0, "eta_ms": null, "queued_at": "2026-11-22T09:59:00.000Z",
        "started_at": "2026-11-22T10:00:00.000Z", "finished_at": null, "duration_ms": null, "result": null, "error": null,
        "cancelled_by": null, "rerun_of": null, "steps": [], "seq": 2 });
    whole.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    serde_json::from_value(whole).expect("an execution")
}

fn axis(from: &str, to: &str) -> Axis {
    Axis::new(at(from), at(to))
}

fn labels(axis: Axis, zone_ms: Option<i64>) -> Vec<String> {
    axis.ticks(9, zone_ms).into_iter().map(|tick| tick.label).collect()
}

#[test]
fn a_run_of_200_ms_is_marked_in_tens_of_milliseconds() {
    let short = axis("2026-11-22T10:00:00.123Z", "2026-11-22T10:00:00.323Z");
    assert_eq!(labels(short, Some(0)), ["0", "50 ms", "100 ms", "150 ms", ""].map(str::to_owned));
}

#[test]
fn a_run_of_seconds_counts_from_its_beginning_and_one_of_minutes_has_the_clocks_times() {
    let seconds = axis("2026-11-22T10:00:07.000Z", "2026-11-22T10:00:47.000Z");
    assert_eq!(labels(seconds, Some(0))[..3], ["0", "5 s", "10 s"].map(str::to_owned));
    let minutes = axis("2026-11-22T10:24:10.000Z", "2026-11-22T10:42:40.000Z");
    assert_eq!(labels(minutes, Some(0))[..3], ["10:26", "10:28", "10:30"].map(str::to_owned));
    assert_eq!(labels(minutes, None)[..3], ["0", "2 m", "4 m"].map(str::to_owned), "nobody knows the zone yet");
    let quarter = i64::from(5 * 60 + 45) * 60_000;
    assert_eq!(labels(minutes, Some(quarter))[0], "16:10");
}

#[test]
fn where_a_day_begins_its_date_is_written() {
    let night = axis("2026-11-30T22:30:00.000Z", "2026-12-01T03:10:00.000Z");
    assert!(labels(night, Some(0)).contains(&"1 Dec".to_owned()), "{:?}", labels(night, Some(0)));
    let weeks = axis("2026-11-22T10:00:00.000Z", "2026-12-20T10:00:00.000Z");
    assert_eq!(labels(weeks, Some(0))[..2], ["23 Nov", "27 Nov"].map(str::to_owned));
}

#[test]
fn what_is_over_fills_its_axis() {
    let done = execution(json!({ "status": "succeeded", "finished_at": "2026-11-22T10:10:00.000Z" }));
    let whole = axis("2026-11-22T10:00:00.000Z", "2026-11-22T10:10:00.000Z");
    assert_eq!(Axis::of(&done, None, whole.to), whole);
    assert_eq!(Axis::of(&done, None, at("2026-11-22T12:00:00.000Z")), whole, "whatever the time is");
    let longer = Axis::of(&done, Some(660_000), whole.to);
    assert_eq!(longer.to, at("2026-11-22T10:11:00.000Z"), "it was faster than usual");
    let much_longer = Axis::of(&done, Some(6_600_000), whole.to);
    assert_eq!(much_longer.to, at("2026-11-22T10:13:00.000Z"), "it shall still be seen");
}

#[test]
fn what_runs_has_room_for_its_expected_end_and_its_axis_stands_still_for_a_while() {
    let running = execution(json!({ "eta_ms": 60_000, "eta_range_ms": [30_000, 120_000] }));
    let now = at("2026-11-22T10:08:00.000Z");
    let axis = Axis::of(&running, None, now);
    assert!(axis.to > at("2026-11-22T10:10:00.000Z"), "{axis:?}");
    let unknown = execution(json!({}));
    let axes: Vec<Axis> = (0..60_i64).map(|s| Axis::of(&unknown, None, Timestamp(now.0 + s * 1_000))).collect();
    let moves = axes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(moves <= 2, "it moved {moves} times in a minute");
    assert!(axes.iter().all(|axis| axis.to > now));
}

#[test]
fn what_waits_has_an_axis_as_long_as_it_usually_takes() {
    let queued = execution(json!({ "status": "queued", "started_at": null }));
    let axis = Axis::of(&queued, Some(100_000), at("2026-11-22T11:00:00.000Z"));
    assert_eq!((axis.from, axis.span_ms()), (queued.queued_at, 110_000));
}

fn any_axis() -> impl Strategy<Value = Axis> {
    let ms = (0.0..12.0_f64).prop_map(|magnitude| 10_f64.powf(magnitude) as i64);
    (0..4_000_000_000_000_i64, ms).prop_map(|(from, ms)| Axis::new(Timestamp(from), Timestamp(from + ms)))
}

proptest! {
    #[test]
    fn places_and_moments_are_each_others_inverse(axis in any_axis(), part in 0.0..=1.0_f64) {
        let moment = axis.moment(part);
        prop_assert!(axis.from <= moment && moment <= axis.to);
        prop_assert_eq!(axis.moment(axis.at(moment)), moment);
        prop_assert!((axis.at(moment) - part).abs() <= 1.0 / axis.span_ms() as f64);
    }

    #[test]
    fn marks_are_few_in_order_and_each_at_its_own_place(axis in any_axis(), zone in -14..14_i64, clock: bool, most in 2..12_u32) {
        let ticks = axis.ticks(most, clock.then_some(zone * 3_600_000));
        prop_assert!(ticks.len() <= most as usize + 1, "{}", ticks.len());
        prop_assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)));
        prop_assert!(ticks.windows(2).all(|two| two[0].at < two[1].at));
        let mut labels: Vec<&str> = ticks.iter().map(|tick| tick.label.as_str()).filter(|label| !label.is_empty()).collect();
        let all = labels.len();
        labels.dedup();
        prop_assert_eq!(labels.len(), all, "two marks say the same");
    }
}
