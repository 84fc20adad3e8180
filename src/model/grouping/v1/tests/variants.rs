//! A hundred variants of one error are one error, and two errors are two: per language, with everything at once that
//! differs from event to event, from machine to machine and from build to build.

use super::*;

/// A small generator; the same variants in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 33) % limit
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize])).collect()
    }

    /// What may stand for a field of a template.
    fn value(&mut self, field: &str) -> String {
        match field {
            "line" => self.below(900).saturating_add(1).to_string(),
            "int" => {
                let digits = 1 + self.below(9) as u32;
                self.below(10_u64.pow(digits)).to_string()
            }
            "port" => (1024 + self.below(60_000)).to_string(),
            "address" => format!("0x{}", self.hex(12)),
            "hash" => format!("{}4f", self.hex(14)),
            "build" => format!("a{}7", self.hex(6)),
            "uuid" => format!("{}-{}-{}-{}-{}", self.hex(8), self.hex(4), self.hex(4), self.hex(4), self.hex(12)),
            "duration" => {
                let unit = ["ms", "s", "µs"][self.below(3) as usize];
                format!("{}.{}{unit}", self.below(500), self.below(100))
            }
            "time" => format!(
                "2026-{:02}-{:02} {:02}:{:02}:{:02}.{:03}{}",
                1 + self.below(12),
                1 + self.below(28),
                self.below(24),
                self.below(60),
                self.below(60),
                self.below(1000),
                ["Z", "+02:00", ""][self.below(3) as usize]
            ),
            "ip" => format!("10.{}.{}.{}", self.below(256), self.below(256), self.below(256)),
            other => panic!("no field {other}"),
        }
    }

    /// A template with its fields filled in; `{prefix}` and `{library}` are the same all over.
    fn fill(&mut self, template: &str) -> String {
        let prefixes = ["/srv/app", "/home/user/code/2026", "/opt/releases/20261121093012", "/var/www/shop-3f2a9bc1"];
        let prefix = prefixes[self.below(4) as usize];
        let libraries = ["/opt/venv", "/usr/local", "/home/user/.venv-3", "/var/cache/v7"];
        let library = libraries[self.below(4) as usize];
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, tail)) = rest.split_once("«") {
            let (field, tail) = tail.split_once('»').expect("a closed field");
            filled.push_str(before);
            match field {
                "prefix" => filled.push_str(prefix),
                "library" => filled.push_str(library),
                // A line that is there one to nine times.
                _ if field.starts_with('*') => {
                    for _ in 0..=self.below(8) {
                        filled.push_str(&field[1..].replace("<line>", &self.value("line")));
                    }
                }
                field => filled.push_str(&self.value(field)),
            }
            rest = tail;
        }
        filled + rest
    }
}

/// A language, message and stack of an error of it, and changes that make another error of that.
type Example = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const ERRORS: [Example; 8] = [
    (
        "Python",
        "order «int» («uuid») declined by «ip»:«port» after «duration» at «time», object at «address»",
        "Traceback (most recent call last):
  File \"«prefix»/shop/gateway.py\", line «line», in post
    socket.connect((host, «port»))
ConnectionError: «ip»:«port» refused

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File \"«library»/lib/python3.11/site-packages/starlette/routing.py\", line «line», in app
    await func(request)
  File \"«prefix»/shop/api.py\", line «line», in create
    return walk(order)
           ~~~~^^^^^^^
«*  File \"/x/shop/tree.py\", line <line>, in walk
    walk(node.next)
»  [Previous line repeated «int» more times]
  File \"«prefix»/shop/payments.py\", line «line», in charge
    raise CardError(order)
  File \"«library»/lib/python3.11/site-packages/stripe/http.py\", line «line», in send
    raise error
shop.errors.CardError: declined
",
        &[
            ("in charge", "in refund"),
            ("shop/payments.py", "shop/billing.py"),
            ("ConnectionError", "TimeoutError"),
            ("in post", "in get"),
            ("declined by", "refused by"),
            ("shop.errors.CardError", "shop.errors.CardExpired"),
            ("in create", "in update"),
        ],
    ),
    (
        "JavaScript",
        "order «int» («uuid») declined by http://«ip»:«port»/v1/«int» after «duration»",
        "CardError: order «int» declined
    at charge (file://«prefix»/shop/dist/payments/main.«build».js:«line»:«line»)
    at new Order (file://«prefix»/shop/orders/order.mjs:«line»:«line»)
«*    at walk (/x/shop/tree.js:<line>:<line>)
»    at Array.map (<anonymous>)
    at async Service.handle [as run] (webpack-internal:///./src/api/service.ts?«build»:«line»:«line»)
    at Layer.handle («library»/node_modules/express/lib/router/layer.js:«line»:«line»)
    at process.processTicksAndRejections (node:internal/process/task_queues:«line»:«line») {
  [cause]: TypeError: Cannot read properties of undefined
      at Gateway.post (file://«prefix»/shop/gateway/http.js:«line»:«line»)
}
",
        &[
            ("at charge", "at refund"),
            ("payments/main", "billing/main"),
            ("TypeError", "RangeError"),
            ("Gateway.post", "Gateway.get"),
            ("declined by", "refused by"),
            ("CardError", "CardExpiredError"),
            ("Service.handle", "Service.close"),
        ],
    ),
    (
        "Java",
        "order «int» («uuid») declined after «duration» at «time» com.shop.Order@«hash»",
        "Exception in thread \"worker-«int»\" com.shop.CardException: order «int» declined
\tat app//com.shop.Payments.charge(Payments.java:«line»)
\tat com.shop.Payments$$FastClassBySpringCGLIB$$«hash».invoke(<generated>)
\tat jdk.internal.reflect.GeneratedMethodAccessor«int».invoke(Unknown Source)
\tat java.base/java.lang.reflect.Method.invoke(Method.java:«line»)
«*\tat com.shop.Tree.walk(Tree.java:<line>)
»\tat com.shop.Api$$Lambda$«int»/«address».apply(Unknown Source)
\tat com.shop.Api.lambda$create$«line»(Api.java:«line») ~[shop-1.«line».jar!/:1.«line»]
\tat com.shop.$Proxy«line».get(Unknown Source)
\tat java.base@17.0.«line»/java.lang.Thread.run(Thread.java:«line»)
\tSuppressed: java.io.IOException: close «int»
\t\tat com.shop.Pool.close(Pool.java:«line»)
Caused by: java.net.ConnectException: «ip»:«port» refused
\tat com.shop.Gateway.post(Gateway.kt:«line»)
\t... «line» more
",
        &[
            ("Payments.charge(", "Payments.refund("),
            ("com.shop.Payments.charge", "com.shop.Billing.charge"),
            ("ConnectException", "SocketTimeoutException"),
            ("Gateway.post", "Gateway.get"),
            ("declined after", "refused after"),
            ("CardException", "CardExpiredException"),
            ("lambda$create", "lambda$update"),
        ],
    ),
    (
        "Go",
        "order «int» («uuid») declined: dial tcp «ip»:«port»: i/o timeout after «duration»",
        "panic: order «int» declined
[signal SIGSEGV: segmentation violation code=«address» addr=«address» pc=«address»]

goroutine «int» [running]:
runtime/debug.Stack()
\t/usr/local/go/src/runtime/debug/stack.go:«line» +«address»
example.com/shop/web.recovered.func1()
\t«prefix»/web/recover.go:«line» +«address»
panic({«address», «address»})
\t/usr/local/go/src/runtime/panic.go:«line» +«address»
example.com/shop/payments.(*Client).Charge(«address», {«address», «address»})
\t«prefix»/payments/client.go:«line» +«address»
«*example.com/shop/tree.Walk(...)
\t/x/tree/tree.go:<line> +0x1f
»example.com/shop/api.Map[...]({«address»?, «address»})
\t«prefix»/api/map.go:«line» +«address»
example.com/shop/api.create.func«line».«line»()
\t«prefix»/api/create.go:«line» +«address»
net/http.HandlerFunc.ServeHTTP(«address»)
\t/usr/local/go/src/net/http/server.go:«line» +«address»
created by net/http.(*Server).Serve in goroutine «int»
\t/usr/local/go/src/net/http/server.go:«line» +«address»
",
        &[
            (".Charge(", ".Refund("),
            ("shop/payments.", "shop/billing."),
            ("api.create", "api.update"),
            ("declined: dial", "refused: dial"),
            ("panic: order", "fatal error: order"),
        ],
    ),
    (
        "Rust",
        "order «int» («uuid») declined: index out of bounds: the len is «int» but the index is «int»",
        "thread 'worker-«int»' («int») panicked at src/payments.rs:«line»:«line»:
order «int» declined
stack backtrace:
   0:     «address» - std[«hash»]::panicking::begin_panic_handler
             at /rustc/«hash»/library/std/src/panicking.rs:«line»:5
   1:     «address» - core::panicking::panic_fmt::h«hash»
   2:     «address» - <alloc::vec::Vec<T,A> as core::ops::index::Index<I>>::index::h«hash»
             at /rustc/«hash»/library/alloc/src/vec/mod.rs:«line»:9
   3:     «address» - shop::payments::Client<T>::charge::h«hash»
             at «prefix»/src/payments.rs:«line»:«line»
«*   4:     0x55 - shop::tree::walk
             at /x/src/tree.rs:<line>:<line>
»  12:     «address» - <shop[«hash»]::orders::Order as core[«hash»]::ops::Drop>::drop::{closure#«line»}
             at «prefix»/src/orders.rs:«line»:«line»
  13:     «address» - tokio::runtime::task::core::Core<T,S>::poll::h«hash»
             at «library»/registry/src/index.crates.io-«hash»/tokio-1.«line»/src/runtime/task/core.rs:«line»:«line»
  14:     «address» - __libc_start_main
  15:     «address» - _start
",
        &[
            ("::charge", "::refund"),
            ("shop::payments::Client", "shop::billing::Client"),
            ("::drop::", "::clone::"),
            ("declined: index", "refused: index"),
        ],
    ),
    (
        "Ruby",
        "order «int» («uuid») declined for #<Order:«address»> after «duration»",
        "«prefix»/app/models/order.rb:«line»:in 'block (2 levels) in Order#charge': order «int» declined (Shop::CardError)
\tfrom <internal:array>:«line»:in 'Array#each'
\tfrom «prefix»/app/models/order.rb:«line»:in 'Order#charge'
«*\tfrom /x/lib/tree.rb:<line>:in 'Tree.walk'
»\tfrom «library»/gems/actionpack-7.«line»/lib/action_controller/base.rb:«line»:in 'process'
\tfrom «prefix»/app/controllers/orders.rb:«line»:in 'Orders#create'
\tfrom «prefix»/app/views/show.html.erb:«line»:in '_app_views_show_html_erb___«int»5555_«int»'
«prefix»/app/models/gateway.rb:«line»:in 'Gateway#post': «ip»:«port» refused (Errno::ECONNREFUSED)
\tfrom «prefix»/app/models/order.rb:«line»:in 'Order#charge'
",
        &[
            ("Order#charge", "Order#refund"),
            ("controllers/orders.rb", "controllers/carts.rb"),
            ("ECONNREFUSED", "ETIMEDOUT"),
            ("Gateway#post", "Gateway#get"),
            ("declined for", "refused for"),
            ("Shop::CardError", "Shop::CardExpired"),
        ],
    ),
    (
        "C#",
        "order «int» («uuid») declined after «duration» at «time»",
        "Shop.CardException: order «int» declined
 ---> System.Net.Sockets.SocketException («int»): «ip»:«port» refused
   at Shop.Gateway.<PostAsync>d__«line».MoveNext() in «prefix»/Gateway.cs:line «line»
   --- End of inner exception stack trace ---
   at Shop.Payments`1.<ChargeAsync>d__«line».MoveNext() in «prefix»/Payments.cs:line «line»
--- End of stack trace from previous location ---
   at System.Runtime.CompilerServices.TaskAwaiter.ThrowForNonSuccess(Task task)
   at Shop.Api.<>c__DisplayClass«line»_0.<Create>b__«line»(Order order) in «prefix»/Api.cs:line «line»
   at lambda_method«int»(Closure, Object)
«*   at Shop.Tree.Walk(Node node) in /x/Tree.cs:line <line>
»   at Microsoft.AspNetCore.Mvc.Controller.Execute(ActionContext context)
",
        &[
            ("ChargeAsync", "RefundAsync"),
            ("Shop.Payments", "Shop.Billing"),
            ("<PostAsync>", "<GetAsync>"),
            ("<Create>", "<Update>"),
            ("declined after", "refused after"),
            ("Shop.CardException", "Shop.CardExpiredException"),
        ],
    ),
    (
        "PHP",
        "order «int» («uuid») declined after «duration» at «time»",
        "PHP Fatal error:  Uncaught Shop\\ConnectError: «ip»:«port» refused in «prefix»/shop/Gateway.php:«line»
Stack trace:
#0 «prefix»/shop/Payments.php(«line»): Shop\\Gateway->post('«uuid»', Array)
#1 {main}

Next Shop\\CardError: order «int» declined in «prefix»/shop/Payments.php:«line»
Stack trace:
#0 «prefix»/shop/Api.php(«line»): Shop\\Payments->charge(Object(Order), '«time»')
#1 [internal function]: Shop\\Api->Shop\\{closure}(«int»)
#2 «prefix»/shop/Api.php(«line»): array_map(Object(Closure), Array)
«*#3 /x/shop/Tree.php(<line>): Shop\\Tree::walk(Object(Node))
»#4 «prefix»/vendor/symfony/http-kernel/Kernel.php(«line»): Shop\\Api->create()
#5 {main}
  thrown in «prefix»/shop/Payments.php on line «line»
",
        &[
            ("->charge(", "->refund("),
            ("Shop\\Payments->", "Shop\\Billing->"),
            ("Shop\\ConnectError", "Shop\\TimeoutError"),
            ("->post(", "->get("),
            ("->create(", "->update("),
            ("declined after", "refused after"),
            ("Shop\\CardError", "Shop\\CardExpired"),
        ],
    ),
];

fn parts(random: &mut Random, message: &str, stack: &str) -> Parts {
    group(&Occurrence {
        error_message: random.fill(message).into(),
        message: "charging failed".into(),
        stack_trace: random.fill(stack).into(),
        ..Occurrence::default()
    })
}

#[test]
fn a_hundred_variants_of_one_error_are_one_error() {
    for (language, message, stack, _) in ERRORS {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let first = parts(&mut random, message, stack);
        assert!(first.frames.len() >= 3, "{language}: {first:#?}");
        for _ in 0..100 {
            let other = parts(&mut random, message, stack);
            let same = other.fingerprint == first.fingerprint;
            assert!(same, "{language}: {first:#?} {other:#?}");
        }
    }
}

#[test]
fn two_errors_are_two() {
    for (language, message, stack, changes) in ERRORS {
        let mut random = Random(7);
        let mut known = HashSet::from([parts(&mut random, message, stack).fingerprint]);
        for (from, to) in changes {
            let (message, stack) = (message.replace(from, to), stack.replace(from, to));
            let other = parts(&mut random, &message, &stack);
            assert!(known.insert(other.fingerprint), "{language}: {from} -> {to}: {other:#?}");
        }
    }
}
