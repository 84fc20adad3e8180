//! What happens on one connection: which requests are open, whose turn it is, and since when nothing has moved.
//!
//! A connection is there for requests. Bytes alone prove nothing: a client can answer pings, or send the head of its
//! request letter by letter, for as long as it likes. So the clock of a connection without an open request starts anew
//! with requests only, and one whose client keeps the server waiting is told from one that waits for the server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::server::http::Limits;

/// Fewest bytes written at once that count as part of an answer: acknowledgements of pings and settings are shorter.
const ANSWER_BYTES: usize = 64;
/// How long a client whose turn it is may pause when others wait for a place.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a connection may wait for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Without an open request, over HTTP/1 and before the protocol is known.
    pub(crate) idle: Duration,
    /// Without an open request, over HTTP/2.
    pub(crate) http2_idle: Duration,
    /// With an open request on which nothing moves.
    pub(crate) stalled: Duration,
}

impl Patience {
    /// What the limits of a server allow.
    pub(crate) fn new(limits: &Limits) -> Patience {
        Patience {
            idle: limits.header_timeout,
            http2_idle: limits.http2_idle_timeout,
            stalled: limits.connection_idle_timeout,
        }
    }

    fn shortest(&self) -> Duration {
        self.idle.min(self.http2_idle).min(self.stalled)
    }
}

/// Why a connection should go so that another can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Release {
    /// It has no open request.
    Idle,
    /// Its client keeps the server waiting for a body, or does not read its answer.
    Stalled,
}

/// What is known of one connection.
#[derive(Debug)]
pub(crate) struct Activity {
    state: Mutex<State>,
    released: Notify,
}

#[derive(Debug)]
struct State {
    open_requests: usize,
    /// Open requests whose answer is a stream of events.
    open_streams: usize,
    /// Bodies, of requests and of answers, on which it is the client's turn.
    client_turns: usize,
    /// Since when it has been the client's turn without a break.
    client_turn_since: Instant,
    /// Bytes of answers that wait to be written.
    unsent_bytes: usize,
    is_http2: bool,
    is_lingering: bool,
    release: Option<Release>,
    /// When a byte moved last, in either direction.
    last_byte: Instant,
    /// When a request began, moved or ended last.
    last_progress: Instant,
}

impl Activity {
    /// A connection that begins now.
    pub(crate) fn new() -> Arc<Activity> {
        let now = Instant::now();
        let state = State {
            open_requests: 0,
            open_streams: 0,
            client_turns: 0,
            client_turn_since: now,
            unsent_bytes: 0,
            is_http2: false,
            is_lingering: false,
            release: None,
            last_byte: now,
            last_progress: now,
        };
        Arc::new(Activity { state: Mutex::new(state), released: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the client speaks HTTP/2.
    pub(super) fn note_http2(&self) {
        self.state().is_http2 = true;
    }

    /// Notes that bytes were read.
    pub(super) fn note_read(&self) {
        self.state().last_byte = Instant::now();
    }

    /// Notes that so many bytes were written. What is not part of an answer makes the answers that wait seem a little
    /// shorter, never longer.
    pub(super) fn note_written(&self, bytes: usize) {
        let mut state = self.state();
        state.last_byte = Instant::now();
        if state.unsent_bytes > 0 && bytes >= ANSWER_BYTES.min(state.unsent_bytes) {
            state.last_progress = state.last_byte;
        }
        state.unsent_bytes = state.unsent_bytes.saturating_sub(bytes);
    }

    /// Notes that so many bytes of an answer wait to be written.
    pub(super) fn note_unsent(&self, bytes: usize) {
        let mut state = self.state();
        state.unsent_bytes = state.unsent_bytes.saturating_add(bytes);
        state.last_progress = Instant::now();
    }

    /// Notes that something of a request's body arrived, or that the connection is ready for requests.
    pub(crate) fn note_progress(&self) {
        self.state().last_progress = Instant::now();
    }

    /// Notes that a request begins, which [`Activity::end_request`] ends.
    pub(super) fn begin_request(&self) {
        let mut state = self.state();
        state.open_requests += 1;
        state.last_progress = Instant::now();
    }

    /// Notes that the answer to a request has been handed over.
    pub(super) fn end_request(&self, is_stream: bool) {
        let mut state = self.state();
        state.open_requests = state.open_requests.saturating_sub(1);
        state.open_streams = state.open_streams.saturating_sub(usize::from(is_stream));
        state.last_progress = Instant::now();
    }

    /// Notes that the answer to an open request is a stream of events.
    pub(super) fn begin_stream(&self) {
        self.state().open_streams += 1;
    }

    /// Notes that it is the client's turn on one more body, or on one less.
    pub(super) fn note_client_turn(&self, is_more: bool) {
        let mut state = self.state();
        if is_more && state.client_turns == 0 {
            state.client_turn_since = Instant::now();
        }
        state.client_turns = if is_more { state.client_turns + 1 } else { state.client_turns.saturating_sub(1) };
    }

    /// Whether a request is open.
    pub(crate) fn has_open_request(&self) -> bool {
        self.state().open_requests > 0
    }

    /// Whether an answer on this connection is a stream of events.
    pub(super) fn is_streaming(&self) -> bool {
        self.state().open_streams > 0
    }

    /// Notes that the connection closes while its client still sends: what arrives until it has read the last answer is
    /// taken and thrown away, because a reset could overtake the answer.
    pub(crate) fn linger(&self) {
        self.state().is_lingering = true;
    }

    /// Whether to take what arrives after the last answer.
    pub(super) fn is_lingering(&self) -> bool {
        self.state().is_lingering
    }

    /// Whether the connection may go so that another can come, and since when nothing of use has happened on it; `None`
    /// while it works. A client whose turn it is counts as stalled when it pauses, or takes longer than an idle one may.
    pub(super) fn expendable_since(&self, patience: &Patience) -> Option<(Release, Instant)> {
        let state = self.state();
        if state.open_streams > 0 {
            return None;
        }
        if state.is_idle() {
            return Some((Release::Idle, state.last_progress));
        }
        if state.client_turns == 0 && state.unsent_bytes == 0 {
            return None;
        }
        if state.last_progress.elapsed() >= PAUSE {
            return Some((Release::Stalled, state.last_progress));
        }
        let is_slow = state.client_turns > 0 && state.client_turn_since.elapsed() >= patience.idle;
        is_slow.then_some((Release::Stalled, state.client_turn_since))
    }

    /// Tells the task of the connection to end it.
    pub(super) fn release(&self, release: Release) {
        self.state().release = Some(release);
        self.released.notify_one();
    }

    /// Returns once another connection needs the place of this one.
    pub(crate) async fn released(&self) {
        while self.state().release.is_none() {
            self.released.notified().await;
        }
    }

    /// Returns once the connection should end, and why: another one needs its place, or its client has kept the server
    /// waiting for too long.
    pub(crate) async fn ended(&self, patience: &Patience) -> Release {
        loop {
            let deadline = match self.due(patience) {
                Ok(release) => return release,
                Err(deadline) => deadline,
            };
            // What is open now may be idle in a moment, and then has less time.
            let soon = Instant::now() + patience.shortest();
            tokio::select! {
                () = self.released.notified() => {}
                () = sleep_until(deadline.min(soon)) => {}
            }
        }
    }

    /// Why the connection should end now, or when to ask again.
    fn due(&self, patience: &Patience) -> Result<Release, Instant> {
        let state = self.state();
        if let Some(release) = state.release {
            return Ok(release);
        }
        let (release, deadline) = if state.is_idle() {
            let allowed = if state.is_http2 { patience.http2_idle } else { patience.idle };
            (Release::Idle, state.last_progress + allowed)
        } else if state.client_turns > 0 || state.unsent_bytes > 0 {
            (Release::Stalled, state.last_progress + patience.stalled)
        } else {
            (Release::Stalled, state.last_byte.max(state.last_progress) + patience.stalled)
        };
        if deadline <= Instant::now() { Ok(release) } else { Err(deadline) }
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.open_requests == 0 && self.unsent_bytes == 0
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patience() -> Patience {
        Patience { idle: 10 * SECOND, http2_idle: 60 * SECOND, stalled: 75 * SECOND }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_ends_in_time_whatever_bytes_move() {
        for (is_http2, seconds) in [(false, 10), (true, 60)] {
            let (activity, began) = (Activity::new(), Instant::now());
            if is_http2 {
                activity.note_http2();
            }
            let bytes = async {
                loop {
                    advance(SECOND).await;
                    activity.note_read();
                    activity.note_written(17);
                }
            };
            let release = tokio::select! {
                release = async { activity.ended(&patience()).await } => release,
                () = bytes => unreachable!(),
            };
            let waited = began.elapsed().as_secs();
            assert!(
                release == Release::Idle && (seconds..=seconds + 1).contains(&waited),
                "{release:?} after {waited} s"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_request_ends_has_no_more_time_than_any_other() {
        let (activity, patience) = (Activity::new(), patience());
        activity.begin_request();
        let work = async {
            sleep_until(Instant::now() + 23 * SECOND).await;
            activity.end_request(false);
            Instant::now()
        };
        let end = async {
            let release = activity.ended(&patience).await;
            (release, Instant::now())
        };
        let (worked, (release, ended)) = tokio::join!(work, end);
        assert_eq!((release, (ended - worked).as_secs()), (Release::Idle, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_starts_anew_when_an_answer_has_left_and_not_when_it_is_handed_over() {
        let (activity, patience) = (Activity::new(), patience());
        advance(9 * SECOND).await;
        activity.begin_request();
        activity.note_unsent(1_000_000);
        activity.end_request(false);
        for _ in 0..20 {
            advance(60 * SECOND).await;
            activity.note_written(1_000);
            assert!(activity.due(&patience).is_err());
        }
        activity.note_written(980_000);
        assert_eq!(activity.expendable_since(&patience), Some((Release::Idle, Instant::now())));
        advance(11 * SECOND).await;
        assert_eq!(activity.due(&patience), Ok(Release::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn who_answers_pings_but_does_not_read_the_answer_is_stalled() {
        let (activity, patience) = (Activity::new(), patience());
        activity.begin_request();
        activity.note_client_turn(true);
        for _ in 0..7 {
            advance(10 * SECOND).await;
            activity.note_written(17);
            assert!(activity.due(&patience).is_err());
        }
        assert!(matches!(activity.expendable_since(&patience), Some((Release::Stalled, _))));
        advance(6 * SECOND).await;
        assert_eq!(activity.due(&patience), Ok(Release::Stalled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_worked_on_and_a_stream_do_not_make_way() {
        let (activity, patience) = (Activity::new(), patience());
        activity.begin_request();
        advance(60 * SECOND).await;
        assert_eq!(activity.expendable_since(&patience), None);
        activity.begin_stream();
        activity.note_client_turn(true);
        advance(14 * SECOND).await;
        assert_eq!(activity.expendable_since(&patience), None);
        activity.note_client_turn(false);
        activity.end_request(true);
        assert!(!activity.is_streaming() && !activity.has_open_request());
        assert_eq!(activity.expendable_since(&patience), Some((Release::Idle, Instant::now())));
    }
}
