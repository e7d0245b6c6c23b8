//! The clocks that measure: one that all processes of the machine share, and the time a process had on the cores.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds on the clock that never goes back: the same one in every process.
pub fn monotonic() -> u64 {
    u64::try_from(read(ClockId::Monotonic).as_nanos()).expect("a machine is not up for centuries")
}

/// How long this process has been at work, all its threads together, the kernel's work for it included.
pub fn process_cpu() -> Duration {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.expect("time since a start"), nanos.expect("less than a second"))
}
