use super::{
    seats::{SHARED, STREAMS},
    *,
};
use crate::domain::access::Role;

const TERM: Term = Term { since: 900_000, tab: 1 };
const RUN: &str = "/api/executions/1/events";

fn viewer(name: &str) -> Viewer {
    Viewer { name: name.parse().expect("a name"), role: Role::User, groups: Vec::new() }
}

/// A desk with a clock that the test moves.
struct Office {
    desk: Desk,
    now: i64,
    online: bool,
}

impl Office {
    fn new() -> Self {
        Self { desk: Desk::new(viewer("ann"), TERM), now: 1_000_000, online: true }
    }

    fn at(&self) -> Timestamp {
        Timestamp(self.now)
    }

    fn want(&mut self, tab: u64, address: &str, at: u64, join: bool) {
        let want = Want { tab, at: Seq(at), seen: true, join, address: address.to_owned() };
        self.desk.hear(Up::Want(want), self.at());
    }

    fn look(&mut self) -> Vec<Act> {
        self.desk.look(self.at(), self.online, 1.0)
    }

    fn opened(&mut self) -> Vec<String> {
        let opened = |act| if let Act::Open(_, address) = act { Some(address) } else { None };
        self.look().into_iter().filter_map(opened).collect()
    }

    /// What is told about an address now.
    fn told(&mut self, address: &str) -> Vec<String> {
        let told = |act| match act {
            Act::Tell(to, text) if to == address => text.strip_prefix("900000 1 ").map(str::to_owned),
            _ => None,
        };
        self.look().into_iter().filter_map(told).collect()
    }

    fn link(&self, address: &str) -> LinkId {
        self.desk.streams.iter().find(|stream| stream.address == address).expect("it is open").id
    }

    fn hears(&mut self, address: &str, frames: &[&str]) {
        let link = self.link(address);
        for frame in frames {
            self.desk.frame(link, (*frame).to_owned(), Timestamp(self.now), 1.0);
        }
    }

    /// A stream that is live at `at`, for tab 1.
    fn live(address: &str, at: u64) -> Self {
        let mut office = Self::new();
        office.want(1, address, at, true);
        office.look();
        office.hears(address, &[&hello("ann"), &caught_up(at)]);
        office.look();
        office
    }
}

fn hello(user: &str) -> String {
    format!(r#"{{"kind":"hello","head":1,"user":"{user}"}}"#)
}

fn caught_up(head: u64) -> String {
    format!(r#"{{"kind":"caught_up","head":{head}}}"#)
}

fn fact(seq: u64) -> String {
    format!(r#"{{"seq":{seq},"kind":"step.progress"}}"#)
}

#[test]
fn one_stream_feeds_all_who_follow_its_address() {
    let mut office = Office::new();
    for tab in 1..=50 {
        office.want(tab, SHARED, 10 + tab, true);
    }
    assert_eq!(office.opened(), ["/api/events?after=11"], "from where the last of them is");
    office.hears(SHARED, &[&hello("ann"), &fact(12), &fact(30), &caught_up(31)]);
    let whole = format!("batch 11 31\n{}\n{}\n{}", fact(12), fact(30), caught_up(31));
    assert_eq!(office.told(SHARED), [whole]);
    office.hears(SHARED, &[&fact(40)]);
    assert_eq!(office.told(SHARED), [format!("batch 31 40\n{}", fact(40))]);
}

#[test]
fn a_tab_that_comes_later_is_told_what_it_missed_and_that_this_is_all() {
    let mut office = Office::live(SHARED, 10);
    office.hears(SHARED, &[&fact(12), &fact(20)]);
    office.look();
    office.want(2, SHARED, 15, true);
    office.want(3, SHARED, 30, true);
    let missed = format!("batch 15 20\n{}\n{}", fact(20), caught_up(20));
    assert_eq!(office.told(SHARED), [missed]);
    office.want(3, SHARED, 30, false);
    assert!(office.told(SHARED).is_empty(), "one that only shows that it is there is told nothing");
}

#[test]
fn a_tab_that_is_too_far_behind_fetches_a_snapshot_and_the_others_do_not() {
    let mut office = Office::live(SHARED, 10);
    office.want(2, SHARED, 9, true);
    office.want(3, SHARED, 10, true);
    assert_eq!(office.told(SHARED), ["stale 10".to_owned(), format!("batch 10 10\n{}", caught_up(10))]);
}

#[test]
fn a_stream_that_broke_goes_on_from_where_it_was_and_repeats_nothing() {
    let mut office = Office::live(SHARED, 10);
    office.hears(SHARED, &[&fact(12)]);
    office.look();
    office.desk.broken(office.link(SHARED), office.at(), 1.0);
    assert_eq!(office.told(SHARED), ["state reconnecting"]);
    office.desk.stands(&Standing::Unknown, office.at(), 1.0);
    assert_eq!(office.told(SHARED), ["state offline"]);
    office.now += 250;
    office.want(1, SHARED, 12, false);
    assert_eq!(office.opened(), ["/api/events?after=12"]);
    office.hears(SHARED, &[&hello("ann"), &fact(13)]);
    assert_eq!(office.told(SHARED), [format!("batch 12 13\n{}", fact(13))]);
}

#[test]
fn the_wait_is_an_eighth_of_the_outage_and_none_when_the_network_is_back() {
    let mut office = Office::live(SHARED, 10);
    let begun = office.now;
    let mut waits = Vec::new();
    while waits.len() < 60 {
        office.desk.broken(office.link(SHARED), office.at(), 1.0);
        let failed = office.now;
        while office.opened().is_empty() {
            office.now += 50;
            office.want(1, SHARED, 10, false);
        }
        waits.push(office.now - failed);
        assert!(office.now - failed <= ((failed - begun) / 8 + 50).clamp(250, 15_000), "{waits:?}");
    }
    assert_eq!(waits.last(), Some(&15_000));
    office.desk.broken(office.link(SHARED), office.at(), 1.0);
    office.online = false;
    assert!(office.opened().is_empty());
    office.online = true;
    assert_eq!(office.opened(), ["/api/events?after=10"]);
}

#[test]
fn what_another_user_may_see_is_never_handed_on() {
    let mut office = Office::new();
    office.want(1, SHARED, 10, true);
    office.look();
    office.hears(SHARED, &[&hello("bob"), &fact(12)]);
    let acts = office.look();
    assert!(acts.contains(&Act::Say(Down::Changed)), "{acts:?}");
    assert!(!acts.iter().any(|act| matches!(act, Act::Tell(_, text) if text.contains("12"))), "{acts:?}");

    for standing in
        [Standing::SignedIn(viewer("bob")), Standing::SignedIn(Viewer { role: Role::Admin, ..viewer("ann") })]
    {
        let mut office = Office::live(SHARED, 10);
        office.hears(SHARED, &[r#"{"kind":"end","reason":"revoked"}"#]);
        assert!(office.look().contains(&Act::Ask));
        office.desk.stands(&standing, office.at(), 1.0);
        assert!(office.look().contains(&Act::Say(Down::Changed)));
    }
    let mut office = Office::live(SHARED, 10);
    office.hears(SHARED, &[r#"{"kind":"end","reason":"revoked"}"#]);
    office.desk.stands(&Standing::SignedOut, office.at(), 1.0);
    assert!(office.look().contains(&Act::Say(Down::Out)));
}

#[test]
fn a_stream_that_was_ended_or_refused_though_the_session_holds_sends_its_pages_for_a_snapshot() {
    let mut office = Office::live(RUN, 10);
    office.hears(RUN, &[r#"{"kind":"end","reason":"revoked"}"#]);
    office.desk.stands(&Standing::SignedIn(viewer("ann")), office.at(), 1.0);
    assert!(office.told(RUN).contains(&"reset 0".to_owned()));

    let mut office = Office::live(RUN, 10);
    let mut resets = 0;
    for _ in 0..3 {
        office.desk.broken(office.link(RUN), office.at(), 1.0);
        office.desk.stands(&Standing::SignedIn(viewer("ann")), office.at(), 1.0);
        resets += office.told(RUN).iter().filter(|text| *text == "reset 0").count();
        office.now += 2_000;
        office.want(1, RUN, 10, false);
        office.look();
    }
    assert_eq!(resets, 1);
}

#[test]
fn a_reset_reaches_all_who_follow() {
    let mut office = Office::live(SHARED, 10);
    office.hears(SHARED, &[r#"{"kind":"reset","reason":"expired","head":70}"#, &caught_up(70)]);
    assert_eq!(office.told(SHARED), ["reset 70".to_owned(), format!("batch 70 70\n{}", caught_up(70))]);
    office.want(1, SHARED, 70, true);
    assert_eq!(office.told(SHARED), [format!("batch 70 70\n{}", caught_up(70))]);
}

#[test]
fn an_execution_that_has_ended_needs_no_stream() {
    let mut office = Office::live(RUN, 10);
    office.hears(RUN, &[&fact(11), r#"{"kind":"end","reason":"finished"}"#]);
    let link = office.link_count();
    let acts = office.look();
    assert!(acts.iter().any(|act| matches!(act, Act::Tell(_, text) if text.ends_with(r#""finished"}"#))), "{acts:?}");
    assert!(acts.iter().any(|act| matches!(act, Act::Close(_))));
    assert_eq!((link, office.opened()), (0, vec![]));
}

#[test]
fn no_more_streams_are_open_than_may_be_and_all_pages_in_view_have_their_turn() {
    let mut office = Office::new();
    let runs: Vec<String> = (1..=5).map(|n| format!("/api/executions/{n}/events")).collect();
    let mut turns = std::collections::BTreeMap::new();
    for _ in 0..200 {
        office.now += 100;
        office.want(9, SHARED, 10, false);
        for (tab, run) in runs.iter().enumerate() {
            office.want(tab as u64, run, 10, false);
        }
        office.look();
        assert_eq!(office.link_count(), STREAMS);
        for stream in &office.desk.streams {
            *turns.entry(stream.address.clone()).or_insert(0) += 1;
        }
    }
    assert_eq!(turns.get(SHARED), Some(&200), "the one that lists are fed from is not given away");
    for run in &runs {
        assert!(turns.get(run).is_some_and(|turns| *turns >= 40), "{turns:?}");
    }
}

#[test]
fn what_nobody_has_seen_for_half_a_minute_gives_its_stream_back() {
    let mut office = Office::live(SHARED, 10);
    office.want(2, RUN, 10, true);
    office.look();
    for _ in 0..310 {
        office.now += 100;
        office.want(2, RUN, 10, false);
        office.look();
    }
    assert_eq!(office.desk.streams.iter().map(|stream| stream.address.as_str()).collect::<Vec<_>>(), [RUN]);
    office.want(2, SHARED, 10, false);
    office.desk.hear(Up::Bye(2, Some(SHARED.to_owned())), office.at());
    office.look();
    assert_eq!(office.link_count(), 1);
    office.desk.hear(Up::Bye(2, None), office.at());
    office.look();
    assert_eq!(office.link_count(), 0);
}

#[test]
fn a_silent_link_is_given_up_and_so_is_one_that_does_not_open() {
    let mut office = Office::live(SHARED, 10);
    let silent = |office: &mut Office, from: i64| {
        for _ in 0..500 {
            office.now += 100;
            office.want(1, SHARED, 10, false);
            if office.look().iter().any(|act| matches!(act, Act::Close(_))) {
                return office.now - from;
            }
        }
        0
    };
    let from = office.now;
    assert_eq!(silent(&mut office, from), 37_600);
    let opened = office.now + 300;
    let taken = silent(&mut office, opened);
    assert!((9_500..11_000).contains(&taken), "{taken}");
}

impl Office {
    fn link_count(&self) -> usize {
        self.desk.streams.len()
    }
}
