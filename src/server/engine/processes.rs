//! Processes as `/proc` shows them: whose child, which group, and how to end one without hitting another that has got
//! its number since.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::Read,
};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal},
};

/// Most that is read of a process's environment, in bytes; the kernel itself takes no more by default.
const ENVIRONMENT_MAX: u64 = 8 * 1024 * 1024;

/// A process at the moment it was looked at. Number and start together name it for as long as the machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub pid: Pid,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    /// Its start, in clock ticks since boot.
    pub started: u64,
    /// It has ended, and only waits for its parent to ask how.
    pub ended: bool,
}

impl Process {
    /// The process of that number.
    pub(super) fn read(pid: Pid) -> Option<Self> {
        let text = fs::read(format!("/proc/{pid}/stat", pid = pid.as_raw_nonzero())).ok()?;
        Self::parse(pid, &text)
    }

    /// Fields of proc_pid_stat(5). The second is the program's name in parentheses, which may hold anything.
    fn parse(pid: Pid, text: &[u8]) -> Option<Self> {
        let after_name = text.iter().rposition(|&byte| byte == b')')? + 1;
        let rest = std::str::from_utf8(text.get(after_name..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        let started = fields.nth(15)?.parse().ok()?;
        Some(Self { pid, parent, group, session, started, ended: matches!(state, "Z" | "X" | "x") })
    }

    /// What a variable of its environment held when its program began.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let mut environment = Vec::new();
        let file = File::open(format!("/proc/{}/environ", self.pid.as_raw_nonzero())).ok()?;
        // A process may end while it is read; what was read until then counts.
        let _ = file.take(ENVIRONMENT_MAX).read_to_end(&mut environment);
        let value = |entry: &[u8]| Some(entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_owned());
        let value = environment.split(|&byte| byte == 0).find_map(value)?;
        String::from_utf8(value).ok()
    }

    /// Sends it a signal, unless it is gone. Never reaches another process of the same number.
    pub(super) fn signal(&self, signal: Signal) {
        match pidfd_open(self.pid, PidfdFlags::empty()) {
            Ok(handle) => {
                if Self::read(self.pid).is_some_and(|now| now.started == self.started) {
                    let _ = pidfd_send_signal(handle, signal);
                }
            }
            // Kernels before 5.3: the number is checked just before.
            Err(Errno::NOSYS | Errno::PERM) => {
                if Self::read(self.pid).is_some_and(|now| now.started == self.started) {
                    let _ = kill_process(self.pid, signal);
                }
            }
            Err(_) => {}
        }
    }
}

/// Every process that can be seen and has not ended.
pub(super) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|number| Process::read(Pid::from_raw(number)?))
        .filter(|process| !process.ended)
        .collect()
}

/// The processes that descend from `root`, by the kernel's own lists of children: what this costs grows with them, not
/// with what else the machine runs. One that ends meanwhile may hide its siblings: good to find most of them by, not to
/// be sure that none is left. No further than just beyond `most`. None where the kernel keeps no such lists; see
/// proc_pid_children(5).
pub(super) fn listed_descendants(root: Pid, most: usize) -> Option<Vec<Pid>> {
    let (mut found, mut open) = (Vec::new(), children(root)?);
    while let Some(next) = open.pop() {
        found.push(next);
        if found.len() > most {
            break;
        }
        // One that is gone has none.
        open.extend(children(next).unwrap_or_default());
    }
    Some(found)
}

/// The children of all threads of a process.
fn children(pid: Pid) -> Option<Vec<Pid>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).ok()? {
        let list = fs::read_to_string(task.ok()?.path().join("children")).ok()?;
        found.extend(list.split_ascii_whitespace().filter_map(|number| Pid::from_raw(number.parse().ok()?)));
    }
    Some(found)
}

/// Those of `all` that descend from any of `roots`, themselves excepted.
pub(super) fn descendants(all: &[Process], roots: &HashSet<i32>) -> Vec<Process> {
    let mut known = roots.clone();
    let mut found = Vec::new();
    loop {
        let before = found.len();
        for process in all {
            if known.contains(&process.parent) && known.insert(process.pid.as_raw_nonzero().get()) {
                found.push(*process);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// The signals that have names, by signal(7).
const NAMES: [(Signal, &str); 31] = [
    (Signal::HUP, "SIGHUP"),
    (Signal::INT, "SIGINT"),
    (Signal::QUIT, "SIGQUIT"),
    (Signal::ILL, "SIGILL"),
    (Signal::TRAP, "SIGTRAP"),
    (Signal::ABORT, "SIGABRT"),
    (Signal::BUS, "SIGBUS"),
    (Signal::FPE, "SIGFPE"),
    (Signal::KILL, "SIGKILL"),
    (Signal::USR1, "SIGUSR1"),
    (Signal::SEGV, "SIGSEGV"),
    (Signal::USR2, "SIGUSR2"),
    (Signal::PIPE, "SIGPIPE"),
    (Signal::ALARM, "SIGALRM"),
    (Signal::TERM, "SIGTERM"),
    (Signal::STKFLT, "SIGSTKFLT"),
    (Signal::CHILD, "SIGCHLD"),
    (Signal::CONT, "SIGCONT"),
    (Signal::STOP, "SIGSTOP"),
    (Signal::TSTP, "SIGTSTP"),
    (Signal::TTIN, "SIGTTIN"),
    (Signal::TTOU, "SIGTTOU"),
    (Signal::URG, "SIGURG"),
    (Signal::XCPU, "SIGXCPU"),
    (Signal::XFSZ, "SIGXFSZ"),
    (Signal::VTALARM, "SIGVTALARM"),
    (Signal::PROF, "SIGPROF"),
    (Signal::WINCH, "SIGWINCH"),
    (Signal::IO, "SIGIO"),
    (Signal::POWER, "SIGPWR"),
    (Signal::SYS, "SIGSYS"),
];

/// A signal's name, `SIGSEGV`.
pub(crate) fn signal_name(number: i32) -> String {
    let name = NAMES.iter().find(|(signal, _)| signal.as_raw() == number);
    name.map_or_else(|| format!("SIG{number}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    #[test]
    fn a_program_with_parentheses_in_its_name_is_read_right() {
        let pid = Pid::from_raw(7).expect("it works");
        let text = b"7 (a) R 1 (b)) S 3 4 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 8899 1 2";
        let process = Process::parse(pid, text).expect("it works");
        assert_eq!((process.parent, process.group, process.session, process.started), (3, 4, 5, 8899));
        assert!(!process.ended);
    }

    #[test]
    fn this_process_is_seen_and_descends_from_its_parent() {
        let own = Process::read(rustix::process::getpid()).expect("it works");
        let all = all();
        assert!(all.contains(&own));
        assert!(descendants(&all, &HashSet::from([own.parent])).contains(&own));
        assert!(!descendants(&all, &HashSet::from([own.pid.as_raw_nonzero().get()])).contains(&own));
    }

    #[test]
    fn descendants_are_listed_down_to_the_last_grandchild_and_no_further_than_needed() {
        let script = "sleep 1000 & (sleep 1000 & sleep 1000 & echo ready; wait) & wait";
        let mut child = std::process::Command::new("bash")
            .args(["-c", script])
            .process_group(0)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("bash is there");
        let pid = Pid::from_child(&child);
        let mut ready = [0; 6];
        child.stdout.take().expect("it is piped").read_exact(&mut ready).expect("it says so");
        // The two of the shell below, the shell itself, and one more.
        let counts = [100, 2].map(|most| listed_descendants(pid, most).map(|found| found.len()));
        rustix::process::kill_process_group(pid, Signal::KILL).expect("it is there");
        child.wait().expect("it is a child");
        assert_eq!(counts, [Some(4), Some(3)]);
        assert_eq!(listed_descendants(pid, 100), None, "it is gone");
    }

    #[test]
    fn a_signal_never_reaches_another_process_that_has_got_the_number() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep is there");
        let pid = Pid::from_child(&child);
        let real = Process::read(pid).expect("it runs");
        // As if the process that was looked at had ended, and this one been given its number.
        for started in [real.started - 1, real.started + 1] {
            Process { started, ..real }.signal(Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(child.try_wait().expect("it is a child").is_none(), "it was hit");
        real.signal(Signal::KILL);
        assert!(!child.wait().expect("it is a child").success());
        // Nobody has the number now.
        real.signal(Signal::KILL);
    }

    #[test]
    fn signals_have_the_names_people_know() {
        assert_eq!(signal_name(9), "SIGKILL");
        assert_eq!(signal_name(11), "SIGSEGV");
        assert_eq!(signal_name(6), "SIGABRT");
    }
}
