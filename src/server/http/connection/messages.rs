//! Requests and answers that report what becomes of them to the [`Activity`] of their connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Buf as _, Bytes};
use http::{Request, Response, header};
use http_body::{Body as _, Frame, SizeHint};

use crate::server::http::connection::Activity;

/// An open request; dropping it ends the request.
#[derive(Debug)]
pub(crate) struct OpenRequest {
    activity: Arc<Activity>,
    is_stream: bool,
}

impl OpenRequest {
    /// Opens a request, whose body reports what arrives.
    pub(crate) fn begin<B>(activity: &Arc<Activity>, request: Request<B>) -> (OpenRequest, Request<Body>)
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<axum::BoxError>,
    {
        activity.begin_request();
        let open = OpenRequest { activity: Arc::clone(activity), is_stream: false };
        let request = request.map(|body| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(Arriving { body, turn: Turn::new(activity, true) }),
        });
        (open, request)
    }

    /// The answer to the request, whose body reports what leaves. The request ends with it.
    pub(crate) fn answer(mut self, response: Response<Body>) -> Response<Leaving> {
        let media = response.headers().get(header::CONTENT_TYPE).map(|value| value.as_bytes());
        self.is_stream = media.is_some_and(|media| media.starts_with(b"text/event-stream"));
        if self.is_stream {
            self.activity.begin_stream();
        }
        let turn = Turn::new(&self.activity, !response.body().is_end_stream());
        response.map(|body| Leaving { body, turn, request: self })
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.activity.end_request(self.is_stream);
    }
}

/// Whose turn it is on a body.
#[derive(Debug)]
struct Turn {
    activity: Arc<Activity>,
    is_clients: bool,
}

impl Turn {
    fn new(activity: &Arc<Activity>, is_clients: bool) -> Turn {
        let mut turn = Turn { activity: Arc::clone(activity), is_clients: false };
        turn.set(is_clients);
        turn
    }

    fn set(&mut self, is_clients: bool) {
        if self.is_clients != is_clients {
            self.is_clients = is_clients;
            self.activity.note_client_turn(is_clients);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.set(false);
    }
}

/// The body of a request: until its end it is the client's turn.
#[derive(Debug)]
struct Arriving<B> {
    body: B,
    turn: Turn,
}

impl<B: http_body::Body<Data = Bytes> + Unpin> http_body::Body for Arriving<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(context);
        match &frame {
            Poll::Ready(Some(Ok(_))) => {
                this.turn.activity.note_progress();
                this.turn.set(!this.body.is_end_stream());
            }
            Poll::Ready(_) => this.turn.set(false),
            Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer: while it waits for more of the answer it is the server's turn, and else the client's, who is to
/// read.
#[derive(Debug)]
pub(crate) struct Leaving {
    body: Body,
    turn: Turn,
    request: OpenRequest,
}

impl http_body::Body for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(context);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => {
                this.request.activity.note_unsent(frame.data_ref().map_or(0, |data| data.remaining()));
                this.turn.set(true);
            }
            Poll::Ready(_) | Poll::Pending => this.turn.set(false),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
