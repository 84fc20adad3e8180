//! The frames of a stack trace that say most: the innermost ones of the program itself, as `payments/stripe.py:88 in
//! charge_card`. Python, JavaScript and Java write them each their own way.

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Frame {
    text: String,
    is_library: bool,
}

/// What a stack trace says in a few lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Stack {
    /// Innermost frames of the program itself, innermost first; unescaped.
    pub(super) frames: Vec<String>,
    /// How many frames there are besides those.
    pub(super) others: usize,
}

/// The innermost frames of the program itself, at most so many; those of libraries when there are no others.
pub(super) fn innermost(trace: &str, most: usize) -> Stack {
    let all = frames(trace);
    let own: Vec<&Frame> = all.iter().filter(|frame| !frame.is_library).collect();
    let chosen = if own.is_empty() { all.iter().collect() } else { own };
    let frames: Vec<String> = chosen.into_iter().take(most).map(|frame| frame.text.clone()).collect();
    Stack { others: all.len() - frames.len(), frames }
}

/// All frames, innermost first.
fn frames(trace: &str) -> Vec<Frame> {
    // Of chained exceptions the last one is the one that was raised.
    let last = trace.rsplit("Traceback (most recent call last):").next().unwrap_or(trace);
    let mut python: Vec<Frame> = last.lines().filter_map(python_frame).collect();
    if !python.is_empty() {
        python.reverse();
        return python;
    }
    trace.lines().filter_map(at_frame).collect()
}

/// `  File "/srv/app/payments/stripe.py", line 88, in charge_card`
fn python_frame(line: &str) -> Option<Frame> {
    let (path, rest) = line.trim_start().strip_prefix("File \"")?.split_once("\", line ")?;
    let (number, function) = rest.split_once(", in ").unwrap_or((rest, ""));
    let place = format!("{}:{}", short_path(path), number.trim());
    let is_library =
        ["site-packages/", "dist-packages/", "/lib/python", "<frozen"].iter().any(|mark| path.contains(mark));
    Some(Frame { text: with_function(&place, function.trim()), is_library })
}

/// `    at charge (/srv/app/pay.js:88:12)`, `    at /srv/app/pay.js:88:12`, `\tat shop.Pay.charge(Pay.java:88)`
fn at_frame(line: &str) -> Option<Frame> {
    let call = line.trim_start().strip_prefix("at ")?.trim();
    let Some((function, place)) = call.strip_suffix(')').and_then(|call| call.split_once('(')) else {
        return Some(Frame { text: short_path(call).to_owned(), is_library: is_script_library(call) });
    };
    let packages = ["java.", "javax.", "jdk.", "sun.", "org.springframework.", "org.apache.", "io.netty."];
    let is_library = is_script_library(place) || packages.iter().any(|package| function.starts_with(package));
    Some(Frame { text: with_function(short_path(place), function.trim()), is_library })
}

fn is_script_library(place: &str) -> bool {
    place.contains("node_modules/") || place.starts_with("node:") || place == "native" || place.contains("<anonymous>")
}

fn with_function(place: &str, function: &str) -> String {
    if function.is_empty() { place.to_owned() } else { format!("{place} in {function}") }
}

/// The file and the folder it lies in.
fn short_path(path: &str) -> &str {
    let mut slashes = path.rmatch_indices(['/', '\\']).map(|(place, _)| place + 1);
    slashes.nth(1).and_then(|place| path.get(place..)).unwrap_or(path)
}

#[cfg(test)]
mod tests {
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
        let java = "shop.Declined: no\n\tat java.base/java.lang.Thread.run(Thread.java:840)\n\tat shop.Pay.charge(Pay.java:88)\n";
        assert_eq!(innermost(java, 1).frames, ["Pay.java:88 in shop.Pay.charge"]);
    }

    #[test]
    fn what_is_no_stack_trace_has_no_frames() {
        assert_eq!(innermost("just a message", 2), Stack::default());
        assert_eq!(innermost("", 2), Stack::default());
    }
}
