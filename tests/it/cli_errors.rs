//! Bad input on every reading command: one clear sentence, the right code, and the file left as it was.

use std::fs;
use std::net::TcpListener;

use crate::support::Home;
use crate::support::peer::{OK, Peer, Reply};

const READERS: [&[&str]; 3] = [&["list"], &["show", "latest"], &["stats"]];

#[test]
fn a_missing_database_is_not_created() {
    let home = Home::new();
    for reader in READERS {
        let answer = home.run(&[reader, &["--db", "none.db"]].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (Some(3), ""), "{answer}");
    }
    insta::assert_snapshot!(home.run(&["list", "--db", "none.db"]), @"
    --- stderr
    error: no database at `none.db`
    hint: start a server with `tracehub start`, or name a database with --db
    --- exit 3
    ");
    insta::assert_snapshot!(home.run(&["list"]), @"
    --- stderr
    error: no database at `/home/.local/share/tracehub/tracehub.db`
    hint: start a server with `tracehub start`, or name a database with --db
    --- exit 3
    ");
    assert_eq!(fs::read_dir(home.path()).expect("readable").count(), 0);
}

#[test]
fn what_is_no_database_is_left_alone() {
    let home = Home::new();
    fs::write(home.file("notes.txt"), "dear diary, ".repeat(2_000)).expect("written");
    fs::write(home.file("empty.db"), "").expect("written");
    fs::create_dir(home.file("dir")).expect("made");
    for reader in READERS {
        for db in ["notes.txt", "dir", "empty.db"] {
            let answer = home.run(&[reader, &["--db", db]].concat());
            assert_eq!((answer.code, answer.stdout.as_str()), (Some(3), ""), "{answer}");
        }
    }
    insta::assert_snapshot!(home.run(&["list", "--db", "notes.txt"]), @"
    --- stderr
    error: `notes.txt` is not a tracehub database
    hint: --db wants a file that `tracehub start` made; what another program wrote, `tracehub import` may bring in
    --- exit 3
    ");
    insta::assert_snapshot!(home.run(&["list", "--db", "dir"]), @"
    --- stderr
    error: cannot open `dir`
      caused by: is a directory
    hint: name a file in it, such as --db dir/tracehub.db
    --- exit 3
    ");
    assert_eq!(fs::read_to_string(home.file("notes.txt")).expect("readable").len(), 24_000);
    assert_eq!(fs::read_dir(home.path()).expect("readable").count(), 3);
}

#[test]
fn a_server_that_is_not_there_is_a_failure() {
    let home = Home::new();
    let url = {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", port.local_addr().expect("bound"))
    };
    let answer = home.run(&["list", "--url", &url]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(3), ""), "{answer}");
    assert!(answer.stderr.starts_with(&format!("error: cannot reach `{url}")), "{answer}");
    assert!(answer.stderr.contains("\nhint: is the server running there?"), "{answer}");
}

#[test]
fn places_that_make_no_sense_are_refused() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["list", "--db", "a.db", "--url", "http://h"]), @"
    --- stderr
    error: --db and --url exclude each other
    hint: name one place
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--db", "postgres://u:secret@h/d"]), @"
    --- stderr
    error: cannot use `postgres://h/d`: this build knows files, `http://` and `https://`
    hint: --db takes a file or the URL of a tracehub server
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--url", "a.db"]), @"
    --- stderr
    error: `a.db` is not the URL of a server
    hint: such as http://127.0.0.1:8099
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--db", ""]), @"
    --- stderr
    error: cannot use ``: it is empty
    hint: --db takes a file or the URL of a tracehub server
    --- exit 2
    ");
}

#[test]
fn the_place_is_the_flag_then_the_url_then_the_file() {
    let (home, db) = Home::with_shop();
    let found = |url: &str, file: &str, args: &[&str]| {
        let mut command = home.command(&[&["list", "-q"], args].concat());
        command.env("TRACEHUB_URL", url).env("TRACEHUB_DB", file);
        home.answer(command)
    };
    assert_eq!(found("", &db, &[]).data().lines().count(), 2);
    assert_eq!(found("http://127.0.0.1:1", "none.db", &["--db", &db]).data().lines().count(), 2);
    assert_eq!(found("", "none.db", &["--db-path", &db]).data().lines().count(), 2);
    assert!(found("http://127.0.0.1:1", &db, &[]).stderr.starts_with("error: cannot reach"));
}

#[test]
fn wrong_commands_and_flags_are_usage_errors() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["lst"]), @"
    --- stderr
    error: unrecognized subcommand 'lst'
    hint: a similar subcommand exists: 'list'
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--json", "-o", "csv"]), @"
    --- stderr
    error: --json and --output exclude each other
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--width", "7"]), @"
    --- stderr
    error: invalid value '7' for '--width <N>': a width is a number from 40 to 1000
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["show", "\x1b[2Jx", "--nope"]), @"
    --- stderr
    error: unexpected argument '--nope' found
    hint: a similar argument exists: '--no-pager'
    --- exit 2
    ");
    let bare = home.run(&[]);
    assert_eq!((bare.code, bare.stdout.as_str()), (Some(2), ""));
    assert_eq!(bare.stderr, home.run(&["-h"]).data());
}

#[test]
fn a_server_over_plain_http_needs_no_certificates_and_one_on_this_machine_no_proxy() {
    let home = Home::new();
    let server = home.start(&[]);
    for args in [["status", "--url", server.url()], ["list", "--url", server.url()]] {
        let mut command = home.command(&args);
        // As in a container without any.
        command.envs([("SSL_CERT_FILE", "/no/such/file"), ("SSL_CERT_DIR", "/no/such/directory")]);
        command.envs(["http_proxy", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:1")));
        let answer = home.answer(command);
        assert_eq!(answer.code, Some(0), "{answer}");
    }
}

#[test]
fn no_command_follows_a_server_to_another_host() {
    let home = Home::new();
    let elsewhere = Peer::start(&[Reply::Send(OK)]);
    let answer =
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n", elsewhere.url);
    let redirecting = Peer::start(Vec::leak(vec![Reply::Send(answer.leak())]));
    for command in [&["status"][..], &["list"], &["show", "latest"], &["stats"], &["keys", "list"], &["clear", "--yes"]]
    {
        let answer = home.run(&[command, &["--url", &redirecting.url, "--api-key", "th_canary"]].concat());
        assert_ne!(answer.code, Some(0), "{answer}");
    }
    assert!(elsewhere.requests.try_recv().is_err(), "a request with the key went to another host");
}
