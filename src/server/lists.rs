//! Lists as answers: a JSON array in the body; totals and where the next page begins in headers.
//!
//! A list of everything is written page by page, so that neither a huge one nor a slow reader of one costs memory or
//! holds the database.

use std::future::Future;

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, stream};
use http::{HeaderName, HeaderValue, Response, header};
use serde_json::{Map, Value as Json};

use crate::{
    api,
    model::{Cursor, Page},
    store,
};

use super::{reply, traces::Answer};

/// Items read at once for a list of all of them.
pub(super) const PAGE: usize = 1_000;

/// The page that begins at `first`, or with `is_everything` all pages from there on. `ask` reads a page, `write` writes
/// an item down.
pub(super) async fn answer<T, F>(
    first: Option<Cursor>,
    is_everything: bool,
    ask: impl Fn(Option<Cursor>) -> F + Send + 'static,
    write: fn(&T) -> Map<String, Json>,
) -> Answer
where
    T: Send + 'static,
    F: Future<Output = store::Result<Page<T>>> + Send + 'static,
{
    let page = ask(first).await?;
    let (total, failed) = (page.total, page.failed);
    let (next, body) = match page.next.clone() {
        Some(_) if is_everything => (None, Body::from_stream(pages(page, ask, write))),
        next => (next, Body::from(elements(&page.items, write, ("[", "]")))),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    reply::mark(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, count) in [(api::TOTAL_HEADER, total), (api::FAILED_HEADER, failed)] {
        if let Some(count) = count {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(count));
        }
    }
    if let Some(next) = next.and_then(|Cursor(next)| HeaderValue::from_str(&next).ok()) {
        headers.insert(HeaderName::from_static(api::NEXT_CURSOR_HEADER), next);
    }
    Ok(response)
}

/// A list from its first page on as pieces of one JSON array; an error cuts it short, which the client sees as a broken
/// body.
fn pages<T, F>(
    first: Page<T>,
    ask: impl Fn(Option<Cursor>) -> F,
    write: fn(&T) -> Map<String, Json>,
) -> impl Stream<Item = store::Result<Bytes>>
where
    F: Future<Output = store::Result<Page<T>>>,
{
    let first_bytes = elements(&first.items, write, ("[", ""));
    stream::try_unfold((Some(first_bytes), first.next), move |(ready, next)| {
        let asked = next.is_some().then(|| ask(next.clone()));
        async move {
            if let Some(ready) = ready {
                return Ok(Some((ready, (None, next))));
            }
            let Some(asked) = asked else { return Ok(None) };
            let page = asked.await?;
            let open = if page.items.is_empty() { "" } else { "," };
            let close = if page.next.is_none() { "]" } else { "" };
            Ok(Some((elements(&page.items, write, (open, close)), (None, page.next))))
        }
    })
}

/// Elements of a JSON array, with what comes before and after them.
pub(super) fn elements<T>(items: &[T], write: fn(&T) -> Map<String, Json>, (open, close): (&str, &str)) -> Bytes {
    let mut text = String::from(open);
    for (index, item) in items.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        text.push_str(&Json::Object(write(item)).to_string());
    }
    text.push_str(close);
    Bytes::from(text)
}
