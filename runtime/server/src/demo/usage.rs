//! What the server's process uses, as the kernel counts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

/// How often memory is looked at: compiling a component takes about as long.
const EVERY: Duration = Duration::from_millis(50);
/// Ticks a second in `/proc/<pid>/stat`: fixed by the kernel's interface, whatever its timer does.
const TICKS_PER_SECOND: u64 = 100;

/// Watches a process and its children until dropped.
pub struct Watch {
    pid: u32,
    peak_kib: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Begins to watch.
    #[must_use]
    pub fn start(pid: u32) -> Self {
        let peak_kib = Arc::new(AtomicU64::new(0));
        let peak = peak_kib.clone();
        let task = tokio::spawn(async move {
            loop {
                // Children compile components, one at a time, and are gone soon after.
                let children: u64 = children(pid).into_iter().filter_map(|it| status_kib(it, "VmRSS:")).sum();
                let own = status_kib(pid, "VmRSS:").unwrap_or(0);
                peak.fetch_max(own + children, Ordering::Relaxed);
                peak.fetch_max(status_kib(pid, "VmHWM:").unwrap_or(0), Ordering::Relaxed);
                tokio::time::sleep(EVERY).await;
            }
        });
        Self { pid, peak_kib, task }
    }

    /// The most memory that the process and its children held at once, in megabytes.
    #[must_use]
    pub fn peak_mb(&self) -> f64 {
        self.peak_kib.load(Ordering::Relaxed) as f64 / 1_024.0
    }

    /// Processor time used so far, by the process and the children it waited for, in milliseconds.
    #[must_use]
    pub fn cpu_ms(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // The name, which may hold anything, ends with the last parenthesis; utime is the twelfth field after it.
        let fields = stat.rsplit_once(')').map_or("", |it| it.1).split_whitespace();
        let ticks: u64 = fields.skip(11).take(4).filter_map(|it| it.parse::<u64>().ok()).sum();
        ticks * 1_000 / TICKS_PER_SECOND
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Every thread lists the children it made.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|it| std::fs::read_to_string(it.path().join("children")).ok());
    lists.flat_map(|it| it.split_whitespace().filter_map(|it| it.parse().ok()).collect::<Vec<_>>()).collect()
}

fn status_kib(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|it| it.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}
