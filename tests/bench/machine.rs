//! What the machine has worked.

use std::time::Duration;

/// Of `/proc/stat`, whatever the machine: `USER_HZ` is 100 on all that Linux runs on.
const TICK: Duration = Duration::from_millis(10);

/// The processor time since the machine started that was not idle.
pub(crate) fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").expect("/proc/stat");
    let figures = stat.lines().next().expect("the line of all processors").split_whitespace().skip(1);
    let figures: Vec<u32> = figures.map(|figure| figure.parse().expect("a number of ticks")).collect();
    // user, nice, system, (idle, iowait,) irq, softirq
    TICK * [0, 1, 2, 5, 6].into_iter().map(|n| figures[n]).sum::<u32>()
}
