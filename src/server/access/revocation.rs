//! The end of a caller's rights while they are being answered. A connection kept alive is asked for its key with every
//! request, but a stream that is open, a question that waits and a body that trickles in must not outlive theirs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::{Request, Response};
use http_body::Body as _;

use crate::server::access::{Access, Caller};

/// The moment at which the rights of a caller end.
#[derive(Debug, Clone)]
pub(crate) struct Revocation {
    access: Arc<Access>,
    /// The caller; `None` for someone who has no rights to lose: whatever they are given, everyone is.
    caller: Option<Caller>,
}

/// Whether a body was cut off.
#[derive(Debug, Clone, Default)]
pub(crate) struct WasCut(Arc<AtomicBool>);

impl WasCut {
    /// Whether the body was cut off.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Revocation {
    /// The moment at which the rights of this caller end.
    pub(crate) fn new(access: &Arc<Access>, caller: &Caller) -> Revocation {
        let caller = Some(caller).filter(|caller| access.has_rights(caller)).cloned();
        Revocation { access: Arc::clone(access), caller }
    }

    /// Returns when the rights end; never for someone who has nothing to lose, or cannot lose it.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let (access, caller) = (Arc::clone(&self.access), self.caller.clone());
        async move {
            match caller {
                None | Some(Caller::Owner) => std::future::pending().await,
                Some(caller) => access.ended(caller).await,
            }
        }
    }

    /// A request with a key whose body breaks off when the rights end, and whether it did.
    pub(crate) fn cut_body(&self, request: Request<Body>) -> (Request<Body>, WasCut) {
        let cut = WasCut::default();
        if request.body().is_end_stream() || !matches!(self.caller, Some(Caller::Holder(_))) {
            return (request, cut);
        }
        let (ended, note) = (self.wait(), cut.clone());
        (request.map(|body| breaking_off(body, ended, note)), cut)
    }

    /// A response whose body breaks off when the rights end, unless all of it is there already.
    pub(crate) fn cut_stream(&self, response: Response<Body>) -> Response<Body> {
        match (response.body().size_hint().exact(), &self.caller) {
            (Some(_), _) | (_, None | Some(Caller::Owner)) => response,
            (None, Some(_)) => response.map(|body| breaking_off(body, self.wait(), WasCut::default())),
        }
    }
}

/// A body that fails once `ended` returns: the other end must not take what it has for all there is.
fn breaking_off(body: Body, ended: impl Future<Output = ()> + Send + 'static, cut: WasCut) -> Body {
    type Parts =
        (Pin<Box<dyn Stream<Item = Result<Bytes, axum::Error>> + Send>>, Pin<Box<dyn Future<Output = ()> + Send>>);
    let parts: Parts = (Box::pin(body.into_data_stream()), Box::pin(ended));
    Body::from_stream(stream::unfold(Some(parts), move |parts| {
        let cut = cut.clone();
        async move {
            let (mut pieces, mut ended) = parts?;
            tokio::select! {
                biased;
                () = &mut ended => {
                    cut.0.store(true, Ordering::Release);
                    Some((Err(axum::Error::new("the rights of the caller ended")), None))
                }
                piece = pieces.next() => Some((piece?, Some((pieces, ended)))),
            }
        }
    }))
}
