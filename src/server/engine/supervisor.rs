//! The supervisor: a small process of its own for each execution at work, that starts the steps and can end every process
//! they leave behind. When none is left it may be given the next execution.
//!
//! It is the hidden subcommand `runcast supervise` of the same binary, one thread, no runtime, there in a couple of
//! milliseconds. As child subreaper (`prctl(2)`) it inherits every orphan of its steps, so a daemon that left its
//! session is still its descendant. Its standard input is the socket to the server; the end of file on it says that
//! the server is gone, however it went, and then everything is killed at once.

use std::{
    collections::HashSet,
    io,
    os::{fd::AsFd, fd::OwnedFd, unix::process::CommandExt},
    process::{Command as Program, ExitCode, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, pidfd_open, set_child_subreaper, setsid, wait,
    },
};

use super::{
    crowd::{self, LOOK, Lookout, Usual},
    processes::{Process, all, descendants, listed_descendants},
    wire::{Command, Exit, Frames, Launch, Report, frame, send},
};

/// Longest rest while something is being stopped: how long a process born meanwhile may wait for its TERM. Ends are
/// noticed at once.
const STOPPING: Duration = Duration::from_millis(200);
/// Rest between two rounds of KILL.
const KILLING: Duration = Duration::from_millis(2);
/// How long KILL is repeated; what is left then hangs in the kernel and nothing can be done about it.
const GIVE_UP: Duration = Duration::from_secs(30);
/// Most processes that are found by the kernel's lists of children.
const FEW: usize = 64;
/// Most processes whose ends are waited for one by one; a descriptor each. The ends of others are found by looking.
const WATCHED_MAX: usize = 64;

/// The whole life of a supervisor. Its standard input must be the socket to the server.
pub fn supervise() -> ExitCode {
    // Fails only for the leader of a group, which then has a group of its own already.
    let _ = setsid();
    if let Err(error) = set_child_subreaper(Some(getpid())) {
        eprintln!("runcast supervise: cannot become a subreaper: {error}");
        return ExitCode::FAILURE;
    }
    let mut supervisor = Supervisor {
        frames: Frames::default(),
        jobs: Vec::new(),
        finish: None,
        lookout: Lookout::new(Instant::now()),
        processes_max: usize::MAX,
        childless: true,
        usual: crowd::go_first(),
    };
    match supervisor.serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            supervisor.kill_everything();
            if error.kind() == io::ErrorKind::UnexpectedEof {
                return ExitCode::SUCCESS;
            }
            eprintln!("runcast supervise: {error}; it is started by the server, not by hand");
            ExitCode::FAILURE
        }
    }
}

struct Supervisor {
    frames: Frames,
    /// Attempts whose end has not been told; as many as the workflow has steps at most.
    jobs: Vec<Job>,
    finish: Option<Stop>,
    lookout: Lookout,
    /// How many processes a step may have, as the last one was told.
    processes_max: usize,
    /// Whether there was no process left at the last look.
    childless: bool,
    /// What steps have, if it is not the supervisor's own.
    usual: Option<Usual>,
}

/// An attempt.
struct Job {
    key: u64,
    /// The step's id, as `RUNCAST_STEP` holds it.
    step: String,
    root: Pid,
    /// Readable once the root has ended; absent on kernels that have no such thing.
    handle: Option<OwnedFd>,
    exit: Option<Exit>,
    stop: Option<Stop>,
    /// Whether it had more processes than it may.
    crowded: bool,
}

/// An end being made of something.
struct Stop {
    kill_at: Instant,
    give_up_at: Instant,
    /// Who has had TERM, by number and start.
    told: HashSet<(Pid, u64)>,
    /// Whether a process that must end was still there at the last look.
    left: bool,
    /// Readable once such a process has ended.
    watched: Vec<OwnedFd>,
}

impl Supervisor {
    /// Until there is something that nothing can end, or an error, of which the end of the socket is one.
    fn serve(&mut self) -> io::Result<()> {
        loop {
            self.childless = self.reap();
            self.count();
            self.carry_on_stops()?;
            self.tell_ends()?;
            if let Some(finish) = &mut self.finish {
                if self.childless {
                    self.be_as_new()?;
                } else if Instant::now() > finish.give_up_at {
                    return Ok(());
                } else {
                    let mine = mine();
                    finish.carry_on(&mine, &mine);
                }
            }
            if self.rest()? {
                self.listen()?;
            }
        }
    }

    /// Nothing is left of the execution: tells so.
    fn be_as_new(&mut self) -> io::Result<()> {
        self.finish = None;
        self.processes_max = usize::MAX;
        self.lookout = Lookout::new(Instant::now());
        tell(&Report::Rested)
    }

    /// Collects every child that has ended. Says whether there is none left at all, and so no descendant either.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if let Some(job) = self.jobs.iter_mut().find(|job| job.root == pid && job.exit.is_none()) {
                        job.exit = Some(exit(status));
                        job.handle = None;
                    }
                }
                Ok(None) => return false,
                Err(Errno::INTR) => {}
                Err(_) => return true,
            }
        }
    }

    /// Ends steps that have more processes than they may, and what earlier ones have left if that is too much.
    fn count(&mut self) {
        let now = Instant::now();
        if self.childless || !self.lookout.is_due(now) {
            return;
        }
        if let Some(listed) = listed_descendants(getpid(), self.processes_max)
            && listed.len() <= self.processes_max
        {
            return self.lookout.counted(listed.len(), self.processes_max, now);
        }
        let mut left = surely_mine();
        self.lookout.counted(left.len(), self.processes_max, now);
        if left.len() <= self.processes_max {
            return;
        }
        let all = left.clone();
        for job in &mut self.jobs {
            let own = members(job.root, &job.step, &all);
            if own.len() > self.processes_max {
                job.crowded = true;
                let stop = Stop::within(Duration::ZERO);
                job.stop.get_or_insert_with(|| Stop::within(Duration::MAX)).hurry(&stop);
            }
            let own: HashSet<Pid> = own.iter().map(|process| process.pid).collect();
            left.retain(|process| !own.contains(&process.pid));
        }
        if left.len() > self.processes_max {
            eprintln!("runcast supervise: killed {} processes that steps had left behind", left.len());
            self.lookout = Lookout::new(now);
            crowd::kill(&left, &all);
        }
    }

    fn carry_on_stops(&mut self) -> io::Result<()> {
        if self.jobs.iter().all(|job| job.stop.is_none()) {
            return Ok(());
        }
        let found = if self.childless { Vec::new() } else { mine() };
        for job in &mut self.jobs {
            let Some(stop) = &mut job.stop else { continue };
            stop.carry_on(&members(job.root, &job.step, &found), &found);
            if !stop.left && !self.childless {
                // One more look: a process may have been born and adopted while the first was taken.
                let found = surely_mine();
                stop.carry_on(&members(job.root, &job.step, &found), &found);
            }
            if Instant::now() > stop.give_up_at {
                job.exit.get_or_insert(Exit::Signal(Signal::KILL.as_raw()));
                stop.left = false;
            }
        }
        Ok(())
    }

    /// Tells the server which attempts have ended: those left alone, when their own process has; those stopped, when
    /// none of their processes is left.
    fn tell_ends(&mut self) -> io::Result<()> {
        let (ended, going): (Vec<Job>, Vec<Job>) = std::mem::take(&mut self.jobs)
            .into_iter()
            .partition(|job| job.exit.is_some() && job.stop.as_ref().is_none_or(|stop| !stop.left));
        self.jobs = going;
        for Job { key, exit, crowded, .. } in ended {
            tell(&Report::Exited { key, exit: exit.expect("it was chosen for having one"), crowded })?;
        }
        Ok(())
    }

    /// Waits until there is something to do. Says whether the server has something to say.
    fn rest(&self) -> io::Result<bool> {
        let stops = || self.jobs.iter().filter_map(|job| job.stop.as_ref()).chain(&self.finish);
        let now = Instant::now();
        let wait = stops().map(|stop| stop.rest(now)).min().unwrap_or(LOOK).min(LOOK);
        let blind = self.jobs.iter().any(|job| job.exit.is_none() && job.handle.is_none());
        let wait = if blind { wait.min(KILLING) } else { wait };

        let socket = io::stdin();
        let mut watched = vec![PollFd::new(&socket, PollFlags::IN)];
        watched.extend(self.jobs.iter().filter_map(|job| job.handle.as_ref()).map(|fd| PollFd::new(fd, PollFlags::IN)));
        watched.extend(stops().flat_map(|stop| &stop.watched).map(|fd| PollFd::new(fd, PollFlags::IN)));
        let wait = Timespec::try_from(wait).expect("it is less than a second");
        // With nothing to look after, only the server can bring something to do.
        let idle = self.childless && self.jobs.is_empty() && self.finish.is_none();
        match poll(&mut watched, (!idle).then_some(&wait)) {
            Ok(_) | Err(Errno::INTR) => Ok(!watched[0].revents().is_empty()),
            Err(error) => Err(error.into()),
        }
    }

    /// Does what the server says.
    fn listen(&mut self) -> io::Result<()> {
        match self.frames.receive(io::stdin()) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Err(error) => return Err(error),
        }
        while let Some(command) = self.frames.next()? {
            match command {
                Command::Start { key, launch } => self.start(key, launch)?,
                Command::Stop { key, grace_ms } => {
                    // One that has ended already has been told.
                    if let Some(job) = self.jobs.iter_mut().find(|job| job.key == key) {
                        let stop = Stop::within(Duration::from_millis(grace_ms));
                        job.stop.get_or_insert_with(|| Stop::within(Duration::MAX)).hurry(&stop);
                    }
                }
                Command::Finish { grace_ms } => self.finish = Some(Stop::within(Duration::from_millis(grace_ms))),
            }
        }
        Ok(())
    }

    fn start(&mut self, key: u64, launch: Launch) -> io::Result<()> {
        let Some((out, err)) = self.frames.descriptors() else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a step without its pipes"));
        };
        match crowd::as_usual(self.usual, || spawn(&launch, out, err)) {
            Ok(root) => {
                let handle = pidfd_open(root, PidfdFlags::empty()).ok();
                self.processes_max = launch.processes_max;
                self.jobs.push(Job { key, step: launch.step, root, handle, exit: None, stop: None, crowded: false });
                tell(&Report::Started { key, pid: root.as_raw_nonzero().get() })
            }
            Err(error) => tell(&Report::Failed { key, error: error.to_string() }),
        }
    }

    /// KILL for every descendant, again and again until none is left.
    fn kill_everything(&mut self) {
        let give_up_at = Instant::now() + GIVE_UP;
        while !self.reap() && Instant::now() < give_up_at {
            let mine = mine();
            crowd::kill(&mine, &mine);
            std::thread::sleep(KILLING);
        }
    }
}

impl Stop {
    fn within(grace: Duration) -> Self {
        let now = Instant::now();
        // A grace beyond a day is no grace anybody waits for.
        let kill_at = now + grace.min(Duration::from_secs(86_400));
        Self { kill_at, give_up_at: kill_at + GIVE_UP, told: HashSet::new(), left: true, watched: Vec::new() }
    }

    /// The earlier of the two ends.
    fn hurry(&mut self, other: &Stop) {
        self.kill_at = self.kill_at.min(other.kill_at);
        self.give_up_at = self.give_up_at.min(other.give_up_at);
    }

    /// How long nothing has to be done for it.
    fn rest(&self, now: Instant) -> Duration {
        if now >= self.kill_at { KILLING } else { STOPPING.min(self.kill_at - now) }
    }

    /// One round: TERM for those that have not had it, KILL for all when the time has come. `mine` are all processes of
    /// the supervisor.
    fn carry_on(&mut self, members: &[Process], mine: &[Process]) {
        if Instant::now() >= self.kill_at {
            crowd::kill(members, mine);
        } else {
            for member in members.iter().filter(|member| self.told.insert((member.pid, member.started))) {
                member.signal(Signal::TERM);
                // One that is stopped could not hear it.
                member.signal(Signal::CONT);
            }
        }
        self.left = !members.is_empty();
        let handle = |member: &Process| pidfd_open(member.pid, PidfdFlags::empty()).ok();
        self.watched = members.iter().take(WATCHED_MAX).filter_map(handle).collect();
    }
}

/// The processes below the supervisor, or most of them: at least one, if there is any.
///
/// They are read one by one as long as they are few: a thousand supervisors that each read all of `/proc`, because the
/// server stops, would be at it for minutes.
fn mine() -> Vec<Process> {
    let listed = listed_descendants(getpid(), FEW).filter(|listed| listed.len() <= FEW).unwrap_or_default();
    let found: Vec<Process> = listed.into_iter().filter_map(Process::read).filter(|process| !process.ended).collect();
    if found.is_empty() { surely_mine() } else { found }
}

/// All processes below the supervisor.
fn surely_mine() -> Vec<Process> {
    descendants(&all(), &HashSet::from([own_pid()]))
}

/// The processes of a step among the supervisor's descendants: what descends from its root, is in its group or session,
/// or was given its name.
fn members(root: Pid, step: &str, mine: &[Process]) -> Vec<Process> {
    let number = root.as_raw_nonzero().get();
    let below: HashSet<i32> =
        descendants(mine, &HashSet::from([number])).iter().map(|process| process.pid.as_raw_nonzero().get()).collect();
    mine.iter()
        .filter(|process| {
            process.pid == root
                || process.group == number
                || process.session == number
                || below.contains(&process.pid.as_raw_nonzero().get())
                || process.variable("RUNCAST_STEP").as_deref() == Some(step)
        })
        .copied()
        .collect()
}

fn spawn(launch: &Launch, out: OwnedFd, err: OwnedFd) -> io::Result<Pid> {
    let child = Program::new(&launch.program)
        .args(&launch.args)
        .env_clear()
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&launch.cwd)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()?;
    // Collected by `reap`, like every other child.
    let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    Ok(number.expect("the kernel's process numbers are positive and fit"))
}

fn exit(status: WaitStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or_default()),
    }
}

fn own_pid() -> i32 {
    getpid().as_raw_nonzero().get()
}

/// Sends a report; waits while the server has not taken the earlier ones.
fn tell(report: &Report) -> io::Result<()> {
    let bytes = frame(report)?;
    let mut sent = 0;
    while sent < bytes.len() {
        match send(io::stdin().as_fd(), &bytes[sent..], &[]) {
            Ok(more) => sent += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
