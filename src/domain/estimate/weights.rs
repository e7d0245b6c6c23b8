//! How much of an execution each step is.

/// Weights are told in thousandths; no step is less than one.
const LEAST: f64 = 0.001;

/// The weights of all steps, from what the file says of each, and the median of how long each takes, in milliseconds.
///
/// What the file says counts. Of the others each is what it takes, in units of what they take on average; so a step
/// without a past is 1, and one to which the file gives 3 is three usual steps.
pub fn weights(steps: &[(Option<f64>, Option<f64>)]) -> Vec<f64> {
    let learned = steps.iter().filter(|(given, _)| given.is_none()).filter_map(|(_, median)| *median);
    let (sum, count) = learned.fold((0.0, 0_u32), |(sum, count), median| (sum + median, count + 1));
    let mean = sum / f64::from(count.max(1));
    let learned = |median: f64| ((median / mean / LEAST).round() * LEAST).max(LEAST);
    let weight = |(given, median): &(Option<f64>, Option<f64>)| match (given, median) {
        (Some(given), _) => *given,
        (None, Some(median)) if mean > 0.0 => learned(*median),
        (None, _) => 1.0,
    };
    steps.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_past_all_steps_weigh_the_same() {
        assert_eq!(weights(&[(None, None), (None, None)]), [1.0, 1.0]);
    }

    #[test]
    fn a_step_weighs_what_it_takes_and_one_without_a_past_what_they_take_on_average() {
        assert_eq!(weights(&[(None, Some(1000.0)), (None, Some(9000.0)), (None, None)]), [0.2, 1.8, 1.0]);
    }

    #[test]
    fn what_the_file_says_counts() {
        let steps = [(Some(3.0), Some(50_000.0)), (None, Some(1000.0)), (None, Some(3000.0))];
        assert_eq!(weights(&steps), [3.0, 0.5, 1.5]);
    }

    #[test]
    fn a_step_that_takes_no_time_still_weighs_something() {
        assert_eq!(weights(&[(None, Some(0.0)), (None, Some(10_000_000.0))])[0], LEAST);
        assert_eq!(weights(&[(None, Some(0.0)), (None, Some(0.0))]), [1.0, 1.0]);
    }
}
