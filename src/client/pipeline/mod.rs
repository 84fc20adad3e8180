//! The way of records out of a program: a queue, the thread that ships what is in it, and both across forks.
//!
//! Logs and checkpoints go the same way; what they are, only an [`encoding`] knows.
//!
//! After a fork the child has the memory but not the threads, and a lock may be held for ever by a thread that is not
//! there. So nothing of the parent's is touched in the child: the process id names the *generation*, a child starts one
//! of its own with empty accounts, and the parent alone ships what was queued before the fork.

pub(super) mod accounts;
pub(super) mod dead_letter;
pub(super) mod encoding;
pub(super) mod figures;
pub(super) mod own_thread;
pub(super) mod queue;
pub(super) mod replay;
pub(super) mod settings;
pub(super) mod transport;
pub(super) mod worker;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::accounts::Accounts;
use self::settings::PipelineSettings;

/// A queue, its thread and its accounts. Dropping a pipeline closes it.
#[derive(Debug)]
pub(crate) struct Pipeline<T: Send + Sync + 'static> {
    /// What the pipeline was told when it was made.
    pub settings: Arc<PipelineSettings<T>>,
    first: Generation<T>,
    close_on_drop: Duration,
}

/// The accounts of one process, to which a forked child appends its own. A chain instead of a lock, because locks are what a
/// child cannot trust.
#[derive(Debug)]
struct Generation<T> {
    process_id: u32,
    accounts: Arc<Accounts<T>>,
    next: OnceLock<Box<Generation<T>>>,
}

impl<T: Send + Sync + 'static> Pipeline<T> {
    /// A pipeline that starts its thread with the first item. Dropping the pipeline takes up to `close_on_drop`.
    pub fn new(settings: PipelineSettings<T>, close_on_drop: Duration) -> Pipeline<T> {
        let settings = Arc::new(settings);
        Pipeline { first: Generation::new(&settings), settings, close_on_drop }
    }

    /// The accounts of this process, through which everything is done; a forked child that has none gets its own.
    pub fn accounts(&self) -> &Arc<Accounts<T>> {
        let newest = self.newest();
        if newest.process_id == (self.settings.process_id)() {
            return &newest.accounts;
        }
        &newest.next.get_or_init(|| Box::new(Generation::new(&self.settings))).accounts
    }

    /// The accounts of this process; `None` in a child that sent nothing, which has nothing to settle and must not wait
    /// for its parent's thread.
    pub fn known_accounts(&self) -> Option<&Arc<Accounts<T>>> {
        let newest = self.newest();
        (newest.process_id == (self.settings.process_id)()).then_some(&newest.accounts)
    }

    fn newest(&self) -> &Generation<T> {
        let mut generation = &self.first;
        while let Some(next) = generation.next.get() {
            generation = next;
        }
        generation
    }
}

impl<T: Send + Sync + 'static> Drop for Pipeline<T> {
    fn drop(&mut self) {
        if let Some(accounts) = self.known_accounts() {
            accounts.close(self.close_on_drop);
        }
    }
}

impl<T: Send + Sync + 'static> Generation<T> {
    fn new(settings: &Arc<PipelineSettings<T>>) -> Generation<T> {
        let process_id = (settings.process_id)();
        Generation { process_id, accounts: Arc::new(Accounts::new(settings, worker::run)), next: OnceLock::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::TcpListener,
        sync::{
            atomic::{AtomicU32, Ordering},
            mpsc,
        },
        thread,
    };

    use bytes::Bytes;
    use reqwest::{Url, header::HeaderMap};

    use super::{
        encoding::Encoding,
        figures::{Figures, Tally},
        queue::Limits,
        settings::Pace,
        *,
    };

    /// Items joined by commas.
    #[derive(Debug)]
    struct Commas;

    impl Encoding<String> for Commas {
        fn encode_batch(&self, batch: &[String], _lost: u64) -> Bytes {
            assert!(!batch.iter().any(|item| item == "panic"), "told to");
            Bytes::from(batch.join(","))
        }
    }

    fn settings(url: &str, process_id: fn() -> u32) -> PipelineSettings<String> {
        PipelineSettings {
            name: "test-worker",
            pace: Pace {
                limits: Limits { max_items: 100, max_bytes: 10_000 },
                batch_size: 10,
                flush_interval: Duration::ZERO,
                timeout: Duration::from_secs(30),
                retries: 0,
                backoff: Duration::ZERO,
            },
            encoding: Box::new(Commas),
            url: Url::parse(url).expect("an address"),
            headers: HeaderMap::new(),
            process_id,
        }
    }

    /// A peer that answers `answer` to each request and hands its body to the test.
    fn peer(answer: &'static str) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("bound"));
        let (bodies, received) = mpsc::channel();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let mut reader = BufReader::new(connection);
                let mut length = 0;
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().expect("a number");
                    }
                    if line == "\r\n" {
                        let mut body = vec![0; length];
                        reader.read_exact(&mut body).expect("a whole body");
                        let _ = bodies.send(String::from_utf8(body).expect("text"));
                        let _ = write!(reader.get_mut(), "HTTP/1.1 {answer}\r\nconnection: close\r\n\r\n");
                        break;
                    }
                    line.clear();
                }
            }
        });
        (url, received)
    }

    #[test]
    fn a_forked_child_starts_afresh_and_leaves_its_parents_records_alone() {
        static PROCESS: AtomicU32 = AtomicU32::new(1);
        let (url, bodies) = peer("200 OK\r\ncontent-length: 0");
        let mut settings = settings(&url, || PROCESS.load(Ordering::SeqCst));
        settings.pace.flush_interval = Duration::from_secs(3_600);
        let pipeline = Pipeline::new(settings, Duration::from_secs(60));
        pipeline.accounts().send("parent".into(), 6);
        // As in a child whose fork came while another thread held the lock.
        let held = pipeline.first.accounts.lock();
        PROCESS.store(2, Ordering::SeqCst);
        assert_eq!(pipeline.accounts().figures(), Figures::default());
        pipeline.accounts().send("child".into(), 5);
        assert!(pipeline.accounts().flush(Duration::from_secs(60)));
        assert_eq!(bodies.recv().expect("a request"), "child");
        assert_eq!(pipeline.accounts().close(Duration::from_secs(60)), Tally { sent: 1, ..Tally::default() });
        drop(held);
        PROCESS.store(3, Ordering::SeqCst);
        drop(pipeline);
    }

    #[test]
    fn a_worker_that_panics_costs_its_batch_and_is_counted() {
        let (url, _bodies) = peer("200 OK\r\ncontent-length: 0");
        let pipeline = Pipeline::new(settings(&url, std::process::id), Duration::from_secs(60));
        pipeline.accounts().send("panic".into(), 5);
        assert!(pipeline.accounts().flush(Duration::from_secs(60)));
        let figures = pipeline.accounts().figures();
        assert_eq!((figures.sends, figures.tally.failed, figures.in_flight), (1, 1, 0));
    }

    #[test]
    fn one_item_the_server_refuses_does_not_cost_its_neighbours() {
        let (url, bodies) = peer("422 Unprocessable Entity\r\ncontent-length: 0");
        let mut settings = settings(&url, std::process::id);
        settings.pace.flush_interval = Duration::from_secs(3_600);
        settings.pace.batch_size = 4;
        let pipeline = Pipeline::new(settings, Duration::from_secs(60));
        for item in ["a", "b", "c", "d"] {
            pipeline.accounts().send(item.into(), 1);
        }
        assert_eq!(pipeline.accounts().close(Duration::from_secs(60)).failed, 4);
        let bodies: Vec<String> = bodies.try_iter().collect();
        assert_eq!(bodies, ["a,b,c,d", "a,b", "a", "b", "c,d", "c", "d"]);
        assert_eq!(
            pipeline.accounts().figures().last_error.as_deref(),
            Some("the server answered 422 Unprocessable Entity")
        );
    }

    #[test]
    fn after_closing_everything_is_dropped_and_counted() {
        let pipeline = Pipeline::new(settings("http://127.0.0.1:9/", std::process::id), Duration::ZERO);
        assert_eq!(pipeline.accounts().close(Duration::ZERO), Tally::default());
        pipeline.accounts().send("late".into(), 4);
        assert_eq!(pipeline.accounts().close(Duration::MAX), Tally { dropped: 1, ..Tally::default() });
    }
}
