//! What the benchmarks of stores share: tasks that write at the same time, a folder on a disk, figures in columns.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Tasks that write at the same time.
const TASKS: u64 = 4;

/// Runs `work` on the numbers below `count` in order, several at a time; the sum of what it returns.
pub async fn in_tasks<F: Future<Output = u64> + Send + 'static>(
    count: u64,
    work: impl Fn(u64) -> F + Clone + Send + 'static,
) -> u64 {
    let next = Arc::new(AtomicU64::new(0));
    let tasks = (0..TASKS).map(|_| {
        let (next, work) = (Arc::clone(&next), work.clone());
        tokio::spawn(async move {
            let mut done = 0;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return done;
                }
                done += work(number).await;
            }
        })
    });
    let mut done = 0;
    for task in tasks.collect::<Vec<_>>() {
        done += task.await.expect("ran");
    }
    done
}

/// The number on the command line, or another.
pub fn asked_for(usual: u64) -> u64 {
    std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(usual)
}

/// A folder that goes when it is dropped, and a file in it; not in memory, as `/tmp` often is.
pub fn file(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("temp dir");
    let path = folder.path().join(name);
    (folder, path)
}

/// Says how fast something went.
pub fn rate(name: &str, count: u64, what: &str, begin: Instant) {
    println!("{name:<46} {:>9.0} {what}/s", count as f64 / begin.elapsed().as_secs_f64());
}

/// Says how many bytes something takes.
pub fn size(name: &str, bytes: u64, count: u64, what: &str) {
    println!("{name:<46} {:>9.1} bytes/{what}", bytes as f64 / count as f64);
}

/// Says how long something took, and what came of it.
pub fn time(name: &str, begin: Instant, outcome: &str) {
    println!("{name:<46} {:>9.2} ms{outcome}", ms(begin.elapsed()));
}

/// Milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
