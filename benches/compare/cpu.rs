//! CPU time of processes, from `/proc` (proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// `USER_HZ`: what the kernel's ABI counts in, 100 on every Linux this runs on.
const TICK: Duration = Duration::from_millis(10);

/// What a process, or a tree of them, has used so far.
pub struct CpuTime {
    /// Of each live thread, in nanoseconds (`schedstat`).
    threads: BTreeMap<PathBuf, Used>,
    /// CPU time of the processes in ticks, ended threads included (`stat`).
    processes: Duration,
    /// Rounding that `processes` may carry.
    rounding: Duration,
}

/// What was used, by a thread or between two readings.
#[derive(Clone, Copy, Default)]
pub struct Used {
    /// CPU time, user and system.
    pub cpu: Duration,
    /// Time spent ready to run while something else had the core.
    pub waited: Duration,
}

impl CpuTime {
    /// Reads the process `pid` alone.
    ///
    /// # Errors
    /// When the process is gone or `/proc` cannot be read.
    pub fn of_process(pid: u32) -> io::Result<Self> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let path = task?.path();
            // A thread may end between the listing and the reading.
            let line = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
            let nanos = |index| Duration::from_nanos(field(&line, index));
            threads.insert(path, Used { cpu: nanos(0), waited: nanos(1) });
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The second field is the program's name in parentheses and may hold spaces.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = field(after_name, 11) + field(after_name, 12);
        let processes = Duration::from_millis(ticks * TICK.as_millis() as u64);
        Ok(Self { threads, processes, rounding: 2 * TICK })
    }

    /// Reads the process `pid` and all its descendants.
    ///
    /// # Errors
    /// When a process is gone or `/proc` cannot be read.
    pub fn of_tree(pid: u32) -> io::Result<Self> {
        let mut total = Self::of_process(pid)?;
        for child in children(pid)? {
            let part = Self::of_tree(child)?;
            total.threads.extend(part.threads);
            total.processes += part.processes;
            total.rounding += part.rounding;
        }
        Ok(total)
    }

    /// What was used from `self` to `later`.
    ///
    /// CPU time is the nanosecond count, unless threads ended in between (or the kernel
    /// keeps no `schedstat`) and the coarse count is ahead. The wait is the busiest
    /// thread's, less what its siblings on the same core may have caused: others' doing.
    pub fn until(&self, later: &Self) -> Used {
        let each = later.threads.iter().map(|(thread, now)| {
            let before = self.threads.get(thread).copied().unwrap_or_default();
            Used {
                cpu: now.cpu.saturating_sub(before.cpu),
                waited: now.waited.saturating_sub(before.waited),
            }
        });
        let threads: Duration = each.clone().map(|used| used.cpu).sum();
        let busiest = each.max_by_key(|used| used.cpu).unwrap_or_default();
        let siblings = threads.saturating_sub(busiest.cpu);
        let processes = later.processes.saturating_sub(self.processes);
        let ended = processes > threads + later.rounding;
        Used {
            cpu: if ended { processes } else { threads },
            waited: busiest.waited.saturating_sub(siblings),
        }
    }
}

fn children(pid: u32) -> io::Result<Vec<u32>> {
    let mut children = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let list = fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        children.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(children)
}

fn field(line: &str, index: usize) -> u64 {
    line.split_whitespace().nth(index).and_then(|text| text.parse().ok()).unwrap_or(0)
}
