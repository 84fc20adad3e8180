//! What is replaced in messages and what is not, and that it is replaced once and for all.

use proptest::prelude::*;

use super::*;

#[test]
fn values_go_and_words_stay() {
    let table = [
        ("order 8841 failed after 2.3s", "order <int> failed after <duration>"),
        ("order_8841 of worker-7", "order_<int> of worker-<int>"),
        ("mail a.b+c@shop.example.com bounced", "mail <email> bounced"),
        ("GET https://u:p@h.example:8443/a/b?c=1#d failed.", "GET <url> failed."),
        ("tcp://charlie:secret@h:1 is closed", "<url> is closed"),
        ("(see http://x.y/z).", "(see <url>)."),
        ("trace 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "trace <traceparent>"),
        ("1-5759e988-bd862e3fe1be46a994272793", "<traceparent>"),
        ("id 7b44e2f0-8a5f-4c55-9d1c-2f1f0a3a7d11 gone", "id <uuid> gone"),
        ("id 12345678-1234-1234-1234-123456789012 gone", "id <uuid> gone"),
        ("id 4bf92f3577b34da6a3ce929d0e0e4736", "id <uuid>"),
        ("sha da39a3ee5e6b4b0d3255bfef95601890afd80709", "sha <hex>"),
        ("commit 3f2a9bc1 and deadbeef", "commit <hex> and deadbeef"),
        ("0x7f3cdeadbeef at 0X1F", "<hex> at <hex>"),
        ("<Order object at 0x7f12ab34cd56>", "<Order object at <hex>>"),
        ("at 2026-03-09 19:42:55.903+02:00.", "at <datetime>."),
        ("at 2026-03-09T19:42:55,903Z", "at <datetime>"),
        ("at 2026-03-09 19:42:55 +0000 UTC", "at <datetime> UTC"),
        ("20260309T194255Z", "<datetime>"),
        ("on 2026-03-09, or 2026/03/09", "on <date>, or <date>"),
        ("at 19:42:55 and 3:04:05 PM", "at <time> and <time>"),
        ("Mar  9 19:42:55 host", "<datetime> host"),
        ("Mon, 02 Jan 2006 15:04:05 GMT", "<datetime>"),
        ("Mon Jan  2 15:04:05 2006", "<datetime>"),
        ("Mon Jan 02 2006 14:04:05 GMT-0800 (PST)", "<datetime> (PST)"),
        ("[10/Oct/2000:13:55:36 -0700]", "[<datetime>]"),
        ("datetime.datetime(2026, 3, 9, 19, 42) is late", "<datetime> is late"),
        ("12:31:99 and 1:2", "<int>:<int>:<int> and <int>:<int>"),
        ("connect to 10.0.0.12:5432 failed", "connect to <ip> failed"),
        ("net 10.0.0.0/8, fe80::1, [2001:db8::1]:80", "net <ip>, [<ip>]:<int>"),
        ("::1 refused, 2001:0db8:85a3:0000:0000:8a2e:0370:7334", "<ip> refused, <ip>"),
        ("host db:5432 is down", "host db:<int> is down"),
        ("took 200µs, 2m30s, 1.5h, 12ms and 3 seconds", "took <duration> and <int> seconds"),
        ("ratio 0.25, 1e-7 or -3.5", "ratio <float> or <float>"),
        ("read 1,234,567 of 12KiB (98.5%)", "read <int> of <size> (<float>%)"),
        ("version 1.24.3 needs v2.1", "version <version> needs <version>"),
        ("-5 is below 10-3", "<int> is below <int>-<int>"),
        ("name='O Brien' age=\"4\" it's", "name='<str>' age=\"<str>\" it's"),
        ("customer cus9s6XKzkNRiz8i3 of 01ARZ3NDEKTSV4RRFFQ69G5FAV", "customer <id> of <id>"),
        ("id in (1, 2, 3) or in (4,5)", "id in (<int>) or in (<int>)"),
        ("订单12345失败", "订单<int>失败"),
        ("  a\t\tb  \r\n\n c \nd", "a b\nc"),
        ("", ""),
        (" \n\t", ""),
        // Names of temporary files: Python's, those of mktemp, Rust, PHP, Node.js, Go, Java, and Python's with a prefix.
        ("no '/tmp/tmpyjertohg/a.csv'", "no '/tmp/<id>/a.csv'"),
        ("no '/tmp/tmpjc3_1b18.csv' nor C:\\Temp\\tmpa_bcdefg", "no '/tmp/<id>.csv' nor C:\\Temp\\<id>"),
        ("/tmp/tmp.qdpOihwrXY, /tmp/.tmpK29q9O, /tmp/phpEcOyCi", "/tmp/tmp.<id>, /tmp/.tmp<id>, /tmp/php<id>"),
        ("/tmp/build-0AhkIh and /tmp/work-3jf82_aq/x", "/tmp/build-<id> and /tmp/work-<id>/x"),
        ("/tmp/TestLoad946753453/001, /tmp/go-build18494722", "/tmp/TestLoad<int>/<int>, /tmp/go-build<int>"),
        ("/var/folders/zz/T/junit5559/junit555517960809830647", "/var/folders/zz/T/junit5559/junit555517960809830647"),
        ("/var/folders/zz/T/junit555517960809830647", "/var/folders/zz/T/junit<int>"),
        ("/tmp/tmpfiles/x, /tmp/phpstorm, /tmp/build-output", "/tmp/tmpfiles/x, /tmp/phpstorm, /tmp/build-output"),
        ("/tmp/app-node01, /tmp/worker12, /srv/tmpyjertohg", "/tmp/app-node01, /tmp/worker12, /srv/tmpyjertohg"),
        ("/tmp/deadbeef123456 and /tmp/12345678", "/tmp/<hex> and /tmp/<int>"),
        // Names of machines.
        ("device 4f:f4:e4:8f:31:05 is offline", "device <hex> is offline"),
        ("device 10:20:30:40:50:60, MD5:aa:bb:cc:dd:ee:ff:00:11", "device <hex>, MD5:<hex>"),
        ("aa:bb:cc:dd:ee is none, nor is aa:bb:cc:dd:ee:fff", "aa:bb:cc:dd:ee is none, nor is aa:bb:cc:dd:ee:fff"),
        ("pod checkout-6h942zfvtv-lpz7p of shop-krlpspd8r-d2f85.", "pod checkout-<id> of shop-<id>."),
        ("pod db-backups-first and log-rsync-https", "pod db-backups-first and log-rsync-https"),
        // Words.
        ("std::ffi::CString and Fee::add()", "std::ffi::CString and Fee::add()"),
        ("src/main.rs, java.io.IOException, obj.id", "src/main.rs, java.io.IOException, obj.id"),
        ("utf-8 is not utf-16, nor iso-8859-1", "utf-8 is not utf-16, nor iso-8859-1"),
        ("dogNumber1 bball4lyfe h2o i18n v1beta1 sha256", "dogNumber1 bball4lyfe h2o i18n v1beta1 sha256"),
        ("cannot find 'orders' in \"shop\"", "cannot find 'orders' in \"shop\""),
        ("deadbeef comes before 1 digit", "deadbeef comes before <int> digit"),
        ("a <int> and a <uuid>", "a <int> and a <uuid>"),
    ];
    for (message, expected) in table {
        assert_eq!(normalise(message), expected, "{message}");
    }
}

#[test]
fn which_kind_of_number_a_value_looks_like_does_not_matter() {
    let texts =
        ["12345678", "1234567a", "12", "1.5", "0x12", "k9Mtd2gDcgG"].map(|id| normalise(&format!("no {id} here")));
    let [first, rest @ ..] = texts.map(|text| without_shapes(&text));
    assert_eq!(first, "no <n> here");
    assert!(rest.iter().all(|other| *other == first), "{rest:?}");
}

#[test]
fn only_the_beginning_of_a_message_counts_and_never_more_than_the_limit() {
    assert_eq!(normalise("\n\na\n \nb\nc"), "a\nb");
    let long = "1 ".repeat(MAX_BYTES);
    let once = normalise(&long);
    assert!(once.len() <= MAX_BYTES && once.starts_with("<int> <int>"), "{}", once.len());
    assert_eq!(normalise(&once), once);
    let wide = "ä".repeat(MAX_BYTES);
    assert_eq!(normalise(&wide).len(), MAX_BYTES);
}

/// Texts that are dangerous next to each other.
const PIECES: &[&str] = &[
    "1",
    "12",
    "a",
    "ab",
    "deadbeef",
    "0x",
    "0x1f",
    ":",
    "::",
    ".",
    ",",
    ", ",
    "-",
    "_",
    "/",
    "//",
    "@",
    "=",
    "='",
    "'",
    "\"",
    "=\"",
    " ",
    "\n",
    "<",
    ">",
    "<int>",
    "<uuid>",
    "<str>",
    "'<str>'",
    "<ip>",
    "<float>",
    "T",
    "Z",
    "+02:00",
    "2026-03-09",
    "19:42:55",
    "Mon",
    "Mar",
    " 9 ",
    "10.0.0.1",
    "fe80",
    "e",
    "e5",
    "s",
    "ms",
    "µs",
    "KiB",
    "v",
    "v1.2",
    "http://",
    "x.com",
    "datetime.datetime(",
    ")",
    "(",
    "utf-",
    "é",
    "漢",
    "\u{0}",
    "\u{7f}",
    "\t",
    "12345678-1234-1234-1234-123456789012",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "k9Mtd2gDcgG",
    "1,234",
    "%",
    "[",
    "]",
    "UTC",
    "GMT-0800",
    "PM",
    "/tmp/",
    "\\Temp\\",
    "tmp",
    "tmp.",
    ".tmp",
    "php",
    "x9K2aQ",
    "3jf82_aq",
    "123456",
    "4f:f4:e4:8f:31:05",
    "-6h942zfvtv-lpz7p",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[0-9a-fA-F:.\\-]{0,20}",
    ]
}

#[test]
fn what_only_its_neighbours_kept_from_being_a_value_is_none_after_them_either() {
    let texts = [
        "UTC@T.aA-0:",
        "datetime.datetime(\0)",
        "Mar \t 9 19:42:55",
        "a0::.0",
        "0C::0C::1",
        "10.0.0.1::a0.",
        "::a10.0.0.1",
        "00010.0.0.1deadbeef1",
        "datetime.datetime()2026-03-09",
    ];
    for text in texts {
        let once = normalise(text);
        assert_eq!(normalise(&once), once, "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_normalised_text_is_normal(pieces in prop::collection::vec(piece(), 0..24)) {
        let once = normalise(&pieces.concat());
        prop_assert_eq!(normalise(&once), once);
    }

    #[test]
    fn a_long_normalised_text_is_normal(piece in piece(), times in 1usize..4096, tail in piece()) {
        let once = normalise(&(piece.repeat(times.min(20_000 / piece.len().max(1))) + &tail));
        prop_assert!(once.len() <= MAX_BYTES);
        prop_assert_eq!(normalise(&once), once);
    }

    #[test]
    fn any_text_can_be_normalised(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let text = String::from_utf8_lossy(&bytes);
        let once = normalise(&text);
        prop_assert!(once.len() <= MAX_BYTES);
        prop_assert_eq!(normalise(&once), once);
    }
}
