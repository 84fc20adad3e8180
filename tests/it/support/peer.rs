//! A server that does with each request what its test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use flate2::read::GzDecoder;
use serde_json::Value as Json;

/// The answer of a server that is content.
pub const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
/// An address at which nothing listens: a reserved port that no test is given.
pub const NOBODY: &str = "http://127.0.0.1:1";

/// What a peer does with one request.
#[derive(Clone, Copy)]
pub enum Reply {
    /// These bytes.
    Send(&'static str),
    /// Closes the connection without a word.
    Reset,
    /// Keeps the connection open and never answers.
    Hang,
}

/// A request as it was received; its body unpacked.
pub struct Request {
    pub connection: usize,
    pub head: String,
    pub body: String,
}

impl Request {
    /// The body.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// The server.
pub struct Peer {
    pub url: String,
    pub requests: mpsc::Receiver<Request>,
}

impl Peer {
    /// Replies to its requests in order with `script`, and with the last of it for ever.
    pub fn start(script: &'static [Reply]) -> Peer {
        Peer::start_with(move |step, _| script[step.min(script.len() - 1)])
    }

    /// Replies with what `reply` says for the number and the text of a request.
    pub fn start_with(reply: impl Fn(usize, &Request) -> Reply + Send + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            let mut step = 0;
            let mut hanging = Vec::new();
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let mut reader = BufReader::new(stream);
                while let Some((head, body)) = read_request(&mut reader) {
                    let request = Request { connection, head, body };
                    let reply = reply(step, &request);
                    step += 1;
                    let _ = sender.send(request);
                    match reply {
                        Reply::Send(answer) if reader.get_mut().write_all(answer.as_bytes()).is_ok() => {}
                        Reply::Send(_) | Reply::Reset => break,
                        Reply::Hang => {
                            hanging.push(reader);
                            break;
                        }
                    }
                }
            }
        });
        Peer { url, requests }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if head.contains("content-encoding: gzip\r\n") {
        let mut plain = Vec::new();
        GzDecoder::new(body.as_slice()).read_to_end(&mut plain).expect("gzip");
        body = plain;
    }
    Some((head, String::from_utf8(body).expect("UTF-8")))
}
