//! Stack traces as they are shown: frames as `payments/stripe.py:88 in charge_card`, and the innermost of the program's
//! own.
//!
//! What a frame is and whose code it is, the model says.

use crate::model::stack::{Frame, innermost_first, last_two_parts};

/// What a stack trace says in a few lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Innermost {
    /// Innermost frames of the program itself, innermost first, as `payments/stripe.py:88 in charge_card`; unescaped.
    pub frames: Vec<String>,
    /// How many frames there are besides those.
    pub others: usize,
}

/// The innermost frames of the program itself, at most so many; those of libraries when there are no others.
pub fn innermost(trace: &str, most: usize) -> Innermost {
    let all = innermost_first(trace);
    let own: Vec<&Frame<'_>> = all.iter().filter(|frame| !frame.is_library()).collect();
    let chosen = if own.is_empty() { all.iter().collect() } else { own };
    let frames: Vec<String> = chosen.into_iter().take(most).map(label).collect();
    Innermost { others: all.len() - frames.len(), frames }
}

/// The place and the function: `payments/stripe.py:88 in charge_card`; one of them where there is no other.
fn label(frame: &Frame<'_>) -> String {
    let mut label = last_two_parts(frame.place.file).to_owned();
    for number in [frame.place.line, frame.place.column].into_iter().filter(|number| !number.is_empty()) {
        label.push(':');
        label.push_str(number);
    }
    match (label.is_empty(), frame.call.is_empty()) {
        (true, _) => frame.call.to_owned(),
        (false, true) => label,
        (false, false) => format!("{label} in {}", frame.call),
    }
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
    fn what_is_no_stack_trace_has_no_frames() {
        assert_eq!(innermost("just a message", 2), Innermost::default());
        assert_eq!(innermost("", 2), Innermost::default());
    }
}
