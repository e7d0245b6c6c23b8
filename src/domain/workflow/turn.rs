//! What starting a workflow now would mean, as far as that can be known: whether it would have to wait for others of the
//! same workflow, and how long.

use super::{Concurrency, WhenFull};

/// What would become of one more execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It begins, as far as this workflow goes.
    AtOnce,
    /// It waits so long, in milliseconds; none if nobody knows.
    Waits(Option<u64>),
    /// It is cancelled, since as many run as may.
    Refused,
    /// The oldest one that runs is cancelled for it.
    Replaces,
}

/// The turn of one more, given what each one at work still needs (in milliseconds, if it is known), how many wait, and
/// how long one usually takes.
pub fn turn(bound: Option<Concurrency>, at_work: &[Option<u64>], waiting: usize, usual_ms: Option<u64>) -> Turn {
    let Some(Concurrency { limit, when_full }) = bound else { return Turn::AtOnce };
    let limit = limit as usize;
    if at_work.len() < limit {
        // Those that wait do so for another reason: for how long is not to be known here.
        return if waiting == 0 { Turn::AtOnce } else { Turn::Waits(None) };
    }
    match when_full {
        WhenFull::Queue => Turn::Waits(wait(limit, at_work, waiting, usual_ms)),
        WhenFull::Skip => Turn::Refused,
        WhenFull::CancelRunning => Turn::Replaces,
    }
}

/// Each one that waits takes the place that is free first.
fn wait(limit: usize, at_work: &[Option<u64>], waiting: usize, usual_ms: Option<u64>) -> Option<u64> {
    let mut ends: Vec<u64> = at_work.iter().copied().collect::<Option<_>>()?;
    ends.sort_unstable();
    // More may run than may now, if the file was changed: a place is free once fewer do.
    ends.drain(..ends.len().saturating_sub(limit));
    for _ in 0..waiting {
        let begins = ends.first().copied()?;
        ends.remove(0);
        let end = begins.saturating_add(usual_ms?);
        ends.insert(ends.partition_point(|other| *other <= end), end);
    }
    ends.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(limit: u32) -> Option<Concurrency> {
        Some(Concurrency { limit, when_full: WhenFull::Queue })
    }

    #[test]
    fn while_there_is_room_it_begins_at_once() {
        assert_eq!(turn(None, &[Some(5); 40], 0, None), Turn::AtOnce);
        assert_eq!(turn(queue(2), &[Some(5)], 0, None), Turn::AtOnce);
        assert_eq!(turn(queue(2), &[Some(5)], 1, None), Turn::Waits(None), "something else holds those up");
    }

    #[test]
    fn it_waits_for_the_first_that_ends_and_for_those_before_it() {
        assert_eq!(turn(queue(1), &[Some(180)], 0, None), Turn::Waits(Some(180)));
        assert_eq!(turn(queue(2), &[Some(180), Some(70)], 0, None), Turn::Waits(Some(70)));
        assert_eq!(turn(queue(1), &[Some(180)], 2, Some(100)), Turn::Waits(Some(380)));
        assert_eq!(turn(queue(2), &[Some(180), Some(70)], 1, Some(100)), Turn::Waits(Some(170)));
        assert_eq!(turn(queue(2), &[Some(180), Some(70), Some(10)], 0, None), Turn::Waits(Some(70)));
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        assert_eq!(turn(queue(1), &[None], 0, Some(9)), Turn::Waits(None));
        assert_eq!(turn(queue(1), &[Some(9)], 1, None), Turn::Waits(None));
    }

    #[test]
    fn a_file_may_say_that_it_does_not_wait() {
        let bound = |when_full| Some(Concurrency { limit: 1, when_full });
        assert_eq!(turn(bound(WhenFull::Skip), &[Some(1)], 0, None), Turn::Refused);
        assert_eq!(turn(bound(WhenFull::CancelRunning), &[Some(1)], 0, None), Turn::Replaces);
        assert_eq!(turn(bound(WhenFull::Skip), &[], 0, None), Turn::AtOnce);
    }
}
