//! What the published Python servers answered to a long list of odd requests, asked of ours. `data/python/README.md`
//! explains the lines, and why some of them hold an answer of our own.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::server_support::Server;

const LINES: &str = include_str!("data/python/answers.jsonl");

/// The exchanges of one session, in the order they were recorded.
fn session(number: u64) -> Vec<Json> {
    let lines = LINES.lines().map(|line| serde_json::from_str::<Json>(line).expect("JSON"));
    lines.filter(|line| line["session"] == number).collect()
}

/// An answer as it came over the wire.
struct Heard {
    status: u64,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A server, and the row ids it has named so far.
struct Replay {
    server: Server,
    ids: Vec<u64>,
}

impl Replay {
    async fn of(session: u64) -> Replay {
        let server = Server::start_with(|config| {
            config.secret = (session == 4).then(|| "s3cret".to_owned());
        });
        Replay { server: server.await, ids: Vec::new() }
    }

    /// Sends a request byte by byte as it was sent to the original, on a connection of its own.
    async fn ask(&self, request: &Json) -> Heard {
        let stream = self.send(request).await;
        heard(stream).await
    }

    async fn send(&self, request: &Json) -> TcpStream {
        let text = |value: &Json| value.as_str().expect("text").to_owned();
        let body = match (&request["body"], &request["body_base64"]) {
            (Json::String(body), _) => Some(body.clone().into_bytes()),
            (_, Json::String(body)) => Some(STANDARD.decode(body).expect("base64")),
            _ => None,
        };
        let mut target = text(&request["target"]);
        for (index, id) in self.ids.iter().enumerate() {
            target = target.replace(&format!("<id:{}>", index + 1), &id.to_string());
        }
        let mut head =
            format!("{} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n", text(&request["method"]));
        for header in request["headers"].as_array().expect("headers") {
            head.push_str(&format!("{}: {}\r\n", text(&header[0]), text(&header[1])));
        }
        if let Some(body) = &body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(self.server.address()).await.expect("a connection");
        stream.write_all(&[head.as_bytes(), &body.unwrap_or_default()].concat()).await.expect("room");
        stream
    }

    async fn check(&mut self, line: &Json) -> Result<(), String> {
        let request = &line["request"];
        tokio::time::sleep(Duration::from_millis(line["wait_ms"].as_u64().unwrap_or(0))).await;
        for _ in 1..line["repeat"].as_u64().unwrap_or(1) {
            self.ask(request).await;
        }
        let heard = match line["during"].as_array() {
            None => self.ask(request).await,
            Some(during) => {
                let stream = self.send(request).await;
                // The first of the stored records proves that the stream has begun.
                let mut first = [0; 1];
                stream.readable().await.expect("an answer");
                stream.peek(&mut first).await.expect("an answer");
                for request in during {
                    self.ask(request).await;
                }
                heard(stream).await
            }
        };
        let (answer, ours) = (&line["answer"], &line["ours"]);
        let is_ours = ours.is_object();
        let status = if is_ours { &ours["status"] } else { &answer["status"] };
        if *status != heard.status {
            return Err(format!(
                "status {} instead of {status}: {}",
                heard.status,
                String::from_utf8_lossy(&heard.body)
            ));
        }
        if !is_ours {
            self.check_headers(answer, &heard)?;
        }
        if let Some(blocks) = answer["sse"].as_array() {
            return self.check_events(blocks, &heard);
        }
        let wanted = if is_ours { &ours["json"] } else { &answer["json"] };
        if wanted.is_null() {
            let wanted = answer["text"].as_str().filter(|_| !is_ours).unwrap_or_default();
            let is_equal = is_ours || heard.body == wanted.as_bytes();
            return is_equal.then_some(()).ok_or_else(|| format!("text {:?}", String::from_utf8_lossy(&heard.body)));
        }
        let found: Json = serde_json::from_slice(&heard.body).map_err(|error| error.to_string())?;
        self.compare(wanted, &found, "$")
    }

    fn check_headers(&self, answer: &Json, heard: &Heard) -> Result<(), String> {
        for name in ["content-type", "allow", "location", "cache-control"] {
            let wanted = answer["headers"][name].as_str();
            let found = heard.headers.get(name).map(String::as_str);
            let is_extra = wanted.is_none() && name == "cache-control";
            if found != wanted && !is_extra {
                return Err(format!("{name} is {found:?} instead of {wanted:?}"));
            }
        }
        Ok(())
    }

    fn check_events(&mut self, wanted: &[Json], heard: &Heard) -> Result<(), String> {
        let text = String::from_utf8(heard.body.clone()).map_err(|error| error.to_string())?;
        let mut blocks: Vec<&str> = text.split_terminator("\n\n").collect();
        blocks.dedup_by(|a, b| a == b && a.starts_with(": keepalive"));
        if blocks.len() != wanted.len() {
            return Err(format!("events {blocks:#?}"));
        }
        for (wanted, found) in wanted.iter().zip(blocks) {
            let wanted = wanted.as_str().expect("text");
            match (wanted.strip_prefix("data: {\"source_id\""), found.strip_prefix("data: {\"source_id\"")) {
                (Some(wanted), Some(found)) => {
                    let read = |text: &str| serde_json::from_str::<Json>(&format!("{{\"source_id\"{text}"));
                    self.compare(
                        &read(wanted).expect("JSON"),
                        &read(found).map_err(|error| error.to_string())?,
                        "event",
                    )?;
                }
                _ if wanted == found => {}
                _ => return Err(format!("event {found:?} instead of {wanted:?}")),
            }
        }
        Ok(())
    }

    /// Whether a JSON value is the one wanted, but for placeholders and how numbers are written.
    fn compare(&mut self, wanted: &Json, found: &Json, at: &str) -> Result<(), String> {
        let differs = || Err(format!("{at} is {found} instead of {wanted}"));
        match (wanted, found) {
            (Json::String(wanted), _) if wanted == "<path>" => {
                let path = self.server.db().canonicalize().expect("a database");
                if found == &json!(path.to_str()) { Ok(()) } else { differs() }
            }
            (Json::String(wanted), _) if wanted == "<number>" => {
                if found.is_number() {
                    Ok(())
                } else {
                    differs()
                }
            }
            (Json::String(wanted), _) if wanted.starts_with("<id:") => {
                let place: usize = wanted[4..wanted.len() - 1].parse().expect("a number");
                let id = found.as_u64().ok_or_else(|| format!("{at} is {found} and no id"))?;
                if place == self.ids.len() + 1 && self.ids.last().is_none_or(|last| *last < id) {
                    self.ids.push(id);
                }
                if self.ids.get(place - 1) == Some(&id) { Ok(()) } else { differs() }
            }
            (Json::Number(a), Json::Number(b)) => {
                if a == b || a.as_f64() == b.as_f64() {
                    Ok(())
                } else {
                    differs()
                }
            }
            (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
                let mut pairs = a.iter().zip(b).enumerate();
                pairs.try_for_each(|(index, (a, b))| self.compare(a, b, &format!("{at}[{index}]")))
            }
            (Json::Object(a), Json::Object(b)) => {
                // `/health` says more than the original.
                let extra = b
                    .keys()
                    .filter(|key| !a.contains_key(*key) && !["version", "uptime_seconds"].contains(&key.as_str()));
                if let Some(key) = extra.into_iter().next() {
                    return Err(format!("{at} has {key}"));
                }
                a.iter().try_for_each(|(key, a)| {
                    let b = b.get(key).ok_or_else(|| format!("{at} has no {key}"))?;
                    self.compare(a, b, &format!("{at}.{key}"))
                })
            }
            // An integer beyond a double, which most readers of JSON refuse.
            (Json::String(a), Json::Number(b)) if *a == b.to_string() => Ok(()),
            _ => {
                if wanted == found {
                    Ok(())
                } else {
                    differs()
                }
            }
        }
    }
}

async fn heard(mut stream: TcpStream) -> Heard {
    let mut bytes = Vec::new();
    // A reset after the answer is as good an end as any.
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes).await;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let is_chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    let body = bytes[end + 4..].to_vec();
    Heard { status: status.expect("a status"), headers, body: if is_chunked { dechunked(&body) } else { body } }
}

fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = bytes.windows(2).position(|window| window == b"\r\n").expect("a chunk");
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).expect("text"), 16).expect("a length");
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&bytes[line + 2..line + 2 + length]);
        bytes = &bytes[line + 2 + length + 2..];
    }
}

async fn replay(number: u64) {
    let lines = session(number);
    let mut replay = Replay::of(number).await;
    let mut wrong = Vec::new();
    for line in &lines {
        let mut line = line.clone();
        if let Some(other) = line["ours"]["same as"].as_str() {
            let same = lines.iter().find(|line| line["name"] == other).expect("another line");
            line["ours"]["json"] = same["answer"]["json"].clone();
        }
        if let Err(problem) = replay.check(&line).await {
            wrong.push(format!("{}: {problem}", line["name"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {} answers differ:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

#[tokio::test]
async fn validation_reading_and_streams_answer_as_the_original() {
    replay(1).await;
}

#[tokio::test]
async fn correlations_answer_as_the_original() {
    // Ours orders by the time of receipt in whole seconds, too, so the pauses of the recording are needed.
    replay(2).await;
}

#[tokio::test]
async fn recent_and_stats_answer_as_the_successor() {
    replay(3).await;
}

#[tokio::test]
async fn the_secret_is_asked_for_as_the_successor_does() {
    replay(4).await;
}
