//! Programs with a logger, each a process or a thread of its own: how they end, fork and panic, and where they run.

use std::process::{Command, Stdio};

use tracehub::model::{LogRecord, grouping};

use super::*;

/// What happens when the main thread ends is what happens when a thread of its name does.
fn end_a_main_thread(url: &str, letters: &Path) {
    let builder = builder(url, letters);
    let main = thread::Builder::new().name("main".to_owned()).spawn(move || {
        // Never dropped, as in a static.
        let logger = std::mem::ManuallyDrop::new(builder.build().expect("a logger"));
        log_all(&logger, 60);
    });
    main.expect("a thread").join().expect("no panic");
}

#[test]
fn a_program_that_ends_without_closing_loses_nothing() {
    let (peer, letters) = (Peer::start(&[Reply::Send(OK)]), folder());
    end_a_main_thread(&peer.url, letters.path());
    assert_eq!(messages(&peer.requests.try_iter().collect::<Vec<_>>()).len(), 60);
    assert_eq!(files(letters.path()), Vec::<PathBuf>::new());
    end_a_main_thread(NOBODY, letters.path());
    assert_eq!(kept(letters.path()).len(), 60);
}

/// Not a test of its own: the program that the next two run.
#[test]
fn program_that_logs_once() {
    let Ok(url) = std::env::var("TRACEHUB_TEST_ONCE_URL") else { return };
    let logger = Logger::builder("", "shop", "test").endpoint(&url).without_dlq().build().expect("a logger");
    logger.info("once");
    assert_eq!(logger.close(LONG).sent, 1, "{:?}", logger.stats());
}

#[test]
fn plain_http_needs_no_certificates() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["client_logger::programs::program_that_logs_once", "--exact", "--nocapture"])
        .env("TRACEHUB_TEST_ONCE_URL", &peer.url)
        // As in a container without any.
        .env("SSL_CERT_FILE", "/no/such/file")
        .env("SSL_CERT_DIR", "/no/such/directory")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(messages(&peer.requests.try_iter().collect::<Vec<_>>()), ["once"]);
}

#[test]
fn a_server_on_this_machine_is_not_looked_for_behind_a_proxy() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["client_logger::programs::program_that_logs_once", "--exact", "--nocapture"])
        .env("TRACEHUB_TEST_ONCE_URL", peer.url.replace("127.0.0.1", "localhost"))
        .envs(["http_proxy", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, NOBODY)))
        .envs(["no_proxy", "NO_PROXY"].map(|name| (name, "")))
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(messages(&peer.requests.try_iter().collect::<Vec<_>>()), ["once"]);
}

/// Not a test of its own: the program that [`a_program_killed_while_it_writes_leaves_whole_files`] runs and kills.
#[test]
fn program_that_writes_dead_letters_for_ever() {
    let Some(letters) = std::env::var_os("TRACEHUB_TEST_LETTERS") else { return };
    let url = std::env::var("TRACEHUB_TEST_URL").expect("set");
    let logger = builder(&url, Path::new(&letters)).max_retries(0).build().expect("a logger");
    for number in 0u64.. {
        logger.info(format!("k{number}")).extra("text", "x".repeat(20_000));
        if number % 20 == 0 {
            logger.flush(LONG);
        }
    }
}

#[test]
fn a_program_killed_while_it_writes_leaves_whole_files() {
    let (peer, letters) = (down_then_up(), folder());
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["client_logger::programs::program_that_writes_dead_letters_for_ever", "--exact"])
            .env("TRACEHUB_TEST_LETTERS", letters.path())
            .env("TRACEHUB_TEST_URL", &peer.0.url)
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs");
        let whole =
            || files(letters.path()).iter().filter(|path| path.extension().is_some_and(|e| e == "jsonl")).count();
        while whole() < round * 5 {
            assert!(child.try_wait().expect("a status").is_none(), "it ended");
            thread::yield_now();
        }
        // SIGKILL, at whatever it is doing.
        child.kill().expect("killed");
        child.wait().expect("dead");
    }
    let _ = peer.0.requests.try_iter().count();
    let mut complete = 0;
    for path in files(letters.path()).iter().filter(|path| path.extension().is_some_and(|e| e == "jsonl")) {
        let text = fs::read_to_string(path).expect("readable");
        let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).expect("a whole entry")).collect();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(name.ends_with(&format!("-{}", lines.len())), "{name} has {} lines", lines.len());
        complete += lines.len() as u64;
    }
    peer.1.store(false, Ordering::SeqCst);
    let logger = builder(&peer.0.url, letters.path()).build().expect("a logger");
    assert!(logger.wait_for_replay(LONG));
    assert!(logger.stats().replayed >= complete, "{:?} of {complete}", logger.stats());
    assert_eq!(files(letters.path()), Vec::<PathBuf>::new());
}

/// Not a test of its own: the program that [`a_forked_program_loses_and_repeats_nothing`] runs. Other threads log while
/// it forks, so that the child may find any lock taken.
#[cfg(target_os = "linux")]
#[test]
fn program_that_forks() {
    let Ok(url) = std::env::var("TRACEHUB_TEST_FORK_URL") else { return };
    let logger = Logger::builder("", "shop", "test").endpoint(&url).without_dlq().build().expect("a logger");
    logger.info("before");
    assert!(logger.flush(LONG));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    logger.info("parent");
                    thread::sleep(Duration::from_micros(100));
                }
            });
        }
        for number in 0..5 {
            let parent = fork::fork().expect("forked");
            let fork::Fork::Parent(child) = parent else {
                logger.info(format!("child {number}"));
                let report = logger.close(LONG);
                std::process::exit(if (report.logged, report.sent) == (1, 1) { 0 } else { 9 });
            };
            assert_eq!(fork::waitpid(child).expect("it ends"), 0);
        }
        is_over.store(true, Ordering::SeqCst);
    });
    let report = logger.close(LONG);
    assert_eq!(report.logged, report.sent + report.dropped);
    // The parent's own count, for the test to compare.
    fs::write(std::env::var("TRACEHUB_TEST_FORK_COUNT").expect("set"), report.sent.to_string()).expect("written");
}

#[cfg(target_os = "linux")]
#[test]
fn a_forked_program_loses_and_repeats_nothing() {
    let folder = folder();
    // The peer serves one connection after another.
    let last = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let peer = Peer::start_with(move |_, _| Reply::Send(last));
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["client_logger::programs::program_that_forks", "--exact", "--nocapture"])
        .env("TRACEHUB_TEST_FORK_URL", &peer.url)
        .env("TRACEHUB_TEST_FORK_COUNT", folder.path().join("count"))
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sent: usize = fs::read_to_string(folder.path().join("count")).expect("written").parse().expect("a number");
    let entries: Vec<Json> = peer.requests.try_iter().flat_map(|request| entries(&request)).collect();
    let of = |wanted: &str| entries.iter().filter(|entry| entry["message"] == wanted).count();
    for number in 0..5 {
        assert_eq!(of(&format!("child {number}")), 1);
    }
    assert_eq!(of("before") + of("parent"), sent);
    let processes: HashSet<u64> = entries.iter().filter_map(|entry| entry["pid"].as_u64()).collect();
    assert_eq!(processes.len(), 6, "the parent and five children");
}

/// Not a test of its own: the program that [`a_panic_is_a_fatal_record_before_the_program_ends`] runs.
#[test]
fn program_that_panics() {
    let Ok(url) = std::env::var("TRACEHUB_TEST_PANIC_URL") else { return };
    let logger = match std::env::var_os("TRACEHUB_TEST_LETTERS") {
        Some(letters) => builder(&url, Path::new(&letters)),
        None => Logger::builder("", "shop", "test").endpoint(&url).without_dlq(),
    };
    // Never dropped, as in a static.
    let logger = std::mem::ManuallyDrop::new(logger.build().expect("a logger"));
    tracehub::client::install_panic_hook(&logger);
    logger.info("before");
    std::hint::black_box(None::<u32>).expect("a card");
}

#[test]
fn a_panic_is_on_disk_before_the_program_ends_when_the_server_hangs() {
    let (peer, letters) = (Peer::start(&[Reply::Hang]), folder());
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["client_logger::programs::program_that_panics", "--exact"])
        .env("TRACEHUB_TEST_PANIC_URL", &peer.url)
        .env("TRACEHUB_TEST_LETTERS", letters.path())
        .output()
        .expect("it runs");
    assert!(!output.status.success());
    let messages: Vec<Json> = kept(letters.path()).iter().map(|entry| entry["message"].clone()).collect();
    assert_eq!(messages, ["before", "panic: a card"]);
}

#[test]
fn a_panic_is_a_fatal_record_before_the_program_ends() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["client_logger::programs::program_that_panics", "--exact", "--nocapture"])
        .env("TRACEHUB_TEST_PANIC_URL", &peer.url)
        .output()
        .expect("it runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("a card"), "the usual hook ran, too");
    let entry = entries(&peer.requests.try_recv().expect("a request"))[1].clone();
    assert_eq!((&entry["level"], &entry["message"]), (&json!("FATAL"), &json!("panic: a card")));
    assert_eq!((&entry["error_type"], &entry["error_message"]), (&json!("panic"), &json!("a card")));
    let stack = entry["stack_trace"].as_str().expect("a stack");
    assert!(stack.contains(concat!("panicked at ", file!(), ":")) && stack.contains("stack backtrace:"), "{stack}");
    // What is told makes an issue of the place of the panic, not of the hook that told it.
    let attributes = [("exception.type", "panic"), ("exception.message", "a card"), ("exception.stacktrace", stack)];
    let log = LogRecord { attributes: attributes.into_iter().collect(), ..LogRecord::default() };
    let found = grouping::of_log(&log).expect("an error");
    let culprit = found.culprit.unwrap_or_default();
    assert!(culprit.contains("program_that_panics") && !stack.contains("panic_hook"), "{culprit}\n{stack}");
    assert!(found.why.frames[0].contains("program_that_panics"), "{:?}", found.why.frames);
}
