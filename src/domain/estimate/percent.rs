//! How far a step is that does not say it.

use crate::domain::execution::PERCENT_BEFORE_END;

/// Up to here the percent is the elapsed part of the median; from here on it comes closer to the end and never there.
const STRAIGHT: f64 = 70.0;

/// The estimated percent of a step, `elapsed` milliseconds after it began, that takes `median` milliseconds usually:
/// 0.0..=99.9. It rises all the time, and is 85 at the median: half of the runs are not done there.
///
/// A straight line, `100 x`, and from 70 on the hyperbola `70 + 29.9 t / (1 + t)`, where `t = (100 x - 70) / 29.9`, that
/// goes on from it without a bend. It comes near its end slowly, so that a step that is late still moves.
pub fn percent(elapsed: f64, median: f64) -> f64 {
    if elapsed.is_nan() || elapsed <= 0.0 || median.is_nan() {
        return 0.0;
    }
    // What usually takes no time is a millisecond's work.
    let straight = 100.0 * elapsed / median.max(1.0);
    if straight <= STRAIGHT {
        return straight;
    }
    let room = PERCENT_BEFORE_END - STRAIGHT;
    let over = straight - STRAIGHT;
    // `room * t / (1 + t)` for `t = over / room`, in a form that holds for any `over`.
    (STRAIGHT + room / (1.0 + room / over)).min(PERCENT_BEFORE_END)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_part_of_the_median_at_first_and_85_at_the_median() {
        assert_eq!(percent(0.0, 1000.0), 0.0);
        assert_eq!(percent(350.0, 1000.0), 35.0);
        let at_median = percent(1000.0, 1000.0);
        assert!((84.5..=85.5).contains(&at_median), "{at_median}");
    }

    #[test]
    fn a_step_that_is_late_still_moves_and_is_never_done() {
        let late: Vec<f64> = [1.5, 2.0, 5.0, 10.0, 100.0].map(|times| percent(times * 1000.0, 1000.0)).to_vec();
        assert!(late.is_sorted_by(|a, b| a < b), "{late:?}");
        assert!(late[0] < 92.0 && late[4] < PERCENT_BEFORE_END, "{late:?}");
        assert_eq!(percent(f64::INFINITY, 1.0), PERCENT_BEFORE_END);
    }

    #[test]
    fn it_has_no_bend_where_the_line_ends() {
        let slope = |at: f64| (percent(at + 0.5, 1000.0) - percent(at - 0.5, 1000.0)) * 1000.0;
        assert!((slope(699.0) - slope(701.0)).abs() < 1.0);
    }

    #[test]
    fn what_took_no_time_gives_a_number_as_well() {
        assert!((0.0..=PERCENT_BEFORE_END).contains(&percent(5.0, 0.0)));
    }
}
