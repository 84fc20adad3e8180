//! Lists as answers: a JSON array in the body; totals and where the next page begins in headers.
//!
//! A list of everything is written page by page, so that neither a huge one nor a slow reader of one costs memory or
//! holds the database.

use std::future::Future;

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, stream};
use http::{HeaderName, HeaderValue, Response, header};
use serde::Serialize;

use crate::model::{Cursor, Page, json};
use crate::server::http::{Answer, answer};
use crate::{api, store};

/// Items read at once for a list of all of them.
const PAGE: usize = 1_000;
/// Items that are written where they were read; more of them are work for another thread.
const FEW: usize = 20;

/// Whether the limit of a list means everything; the limit is that of one page then.
pub(crate) fn wants_everything(limit: &mut usize) -> bool {
    let is_everything = *limit == 0;
    if is_everything {
        *limit = PAGE;
    }
    is_everything
}

/// The page that begins at `first`, or with `is_everything` all pages from there on; `ask` reads a page.
pub(crate) async fn answer<T, F>(
    first: Option<Cursor>,
    is_everything: bool,
    ask: impl Fn(Option<Cursor>) -> F + Send + 'static,
) -> Answer
where
    T: Serialize + Send + 'static,
    F: Future<Output = store::Result<Page<T>>> + Send + 'static,
{
    let Page { items, next, total, failed } = ask(first).await?;
    let (next, body) = match next {
        Some(next) if is_everything => {
            let first = elements(items, ("[", "")).await?;
            (None, Body::from_stream(pages(first, next, ask)))
        }
        next => (next, Body::from(elements(items, ("[", "]")).await?)),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    answer::mark_version(headers);
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

/// A list as pieces of one JSON array: what is written already, and the pages from `next` on. An error cuts it short,
/// which the client sees as a broken body.
fn pages<T, F>(
    first: Bytes,
    next: Cursor,
    ask: impl Fn(Option<Cursor>) -> F,
) -> impl Stream<Item = store::Result<Bytes>>
where
    T: Serialize + Send + 'static,
    F: Future<Output = store::Result<Page<T>>>,
{
    stream::try_unfold((Some(first), Some(next)), move |(ready, next)| {
        let asked = next.is_some().then(|| ask(next.clone()));
        async move {
            if let Some(ready) = ready {
                return Ok(Some((ready, (None, next))));
            }
            let Some(asked) = asked else { return Ok(None) };
            let Page { items, next, .. } = asked.await?;
            let open = if items.is_empty() { "" } else { "," };
            let close = if next.is_none() { "]" } else { "" };
            Ok(Some((elements(items, (open, close)).await?, (None, next))))
        }
    })
}

/// Elements of a JSON array, with what comes before and after them. Many of them are written off the async threads: to
/// say which issue an error belongs to, for one, is work.
async fn elements<T: Serialize + Send + 'static>(
    items: Vec<T>,
    (open, close): (&'static str, &'static str),
) -> store::Result<Bytes> {
    let is_little = items.len() <= FEW;
    let write_all = move || {
        let items: Vec<String> = items.iter().map(json::text).collect();
        Bytes::from(format!("{open}{}{close}", items.join(",")))
    };
    answer::write(is_little, write_all).await
}
