//! What a process has cost so far: time, memory, allocations.

use std::{
    fs,
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};
use serde::{Deserialize, Serialize};

use crate::Result;

/// What the measured part of a scenario took.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Wall time, in seconds.
    pub(crate) wall: f64,
    /// User and system time of all threads of the client, in seconds.
    pub(crate) cpu: f64,
    /// CPU time of the tablet server in the same time, in seconds, if its process is on this machine.
    pub(crate) server_cpu: Option<f64>,
    /// Allocations and reallocations, in builds that count them.
    pub(crate) allocations: Option<u64>,
}

/// Measures from [`start`](Self::start) to [`stop`](Self::stop).
#[derive(Debug)]
pub(crate) struct Meter {
    /// Process of the tablet server.
    server: Option<u32>,
    started: Option<(Instant, Snapshot)>,
    cost: Cost,
}

#[derive(Debug, Clone, Copy)]
struct Snapshot {
    cpu: Duration,
    server_cpu: Option<Duration>,
    allocations: Option<u64>,
}

impl Meter {
    pub(crate) fn new(server: Option<u32>) -> Self {
        Self {
            server,
            started: None,
            cost: Cost::default(),
        }
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        let before = self.snapshot()?;
        self.started = Some((Instant::now(), before));
        Ok(())
    }

    pub(crate) fn stop(&mut self) -> Result<()> {
        let now = Instant::now();
        let after = self.snapshot()?;
        let (started, before) = self.started.take().ok_or("the meter was never started")?;
        self.cost = Cost {
            wall: now.saturating_duration_since(started).as_secs_f64(),
            cpu: after.cpu.saturating_sub(before.cpu).as_secs_f64(),
            server_cpu: (after.server_cpu.zip(before.server_cpu))
                .map(|(after, before)| after.saturating_sub(before).as_secs_f64()),
            allocations: (after.allocations.zip(before.allocations))
                .map(|(after, before)| after - before),
        };
        Ok(())
    }

    pub(crate) fn cost(&self) -> Cost {
        self.cost
    }

    fn snapshot(&self) -> Result<Snapshot> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        Ok(Snapshot {
            cpu: duration(usage.user_time()) + duration(usage.system_time()),
            server_cpu: self.server.and_then(cpu_of),
            allocations: allocations(),
        })
    }
}

fn duration(time: TimeVal) -> Duration {
    Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000)
}

/// CPU time of a process so far, in steps of 10 ms (`/proc/PID/stat`, fields 14 and 15).
fn cpu_of(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>);
    let ticks = ticks.next()?.ok()? + ticks.next()?.ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Largest resident memory of this process so far and number of its threads now (`/proc/self/status`).
///
/// Not `ru_maxrss`, which a process inherits from the one that started it.
pub(crate) fn peak_and_threads() -> Result<(f64, u64)> {
    let status = fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok())
    };
    let peak = field("VmHWM").ok_or("no VmHWM in /proc/self/status")?;
    let threads = field("Threads").ok_or("no Threads in /proc/self/status")?;
    Ok((peak as f64 / 1024.0, threads))
}

#[cfg(feature = "allocations")]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

#[cfg(feature = "allocations")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "a build without the feature counts none"
)]
fn allocations() -> Option<u64> {
    let stats = ALLOCATOR.stats();
    Some((stats.allocations + stats.reallocations) as u64)
}

#[cfg(not(feature = "allocations"))]
fn allocations() -> Option<u64> {
    None
}
