//! What a whole execution still needs: the longest way through the steps that are not done.

use super::Span;

/// What a step whose time is unknown may need at most, in the mean of the known ones.
const UNKNOWN_HIGH: f64 = 3.0;

/// So many steps must be known for each that is not.
const KNOWN_FOR_EACH: usize = 2;

/// A step of an execution, as far as the rest of its time goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Ahead {
    /// The places of the steps it waits for, in the list of all.
    pub needs: Vec<usize>,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a step stands, as far as time goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standing {
    /// It needs no more time: it has ended, or it will be passed over.
    Over,
    /// It needs so long from now, or from when it may begin.
    Needs(Span),
    /// It needs nobody knows how long.
    Unknown,
}

/// What has been found out about the end of a step: along the longest way the best guess, and along those ways that end
/// earliest and latest the guess with the sum of the squares of how far off it may be. Steps are late or early by
/// themselves, so what they are off by adds up as squares do.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    likely: f64,
    low: (f64, f64),
    high: (f64, f64),
}

/// What the execution needs until its last step ends. None if of what is ahead more than a third is unknown; a few such
/// steps count as the known ones do on average, with a wide band.
///
/// Steps side by side take as long as the longest of them.
pub fn execution(steps: &[Ahead]) -> Option<Span> {
    let known: Vec<Span> = steps.iter().filter_map(|step| step.standing.span()).collect();
    let unknown = steps.iter().filter(|step| step.standing == Standing::Unknown).count();
    if unknown * KNOWN_FOR_EACH > known.len() {
        return None;
    }
    let mean = known.iter().map(|span| span.likely).sum::<f64>() / (known.len().max(1)) as f64;
    let guess = Span { low: 0.0, likely: mean, high: mean * UNKNOWN_HIGH };
    let ends = ends(steps, guess);
    let latest = ends.iter().copied().fold(End::default(), End::later);
    Some(Span { low: latest.low_value(), likely: latest.likely, high: latest.high_value() })
}

/// The end of each step, in an order in which all that it needs comes before it. What is in a circle, or needs what is
/// not there, counts as over.
fn ends(steps: &[Ahead], guess: Span) -> Vec<End> {
    let mut waits: Vec<usize> =
        steps.iter().map(|step| step.needs.iter().filter(|need| **need < steps.len()).count()).collect();
    let mut followers = vec![Vec::new(); steps.len()];
    for (place, step) in steps.iter().enumerate() {
        for need in step.needs.iter().filter(|need| **need < steps.len()) {
            followers[*need].push(place);
        }
    }
    let mut ready: Vec<usize> = (0..steps.len()).filter(|place| waits[*place] == 0).collect();
    let mut ends = vec![End::default(); steps.len()];
    while let Some(place) = ready.pop() {
        // Until now it is the latest of what it needs.
        ends[place] = match steps[place].standing {
            Standing::Over => ends[place],
            Standing::Needs(span) => ends[place].then(span),
            Standing::Unknown => ends[place].then(guess),
        };
        let end = ends[place];
        for follower in &followers[place] {
            ends[*follower] = ends[*follower].later(end);
            waits[*follower] -= 1;
            if waits[*follower] == 0 {
                ready.push(*follower);
            }
        }
    }
    ends
}

impl Standing {
    fn span(self) -> Option<Span> {
        match self {
            Standing::Needs(span) => Some(span),
            Standing::Over | Standing::Unknown => None,
        }
    }
}

impl End {
    fn low_value(&self) -> f64 {
        (self.low.0 - self.low.1.sqrt()).max(0.0)
    }

    fn high_value(&self) -> f64 {
        self.high.0 + self.high.1.sqrt()
    }

    /// When both have ended.
    fn later(self, other: End) -> End {
        End {
            likely: self.likely.max(other.likely),
            low: if self.low_value() >= other.low_value() { self.low } else { other.low },
            high: if self.high_value() >= other.high_value() { self.high } else { other.high },
        }
    }

    /// When something more has been done after it.
    fn then(self, span: Span) -> End {
        let (early, late) = (span.likely - span.low, span.high - span.likely);
        End {
            likely: self.likely + span.likely,
            low: (self.low.0 + span.likely, self.low.1 + early * early),
            high: (self.high.0 + span.likely, self.high.1 + late * late),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(seconds: f64) -> Standing {
        Standing::Needs(Span { low: seconds * 0.8, likely: seconds, high: seconds * 1.5 })
    }

    fn step(needs: &[usize], standing: Standing) -> Ahead {
        Ahead { needs: needs.to_vec(), standing }
    }

    fn likely(steps: &[Ahead]) -> f64 {
        execution(steps).expect("it is known").likely
    }

    #[test]
    fn steps_one_after_the_other_add_up_and_side_by_side_the_longest_counts() {
        assert_eq!(likely(&[step(&[], takes(2.0)), step(&[0], takes(3.0))]), 5.0);
        let fork = [step(&[], takes(2.0)), step(&[0], takes(9.0)), step(&[0], takes(3.0)), step(&[1, 2], takes(1.0))];
        assert_eq!(likely(&fork), 12.0);
    }

    #[test]
    fn what_is_over_needs_nothing_and_the_order_of_the_file_does_not_matter() {
        let steps = [step(&[2], takes(4.0)), step(&[], Standing::Over), step(&[1], takes(1.0))];
        assert_eq!(likely(&steps), 5.0);
        assert_eq!(likely(&[step(&[], Standing::Over)]), 0.0);
    }

    #[test]
    fn what_four_steps_are_off_by_is_twice_what_one_is() {
        let chain: Vec<Ahead> =
            (0..4_usize).map(|n| step(&n.checked_sub(1).into_iter().collect::<Vec<_>>(), takes(10.0))).collect();
        let span = execution(&chain).expect("it is known");
        assert_eq!(span, Span { low: 36.0, likely: 40.0, high: 50.0 });
    }

    #[test]
    fn a_short_branch_that_may_be_very_late_is_in_the_band() {
        let wild = Standing::Needs(Span { low: 1.0, likely: 2.0, high: 90.0 });
        let span = execution(&[step(&[], wild), step(&[], takes(10.0))]).expect("it is known");
        assert_eq!((span.likely, span.high), (10.0, 90.0));
    }

    #[test]
    fn a_new_step_among_known_ones_counts_as_they_do_and_too_many_make_all_unknown() {
        let unknown = |needs: &[usize]| step(needs, Standing::Unknown);
        assert_eq!(likely(&[step(&[], takes(4.0)), step(&[0], takes(2.0)), unknown(&[1])]), 9.0);
        assert_eq!(execution(&[step(&[], takes(4.0)), unknown(&[0]), unknown(&[1])]), None);
        assert_eq!(execution(&[step(&[], takes(4.0)), unknown(&[0])]), None);
        assert_eq!(execution(&[unknown(&[])]), None);
    }

    #[test]
    fn a_circle_or_a_need_that_is_not_there_ends_nothing() {
        assert!(execution(&[step(&[1], takes(1.0)), step(&[0], takes(1.0)), step(&[7], takes(1.0))]).is_some());
    }
}
