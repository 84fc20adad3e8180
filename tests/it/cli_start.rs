//! `tracehub start` and `tracehub status` end to end.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;

use crate::support::{Home, otlp};

#[test]
fn a_server_says_when_it_is_ready_serves_and_stops_with_everything_on_disk() {
    let home = Home::new();
    let db = home.file("a.db");
    let server = home.start(&["--db", "a.db"]);
    let ready = server.ready();
    assert_eq!(ready["event"], "ready");
    assert_eq!(ready["pid"], server.pid());
    assert_eq!(ready["db"], db.canonicalize().expect("there").display().to_string());
    assert_eq!(ready.as_object().expect("an object").len(), 4);
    server.send(&otlp::shop());
    let (code, said) = server.stop();
    assert_eq!((code, said.as_str()), (Some(0), "stopping; once more to stop at once\n"));
    assert_eq!(home.run(&["list", "-q", "--db", "a.db"]).data().lines().count(), 2);
}

#[test]
fn what_was_acknowledged_survives_being_killed() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    server.send(&otlp::shop());
    server.signal("KILL");
    server.wait();
    assert_eq!(home.run(&["list", "-q", "--db", "a.db"]).data().lines().count(), 2);
    let server = home.start(&["--db", "a.db"]);
    assert_eq!(home.run(&["list", "-q", "--url", server.url()]).data().lines().count(), 2);
}

#[test]
fn a_file_that_may_not_grow_any_more_does_not_end_the_server() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    server.signal("XFSZ");
    server.send(&otlp::shop());
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn the_usual_database_is_made_with_its_directory() {
    let home = Home::new();
    let server = home.start(&[]);
    assert!(home.default_db().exists());
    server.send(&otlp::shop());
    assert_eq!(home.run(&["list", "-q"]).data().lines().count(), 2);
}

#[test]
fn a_file_and_its_server_give_the_same_bytes() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    server.send(&otlp::shop());
    for command in [
        vec!["list", "--json"],
        vec!["list", "-o", "csv"],
        vec!["show", "latest", "--json"],
        vec!["show", "4bf900", "-o", "ndjson"],
        vec!["stats", "--json", "--fields", "traces,spans,errors,operations,timeline"],
        vec!["stats", "-o", "tsv"],
    ] {
        let file = home.run(&[command.as_slice(), &["--db", "a.db"]].concat());
        let remote = home.run(&[command.as_slice(), &["--url", server.url()]].concat());
        assert_eq!(file.data(), remote.data(), "{command:?}");
    }
}

#[test]
fn status_is_0_while_a_server_runs_and_1_after() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    server.send(&otlp::shop());
    for target in [["--db", "a.db"], ["--url", server.url()]] {
        let answer = home.run(&["status", "--json", target[0], target[1]]);
        let status = answer.json();
        assert_eq!((answer.code, &status["status"]), (Some(0), &"up".into()), "{answer}");
        assert_eq!((&status["pid"], &status["url"]), (&server.pid().into(), &server.url().into()));
        assert_eq!((&status["database"]["spans"], &status["last_hour"]["traces"]), (&4.into(), &2.into()));
    }
    let text = home.run(&["status", "--db", "a.db"]);
    assert!(text.data().starts_with(&format!("● running   pid {} · up ", server.pid())), "{text}");
    let url = server.url().to_owned();
    server.stop();
    let down = home.run(&["status", "--db", "a.db", "--json"]);
    assert_eq!((down.code, &down.json()["status"]), (Some(1), &"down".into()), "{down}");
    assert_eq!(down.json()["database"]["spans"], 4);
    let gone = home.run(&["status", "--url", &url]);
    assert_eq!(gone.code, Some(1), "{gone}");
    assert_eq!(gone.stdout.lines().next(), Some(format!("○ not running   {url}").as_str()));
}

#[test]
fn a_status_without_any_database_creates_none() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["status"]), @"
    ○ not running   /home/.local/share/tracehub/tracehub.db
      trouble   no database at `/home/.local/share/tracehub/tracehub.db`
    --- exit 1
    ");
    assert!(!home.default_db().exists());
}

#[test]
fn a_busy_port_is_a_failure_with_a_hint() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let answer = home.run(&["start", "--db", "a.db", "--otlp-grpc", "off", "--otlp-http", "off", "--port", &port]);
    assert_eq!(answer.code, Some(3), "{answer}");
    insta::assert_snapshot!(answer.to_string().replace(&port, "PORT"), @"
    --- stderr
    error: cannot listen on 127.0.0.1:PORT
      caused by: address already in use (os error 98)
    hint: `tracehub status` says whether a tracehub listens there; --port 0 picks a free port
    --- exit 3
    ");
}

#[test]
fn two_servers_do_not_share_a_file() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    let args = ["start", "--db", "a.db", "--port", "0", "--otlp-grpc", "off", "--otlp-http", "off"];
    let answer = home.run(&args);
    assert_eq!(answer.code, Some(3), "{answer}");
    insta::assert_snapshot!(answer.to_string().replace(&server.pid().to_string(), "PID"), @"
    --- stderr
    error: database is locked: process PID is writing to `/home/a.db`
    hint: stop the process that holds it, or try again later
    --- exit 3
    ");
}

#[test]
fn settings_come_from_the_environment_too() {
    let home = Home::new();
    let wrong = |name: &str, value: &str| {
        let mut command = home.command(&["start", "--db", "a.db"]);
        command.env(name, value);
        home.answer(command)
    };
    insta::assert_snapshot!(wrong("TRACEHUB_PORT", "99999"), @"
    --- stderr
    error: TRACEHUB_PORT is `99999`, not a port
    --- exit 2
    ");
    insta::assert_snapshot!(wrong("TRACEHUB_RETENTION_HOURS", "0"), @"
    --- stderr
    error: TRACEHUB_RETENTION_HOURS is `0`, not a number of hours above 0
    hint: `off` keeps everything for ever
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["start", "--retention", "0"]), @"
    --- stderr
    error: invalid value '0' for '--retention <DURATION>': nothing would be kept; write `off` to keep everything for ever
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["start", "--url", "http://127.0.0.1:1"]), @"
    --- stderr
    error: a server writes to a file of its own, so --url makes no sense here
    hint: name the file with --db
    --- exit 2
    ");
    let relay = ["start", "--port", "0", "--otlp-grpc", "off", "--otlp-http", "off", "--db", "http://127.0.0.1:1"];
    insta::assert_snapshot!(home.run(&[&relay[..], &["--retention", "7d"]].concat()), @"
    --- stderr
    error: the server at http://127.0.0.1:1 decides what it keeps, and how
    hint: leave out --retention and --durability, or give them to that server
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&relay), @"
    --- stderr
    error: cannot reach `http://127.0.0.1:1`
      caused by: error sending request
      caused by: client error (Connect)
      caused by: tcp connect error
      caused by: connection refused (os error 111)
    hint: is the server running there? start one with `tracehub start`
    --- exit 3
    ");
    assert!(!home.file("a.db").exists());
}

#[test]
fn a_server_relays_to_another_one() {
    let home = Home::new();
    let db = home.file("shop.db").display().to_string();
    let server = home.start(&["--db", &db]);
    let relay = home.start(&["--db", server.url()]);
    assert_eq!(relay.ready()["db"], server.url());
    relay.send(&otlp::shop());
    let listed = |url: &str| home.run(&["list", "--url", url]).data().replace(url, "URL");
    assert_eq!(listed(relay.url()), listed(server.url()));
    let shown = |target: &str| home.run(&["show", "latest", "--db", target]).data().to_owned();
    assert_eq!(shown(relay.url()), shown(&db));
    let status = home.run(&["status", "--url", relay.url(), "--json"]).json();
    assert_eq!((&status["database"]["spans"], &status["url"]), (&json!(4), &json!(relay.url())));
    let made = home.run(&["keys", "create", "--project", "shop", "--scope", "read", "--url", relay.url()]);
    assert_eq!(made.code, Some(0), "{made}");
    // The key is the other server's, too, and now both want one.
    let key = made.stdout.trim();
    for url in [relay.url(), server.url()] {
        assert_eq!(home.run(&["list", "--url", url]).code, Some(4));
    }
    assert_eq!(home.run(&["list", "-q", "--url", server.url(), "--api-key", key]).code, Some(0));
    assert_eq!(relay.stop().0, Some(0));
}

#[test]
fn a_server_does_not_relay_to_itself() {
    let home = Home::new();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port().to_string();
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let url = format!("http://{host}:{port}");
        let args = ["start", "--otlp-grpc", "off", "--otlp-http", "off", "--port", &port, "--db", &url];
        let answer = home.run(&args);
        assert_eq!(answer.code, Some(2), "{answer}");
        assert!(answer.stderr.contains("a server cannot relay to itself"), "{answer}");
    }
}

#[test]
fn a_closed_network_is_answered_without_a_key_and_that_is_said_at_start() {
    let home = Home::new();
    let ask = |url: &str| home.run(&["list", "--url", url]).code;
    let closed = home.start(&["--db", "a.db", "--host", "0.0.0.0"]);
    assert_eq!(ask(closed.url()), Some(4));
    assert!(closed.stop().1.contains("other machines can reach this server"));
    let near = home.start(&["--db", "a.db", "--host", "0.0.0.0", "--open-loopback"]);
    assert_eq!(ask(near.url()), Some(0));
    assert!(near.stop().1.contains("other machines can reach this server"));
    let open = home.start(&["--db", "a.db", "--host", "0.0.0.0", "--open-network"]);
    assert_eq!(ask(open.url()), Some(0));
    let said = open.stop().1;
    assert!(said.contains("may read, send and delete without a key") && !said.contains("answers nobody"), "{said}");
}

#[test]
fn names_sites_and_quotas_come_from_flags_and_the_environment() {
    let home = Home::new();
    let wrong = |args: &[&str], variable: Option<(&str, &str)>| {
        let mut command = home.command(&[&["start", "--port", "0"], args].concat());
        command.envs(variable);
        home.answer(command)
    };
    insta::assert_snapshot!(wrong(&["--cors-origin", "*"], None), @"
    --- stderr
    error: invalid value '*' for '--cors-origin <ORIGIN>': write an origin such as `https://app.example` or `http://localhost:3000`; there are no patterns
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(wrong(&[], Some(("TRACEHUB_CORS_ORIGINS", "http://localhost:3000, app.example"))), @"
    --- stderr
    error: TRACEHUB_CORS_ORIGINS holds `app.example`: write an origin such as `https://app.example` or `http://localhost:3000`; there are no patterns
    --- exit 2
    ");
    insta::assert_snapshot!(wrong(&["--limit-rate", "fast"], None), @"
    --- stderr
    error: invalid value 'fast' for '--limit-rate <RECORDS/s>': write records a second such as `5000`, bytes such as `10MB`, or both: `5000,10MB`
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(wrong(&[], Some(("TRACEHUB_LIMIT_RATE", "10m"))), @"
    --- stderr
    error: TRACEHUB_LIMIT_RATE is `10m`: write records a second such as `5000`, bytes such as `10MB`, or both: `5000,10MB`
    --- exit 2
    ");
}

#[test]
fn a_server_goes_by_the_names_of_its_environment_and_lets_in_the_sites_of_its_flags() {
    let home = Home::new();
    let mut command =
        home.command(&["start", "--port", "0", "--otlp-grpc", "off", "--otlp-http", "off", "--db", "a.db"]);
    command.args(["--allowed-host", "one", "--cors-origin", "http://localhost:3000/"]);
    command.env("TRACEHUB_ALLOWED_HOSTS", "two, three:8099,");
    let server = Home::serve(command);
    let head = |host: &str, origin: &str| {
        let mut stream =
            std::net::TcpStream::connect(server.url().trim_start_matches("http://")).expect("a connection");
        let request = format!(
            "POST //v1/traces/ HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).expect("room");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    for (host, origin, status) in [
        ("one:8099", "http://localhost:3000", "200"),
        ("two", "http://localhost:3000", "200"),
        ("three:8099", "http://localhost:3000", "200"),
        ("four", "http://localhost:3000", "403"),
        ("one", "http://localhost:3001", "403"),
    ] {
        let answer = head(host, origin);
        assert_eq!(answer.get(9..12), Some(status), "{host} {origin}: {answer}");
    }
}

#[test]
fn flags_of_old_scripts_are_taken_and_said_to_do_nothing() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db", "--reload", "--queue-size", "1000"]);
    let said = server.stop().1;
    assert!(said.contains("--reload does nothing here") && said.contains("--queue-size does nothing here"), "{said}");
}

#[test]
fn a_webhook_that_is_no_address_is_refused_at_start() {
    let home = Home::new();
    for url in ["nowhere", "ftp://host/", "http://"] {
        let args = ["start", "--port", "0", "--otlp-grpc", "off", "--otlp-http", "off", "--db", "a.db", "--webhook"];
        assert_eq!(home.run(&[&args[..], &[url]].concat()).code, Some(2), "{url}");
    }
}

#[test]
fn while_a_named_server_is_down_the_hint_names_the_file_that_is_named_too() {
    let (home, db) = Home::with_shop();
    for command in [&["list"][..], &["show", "latest"], &["logs"], &["status"]] {
        let mut command = home.command(command);
        command.env("TRACEHUB_URL", "http://127.0.0.1:1/").env("TRACEHUB_DB", &db);
        let answer = home.answer(command);
        assert!(answer.stderr.contains("--db ") && answer.stderr.contains("TRACEHUB_DB"), "{answer}");
    }
    let mut command = home.command(&["list"]);
    command.env("TRACEHUB_URL", "http://127.0.0.1:1").env("TRACEHUB_DB", home.file("none.db"));
    assert!(!home.answer(command).stderr.contains("TRACEHUB_DB"));
}
