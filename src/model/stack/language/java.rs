//! Java, Kotlin, Scala and the like: `at java.base/java.lang.Iterable.forEach(Iterable.java:75)`.
//!
//! Innermost first; `Caused by:` goes on towards the root, what was suppressed on the way is no cause.

use std::borrow::Cow;

use crate::model::stack::library::is_java_library;
use crate::model::stack::{Exception, Frame, Owner, Place, line};

/// Classes through which a call only passes; which of them stand in a stack changes while a program runs.
const PASSAGES: [&str; 7] = [
    "jdk.internal.reflect.",
    "sun.reflect.",
    "java.lang.reflect.",
    "java.lang.invoke.",
    "com.sun.proxy.",
    "jdk.proxy",
    "java.lang.Thread",
];

/// Whether a line is a frame of a Java trace.
pub fn is_shaped(line: &str) -> bool {
    pieces(line.trim()).is_some()
}

/// The exceptions of a Java trace, outermost first.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut exceptions = vec![Exception::default()];
    // How far the line was indented that began what was suppressed.
    let mut suppressed = None;
    for line in text.lines() {
        let inner = line.trim();
        let indent = line.len() - line.trim_start().len();
        let Some(open) = exceptions.last_mut() else { break };
        if let Some(cause) = inner.strip_prefix("Caused by: ") {
            if suppressed.is_none_or(|start| indent < start) {
                suppressed = None;
                let (kind, message) = line::header(cause).unwrap_or_default();
                exceptions.push(Exception::new(kind, message));
            }
        } else if inner.starts_with("Suppressed: ") {
            suppressed = suppressed.or(Some(indent));
        } else if let Some(frame) = frame(inner, "") {
            if suppressed.is_none() {
                open.push(frame);
            }
        } else if open.is_empty()
            && let Some((kind, message)) = line::header(without_thread(inner))
        {
            (open.kind, open.message) = (kind, message);
        }
    }
    exceptions
}

/// `pkg.Ex: msg` of `Exception in thread "worker-7" pkg.Ex: msg`.
fn without_thread(line: &str) -> &str {
    let after = line.strip_prefix("Exception in thread \"").and_then(|rest| rest.split_once("\" "));
    after.map_or(line, |(_, header)| header)
}

/// A frame as it is printed.
struct Pieces<'a> {
    call: &'a str,
    class: &'a str,
    function: &'a str,
    file: &'a str,
    number: &'a str,
    is_source: bool,
}

/// Takes a frame apart; `None` when the line is none.
fn pieces(line: &str) -> Option<Pieces<'_>> {
    let (call, place) = line.strip_prefix("at ")?.split_once('(')?;
    let (place, _) = place.split_once(')')?;
    let (file, number) = line::number_at_end(place).unwrap_or((place, ""));
    let is_source = file
        .rsplit_once('.')
        .is_some_and(|(_, end)| matches!(end, "java" | "kt" | "kts" | "scala" | "groovy" | "clj" | "cljc"));
    let is_place = is_source || matches!(file, "Native Method" | "Unknown Source" | "<generated>" | "SourceFile");
    if !is_place || call.is_empty() || call.contains(' ') {
        return None;
    }
    // Before the last slash stand the loader and the module with its version.
    let name = call.rsplit_once('/').filter(|(before, _)| !before.contains("$$Lambda")).map_or(call, |(_, name)| name);
    let (class, function) = name.rsplit_once('.')?;
    Some(Pieces { call, class, function, file, number, is_source })
}

/// The frame a line tells of.
pub fn frame<'a>(line: &'a str, _below: &'a str) -> Option<Frame<'a>> {
    let Pieces { call, class, function, file, number, is_source } = pieces(line.trim())?;
    let is_passage = file == "<generated>"
        || line::starts_with_any(class, &PASSAGES)
        || class.contains("$$Lambda")
        || class.contains("GeneratedMethodAccessor")
        || class.contains("LambdaForm")
        || class.contains("$Proxy");
    Some(Frame {
        place: if is_source { Place::new(file, number) } else { Place::default() },
        module: Cow::Borrowed(without_generated(class)),
        function: Cow::Borrowed(without_number(function)),
        call,
        owner: if is_passage { Owner::Runtime } else { Owner::library_if(is_java_library(class)) },
    })
}

/// A class without what proxies add to it (`Orders$$EnhancerBySpringCGLIB$$4f2a`) and without the numbers of anonymous
/// classes, which change when another is added.
fn without_generated(class: &str) -> &str {
    let class = ["$$", "_$$_"].iter().find_map(|mark| line::split_once(class, mark)).map_or(class, |(class, _)| class);
    let numbered = line::split_once(class, "__").filter(|(_, rest)| line::is_number(rest));
    without_number(numbered.map_or(class, |(class, _)| class))
}

/// `lambda$main$0` is `lambda$main`.
fn without_number(name: &str) -> &str {
    let mut name = name;
    while let Some((before, number)) = name.rsplit_once('$')
        && line::is_number(number)
    {
        name = before;
    }
    name
}
