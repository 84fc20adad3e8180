//! `tracehub keys` end to end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value as Json;

use crate::support::{Answer, Home, Server, otlp};

/// Issues a key; it is alone on stdout.
fn create(home: &Home, args: &[&str]) -> String {
    let answer = home.run(&[&["keys", "create"], args].concat());
    assert_eq!(answer.code, Some(0), "{answer}");
    let key = answer.stdout.strip_suffix('\n').expect("a line").to_owned();
    assert!(key.len() == 46 && key.starts_with("th_") && !key.contains(char::is_whitespace), "{key}");
    assert!(!answer.stderr.contains(&key[9..]), "{}", answer.stderr);
    key
}

fn list(home: &Home, args: &[&str]) -> Vec<Json> {
    let answer = home.run(&[&["keys", "list", "--json"], args].concat()).json();
    answer.as_array().expect("a list").clone()
}

/// Asks a server for a page with a key; the head and body of the answer.
fn get(server: &Server, path: &str, key: &str) -> String {
    let host = server.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("the server listens");
    let head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nx-api-key: {key}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// What varies from key to key, named.
fn tidy(answer: &Answer) -> String {
    let mut text = answer.to_string();
    while let Some(place) = text.find("th_") {
        let end = text[place..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(text.len(), |end| place + end);
        text.replace_range(place..end, if end - place > 9 { "KEY" } else { "BEGINNING" });
    }
    text
}

#[test]
fn a_key_is_printed_once_and_the_file_is_made_for_it() {
    let home = Home::new();
    let answer = home.run(&["keys", "create", "--project", "shop", "--db", "new/keys.db", "--json"]);
    let issued = answer.json();
    let id = issued["id"].as_str().expect("an id");
    insta::assert_snapshot!(tidy(&answer).replace(id, "ID"), @r#"
    {
      "id": "ID",
      "project": "shop",
      "key": "KEY",
      "scopes": [
        "ingest"
      ],
      "created": "2026-11-21T09:14:02.117000000Z",
      "limit_rate": null
    }
    --- stderr
    key ID of project shop permits ingest; it is not shown again
    --- exit 0
    "#);
    let listed = home.run(&["keys", "list", "--db", "new/keys.db", "--json"]);
    insta::assert_snapshot!(tidy(&listed).replace(id, "ID"), @r#"
    [
      {
        "id": "ID",
        "project": "shop",
        "prefix": "BEGINNING",
        "scopes": [
          "ingest"
        ],
        "limit_rate": null,
        "created": "2026-11-21T09:14:02.117000000Z",
        "last_used": null,
        "revoked": null
      }
    ]
    --- exit 0
    "#);
    create(&home, &["--project", "ops", "--scope", "admin,read", "--scope", "read", "--db", "new/keys.db"]);
    let keys = list(&home, &["--db", "new/keys.db"]);
    let ops = keys.iter().find(|key| key["project"] == "ops").expect("listed");
    assert_eq!(ops["scopes"], serde_json::json!(["read", "admin"]));
    let quiet = home.run(&["keys", "create", "--project", "shop", "--db", "new/keys.db", "-q"]);
    assert!(quiet.data().starts_with("th_") && quiet.data().len() == 47);
}

#[test]
fn without_a_database_or_keys_there_is_a_friendly_answer() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["keys", "list", "--db", "none.db"]), @"
    --- stderr
    error: no database at `none.db`
    hint: start a server with `tracehub start`, or name a database with --db
    --- exit 3
    ");
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run_on_terminal(&["keys", "list", "--db", &db]), @"
    --- stderr
    no keys yet; `tracehub keys create --project NAME` issues one
    --- exit 0
    ");
    assert_eq!(home.run(&["keys", "list", "--db", &db, "--json"]).data(), "[]\n");
}

#[test]
fn wrong_names_and_scopes_are_explained() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["keys", "create", "--project", ""]), @"
    --- stderr
    error: invalid value '' for '--project <NAME>': a project has a name of 1 to 100 characters, all of which can be seen
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["keys", "create", "--project", "x", "--scope", "all"]), @"
    --- stderr
    error: invalid value 'all' for '--scope <A,B>'
      [possible values: ingest, read, admin]
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["keys", "create"]), @"
    --- stderr
    error: the following required arguments were not provided:
      --project <NAME>
    hint: --help says more
    --- exit 2
    ");
    assert!(!home.default_db().exists());
}

#[test]
fn a_revocation_asks_or_wants_yes() {
    let home = Home::new();
    create(&home, &["--project", "shop", "--db", "k.db"]);
    let id = list(&home, &["--db", "k.db"])[0]["id"].as_str().expect("an id").to_owned();
    let tidy = |answer: Answer| answer.to_string().replace(&id, "ID").replace(&id[..4], "ID");
    insta::assert_snapshot!(tidy(home.run(&["keys", "revoke", &id, "--db", "k.db"])), @"
    --- stderr
    error: revoking needs --yes when there is no terminal to ask on
    hint: `tracehub keys list` shows what there is
    --- exit 2
    ");
    let typed = |text: &str| {
        std::fs::write(home.file("answer"), text).expect("written");
        let mut command = home.command(&["keys", "revoke", &id[..4], "--db", "k.db"]);
        command.env("TRACEHUB_FORCE_TTY", "80").env("NO_COLOR", "1");
        command.stdin(Stdio::from(std::fs::File::open(home.file("answer")).expect("readable")));
        home.answer(command)
    };
    insta::assert_snapshot!(tidy(typed("n\n")), @"
    --- stderr
    revoke key ID of project shop? [y/N] error: nothing revoked
    --- exit 1
    ");
    assert_eq!(list(&home, &["--db", "k.db"])[0]["revoked"], Json::Null);
    insta::assert_snapshot!(tidy(typed("y\n")), @"
    key ID of project shop is revoked
    --- stderr
    revoke key ID of project shop? [y/N] --- exit 0
    ");
    assert!(list(&home, &["--db", "k.db"])[0]["revoked"].is_string());
    insta::assert_snapshot!(tidy(home.run(&["keys", "revoke", &id, "--yes", "--db", "k.db"])), @"
    key ID of project shop was revoked before
    --- exit 0
    ");
    let nobody = if id.starts_with('0') { "ffffffff" } else { "00000000" };
    insta::assert_snapshot!(home.run(&["keys", "revoke", nobody, "--yes", "--db", "k.db"]).to_string().replace(nobody, "NOBODY"), @"
    --- stderr
    error: no key `NOBODY`
    hint: `tracehub keys list` shows the keys
    --- exit 1
    ");
    insta::assert_snapshot!(home.run(&["keys", "revoke", "abc", "--yes", "--db", "k.db"]), @"
    --- stderr
    error: `abc` is not the id of a key: it is shorter than 4 characters
    hint: `tracehub keys list` shows the ids
    --- exit 2
    ");
}

#[test]
fn a_server_that_owns_the_file_issues_and_revokes_at_once() {
    let home = Home::new();
    let db = home.file("own.db").display().to_string();
    let server = home.start(&["--db", &db]);
    assert!(get(&server, "/api/v1/traces", "").starts_with("HTTP/1.1 200"));
    let key = create(&home, &["--project", "shop", "--scope", "read", "--db", &db]);
    assert!(get(&server, "/api/v1/traces", "").starts_with("HTTP/1.1 401"));
    assert!(get(&server, "/api/v1/traces", &key).starts_with("HTTP/1.1 200"));
    let id = list(&home, &["--db", &db])[0]["id"].as_str().expect("an id").to_owned();
    home.run(&["keys", "revoke", &id, "--yes", "--db", &db]).data();
    assert!(get(&server, "/api/v1/traces", &key).starts_with("HTTP/1.1 403"));
    // Other commands go on working on the file that the server owns.
    home.run(&["list", "--db", &db]).data();
    home.run(&["clear", "--yes", "--db", &db]).data();
    home.run(&["status", "--db", &db]).data();
}

#[test]
fn a_server_is_asked_with_a_key_and_denies_without_one() {
    let home = Home::new();
    let db = home.file("own.db").display().to_string();
    let server = home.start(&["--db", &db]);
    let admin = create(&home, &["--project", "ops", "--scope", "admin", "--url", server.url()]);
    let denied = home.run(&["list", "--url", server.url()]);
    insta::assert_snapshot!(denied.to_string().replace(server.url(), "URL"), @"
    --- stderr
    error: `URL` denied access: a key is needed: in the header X-API-Key, as Authorization: Bearer, or as the password of Basic
    hint: pass a key with --api-key or TRACEHUB_API_KEY
    --- exit 4
    ");
    let reader = create(&home, &["--project", "eyes", "--scope", "read", "--url", server.url(), "--api-key", &admin]);
    assert_eq!(list(&home, &["--url", server.url(), "--api-key", &admin]).len(), 2);
    home.run(&["list", "--url", server.url(), "--api-key", &reader]).data();
    let mut command = home.command(&["keys", "list", "--url", server.url()]);
    command.env("TRACEHUB_API_KEY", &reader);
    let denied = home.answer(command);
    insta::assert_snapshot!(denied.to_string().replace(server.url(), "URL"), @"
    --- stderr
    error: `URL` denied access: this key does not permit this; it lacks the scope `admin`
    hint: pass a key with --api-key or TRACEHUB_API_KEY
    --- exit 4
    ");
    assert_eq!(home.run(&["keys", "create", "--project", "x", "--url", server.url()]).code, Some(4));
}

#[test]
fn a_server_others_can_reach_says_how_to_make_a_key() {
    let home = Home::new();
    let server = home.start(&["--host", "0.0.0.0", "--db", "wide.db"]);
    assert!(get(&server, "/api/v1/traces", "").starts_with("HTTP/1.1 401"));
    let (code, said) = server.stop();
    assert_eq!(code, Some(0));
    let said = said.replace(&home.path().display().to_string(), "/home");
    insta::assert_snapshot!(said, @"
    warning: other machines can reach this server, so it answers nobody without a key, and there is none yet
    hint: create one with `tracehub keys create --project NAME --db ~/wide.db`
    stopping; once more to stop at once
    ");
    create(&home, &["--project", "shop", "--db", "wide.db"]);
    let (_, said) = home.start(&["--host", "0.0.0.0", "--db", "wide.db"]).stop();
    assert!(!said.contains("keys create"), "{said}");
}

#[test]
fn no_key_shows_in_files_logs_or_errors() {
    let home = Home::new();
    let db = home.file("own.db").display().to_string();
    let key = create(&home, &["--project", "shop", "--db", &db, "--scope", "ingest,read,admin"]);
    let unknown = "th_unknownunknownunknownunknownunknownunknown00";
    let server = home.start(&["--db", &db, "-vv"]);
    let mut said = String::new();
    for presented in [key.as_str(), unknown] {
        said.push_str(&get(&server, "/api/v1/traces", presented));
        said.push_str(&get(&server, "/api/v1/keys", presented));
        for args in [
            &["list", "--url", server.url(), "--api-key", presented, "-vv"][..],
            &["list", "--url", server.url(), "--api-key", presented, "--bogus"],
            &["list", "--url", "http://127.0.0.1:1", "--api-key", presented],
            &["list", "--url", "nowhere", "--api-key", presented],
            &["keys", "list", "--db", &db, "--api-key", presented],
            &["keys", "revoke", unknown, "--yes", "--db", &db],
            &["status", "--url", server.url(), "--api-key", presented, "--json"],
        ] {
            let mut command = home.command(args);
            command.env("TRACEHUB_LOG", "trace");
            said.push_str(&home.answer(command).to_string());
        }
    }
    server.send_with(&key, &otlp::shop());
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    said.push_str(&log);
    for secret in [&key[9..], &unknown[9..]] {
        assert!(!said.contains(secret), "{said}");
    }
    let mut looked_at = 0;
    for entry in std::fs::read_dir(home.path()).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("a file");
            looked_at += 1;
            assert!(!bytes.windows(12).any(|window| window == &key.as_bytes()[..12]), "{}", path.display());
        }
    }
    assert!(looked_at >= 2, "{looked_at}");
}

#[test]
fn traces_are_listed_by_project() {
    let home = Home::new();
    let db = home.file("shop.db").display().to_string();
    let server = home.start(&["--db", &db]);
    let mut request = otlp::shop();
    let attribute = serde_json::json!({ "key": "tracehub.project", "value": { "stringValue": "shop" } });
    let attributes = &mut request["resourceSpans"][0]["resource"]["attributes"];
    attributes.as_array_mut().expect("attributes").push(attribute);
    server.send(&request);
    server.stop();
    assert!(!home.run(&["list", "-q", "--project", "shop", "--db", &db]).data().is_empty());
    assert_eq!(home.run(&["list", "-q", "--project", "bank", "--db", &db]).data(), "");
}

#[test]
fn a_key_in_the_url_is_as_good_as_one_in_a_flag_and_is_never_shown() {
    let home = Home::new();
    let server = home.start(&["--db", &home.file("own.db").display().to_string()]);
    let admin = create(&home, &["--project", "ops", "--scope", "admin", "--url", server.url()]);
    let with = |user: &str, key: &str| server.url().replace("http://", &format!("http://{user}:{key}@"));
    for command in [
        &["list"][..],
        &["logs"],
        &["issues"],
        &["stats"],
        &["status"],
        &["keys", "list"],
        &["log", "hello"],
        &["clear", "--yes"],
    ] {
        let answer = home.run(&[command, &["--url", &with("any", &admin)]].concat());
        assert!(matches!(answer.code, Some(0)), "{command:?}: {answer}");
        assert!(!answer.to_string().contains(&admin[9..]), "{command:?}: {answer}");
    }
    let denied = home.run(&["list", "--url", &with("key", "th_wrong")]);
    assert!(denied.code == Some(4) && !denied.to_string().contains("th_wrong"), "{denied}");
}
