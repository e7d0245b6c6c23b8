//! Who comes next: fair between users, within the bounds of the server and of each workflow.
//!
//! Whoever has the fewest executions at work comes first; among those who have equally many, who has waited longest for
//! a turn; of one user's executions, the oldest. So a thousand executions of one user delay another's one by no more
//! than those that run.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::recorder::Recorder;
use crate::domain::{
    event::WaitReason,
    id::{ExecutionId, Name, Seq},
    workflow::Workflow,
};

/// The places in line that are told one by one; beyond, a place is told when it has halved.
const PLACES_TOLD: u64 = 10;
/// Most users whose last turn is remembered.
const TURNS_MAX: usize = 10_000;

/// An execution that waits.
pub(super) struct Waiting {
    pub id: ExecutionId,
    pub owner: Name,
    /// Its first fact.
    pub seq: Seq,
    pub plan: Arc<Workflow>,
    pub recorder: Arc<Recorder>,
    /// What its owner was told last.
    pub told: Option<(WaitReason, u64)>,
}

/// What runs, counted.
#[derive(Default)]
pub(super) struct AtWork {
    owners: HashMap<Name, u64>,
    workflows: HashMap<Name, u64>,
}

impl AtWork {
    pub(super) fn add(&mut self, owner: &Name, workflow: &Name) {
        *self.owners.entry(owner.clone()).or_default() += 1;
        *self.workflows.entry(workflow.clone()).or_default() += 1;
    }

    fn of_owner(&self, owner: &Name) -> u64 {
        self.owners.get(owner).copied().unwrap_or_default()
    }

    /// Whether one more of this workflow may run.
    fn has_room_for(&self, plan: &Workflow) -> bool {
        let running = self.workflows.get(&plan.name).copied().unwrap_or_default();
        plan.concurrency.is_none_or(|concurrency| running < u64::from(concurrency.limit))
    }
}

/// Something to tell an execution that waits.
pub(super) struct News {
    pub recorder: Arc<Recorder>,
    pub reason: WaitReason,
    /// From 1.
    pub place: u64,
}

/// Those that wait, each user's in the order of their first facts. As many as the journal holds as queued: each was
/// accepted and committed.
#[derive(Default)]
pub(super) struct Queue {
    lines: HashMap<Name, VecDeque<Waiting>>,
    /// In which turn each user last began something.
    served: HashMap<Name, u64>,
    turn: u64,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.lines.values().map(VecDeque::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn add(&mut self, waiting: Waiting) {
        let line = self.lines.entry(waiting.owner.clone()).or_default();
        line.insert(line.partition_point(|other| other.seq < waiting.seq), waiting);
    }

    pub(super) fn remove(&mut self, id: ExecutionId) -> Option<Waiting> {
        let (owner, place) = self
            .lines
            .iter()
            .find_map(|(owner, line)| Some((owner.clone(), line.iter().position(|waiting| waiting.id == id)?)))?;
        self.take(&owner, place)
    }

    /// All of them, in no order.
    pub(super) fn ids(&self) -> impl Iterator<Item = ExecutionId> + '_ {
        self.lines.values().flatten().map(|waiting| waiting.id)
    }

    /// Those of a workflow, oldest first.
    pub(super) fn of_workflow(&self, workflow: &Name) -> Vec<ExecutionId> {
        let all = self.lines.values().flatten().filter(|waiting| waiting.plan.name == *workflow);
        let mut found: Vec<(Seq, ExecutionId)> = all.map(|waiting| (waiting.seq, waiting.id)).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Takes out the one whose turn it is, if any may run.
    pub(super) fn next(&mut self, at_work: &AtWork) -> Option<Waiting> {
        let firsts = self.lines.iter().filter_map(|(owner, line)| {
            let place = line.iter().position(|waiting| at_work.has_room_for(&waiting.plan))?;
            Some((at_work.of_owner(owner), self.last_turn(owner), line[place].seq, owner, place))
        });
        let (.., owner, place) = firsts.min()?;
        let owner = owner.clone();
        self.turn += 1;
        self.remember(owner.clone());
        self.take(&owner, place)
    }

    /// Whom something has to be told: who was not told yet, waits for something else now, is among the first, or whose
    /// place has halved.
    pub(super) fn news(&mut self, at_work: &AtWork) -> Vec<News> {
        let mut order: Vec<(u64, u64, Seq, Name, usize)> = Vec::new();
        for (owner, line) in &self.lines {
            let (running, turn) = (at_work.of_owner(owner), self.last_turn(owner));
            let of =
                |(place, waiting): (usize, &Waiting)| (running + place as u64, turn, waiting.seq, owner.clone(), place);
            order.extend(line.iter().enumerate().map(of));
        }
        order.sort_unstable();
        let mut news = Vec::new();
        for (place, (.., owner, in_line)) in (1..).zip(order) {
            let Some(waiting) = self.lines.get_mut(&owner).and_then(|line| line.get_mut(in_line)) else { continue };
            let full = !at_work.has_room_for(&waiting.plan);
            let reason = if full { WaitReason::Concurrency } else { WaitReason::Capacity };
            let tell = waiting.told.is_none_or(|(before, told)| {
                before != reason || (place < told && (place <= PLACES_TOLD || place <= told / 2))
            });
            if tell {
                waiting.told = Some((reason, place));
                news.push(News { recorder: Arc::clone(&waiting.recorder), reason, place });
            }
        }
        news
    }

    fn take(&mut self, owner: &Name, place: usize) -> Option<Waiting> {
        let line = self.lines.get_mut(owner)?;
        let taken = line.remove(place);
        if line.is_empty() {
            self.lines.remove(owner);
        }
        taken
    }

    fn last_turn(&self, owner: &Name) -> u64 {
        self.served.get(owner).copied().unwrap_or_default()
    }

    fn remember(&mut self, owner: Name) {
        if self.served.len() >= TURNS_MAX {
            // Whoever has had no turn for so long counts as new.
            let oldest_kept = self.turn.saturating_sub(TURNS_MAX as u64 / 2);
            self.served.retain(|_, turn| *turn > oldest_kept);
        }
        self.served.insert(owner, self.turn);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::server::{
        feed::Feed,
        journal::{
            Journal,
            tests::{Story, in_memory, name},
        },
    };

    fn plan(workflow: &str, limit: Option<u32>) -> Arc<Workflow> {
        let concurrency = limit.map(|limit| format!("concurrency: {{ limit: {limit} }}\n")).unwrap_or_default();
        let text = format!("{concurrency}steps: [{{ id: a, run: x }}]");
        Arc::new(Workflow::parse("w.yaml", workflow, &text).expect("right"))
    }

    /// Executions, each given by owner, workflow and its bound.
    async fn queue(of: &[(&str, &str, Option<u32>)]) -> Queue {
        let journal: Journal = in_memory(&Feed::default()).await;
        let mut queue = Queue::default();
        for (seq, (owner, workflow, limit)) in (1..).zip(of) {
            let story = Story::new(owner, workflow);
            let execution = story.begin(&journal).await;
            queue.add(Waiting {
                id: execution.id,
                owner: name(owner),
                seq: Seq(seq),
                plan: plan(workflow, *limit),
                recorder: Arc::new(Recorder::new(journal.clone(), execution)),
                told: None,
            });
        }
        queue
    }

    /// Who begins, one after the other, when `room` run at once and each one ends when the next can't begin.
    fn served(queue: &mut Queue, room: usize) -> Vec<(String, u64)> {
        let (mut running, mut order) = (VecDeque::<(Name, Name)>::new(), Vec::new());
        loop {
            let mut at_work = AtWork::default();
            running.iter().for_each(|(owner, workflow)| at_work.add(owner, workflow));
            if running.len() < room
                && let Some(next) = queue.next(&at_work)
            {
                order.push((next.owner.to_string(), next.seq.0));
                running.push_back((next.owner.clone(), next.plan.name.clone()));
            } else if running.pop_front().is_none() {
                return order;
            }
        }
    }

    fn owned(order: &[(&str, u64)]) -> Vec<(String, u64)> {
        order.iter().map(|(owner, seq)| ((*owner).to_owned(), *seq)).collect()
    }

    #[tokio::test]
    async fn many_of_one_user_do_not_keep_another_waiting_for_more_than_one_turn() {
        let of = [("alice", "a", None), ("alice", "a", None), ("alice", "a", None), ("bob", "a", None)];
        assert_eq!(
            served(&mut queue(&of).await, 1),
            owned(&[("alice", 1), ("bob", 4), ("alice", 2), ("alice", 3)]),
            "who has had no turn comes before who has had one"
        );
    }

    #[tokio::test]
    async fn who_comes_again_and_again_does_not_overtake_who_waits() {
        let mut waiting = queue(&[("alice", "a", None), ("alice", "a", None)]).await;
        let mut begun = Vec::new();
        for round in 10..13 {
            let mut late = queue(&[("bob", "a", None)]).await;
            let mut bobs = late.next(&AtWork::default()).expect("it is there");
            bobs.seq = Seq(round);
            waiting.add(bobs);
            begun.push(waiting.next(&AtWork::default()).expect("some wait").owner.to_string());
        }
        assert!(begun.iter().filter(|owner| *owner == "alice").count() >= 1, "{begun:?}");
    }

    #[tokio::test]
    async fn one_that_its_workflow_keeps_waiting_lets_others_pass() {
        let of = [("alice", "a", Some(1)), ("alice", "a", Some(1)), ("alice", "b", None)];
        assert_eq!(served(&mut queue(&of).await, 2), owned(&[("alice", 1), ("alice", 3), ("alice", 2)]));
    }

    #[tokio::test]
    async fn places_are_told_first_then_when_they_halve_and_one_by_one_near_the_front() {
        let of: Vec<_> = (0..40).map(|_| ("alice", "a", None)).collect();
        let mut queue = queue(&of).await;
        let places = |news: Vec<News>| news.iter().map(|news| news.place).collect::<Vec<_>>();
        assert_eq!(places(queue.news(&AtWork::default())), (1..=40).collect::<Vec<u64>>());
        let mut last = Vec::new();
        while queue.next(&AtWork::default()).is_some() {
            if let Some(place) = places(queue.news(&AtWork::default())).last() {
                last.push(*place);
            }
        }
        // The last one's own place, as it was told: 20, then 10 and each one after.
        assert!(last.starts_with(&[10]) || last.contains(&20), "{last:?}");
        assert!(last.ends_with(&[3, 2, 1]), "{last:?}");
        assert!(last.len() < 40, "not each step forward is told");
    }

    #[tokio::test]
    async fn what_it_waits_for_is_told_when_that_changes() {
        let mut queue = queue(&[("alice", "a", Some(1))]).await;
        let mut busy = AtWork::default();
        busy.add(&name("bob"), &name("a"));
        let reasons = |news: Vec<News>| news.iter().map(|news| news.reason).collect::<Vec<_>>();
        assert_eq!(reasons(queue.news(&busy)), [WaitReason::Concurrency]);
        assert!(queue.news(&busy).is_empty(), "nothing is new");
        assert_eq!(reasons(queue.news(&AtWork::default())), [WaitReason::Capacity]);
        assert!(queue.remove(ExecutionId(Uuid::nil())).is_none());
        let id = queue.of_workflow(&name("a"))[0];
        assert!(queue.remove(id).is_some() && queue.is_empty());
    }
}
