//! Stack traces as they are shown: which lines are frames, which of those are the program's own, and the innermost of
//! them as `payments/stripe.py:88 in charge_card`.
//!
//! Reads what Python, JavaScript, Java, Go, Rust, Ruby, C# and PHP write. Decides only what stands out; which errors are
//! the same is not decided here.

/// What a line of a stack trace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Says what was raised, or begins another trace.
    Heading,
    /// A frame.
    Frame(Frame),
    /// Goes on about the frame above it.
    Below,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The place and the function, `payments/stripe.py:88 in charge_card`; unescaped.
    pub label: String,
    /// Whether it is not the program's own code.
    pub is_library: bool,
}

impl Frame {
    fn new(place: &str, function: &str, is_library: bool) -> Frame {
        let (place, function) = (short_path(place.trim()), function.trim());
        let label = if function.is_empty() { place.to_owned() } else { format!("{place} in {function}") };
        Frame { label, is_library }
    }
}

/// What a stack trace says in a few lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Innermost {
    /// Innermost frames of the program itself, innermost first; unescaped.
    pub frames: Vec<String>,
    /// How many frames there are besides those.
    pub others: usize,
}

/// The innermost frames of the program itself, at most so many; those of libraries when there are no others.
pub fn innermost(trace: &str, most: usize) -> Innermost {
    let all = frames(trace);
    let own: Vec<&Frame> = all.iter().filter(|frame| !frame.is_library).collect();
    let chosen = if own.is_empty() { all.iter().collect() } else { own };
    let frames: Vec<String> = chosen.into_iter().take(most).map(|frame| frame.label.clone()).collect();
    Innermost { others: all.len() - frames.len(), frames }
}

/// All frames, innermost first.
fn frames(trace: &str) -> Vec<Frame> {
    // Of chained exceptions the last one is the one that was raised.
    let python = trace.rsplit_once(PYTHON_HEADING).map(|(_, last)| last);
    let parts = read(python.unwrap_or(trace)).into_iter();
    let mut frames: Vec<Frame> = parts
        .filter_map(|(_, part)| match part {
            Part::Frame(frame) => Some(frame),
            Part::Heading | Part::Below => None,
        })
        .collect();
    if python.is_some() {
        frames.reverse();
    }
    frames
}

const PYTHON_HEADING: &str = "Traceback (most recent call last):";

/// Each line of a trace and what it is, in the order they stand.
pub fn read(trace: &str) -> Vec<(&str, Part)> {
    let mut lines = trace.lines().peekable();
    let mut read = Vec::new();
    let mut indent_of_frame = None;
    while let Some(line) = lines.next() {
        let next = lines.peek().copied().unwrap_or_default();
        let part = match frame(line, next) {
            Some(frame) => {
                indent_of_frame = Some(indent(line));
                Part::Frame(frame)
            }
            // What goes on about a frame is indented further: the source line, the place, `... 12 more`.
            None if indent_of_frame.is_some_and(|frame| indent(line) > frame) => Part::Below,
            None if line.trim_start().starts_with("... ") => Part::Below,
            None => {
                indent_of_frame = None;
                Part::Heading
            }
        };
        read.push((line, part));
    }
    read
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t', '|']).len()
}

fn frame(line: &str, next: &str) -> Option<Frame> {
    let text = line.trim_start_matches([' ', '\t', '|']);
    python(text)
        .or_else(|| at(line, text))
        .or_else(|| ruby(text))
        .or_else(|| php(text))
        .or_else(|| rust(text, next))
        .or_else(|| go(line, next))
}

/// `File "/srv/app/payments/stripe.py", line 88, in charge_card`
fn python(text: &str) -> Option<Frame> {
    let (path, rest) = text.strip_prefix("File \"")?.split_once("\", line ")?;
    let (number, function) = rest.split_once(", in ").unwrap_or((rest, ""));
    Some(Frame::new(&format!("{path}:{}", number.trim()), function, is_library_path(path)))
}

/// `at charge (/srv/app/pay.js:88:12)`, `at /srv/app/pay.js:88:12`, `at shop.Pay.charge(Pay.java:88)`,
/// `at Shop.Pay.Charge(Int32 id) in /srv/app/Pay.cs:line 88`
fn at(line: &str, text: &str) -> Option<Frame> {
    let call = text.strip_prefix("at ")?.trim();
    // The place of a Rust frame stands far to the right below its name.
    if indent(line) > 8 {
        return None;
    }
    if let Some((function, place)) = call.rsplit_once(") in ") {
        let function = function.split_once('(').map_or(function, |(name, _)| name);
        return Some(Frame::new(&place.replacen(":line ", ":", 1), function, is_library_name(function)));
    }
    let Some((function, place)) = call.strip_suffix(')').and_then(|call| call.split_once('(')) else {
        return Some(Frame::new(call, "", is_library_path(call)));
    };
    // Without a place, as C# writes it, what stands in the parentheses are parameters.
    match place.contains(':')
        || place.contains(".java")
        || matches!(place, "native" | "Native Method" | "<anonymous>" | "Unknown Source")
    {
        true => Some(Frame::new(place, function, is_library_path(place) || is_library_name(function))),
        false => Some(Frame::new(function, "", is_library_name(function))),
    }
}

/// `from /srv/app/pay.rb:88:in 'charge'`, the first one without `from`
fn ruby(text: &str) -> Option<Frame> {
    let text = text.strip_prefix("from ").unwrap_or(text);
    let (place, function) = text.split_once(":in ")?;
    let (path, number) = place.rsplit_once(':')?;
    if path.is_empty() || number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let quoted = function.trim_start_matches(['`', '\'', '"']);
    let function = quoted.split_once('\'').map_or(quoted, |(name, _)| name);
    Some(Frame::new(place, function, is_library_path(path)))
}

/// `#0 /srv/app/Pay.php(88): Shop\Pay->charge(Object(Cart))`
fn php(text: &str) -> Option<Frame> {
    let (number, rest) = text.strip_prefix('#')?.split_once(' ')?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let Some((place, call)) = rest.split_once("): ") else {
        return Some(Frame::new(rest, "", true));
    };
    let function = call.split_once('(').map_or(call, |(name, _)| name);
    Some(Frame::new(&place.replacen('(', ":", 1), function, is_library_path(place)))
}

/// `   3: shop::pay::charge`, the place on the line below
fn rust(text: &str, next: &str) -> Option<Frame> {
    let (number, function) = text.split_once(": ")?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let place = next.trim_start().strip_prefix("at ").unwrap_or_default().trim();
    let is_library = is_library_name(function) || is_library_path(place);
    Some(match place {
        "" => Frame::new(function, "", is_library),
        place => Frame::new(place, function, is_library),
    })
}

/// `main.charge(0xc000012345)`, the place behind a tab on the line below
fn go(line: &str, next: &str) -> Option<Frame> {
    let place = next.strip_prefix('\t').filter(|place| place.contains(".go:"))?;
    let place = place.split_once(" +0x").map_or(place, |(place, _)| place);
    let function = line.trim().rsplit_once('(').map_or(line.trim(), |(name, _)| name);
    Some(Frame::new(place, function.strip_prefix("created by ").unwrap_or(function), is_library_path(place)))
}

fn is_library_path(path: &str) -> bool {
    const MARKS: [&str; 16] = [
        "site-packages/",
        "dist-packages/",
        "/lib/python",
        "<frozen",
        "node_modules/",
        "<anonymous>",
        "/rustc/",
        "/.cargo/registry/",
        "/.cargo/git/",
        "/go/src/runtime/",
        "/go/src/",
        "/go/pkg/mod/",
        "/gems/",
        "/lib/ruby/",
        "/vendor/",
        "internal/process/",
    ];
    path.starts_with("node:") || path == "native" || MARKS.iter().any(|mark| path.contains(mark))
}

fn is_library_name(function: &str) -> bool {
    const PREFIXES: [&str; 22] = [
        "java.",
        "javax.",
        "jdk.",
        "sun.",
        "com.sun.",
        "jakarta.",
        "org.springframework.",
        "org.apache.",
        "io.netty.",
        "kotlin.",
        "kotlinx.",
        "scala.",
        "System.",
        "Microsoft.",
        "std::",
        "core::",
        "alloc::",
        "tokio::",
        "rust_begin_unwind",
        "__",
        "_start",
        "<alloc::",
    ];
    // Java writes the module before the class.
    let name = function.split_once('/').map_or(function, |(_, name)| name);
    PREFIXES.iter().any(|prefix| name.starts_with(prefix) || function.starts_with(prefix))
}

/// The file and the folder it lies in.
fn short_path(path: &str) -> &str {
    let mut slashes = path.rmatch_indices(['/', '\\']).map(|(place, _)| place + 1);
    slashes.nth(1).and_then(|place| path.get(place..)).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_python_trace_the_last_frames_of_the_program_are_kept() {
        let trace = "Traceback (most recent call last):\n  File \"/old.py\", line 1, in old\nKeyError\n\nDuring handling of \
            the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  \
            File \"/srv/app/main.py\", line 12, in handle\n    x()\n  \
            File \"/srv/app/pay/stripe.py\", line 88, in charge_card\n    y()\n  \
            File \"/usr/lib/python3.12/site-packages/requests/api.py\", line 115, in post\n    z()\nHTTPError: 402";
        let stack = innermost(trace, 1);
        assert_eq!((stack.frames, stack.others), (vec!["pay/stripe.py:88 in charge_card".to_owned()], 2));
    }

    #[test]
    fn javascript_and_java_frames_are_read_too() {
        let script = "Error: no\n    at get (/app/node_modules/got/index.js:3:1)\n    at charge (/srv/app/pay.js:88:12)\n    at /srv/app/main.js:5:1";
        assert_eq!(innermost(script, 2).frames, ["app/pay.js:88:12 in charge", "app/main.js:5:1"]);
        let java = "shop.Declined: no\n\tat java.base/java.lang.Thread.run(Thread.java:840)\n\tat shop.Pay.charge(Pay.java:88)\n\t... 12 more\n";
        assert_eq!(innermost(java, 1).frames, ["Pay.java:88 in shop.Pay.charge"]);
    }

    #[test]
    fn other_languages_have_their_own_frame_of_the_program_found() {
        let frame = |trace: &str| innermost(trace, 1).frames.pop().unwrap_or_default();
        let go = "panic: no\n\ngoroutine 1 [running]:\nruntime.panic(0x1)\n\t/usr/local/go/src/runtime/panic.go:7 +0x1\nmain.charge(0xc00001)\n\t/srv/shop/pay/main.go:88 +0x1d\n";
        assert_eq!(frame(go), "pay/main.go:88 in main.charge");
        let rust = "   0: rust_begin_unwind\n             at /rustc/abc/library/std/src/panicking.rs:652:5\n   1: shop::pay::charge\n             at ./src/pay.rs:88:9\n";
        assert_eq!(frame(rust), "src/pay.rs:88:9 in shop::pay::charge");
        let ruby = "/srv/app/lib/pay.rb:88:in `charge': no (Declined)\n\tfrom /usr/lib/ruby/gems/rack.rb:1:in `call'\n";
        assert_eq!(frame(ruby), "lib/pay.rb:88 in charge");
        let sharp = "Shop.Declined: no\n   at System.Linq.Enumerable.First()\n   at Shop.Pay.Charge(Int32 id) in /srv/app/Pay.cs:line 88\n";
        assert_eq!(frame(sharp), "app/Pay.cs:88 in Shop.Pay.Charge");
        let php = "Declined: no\n#0 /srv/app/vendor/x/y.php(3): run()\n#1 /srv/app/src/Pay.php(88): Shop\\Pay->charge(Object(Cart))\n#2 {main}\n";
        assert_eq!(frame(php), "src/Pay.php:88 in Shop\\Pay->charge");
    }

    #[test]
    fn lines_are_headings_frames_or_what_belongs_to_a_frame() {
        let kinds = |trace: &str| -> String {
            let letter = |part: Part| match part {
                Part::Heading => 'h',
                Part::Frame(frame) => {
                    if frame.is_library {
                        'l'
                    } else {
                        'f'
                    }
                }
                Part::Below => '-',
            };
            read(trace).into_iter().map(|(_, part)| letter(part)).collect()
        };
        assert_eq!(
            kinds(
                "Traceback (most recent call last):\n  File \"/a.py\", line 1, in a\n    b()\n    ^^^\nKeyError: 1\n  more"
            ),
            "hf--hh"
        );
        assert_eq!(
            kinds("E: no\n\tat a.B.c(B.java:1)\n\tat java.util.X.y(X.java:1)\n\t... 3 more\nCaused by: F\n"),
            "hfl-h"
        );
        assert_eq!(kinds("goroutine 1 [running]:\nmain.a(0x1)\n\t/srv/a.go:1 +0x1\nexit status 2"), "hf-h");
    }

    #[test]
    fn what_is_no_stack_trace_has_no_frames() {
        assert_eq!(innermost("just a message", 2), Innermost::default());
        assert_eq!(innermost("", 2), Innermost::default());
    }

    proptest! {
        #[test]
        fn no_line_is_lost_whatever_it_says(trace in "([ \t|]{0,4}(at |File \"|#1 |from |3: |x)?[\\PC]{0,12}\n){0,8}") {
            let lines: Vec<&str> = read(&trace).into_iter().map(|(line, _)| line).collect();
            prop_assert_eq!(lines, trace.lines().collect::<Vec<_>>());
        }
    }
}
