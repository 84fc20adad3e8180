//! What version 1 makes of real traces, of parts of them, and of texts that are none.
//!
//! The traces in `testdata` were printed by the languages themselves, but for .NET, Firefox and Elixir and those whose
//! versions were not at hand, which follow what these are documented to print.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::*;

mod hostile;
mod variants;

fn of_stack(stack: &str) -> Parts {
    group(&Occurrence { stack_trace: stack.into(), ..Occurrence::default() })
}

/// What was found in a trace, as text.
fn summary(stack: &str) -> String {
    let parts = of_stack(stack);
    let shown = |name: &String| name.replace(UNIT, " | ").trim_end().to_owned();
    let kind = if parts.full_type.is_empty() { "(no type)" } else { &parts.full_type };
    let mut lines = vec![format!("{kind}: {:?}", parts.message), format!("  at {:?}", parts.culprit)];
    lines.extend(parts.frames.iter().map(|name| format!("  {}", shown(name))));
    lines.extend(parts.causes.iter().map(|name| format!("  caused by {}", shown(name))));
    lines.join("\n") + "\n"
}

/// The traces of a language, one after the other.
macro_rules! summaries {
    ($($file:literal),+ $(,)?) => {
        [$(summary(include_str!(concat!("testdata/", $file, ".txt")))),+].concat()
    };
}

#[test]
fn python() {
    insta::assert_snapshot!(summaries!("python-chain", "python-during", "python-asyncio", "python-group", "python-library", "python-notes", "python-recursion", "python-caller", "python-syntax"), @r#"
    RuntimeError: "checkout failed"
      at "payments/stripe.py:7 chain"
      payments/stripe.py | chain
      main.py | <module>
      caused by CardError | payments/stripe.py | charge_card
    KeyError: "'missing'"
      at "payments/stripe.py:10 during"
      payments/stripe.py | during
      main.py | <module>
      caused by CardError | payments/stripe.py | charge_card
    shop.payments.stripe.CardError: "card 9 declined"
      at "payments/stripe.py:4 charge_card"
      payments/stripe.py | charge_card
      payments/stripe.py | co
      main.py | <module>
    ExceptionGroup: "two things (2 sub-exceptions)"
      at "payments/stripe.py:15 group"
      payments/stripe.py | group
      main.py | <module>
      caused by ValueError
      caused by CardError | payments/stripe.py | charge_card
    json.decoder.JSONDecodeError: "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
      at "payments/stripe.py:19 js"
      payments/stripe.py | js
      main.py | <module>
    ValueError: "with"
      at "payments/stripe.py:21 notes"
      payments/stripe.py | notes
      main.py | <module>
    ValueError: "deep"
      at "payments/stripe.py:13 rec"
      payments/stripe.py | rec
      main.py | <module>
    (no type): ""
      at "payments/stripe.py:25 stack"
      payments/stripe.py | stack
      main.py | <module>
    SyntaxError: "invalid syntax"
      at "rules/r1.py:1"
      rules/r1.py |
      payments/stripe.py | syntax
      main.py | <module>
    "#);
}

#[test]
fn javascript() {
    insta::assert_snapshot!(summaries!("node-cause", "node-aggregate", "node-eval", "node-new", "node-recursion", "node-uncaught", "node-code", "firefox"), @r#"
    Error: "load failed for 5"
      at "lib/n1.mjs:2 get"
      n1.mjs | get
      n1.mjs |
      caused by TypeError | n1.mjs | Repo.find
    AggregateError: "All promises were rejected"
      at "lib/n1.mjs:2 get"
      caused by Error | n1.mjs | get
      caused by TypeError | n1.mjs | Repo.find
      caused by TypeError | n1.mjs |
    TypeError: "Cannot read properties of null (reading 'x')"
      at "lib/n1.mjs:7 boom"
      n1.mjs | boom
      n1.mjs |
    RangeError: "bad id 12"
      at "lib/n1.mjs:1 Repo"
      n1.mjs | Repo
      n1.mjs | inner
      n1.mjs |
    Error: "deep"
      at "lib/n1.mjs:9 f"
      n1.mjs | f
    RangeError: "bad id 12"
      at "lib/n1.mjs:1 Repo"
      n1.mjs | Repo
      n1.mjs | Timeout._onTimeout
    TypeError: "The \"size\" argument must be of type number. Received type string ('x')"
      at "lib/n1.mjs:10"
      n1.mjs |
    (no type): ""
      at "assets/main.3f2a9bc1.js:1 inner"
      assets/main.#.js | inner
      assets/main.#.js | charge
      assets/vendors.#.js |
      cart.js | load
      cart.js |
    "#);
}

#[test]
fn java() {
    insta::assert_snapshot!(summaries!("java-caught", "java-uncaught", "java-thread", "java-proxies"), @r#"
    java.lang.RuntimeException: "load failed"
      at "Main.java:6 load"
      com.shop.Main | load
      com.shop.Main | lambda$main
      com.shop.Main | main
      caused by IllegalStateException | com.shop.Main$Repo | find
    java.lang.RuntimeException: "load failed"
      at "Main.java:6 load"
      com.shop.Main | load
      com.shop.Main | lambda$main
      com.shop.Main | main
      caused by IllegalStateException | com.shop.Main$Repo | find
    java.lang.RuntimeException: "load failed"
      at "Main.java:6 load"
      com.shop.Main | load
      com.shop.Main | lambda$main
      caused by IllegalStateException | com.shop.Main$Repo | find
    org.springframework.dao.DataAccessResourceFailureException: "no connection; nested exception is java.net.ConnectException"
      at "Orders.java:31 find"
      com.shop.orders.Orders | find
      com.shop.web.Controller | lambda$show
      com.shop.web.Controller | call
      caused by ConnectException | com.shop.db.Pool | open
    "#);
}

#[test]
fn go() {
    insta::assert_snapshot!(summaries!("go-panic", "go-goroutine", "go-recovered"), @r#"
    panic: "runtime error: index out of range [3] with length 0"
      at "billing/b.go:3 (*Repo).Find"
      example.com/shop/shop/billing | (*Repo).Find
      main | handle.func
      example.com/shop/shop/billing | Map
      main | handle
      main | main
    panic: "runtime error: index out of range [3] with length 0"
      at "billing/b.go:3 (*Repo).Find"
      example.com/shop/shop/billing | (*Repo).Find
      main | handle.func
      example.com/shop/shop/billing | Map
      main | handle
    (no type): ""
      at "billing/b.go:3 (*Repo).Find"
      example.com/shop/shop/billing | (*Repo).Find
      main | handle.func
      example.com/shop/shop/billing | Map
      main | handle
      main | recovered
    "#);
}

#[test]
fn rust() {
    insta::assert_snapshot!(summaries!("rust-expect", "rust-index", "rust-full", "rust-without-paths", "rust-anyhow"), @r#"
    panic: "no order 12"
      at "src/main.rs:3 inner"
      main::billing | inner
      main | main
    panic: "index out of bounds: the len is 1 but the index is 7"
      at "src/main.rs:2 find"
      main::billing::Repo | find
      main | handle::{closure}
      main | handle
      main | main
    panic: "index out of bounds: the len is 1 but the index is 7"
      at "src/main.rs:2 find"
      main::billing::Repo | find
      main | handle::{closure}
      main | handle
      main | main
    panic: "index out of bounds: the len is 1 but the index is 7"
      at "main::billing::Repo.find"
      main::billing::Repo | find
      main | handle::{closure}
      main | handle
      main | main
    (no type): "cannot charge order 8841"
      at "src/gateway.rs:31 post::{closure}"
      shop::gateway::Client | post::{closure}
      shop::orders::Charge | run
      shop | main
      caused by cannot reach the gateway
      caused by connection refused (os error <int>)
    "#);
}

#[test]
fn ruby() {
    insta::assert_snapshot!(summaries!("ruby-31", "ruby-34", "ruby-one"), @r#"
    Order::Missing: "cannot find 12"
      at "models/order.rb:9 find"
      models/order.rb | find
      main.rb | <main>
      caused by ArgumentError | models/order.rb | name
    Order::Missing: "cannot find 12"
      at "models/order.rb:9 find"
      models/order.rb | find
      main.rb | <main>
      caused by ArgumentError | models/order.rb | name
    NoMethodError: "undefined method `foo' for #<Order:0x00007fc552a73270>"
      at "main.rb:7 <main>"
      main.rb | <main>
    "#);
}

#[test]
fn dotnet() {
    insta::assert_snapshot!(summaries!("dotnet", "mono"), @r#"
    System.ApplicationException: "outer 5"
      at "Pay/Cls.cs:19 RunAsync"
      Shop.Pay.Cls | RunAsync
      Shop.Web.OrdersController | Create
      caused by InvalidOperationException | Shop.Pay.Cls | Method
    System.ApplicationException: "outer 5"
      at "lib/cs.cs:3 RunAsync"
      Shop.Pay.Cls | RunAsync
      Shop.Pay.P | Main
      caused by InvalidOperationException | Shop.Pay.Cls | Method
    "#);
}

#[test]
fn php() {
    insta::assert_snapshot!(summaries!("php-uncaught", "php-string", "php-trace"), @r#"
    RuntimeException: "wrapped"
      at "src/Cls.php:5 wrap"
      Shop\Pay\Cls | wrap
      checkout/main.php | run
      main.php | {main}
      caused by InvalidArgumentException | Shop\Pay\Cls | {closure}
    RuntimeException: "wrapped"
      at "src/Cls.php:5 wrap"
      Shop\Pay\Cls | wrap
      checkout/main.php | run
      main.php | {main}
      caused by InvalidArgumentException | Shop\Pay\Cls | {closure}
    (no type): ""
      at "Shop\\Pay\\Cls.wrap"
      Shop\Pay\Cls | wrap
      checkout/main.php | run
      main.php | {main}
    "#);
}

#[test]
fn what_has_no_parser_of_its_own_gives_files_and_what_is_no_trace_gives_nothing() {
    insta::assert_snapshot!(summaries!("elixir", "gdb"), @r#"
    RuntimeError: "no order 12"
      at "shop/orders.ex:12 Shop.Orders.find/1"
      shop/orders.ex | Shop.Orders.find/1
      controllers/order_controller.ex | ShopWeb.OrderController.show/2
    (no type): ""
      at "src/order.c:41 order_find"
      order.c | order_find
      main.c | main
    "#);
    assert_eq!(summary("ValueError: no such order\n"), "ValueError: \"no such order\"\n  at \"\"\n");
    assert_eq!(summary("just two\nlines of text (really)"), "(no type): \"\"\n  at \"\"\n");
}

/// What a fingerprint is made of must never change within a version.
#[test]
fn fingerprints_are_for_ever() {
    let hex = |parts: &Parts| crate::model::id::to_hex(&parts.fingerprint);
    let plain = |error_type: &'static str, error_message: &'static str| Occurrence {
        error_type: error_type.into(),
        error_message: error_message.into(),
        ..Occurrence::default()
    };
    let custom = |parts: &[&'static str]| Occurrence {
        custom: parts.iter().map(|part| Cow::Borrowed(*part)).collect(),
        ..plain("HTTPError", "402 card_declined")
    };
    let found = [
        hex(&group(&Occurrence::default())),
        hex(&group(&plain("HTTPError", "402 card_declined"))),
        hex(&group(&custom(&["billing", "down"]))),
        hex(&group(&custom(&["{{ default }}", "tenant 7"]))),
        hex(&of_stack(include_str!("testdata/python-chain.txt"))),
        hex(&of_stack(include_str!("testdata/python-group.txt"))),
        hex(&of_stack(include_str!("testdata/node-cause.txt"))),
        hex(&of_stack(include_str!("testdata/firefox.txt"))),
        hex(&of_stack(include_str!("testdata/java-caught.txt"))),
        hex(&of_stack(include_str!("testdata/go-panic.txt"))),
        hex(&of_stack(include_str!("testdata/rust-full.txt"))),
        hex(&of_stack(include_str!("testdata/rust-anyhow.txt"))),
        hex(&of_stack(include_str!("testdata/ruby-34.txt"))),
        hex(&of_stack(include_str!("testdata/dotnet.txt"))),
        hex(&of_stack(include_str!("testdata/php-uncaught.txt"))),
        hex(&of_stack(include_str!("testdata/elixir.txt"))),
    ];
    insta::assert_snapshot!(found.join("\n"), @"
    0368fb91b13546543ce112ee7820dcb140fe76ea816233546e92715eef7fd6ef
    5ccd252f016f8acdb2efb9b2e0a9c378056894996e84b67959cab9d738b1e493
    d1cfc9787a64dc3842b399ad788f5c05f062b7a39aacea66e3f0b88771aae585
    952d82de06b631f2608851e6701a284d8c9aecea1908aacbf3ea90a02485a46d
    01ec1535d2a8ae22bf835ee28fefc19dc55eb465c87aa18b7cd9e3301ed6de53
    675d660d1c9297b4b7922460733960f6f6f30be73819d7bb223a5756946cc7d0
    06dc8d37bdea15e4d183c9abf76cceee3597f001fe1d19a3274e097066334856
    338a3858e960e54e7396f4ed44d3fd56b38f4937b348a0c6d547d0c76a67e066
    d59ef68a32631bf9c905693ef03e6247c63ee39b95c451c24b90ea6b1bd0335c
    903fb4240fb9c2ba277effe61355fc7b293dfb41a4490e9e6111102fb3471d1e
    bfb1e3813abead0a3352e9fbfd190a61bfd8348270d9b8ee71c91c985da18ee7
    fed95497dc56808114813a29f84904cbfebe3c2e119e3a3df47be5563d40d60a
    39ded236a4b1a8b109c709bad0783e297489a3481de2bc5ca01f196b6b75a782
    f04617fbe5660b7d4cdbeab557fa595809a913c318237eaf987eb71c16bda30c
    d7051fcbe12adb36f6d2e5d0b15e736a67f7028f0f394c48ee74725d8054ce22
    f2ad555377c9069351625b4245093b7fb369915a8c392ef9c7af80d34754eead
    ");
}

#[test]
fn the_version_of_a_compiler_or_an_interpreter_does_not_matter() {
    let fingerprint = |stack: &str| of_stack(stack).fingerprint;
    assert_eq!(fingerprint(include_str!("testdata/ruby-31.txt")), fingerprint(include_str!("testdata/ruby-34.txt")));
    let rust = [
        include_str!("testdata/rust-index.txt"),
        include_str!("testdata/rust-full.txt"),
        include_str!("testdata/rust-without-paths.txt"),
    ];
    assert_eq!(rust.map(fingerprint), [fingerprint(rust[0]); 3]);
    // Two ways to the same call: through a stream, and through `forEach`.
    assert_eq!(
        fingerprint(include_str!("testdata/java-caught.txt")),
        fingerprint(include_str!("testdata/java-uncaught.txt"))
    );
    // A comprehension is a frame of its own up to Python 3.11.
    let older = include_str!("testdata/python-library.txt");
    let newer: Vec<&str> = older.lines().collect();
    let start = newer.iter().position(|line| line.ends_with("in <listcomp>")).expect("a comprehension");
    let newer = [&newer[..start], &newer[start + 3..]].concat().join("\n");
    assert_eq!(fingerprint(older), fingerprint(&newer));
}

#[test]
fn how_much_of_a_thread_below_its_function_is_told_does_not_matter() {
    let own = "thread 'worker' panicked at src/pay.rs:7:5:\nno card\nstack backtrace:\n   0: __rustc::rust_begin_unwind\n   \
               1: core::panicking::panic_fmt\n   2: shop::charge\n             at ./src/pay.rs:7:5\n";
    let thread = "   3: std::sys::thread::unix::Thread::new::thread_start\n   4: start_thread\n             at \
                  ./nptl/pthread_create.c:448:8\n";
    let fingerprint = |below: &str| of_stack(&format!("{own}{below}")).fingerprint;
    for root in ["clone", "clone3", "__clone3"] {
        let root =
            format!("{thread}   5: {root}\n             at ./misc/../sysdeps/unix/sysv/linux/x86_64/clone3.S:81:0\n");
        assert_eq!(fingerprint(&root), fingerprint(""), "{root}");
    }
}

#[test]
fn what_a_program_says_itself_replaces_or_refines_the_fingerprint() {
    let error = |kind: &'static str, custom: &[&'static str]| {
        let custom = custom.iter().map(|part| Cow::Borrowed(*part)).collect();
        group(&Occurrence { error_type: kind.into(), message: "no".into(), custom, ..Occurrence::default() })
    };
    let own = error("A", &["billing"]);
    assert_eq!(own.fingerprint, error("B", &[" billing ", ""]).fingerprint);
    assert_eq!((own.error_type.as_str(), own.text.as_str(), own.full_type.as_str()), ("", "", "A"));
    assert_ne!(error("A", &["a", "bc"]).fingerprint, error("A", &["ab", "c"]).fingerprint);
    let refined = error("A", &["{{ default }}", "x"]);
    assert_eq!(refined.fingerprint, error("A", &["{{default}}", "x"]).fingerprint);
    assert_ne!(refined.fingerprint, error("B", &["{{ default }}", "x"]).fingerprint);
    assert_eq!((refined.error_type.as_str(), refined.text.as_str()), ("A", "no"));
    assert_eq!(error("A", &["", " "]), error("A", &[]));
}

#[test]
fn a_trace_in_the_message_is_a_trace() {
    let trace = include_str!("testdata/python-asyncio.txt");
    let found = group(&Occurrence { message: trace.into(), ..Occurrence::default() });
    assert_eq!(found, of_stack(trace));
    assert_eq!((found.error_type.as_str(), found.text.as_str()), ("CardError", "card <int> declined"));
}

#[test]
fn a_type_counts_without_its_module() {
    let table = [
        ("requests.exceptions.HTTPError", "HTTPError"),
        ("com.shop.Orders$Missing", "Missing"),
        ("*fs.PathError", "PathError"),
        ("System.Collections.Generic.KeyNotFoundException`1[T]", "KeyNotFoundException"),
        ("ActiveRecord::RecordNotFound", "ActiveRecord::RecordNotFound"),
        ("\\App\\Exceptions\\Gone", "App\\Exceptions\\Gone"),
        ("...", "..."),
        ("", ""),
    ];
    for (full, short) in table {
        assert_eq!(short_type(full), short, "{full}");
    }
}

/// The rule that keeps a version what it is: what may change is not imported, neither here nor where traces are read.
#[test]
fn this_version_imports_nothing_that_could_change_it() {
    fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("readable").path();
            let name = path.display().to_string();
            if path.is_dir() && !name.ends_with("tests") && !name.ends_with("testdata") {
                sources(&path, found);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                found.push((name, fs::read_to_string(&path).expect("text")));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model");
    let mut found = Vec::new();
    sources(&root.join("grouping/v1"), &mut found);
    sources(&root.join("stack"), &mut found);
    assert!(found.len() >= 18, "{}", found.len());
    for (name, text) in found {
        let is_top = name.ends_with("v1/mod.rs") || name.ends_with("stack/mod.rs");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default().replace("crate::model::stack::", "stack::");
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let leaves = line.contains(concat!("crate", "::"))
                || line.contains("super::super")
                || (is_top && line.contains("super::"));
            assert!(!leaves, "{name}: {line}");
            let import = line.trim_start().strip_prefix("pub ").unwrap_or(line.trim_start());
            if let Some(path) = import.strip_prefix("use ") {
                let root = path.split("::").next().unwrap_or_default();
                let is_own = text.contains(&format!("mod {root};"));
                assert!(is_own || ["std", "sha2", "super", "stack"].contains(&root), "{name}: {line}");
            }
        }
    }
}
