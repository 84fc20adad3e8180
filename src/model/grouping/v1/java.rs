//! Java, Kotlin, Scala and the like: `at java.base/java.lang.Iterable.forEach(Iterable.java:75)`.
//!
//! Innermost first; `Caused by:` goes on towards the root, what was suppressed on the way is no cause.

use std::borrow::Cow;

use super::{exception::Exception, frame::Frame, line};

/// Packages of libraries that are in everybody's stacks.
const LIBRARIES: [&str; 26] = [
    "java.",
    "javax.",
    "jakarta.",
    "jdk.",
    "sun.",
    "com.sun.",
    "org.springframework.",
    "org.apache.",
    "org.jboss.",
    "org.hibernate.",
    "org.eclipse.",
    "org.junit.",
    "com.fasterxml.",
    "com.zaxxer.",
    "com.google.common.",
    "reactor.",
    "scala.",
    "akka.",
    "clojure.",
    "groovy.",
    "kotlin.",
    "kotlinx.",
    "io.ktor.",
    "io.netty.",
    "io.opentelemetry.",
    "okhttp3.",
];

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
        } else if let Some(frame) = frame(inner) {
            if suppressed.is_none()
                && let Some(frame) = frame
            {
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
    class: &'a str,
    function: &'a str,
    file: &'a str,
    number: &'a str,
    is_source: bool,
}

/// Takes a frame apart; `None` when the line is none.
fn pieces(line: &str) -> Option<Pieces<'_>> {
    let (name, place) = line.strip_prefix("at ")?.split_once('(')?;
    let (place, _) = place.split_once(')')?;
    let (file, number) = line::number_at_end(place).unwrap_or((place, ""));
    let is_source = file
        .rsplit_once('.')
        .is_some_and(|(_, end)| matches!(end, "java" | "kt" | "kts" | "scala" | "groovy" | "clj" | "cljc"));
    let is_place = is_source || matches!(file, "Native Method" | "Unknown Source" | "<generated>" | "SourceFile");
    if !is_place || name.is_empty() || name.contains(' ') {
        return None;
    }
    // Before the last slash stand the loader and the module with its version.
    let name = name.rsplit_once('/').filter(|(before, _)| !before.contains("$$Lambda")).map_or(name, |(_, name)| name);
    let (class, function) = name.rsplit_once('.')?;
    Some(Pieces { class, function, file, number, is_source })
}

/// Reads a frame. The inner `None` is one that does not count.
fn frame(line: &str) -> Option<Option<Frame<'_>>> {
    let Pieces { class, function, file, number, is_source } = pieces(line)?;
    let is_passage = file == "<generated>"
        || line::starts_with_any(class, &PASSAGES)
        || class.contains("$$Lambda")
        || class.contains("GeneratedMethodAccessor")
        || class.contains("LambdaForm")
        || class.contains("$Proxy");
    if is_passage {
        return Some(None);
    }
    let is_library = line::starts_with_any(class, &LIBRARIES);
    let file = if is_source { file } else { "" };
    Some(Some(Frame {
        file,
        line: if file.is_empty() { "" } else { number },
        module: Cow::Borrowed(without_generated(class)),
        function: Cow::Borrowed(without_number(function)),
        is_library,
    }))
}

/// A class without what proxies add to it (`Orders$$EnhancerBySpringCGLIB$$4f2a`) and without the numbers of anonymous
/// classes, which change when another is added.
fn without_generated(class: &str) -> &str {
    let class = ["$$", "_$$_"].iter().find_map(|mark| line::split_once(class, mark)).map_or(class, |(class, _)| class);
    without_number(
        line::split_once(class, "__").filter(|(_, rest)| line::is_number(rest)).map_or(class, |(class, _)| class),
    )
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
