//! The usual run of a workflow: where each step lies in it, by the median of what its last good runs took. An execution is
//! drawn over it, so that what is late is seen at once.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{estimate::Past, id::StepId, links::Links};

/// Where a step lies in the usual run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsualStep {
    /// Which.
    pub id: StepId,
    /// How long after the beginning of the execution it begins, in milliseconds.
    pub from_ms: u64,
    /// How long it takes, in milliseconds.
    pub duration_ms: u64,
}

/// The usual run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsualRun {
    /// The steps of which a past is known, in the order of the file; at least one.
    pub steps: Vec<UsualStep>,
    /// From its beginning to its end, in milliseconds.
    pub duration_ms: u64,
    /// How many good runs it is the median of, at most [`super::estimate::PAST_MAX`]: the most that one of its steps has.
    pub runs: usize,
}

/// A part of the usual run, in milliseconds from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When it begins.
    pub from_ms: u64,
    /// How long it takes.
    pub duration_ms: u64,
}

impl UsualRun {
    /// The usual run of steps, from the id and the needs of each, and from what each took before. A step without a past takes no
    /// time. None if no step has a past.
    pub fn of<'a>(
        steps: impl Iterator<Item = (&'a StepId, &'a [StepId])> + Clone,
        pasts: &HashMap<StepId, Past>,
    ) -> Option<Self> {
        let links = Links::new(steps.clone());
        let medians: Vec<Option<u64>> =
            steps.clone().map(|(id, _)| Some(pasts.get(id)?.usual()?.median_ms())).collect();
        let slots = slots(&links, &medians);
        let duration_ms = slots.iter().map(|slot| slot.from_ms.saturating_add(slot.duration_ms)).max()?;
        let known = steps.clone().zip(slots).zip(&medians).filter(|(_, median)| median.is_some());
        let steps: Vec<UsualStep> = known
            .map(|(((id, _), slot), _)| UsualStep {
                id: id.clone(),
                from_ms: slot.from_ms,
                duration_ms: slot.duration_ms,
            })
            .collect();
        let runs = steps.iter().filter_map(|step| pasts.get(&step.id)).map(|past| past.durations.len()).max()?;
        Some(Self { steps, duration_ms, runs })
    }

    /// For each of these steps where it usually lies.
    pub fn slots<'a>(&self, ids: impl Iterator<Item = &'a StepId>) -> Vec<Option<Slot>> {
        let known: HashMap<&StepId, Slot> = self
            .steps
            .iter()
            .map(|step| (&step.id, Slot { from_ms: step.from_ms, duration_ms: step.duration_ms }))
            .collect();
        ids.map(|id| known.get(id).copied()).collect()
    }
}

/// Each step begins when the last of what it needs has ended: the longest way to it.
fn slots(links: &Links, durations: &[Option<u64>]) -> Vec<Slot> {
    let mut slots = vec![Slot { from_ms: 0, duration_ms: 0 }; links.len()];
    for place in &links.order {
        let ends = links.needs[*place].iter().map(|need| slots[*need].from_ms.saturating_add(slots[*need].duration_ms));
        let from_ms = ends.max().unwrap_or(0);
        slots[*place] = Slot { from_ms, duration_ms: durations[*place].unwrap_or(0) };
    }
    slots
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn id(text: &str) -> StepId {
        text.parse().expect("a step id")
    }

    fn past(durations: &[u64]) -> Past {
        Past { durations: durations.to_vec(), silences: Vec::new() }
    }

    /// Steps by name, what each needs, and what it took.
    fn run(steps: &[(&str, &[&str], &[u64])]) -> Option<UsualRun> {
        let ids: Vec<(StepId, Vec<StepId>)> =
            steps.iter().map(|(name, needs, _)| (id(name), needs.iter().map(|need| id(need)).collect())).collect();
        let known = steps.iter().filter(|(.., took)| !took.is_empty());
        let pasts = known.map(|(name, _, took)| (id(name), past(took))).collect();
        UsualRun::of(ids.iter().map(|(id, needs)| (id, needs.as_slice())), &pasts)
    }

    fn drawn(run: &UsualRun) -> Vec<(&str, u64, u64)> {
        run.steps.iter().map(|step| (step.id.as_str(), step.from_ms, step.duration_ms)).collect()
    }

    #[test]
    fn a_step_begins_when_the_longest_way_to_it_has_ended() {
        let steps: [(&str, &[&str], &[u64]); 4] = [
            ("get", &[], &[100]),
            ("long", &["get"], &[900; 3]),
            ("short", &["get"], &[50]),
            ("end", &["short", "long"], &[10]),
        ];
        let run = run(&steps).expect("it has a past");
        assert_eq!(drawn(&run), [("get", 0, 100), ("long", 100, 900), ("short", 100, 50), ("end", 1000, 10)]);
        assert_eq!((run.duration_ms, run.runs), (1010, 3));
    }

    #[test]
    fn it_is_the_median_that_counts() {
        let run = run(&[("a", &[], &[100, 100, 90, 110, 9000])]).expect("it has a past");
        assert_eq!(run.duration_ms, 100);
    }

    #[test]
    fn a_new_step_has_no_place_and_takes_no_time_and_without_any_past_there_is_no_usual_run() {
        let run = run(&[("a", &[], &[100]), ("new", &["a"], &[]), ("b", &["new"], &[20])]).expect("it has a past");
        assert_eq!(drawn(&run), [("a", 0, 100), ("b", 100, 20)]);
        assert_eq!(run.slots([id("b"), id("new")].iter()), [Some(Slot { from_ms: 100, duration_ms: 20 }), None]);
        assert_eq!(self::run(&[("a", &[], &[])]), None);
        assert_eq!(self::run(&[]), None);
    }

    proptest! {
        #[test]
        fn no_step_begins_before_what_it_needs_has_ended(
            took in vec(0..100_000_u64, 1..40),
            wants in vec(vec(any::<prop::sample::Index>(), 0..4), 40),
        ) {
            let needs: Vec<Vec<usize>> = (0..took.len())
                .map(|place| if place == 0 { Vec::new() } else { wants[place].iter().map(|want| want.index(place)).collect() })
                .collect();
            let links = Links::among(needs);
            let slots = slots(&links, &took.iter().copied().map(Some).collect::<Vec<_>>());
            for (place, slot) in slots.iter().enumerate() {
                let ends: Vec<u64> = links.needs[place].iter().map(|need| slots[*need].from_ms + slots[*need].duration_ms).collect();
                prop_assert_eq!(slot.from_ms, ends.into_iter().max().unwrap_or(0), "and it does not wait for longer");
                prop_assert_eq!(slot.duration_ms, took[place]);
            }
        }

        #[test]
        fn steps_one_after_the_other_fill_the_usual_run(took in vec(0..100_000_u64, 1..40)) {
            let links = Links::among((0..took.len()).map(|place| place.checked_sub(1).into_iter().collect()).collect());
            let slots = slots(&links, &took.iter().copied().map(Some).collect::<Vec<_>>());
            let last = slots.last().expect("there is one");
            prop_assert_eq!(last.from_ms + last.duration_ms, took.iter().sum::<u64>());
        }
    }
}
