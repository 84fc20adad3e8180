//! TLS in front of every port: the certificate of the server, read again when its files change, and the handshakes, which
//! are bounded in time and number.
//!
//! It knows nothing of HTTP but how to tell someone who speaks it in the clear.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::stopping::stopped;

/// Longest time from a connection to the end of its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Most handshakes under way at once; one more ends the oldest of them, so that callers who are silent hold nobody up.
const MOST_HANDSHAKES: usize = 256;
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Shortest time between two log lines about callers that speak no TLS.
const QUIET: Duration = Duration::from_secs(10);
/// First byte of a TLS connection
/// ([RFC 8446, section 5.1](https://www.rfc-editor.org/rfc/rfc8446#section-5.1)).
const HANDSHAKE_RECORD: u8 = 22;
/// What someone is told who speaks HTTP/1 in the clear.
const SPEAK_TLS: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 55\r\nconnection: close\r\n\r\n{\"detail\":\"this port speaks TLS; call it by https://\"}\n";

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead to its authority, PEM.
    pub cert: PathBuf,
    /// The private key of the certificate, PEM.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("`{}` {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, after the name of the file.
        reason: String,
    },
    /// The key is that of another certificate.
    #[error("the key in `{}` is not that of the certificate in `{}`", key.display(), cert.display())]
    Mismatch {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
}

/// When a file was changed last and how long it is; `None` when that cannot be seen.
type Stamp = Option<(SystemTime, u64)>;

/// The certificate of a server as it is now.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
    stamps: Mutex<[Stamp; 2]>,
    handshakes: Arc<Handshakes>,
    last_complaint: Mutex<Option<Instant>>,
}

impl Tls {
    /// Reads a certificate.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub(crate) fn read(files: TlsFiles) -> Result<Tls, TlsError> {
        let stamps = stamps(&files);
        let current = RwLock::new(config(&files)?);
        let (stamps, handshakes) = (Mutex::new(stamps), Arc::default());
        Ok(Tls { files, current, stamps, handshakes, last_complaint: Mutex::default() })
    }

    /// Reads the files again; connections that are open keep what they have.
    ///
    /// # Errors
    /// See [`TlsError`]; the old certificate stays then.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        // Noted first: what changes while it is read is read again.
        *self.stamps.lock().unwrap_or_else(PoisonError::into_inner) = stamps(&self.files);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config(&self.files)?;
        Ok(())
    }

    /// Reads the files again whenever they change, until the server stops.
    pub(crate) async fn follow(&self, stopping: watch::Receiver<bool>) {
        let mut ticks = interval(LOOK);
        let mut stop = std::pin::pin!(stopped(stopping));
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = ticks.tick() => {}
            }
            if stamps(&self.files) == *self.stamps.lock().unwrap_or_else(PoisonError::into_inner) {
                continue;
            }
            match self.reload() {
                Ok(()) => tracing::info!("the certificate in `{}` is in use now", self.files.cert.display()),
                Err(error) => {
                    let error = crate::causes::with_causes(&error);
                    tracing::warn!("the old certificate stays in use: {error}");
                }
            }
        }
    }

    /// The connection once the handshake is done.
    ///
    /// # Errors
    /// There is none: it took too long, failed, or the caller does not speak TLS, which it is told.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        peer: impl std::fmt::Display,
    ) -> Result<TlsStream<TcpStream>, NoHandshake> {
        let handshake = async {
            let mut first = [0];
            if stream.peek(&mut first).await.unwrap_or(0) == 0 {
                return Err(NoHandshake::Silent);
            }
            if first != [HANDSHAKE_RECORD] {
                self.refuse(stream, first.first().copied().unwrap_or_default(), peer).await;
                return Err(NoHandshake::NoTls);
            }
            let config = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
            match TlsAcceptor::from(config).accept(stream).await {
                Ok(stream) => Ok(stream),
                Err(error) => {
                    tracing::debug!("a TLS handshake failed: {error}");
                    Err(NoHandshake::Failed)
                }
            }
        };
        let (_turn, over) = Handshakes::begin(&self.handshakes);
        tokio::select! {
            accepted = timeout(HANDSHAKE, handshake) => accepted.unwrap_or(Err(NoHandshake::Silent)),
            _ = over => Err(NoHandshake::Silent),
        }
    }

    async fn refuse(&self, mut stream: TcpStream, first: u8, peer: impl std::fmt::Display) {
        {
            let mut last = self.last_complaint.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_none_or(|last| last.elapsed() >= QUIET) {
                *last = Some(Instant::now());
                tracing::warn!("{peer} does not speak TLS on a port that does; its URL must begin with https://");
            }
        }
        // HTTP/2 and everything else would not understand it.
        let mut preface = [0; 4];
        let is_http2 = matches!(stream.peek(&mut preface).await, Ok(4) if &preface == b"PRI ");
        if first.is_ascii_uppercase() && !is_http2 {
            let _ = stream.write_all(SPEAK_TLS.as_bytes()).await;
            let _ = stream.shutdown().await;
            // What has not been read when a connection closes takes the answer with it.
            let mut rest = [0; 4_096];
            for _ in 0..16 {
                let more = timeout(Duration::from_secs(1), tokio::io::AsyncReadExt::read(&mut stream, &mut rest)).await;
                if !matches!(more, Ok(Ok(1..))) {
                    break;
                }
            }
        }
    }
}

/// Why a connection has no TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoHandshake {
    /// The caller said nothing, or not enough in time.
    Silent,
    /// The caller does not speak TLS.
    NoTls,
    /// The handshake was broken off, as by a caller that does not trust the certificate.
    Failed,
}

impl NoHandshake {
    /// The word and the sentence the tally of senders has for it; `None` for what is no trouble.
    pub(crate) fn trouble(self) -> Option<(&'static str, &'static str)> {
        match self {
            NoHandshake::Silent => None,
            NoHandshake::NoTls => {
                Some(("plain_on_tls_port", "the connection began in the clear, and this port speaks TLS"))
            }
            NoHandshake::Failed => Some(("tls_handshake", "the TLS handshake was broken off")),
        }
    }
}

/// The handshakes under way, the oldest first.
#[derive(Debug, Default)]
struct Handshakes(Mutex<UnderWay>);

#[derive(Debug, Default)]
struct UnderWay {
    last: u64,
    oldest_first: VecDeque<(u64, oneshot::Sender<()>)>,
}

/// A handshake that is counted until this is dropped.
struct Turn {
    handshakes: Arc<Handshakes>,
    number: u64,
}

impl Handshakes {
    /// Counts a handshake, and ends the oldest when these are too many. The receiver hears when this one is the oldest.
    fn begin(handshakes: &Arc<Handshakes>) -> (Turn, oneshot::Receiver<()>) {
        let (end, over) = oneshot::channel();
        let mut under_way = handshakes.0.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.last += 1;
        let number = under_way.last;
        under_way.oldest_first.push_back((number, end));
        if under_way.oldest_first.len() > MOST_HANDSHAKES {
            // Its receiver hears that the sender is gone.
            under_way.oldest_first.pop_front();
        }
        drop(under_way);
        (Turn { handshakes: Arc::clone(handshakes), number }, over)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut under_way = self.handshakes.0.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.oldest_first.retain(|(number, _)| *number != self.number);
    }
}

fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    let stamp = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    [stamp(&files.cert), stamp(&files.key)]
}

fn config(TlsFiles { cert, key }: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let content = |path: &Path, reason: String| TlsError::Content { path: path.to_owned(), reason };
    let certs: Result<Vec<CertificateDer<'static>>, pem::Error> =
        CertificateDer::pem_slice_iter(&read(cert)?).collect();
    let certs = certs.map_err(|error| content(cert, format!("holds no certificate in PEM: {error:?}")))?;
    if certs.is_empty() {
        return Err(content(cert, "holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            content(key, "holds no private key in PEM (`-----BEGIN PRIVATE KEY-----`)".to_owned())
        }
        error => content(key, format!("holds no private key in PEM: {error:?}")),
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| content(cert, format!("cannot be used: {error}")))?;
    let config = builder.with_no_client_auth().with_single_cert(certs, private).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { cert: cert.clone(), key: key.clone() },
        error => content(cert, format!("cannot be used: {error}")),
    });
    let mut config = config?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_in_the_clear_has_the_length_it_says() {
        let (head, body) = SPEAK_TLS.split_once("\r\n\r\n").expect("a head");
        assert!(body.contains(crate::api::SPEAKS_TLS));
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }

    #[test]
    fn one_handshake_too_many_ends_the_oldest() {
        let handshakes = Arc::default();
        let mut under_way: Vec<_> = (0..MOST_HANDSHAKES).map(|_| Handshakes::begin(&handshakes)).collect();
        let ended = |under_way: &mut Vec<(Turn, oneshot::Receiver<()>)>| {
            under_way
                .iter_mut()
                .filter_map(|(_, over)| over.try_recv().err())
                .filter(|error| *error == oneshot::error::TryRecvError::Closed)
                .count()
        };
        assert_eq!(ended(&mut under_way), 0);
        under_way.push(Handshakes::begin(&handshakes));
        assert_eq!((ended(&mut under_way), under_way[0].1.try_recv()), (1, Err(oneshot::error::TryRecvError::Closed)));
        under_way.drain(..100);
        under_way.extend((0..99).map(|_| Handshakes::begin(&handshakes)));
        assert_eq!(ended(&mut under_way), 0);
    }

    #[test]
    fn files_that_are_no_certificate_and_key_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        let made = |names: &str| rcgen::generate_simple_self_signed(vec![names.to_owned()]).expect("a certificate");
        let (one, other) = (made("localhost"), made("localhost"));
        std::fs::write(place("cert.pem"), one.cert.pem()).expect("written");
        std::fs::write(place("key.pem"), one.signing_key.serialize_pem()).expect("written");
        std::fs::write(place("other.pem"), other.signing_key.serialize_pem()).expect("written");
        std::fs::write(place("text.pem"), "no PEM at all").expect("written");
        let error = |cert: &str, key: &str| {
            let read = Tls::read(TlsFiles { cert: place(cert), key: place(key) });
            read.err().map(|error| error.to_string().replace(&folder.path().display().to_string(), ""))
        };
        assert_eq!(error("cert.pem", "key.pem"), None);
        let said = [
            (("none.pem", "key.pem"), "cannot read `/none.pem`"),
            (("text.pem", "key.pem"), "`/text.pem` holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)"),
            (("cert.pem", "text.pem"), "`/text.pem` holds no private key in PEM (`-----BEGIN PRIVATE KEY-----`)"),
            (("cert.pem", "cert.pem"), "`/cert.pem` holds no private key in PEM (`-----BEGIN PRIVATE KEY-----`)"),
            (("cert.pem", "other.pem"), "the key in `/other.pem` is not that of the certificate in `/cert.pem`"),
        ];
        for ((cert, key), text) in said {
            assert_eq!(error(cert, key).as_deref(), Some(text));
        }
    }
}
