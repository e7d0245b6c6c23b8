//! A bound on how many processes a step has, so that one that multiplies without end (a fork bomb) takes no machine
//! with it.
//!
//! The kernel's own bounds do not fit: `RLIMIT_NPROC` counts all processes of a user and none of root's, and a cgroup is
//! not given to everybody. So the supervisor counts: when the machine has got many more processes, of which one short
//! file tells, and once in a while in any case. It counts its own alone, by the kernel's lists of children: a thousand
//! supervisors that each read all of `/proc` every five seconds take two processors for themselves.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getpgrp, getpriority_process, kill_process_group, setpriority_process};

use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use super::processes::Process;

/// Between two looks at how many processes the machine has.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// Longest time between two counts.
const COUNT: Duration = Duration::from_secs(5);
/// So many processes of a group or more are ended by one signal to the group.
const GROUP_MIN: usize = 16;
/// When to count.
pub(super) struct Lookout {
    next_look: Instant,
    next_count: Instant,
    /// From how many processes of the whole machine on to count at once.
    alarm: usize,
}

impl Lookout {
    /// One that counts at its first look.
    pub(super) fn new(now: Instant) -> Self {
        Self { next_look: now, next_count: now, alarm: 0 }
    }

    /// Whether to count now.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        if now < self.next_look {
            return false;
        }
        self.next_look = now + LOOK;
        now >= self.next_count || machine().is_none_or(|machine| machine >= self.alarm)
    }

    /// Takes in that so many were counted, where no more than `most` may be.
    pub(super) fn counted(&mut self, count: usize, most: usize, now: Instant) {
        self.next_count = now + COUNT;
        // Half of what is left, as others may have ended meanwhile.
        self.alarm = machine().unwrap_or(0) + most.saturating_sub(count).max(2) / 2;
    }
}

/// How many processes and threads the machine has, by proc_loadavg(5).
fn machine() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_ascii_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

/// KILL for all of `members`. If they are many they may multiply faster than they can be hit one by one: then what lies
/// in a group goes at once. `all` is where strangers in these groups are looked for.
pub(super) fn kill(members: &[Process], all: &[Process]) {
    if members.len() < GROUP_MIN {
        return members.iter().for_each(|member| member.signal(Signal::KILL));
    }
    for group in groups(members, all) {
        kill_group(group, members);
    }
    for member in members {
        member.signal(Signal::KILL);
    }
}

/// Has this process come before all others, as one of few that are so: where thousands want to run, it would else have
/// no turn for seconds, and find a crowd too late. Returns what it was before; without the right to it, which is root's
/// and needs `CAP_SYS_NICE` in a container, nothing changes.
pub(super) fn go_first() -> Option<Usual> {
    let nice = getpriority_process(None).ok()?;
    be_first().ok().map(|()| Usual { nice })
}

/// What a process was before [`go_first`].
#[derive(Clone, Copy)]
pub(super) struct Usual {
    nice: i32,
}

/// Does something as what this process was before [`go_first`]: what it starts is to be as others are.
pub(super) fn as_usual<T>(usual: Option<Usual>, what: impl FnOnce() -> T) -> T {
    let Some(Usual { nice }) = usual else { return what() };
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    // What was allowed one way is allowed the other way.
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
    let _ = setpriority_process(None, nice);
    let done = what();
    let _ = be_first();
    done
}

fn be_first() -> Result<(), thread_priority::Error> {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy)
}

/// The larger groups that consist of members only.
fn groups(members: &[Process], all: &[Process]) -> Vec<Pid> {
    let known: HashSet<Pid> = members.iter().map(|member| member.pid).collect();
    let mut sizes: HashMap<i32, usize> = HashMap::new();
    members.iter().for_each(|member| *sizes.entry(member.group).or_default() += 1);
    for stranger in all.iter().filter(|process| !known.contains(&process.pid)) {
        sizes.remove(&stranger.group);
    }
    let own = getpgrp();
    let large = sizes.into_iter().filter(|(_, size)| *size >= GROUP_MIN);
    large.filter_map(|(group, _)| Pid::from_raw(group)).filter(|group| *group != own).collect()
}

/// KILL for all of a group, whoever is born meanwhile included. One of it is stopped first: as long as it is there, the
/// group's number can be no other's.
fn kill_group(group: Pid, members: &[Process]) {
    let held = members.iter().filter(|member| member.group == group.as_raw_nonzero().get()).find(|member| {
        member.signal(Signal::STOP);
        Process::read(member.pid)
            .is_some_and(|now| now.started == member.started && now.group == member.group && !now.ended)
    });
    if held.is_some() {
        // That it is gone already is as good.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, group: i32) -> Process {
        let pid = Pid::from_raw(pid).expect("it is none of 0");
        Process { pid, parent: 1, group, session: group, started: 1, ended: false }
    }

    #[test]
    fn it_is_counted_when_the_machine_has_got_many_more_and_else_rarely() {
        let now = Instant::now();
        let mut lookout = Lookout::new(now);
        assert!(lookout.is_due(now), "the first look counts");
        lookout.counted(3, 1_000_000, now);
        assert!(!lookout.is_due(now + LOOK), "nothing has changed");
        assert!(lookout.is_due(now + COUNT + LOOK));
        let later = now + COUNT + LOOK;
        lookout.counted(3, 4, later);
        lookout.alarm = 1;
        assert!(!lookout.is_due(later), "it has just been looked");
        assert!(lookout.is_due(later + LOOK), "the machine has more than one process");
    }

    #[test]
    fn a_group_that_others_share_is_not_hit_as_a_whole() {
        let own: Vec<Process> = (0..40).map(|n| process(1000 + n, if n < 20 { 7 } else { 8 })).collect();
        let mut all = own.clone();
        all.push(process(2000, 8));
        assert_eq!(groups(&own, &all), [Pid::from_raw(7).expect("it works")]);
    }
}
