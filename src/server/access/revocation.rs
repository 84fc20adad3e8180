//! The end of a caller's rights while they are being answered. A connection kept alive is asked for its key with every
//! request, but a stream that is open, a question that waits and a body that trickles in must not outlive theirs.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use futures::{TryStreamExt as _, stream};
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
                None | Some(Caller::Owner | Caller::Neighbour) => std::future::pending().await,
                Some(caller) => access.ended(caller).await,
            }
        }
    }

    /// A request with a key whose body breaks off when the rights end, and whether it did.
    pub(crate) fn cut_body(&self, request: Request<Body>) -> (Request<Body>, Arc<AtomicBool>) {
        let cut = Arc::<AtomicBool>::default();
        if request.body().is_end_stream() || !matches!(self.caller, Some(Caller::Holder(_))) {
            return (request, cut);
        }
        let (ended, note) = (self.wait(), Arc::clone(&cut));
        (request.map(|body| breaking_off(body, ended, note)), cut)
    }

    /// A response whose body breaks off when the rights end, unless all of it is there already.
    pub(crate) fn cut_stream(&self, response: Response<Body>) -> Response<Body> {
        match (response.body().size_hint().exact(), &self.caller) {
            (Some(_), _) | (_, None | Some(Caller::Owner)) => response,
            (None, Some(_)) => response.map(|body| breaking_off(body, self.wait(), Arc::default())),
        }
    }
}

/// A body that fails once `ended` returns: the other end must not take what it has for all there is.
fn breaking_off(body: Body, ended: impl Future<Output = ()> + Send + 'static, was_cut: Arc<AtomicBool>) -> Body {
    let parts = (body.into_data_stream(), Box::pin(ended));
    Body::from_stream(stream::try_unfold(parts, move |(mut pieces, mut ended)| {
        let was_cut = Arc::clone(&was_cut);
        async move {
            tokio::select! {
                biased;
                () = &mut ended => {
                    was_cut.store(true, Ordering::Release);
                    Err(axum::Error::new("the rights of the caller ended"))
                }
                piece = pieces.try_next() => Ok(piece?.map(|piece| (piece, (pieces, ended)))),
            }
        }
    }))
}
