//! The signals that end the program, Ctrl-C and SIGTERM, and one that must not end a server.
//!
//! Commands that look end at once with 130, unless a pager has the terminal. One that follows finishes its line first.
//! A server is asked to stop and gets a second signal when someone loses patience.

use std::io;

#[cfg(unix)]
use tokio::signal::unix;

use super::exit::Code;
use crate::view::out::is_paging;

/// Ends the process at Ctrl-C from now on. Must be called within a runtime, which owns the task.
pub fn exit_on_interrupt() {
    let Ok(mut signals) = Signals::listen() else { return };
    tokio::spawn(async move {
        loop {
            signals.interrupt().await;
            if !is_paging() {
                std::process::exit(i32::from(Code::Interrupted as u8));
            }
        }
    });
}

/// Outlives a file that has grown as large as the system lets it from now on: with its signal caught, the write fails as
/// on a full disk instead. Must be called within a runtime.
pub fn outlive_file_size_limit() {
    // Once caught a signal stays caught, whoever listens. When the system refuses, it is as before.
    #[cfg(unix)]
    drop(unix::signal(unix::SignalKind::from_raw(FILE_SIZE_EXCEEDED)));
}

/// The number of SIGXFSZ, on every system but those for MIPS.
#[cfg(all(unix, not(any(target_arch = "mips", target_arch = "mips64"))))]
const FILE_SIZE_EXCEEDED: i32 = 25;
#[cfg(all(unix, any(target_arch = "mips", target_arch = "mips64")))]
const FILE_SIZE_EXCEEDED: i32 = 31;

#[cfg(unix)]
type Signal = unix::Signal;
#[cfg(windows)]
type Signal = tokio::signal::windows::CtrlC;

/// Hears the signals that ask a process to stop. From its making on they no longer end the process by themselves.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Option<Signal>,
}

impl Signals {
    /// Listens for Ctrl-C only.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen() -> io::Result<Signals> {
        #[cfg(unix)]
        let interrupt = unix::signal(unix::SignalKind::interrupt())?;
        #[cfg(windows)]
        let interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(Signals { interrupt, terminate: None })
    }

    /// Listens for Ctrl-C and SIGTERM.
    ///
    /// # Errors
    /// The system refuses.
    #[cfg(unix)]
    pub fn listen_to_all() -> io::Result<Signals> {
        Ok(Signals { terminate: Some(unix::signal(unix::SignalKind::terminate())?), ..Signals::listen()? })
    }

    /// Listens for Ctrl-C, which is all there is.
    ///
    /// # Errors
    /// The system refuses.
    #[cfg(windows)]
    pub fn listen_to_all() -> io::Result<Signals> {
        Signals::listen()
    }

    /// Waits for Ctrl-C.
    pub async fn interrupt(&mut self) {
        if self.interrupt.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the next signal of those listened for.
    pub async fn next(&mut self) {
        let Signals { interrupt, terminate } = self;
        let terminated = async {
            match terminate {
                Some(terminate) => terminate.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminated => {}
        }
    }
}

/// Hears SIGHUP, which asks a server to read its files anew, on systems that have it.
#[derive(Debug)]
pub struct Hangups(#[cfg(unix)] Option<Signal>);

impl Hangups {
    /// Listens, if there is anything to read anew; else SIGHUP ends the process as ever.
    ///
    /// # Errors
    /// The system refuses.
    #[cfg(unix)]
    pub fn listen(is_wanted: bool) -> io::Result<Hangups> {
        let signal = is_wanted.then(|| unix::signal(unix::SignalKind::hangup())).transpose()?;
        Ok(Hangups(signal))
    }

    /// There is nothing to hear.
    ///
    /// # Errors
    /// Never.
    #[cfg(windows)]
    pub fn listen(_is_wanted: bool) -> io::Result<Hangups> {
        Ok(Hangups())
    }

    /// Waits for the next one; for ever when nobody listens.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
