//! File descriptors, of which each connection takes one and the system gives a process only so many.

/// Descriptors for everything but connections: files, ports, and connections of our own.
const RESERVED: usize = 128;
/// Of four descriptors for connections, how many are for those without a stream of events.
const QUARTERS_FOR_REQUESTS: usize = 3;

/// Asks the system for as many descriptors as the process may have: by default it often gives a thousand and permits a
/// hundred times that.
#[cfg(unix)]
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Without more of them there are fewer connections.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum.or(limit.current), ..limit });
}

/// How many connections without a stream there are descriptors for, of `wanted`.
pub(crate) fn most_connections(wanted: usize) -> usize {
    within(wanted, most_descriptors())
}

fn within(wanted: usize, descriptors: Option<usize>) -> usize {
    let Some(descriptors) = descriptors else { return wanted };
    wanted.min((descriptors.saturating_sub(RESERVED) / 4 * QUARTERS_FOR_REQUESTS).max(8))
}

/// How many descriptors the process may have; `None` for any number.
#[cfg(unix)]
fn most_descriptors() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map(|most| usize::try_from(most).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
pub(crate) fn raise_limit() {}

#[cfg(not(unix))]
fn most_descriptors() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_connections_than_descriptors() {
        for (descriptors, connections) in [(None, 1_024), (Some(20_000), 1_024), (Some(1_024), 672), (Some(64), 8)] {
            assert_eq!(within(1_024, descriptors), connections);
        }
    }
}
