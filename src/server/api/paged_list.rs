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

/// How much of a list was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// One page, and where the next begins.
    Page,
    /// So many items, page by page.
    Items(usize),
}

impl Wanted {
    /// What the limit of a list asks for; the limit is that of one page then. None means everything.
    pub(crate) fn read(limit: &mut usize) -> Wanted {
        let wanted = match *limit {
            0 => Wanted::Items(usize::MAX),
            items if items > PAGE => Wanted::Items(items),
            _ => return Wanted::Page,
        };
        *limit = PAGE;
        wanted
    }
}

/// The page that begins at `first`, or as many items as are wanted from there on; `ask` reads a page.
pub(crate) async fn answer<T, F>(
    first: Option<Cursor>,
    wanted: Wanted,
    ask: impl Fn(Option<Cursor>) -> F + Send + 'static,
) -> Answer
where
    T: Serialize + Send + 'static,
    F: Future<Output = store::Result<Page<T>>> + Send + 'static,
{
    let Page { items, next, total, failed } = ask(first).await?;
    let (next, body) = match next {
        Some(next) if let Wanted::Items(most) = wanted => {
            let left = most.saturating_sub(items.len());
            let first = elements(items, ("[", "")).await?;
            (None, Body::from_stream(pages(first, (next, left), ask)))
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

/// A list as pieces of one JSON array: what is written already, and so many more items from `next` on. An error cuts it
/// short, which the client sees as a broken body.
fn pages<T, F>(
    first: Bytes,
    (next, left): (Cursor, usize),
    ask: impl Fn(Option<Cursor>) -> F,
) -> impl Stream<Item = store::Result<Bytes>>
where
    T: Serialize + Send + 'static,
    F: Future<Output = store::Result<Page<T>>>,
{
    stream::try_unfold((Some(first), Some(next), left), move |(ready, next, left)| {
        let asked = (ready.is_none() && next.is_some()).then(|| ask(next.clone()));
        async move {
            if let Some(ready) = ready {
                return Ok(Some((ready, (None, next, left))));
            }
            let Some(asked) = asked else { return Ok(None) };
            let Page { mut items, next, .. } = asked.await?;
            items.truncate(left);
            let left = left - items.len();
            let next = next.filter(|_| left > 0);
            let open = if items.is_empty() { "" } else { "," };
            let close = if next.is_none() { "]" } else { "" };
            Ok(Some((elements(items, (open, close)).await?, (None, next, left))))
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
