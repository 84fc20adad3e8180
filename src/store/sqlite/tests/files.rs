//! Which files are opened, and what is said of the others.

use super::*;

#[tokio::test]
async fn files_that_are_not_ours_are_refused_and_keep_every_byte() {
    let place = place();
    let newer = |path: &Path| {
        let connection = Connection::open(path).expect("opened");
        connection
            .execute_batch(&format!("PRAGMA application_id={}; PRAGMA user_version=99;", schema::APPLICATION_ID))
            .expect("written");
    };
    let foreign = |path: &Path| {
        Connection::open(path)
            .expect("opened")
            .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)")
            .expect("written");
    };
    let text = |path: &Path| {
        fs::write(path, "just some text, longer than a database header of a hundred bytes ".repeat(9)).expect("written")
    };
    type Case<'a> = (&'a str, &'a dyn Fn(&Path), fn(&Error) -> bool);
    let cases: [Case<'_>; 3] = [
        ("newer", &newer, |error| matches!(error, Error::NewerSchema { found: 99, .. })),
        ("foreign", &foreign, |error| matches!(error, Error::NotOurs(_))),
        ("text", &text, |error| matches!(error, Error::NotOurs(_))),
    ];
    for (name, make, is_right) in cases {
        let path = place.path.with_file_name(format!("{name}.db"));
        make(&path);
        let before = fs::read(&path).expect("read");
        for mode in [Mode::Read, Mode::Write] {
            let error = open(path.clone(), mode).await.expect_err(name);
            assert!(is_right(&error), "{name}, {mode:?}: {error:?}");
        }
        assert_eq!(fs::read(&path).expect("read"), before, "{name}");
        assert!(!lock_path(&path).exists(), "{name}");
    }
}

fn lock_path(path: &Path) -> PathBuf {
    file::files::beside(path, ".lock")
}

#[tokio::test]
async fn missing_files_empty_files_and_folders_have_their_own_answers() {
    let place = place();
    assert!(matches!(open(place.path.clone(), Mode::Read).await, Err(Error::Missing(_))));
    assert!(!place.path.exists());
    fs::write(&place.path, "").expect("written");
    assert!(matches!(open(place.path.clone(), Mode::Read).await, Err(Error::NotOurs(_))));
    assert_eq!(fs::metadata(&place.path).expect("there").len(), 0);
    assert!(open(place.path.clone(), Mode::Write).await.is_ok());
    let folder = place.path.parent().expect("parent").to_owned();
    for mode in [Mode::Read, Mode::Write] {
        assert!(matches!(open(folder.clone(), mode).await, Err(Error::Open { .. })));
        assert!(matches!(open(place.path.join("below a file"), mode).await, Err(Error::Open { .. })));
    }
}

#[tokio::test]
async fn a_truncated_or_damaged_database_is_corrupt_not_empty() {
    let place = place();
    let store = open_small(&place.path).await;
    for trace in 0..20 {
        write(&store, spans(trace, 40)).await;
    }
    store.seal_now().await.expect("sealed");
    store.close().await.expect("closed");
    let whole = fs::read(&place.path).expect("read");
    fs::write(&place.path, &whole[..whole.len() / 2]).expect("written");
    assert!(matches!(open(place.path.clone(), Mode::Read).await, Err(Error::Corrupt(_))));
    assert!(matches!(open(place.path.clone(), Mode::Write).await, Err(Error::Corrupt(_))));
    let mut damaged = whole.clone();
    damaged[file::open::PAGE_BYTES as usize..].fill(0xa5);
    fs::write(&place.path, &damaged).expect("written");
    let reader = open(place.path.clone(), Mode::Read).await;
    let failed = match reader {
        Ok(reader) => reader.traces(&TraceQuery::default()).await.expect_err("damaged"),
        Err(error) => error,
    };
    assert!(matches!(failed, Error::Corrupt(_)), "{failed:?}");
}

#[tokio::test]
async fn paths_that_look_like_uris_are_plain_paths() {
    let place = place();
    for name in ["file:t.db", "a?mode=memory", "b#c%20d.db", "ünï cöde.db"] {
        let path = place.path.with_file_name(name);
        let store = open_small(&path).await;
        write(&store, spans(1, 1)).await;
        store.close().await.expect("closed");
        assert!(path.is_file(), "{name}");
        assert_eq!(all(&*open(path, Mode::Read).await.expect("opened")).await.total, Some(1), "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_removed_file_is_noticed_and_nothing_more_is_acknowledged() {
    let place = place();
    let store = open_small(&place.path).await;
    write(&store, spans(1, 3)).await;
    fs::rename(&place.path, place.path.with_extension("moved")).expect("moved");
    assert!(matches!(store.write(Batch::of_spans(spans(2, 3))).await, Err(Error::Gone(_))));
    fs::write(&place.path, "another file").expect("written");
    assert!(matches!(store.write(Batch::of_spans(spans(2, 3))).await, Err(Error::Gone(_))));
    drop(store);
    assert_eq!(fs::read(&place.path).expect("read"), b"another file");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_written_by_somebody_else_is_noticed_and_nothing_more_is_acknowledged() {
    let truncate = |path: &Path| drop(fs::File::create(path).expect("truncated"));
    let copy_over = |path: &Path| assert!(fs::copy(path.with_extension("backup"), path).is_ok());
    let poke = |path: &Path| {
        use std::os::unix::fs::FileExt as _;
        let file = fs::OpenOptions::new().write(true).open(path).expect("opened");
        file.write_all_at(b"x", 20_000).expect("written");
    };
    for change in [&truncate as &dyn Fn(&Path), &copy_over, &poke] {
        let place = place();
        open_small(&place.path).await.close().await.expect("closed");
        fs::copy(&place.path, place.path.with_extension("backup")).expect("copied");
        let store = open_small(&place.path).await;
        for trace in 1..20 {
            write(&store, spans(trace, 30)).await;
            store.seal_now().await.expect("sealed");
        }
        store.delete(&RecordFilter::default(), false).await.expect("deleted");
        write(&store, spans(1, 3)).await;
        change(&place.path);
        for _ in 0..2 {
            let refused = store.write(Batch::of_spans(spans(2, 3))).await;
            assert!(matches!(refused, Err(Error::Gone(_))), "{refused:?}");
        }
        assert!(store.delete(&RecordFilter::default(), false).await.is_err());
    }
}

#[tokio::test]
async fn what_this_process_writes_into_the_file_is_its_own() {
    let place = place();
    let store = open_small(&place.path).await;
    for trace in 1..4 {
        write(&store, spans(trace, 3)).await;
        store.seal_now().await.expect("sealed");
        // Nothing is written for a while, so the log is copied into the file.
        let copied = || file::files::log_length(&place.path) == 0;
        for _ in 0..100 {
            if copied() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(copied());
        let reader = open(place.path.clone(), Mode::Read).await.expect("opened");
        assert_eq!(all(&*reader).await.total, Some(u64::from(trace)));
        reader.close().await.expect("closed");
    }
    store.delete(&RecordFilter::default(), false).await.expect("deleted");
    write(&store, spans(9, 3)).await;
}

#[tokio::test]
async fn what_only_looks_like_our_tables_is_refused_with_its_bytes_untouched() {
    for (sql, named) in [
        ("ALTER TABLE traces RENAME TO old; CREATE VIEW traces AS SELECT * FROM old", "traces"),
        (
            "DROP TABLE meta; CREATE VIEW meta AS WITH RECURSIVE n(key, value) AS (SELECT 'x', 1 UNION ALL SELECT key, value + 1 FROM n) SELECT * FROM n",
            "meta",
        ),
        ("ALTER TABLE inbox ADD COLUMN more AS (zeroblob(1000000))", "inbox"),
        ("CREATE TRIGGER t AFTER INSERT ON inbox BEGIN DELETE FROM traces; END", "inbox"),
        ("CREATE INDEX i ON keys(hex(id))", "keys"),
    ] {
        let place = place();
        let store = open_small(&place.path).await;
        write(&store, spans(1, 3)).await;
        store.close().await.expect("closed");
        let connection = Connection::open(&place.path).expect("opened");
        connection.execute_batch(sql).expect(sql);
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("copied");
        drop(connection);
        let before = fs::read(&place.path).expect("read");
        for mode in [Mode::Read, Mode::Write] {
            let error = open(place.path.clone(), mode).await.expect_err(sql).to_string();
            assert!(error.contains("corrupt") && error.contains(named), "{sql}: {error}");
        }
        assert_eq!(fs::read(&place.path).expect("read"), before, "{sql}");
    }
}

#[tokio::test]
async fn a_file_whose_maker_was_killed_half_way_is_put_right_by_the_next_who_writes() {
    let place = place();
    let path = place.path.clone();
    let made = path.with_file_name("made.db");
    let connection = Connection::open(&made).expect("created");
    // More than the cache holds, so that pages are in the file before they are committed.
    let fill = "PRAGMA cache_size=1; BEGIN; CREATE TABLE t(x);
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
                INSERT INTO t SELECT zeroblob(1000) FROM n;";
    connection.execute_batch(fill).expect("written");
    fs::copy(&made, &path).expect("copied");
    fs::copy(path.with_file_name("made.db-journal"), crate::store::sqlite::file::files::beside(&path, "-journal"))
        .expect("copied");
    drop(connection);
    let refused = Sqlite::open_for_reading(path.clone()).await.expect_err("half written").to_string();
    assert!(refused.contains("cannot open"), "{refused}");
    let store = Sqlite::open_for_writing(path, Options::default()).await.expect("put right");
    assert_eq!(store.stats(&StatsQuery::totals()).await.expect("read").spans, 0);
}

#[tokio::test]
async fn a_new_file_is_there_whole_or_not_at_all() {
    let place = place();
    let path = place.path.clone();
    fs::write(crate::store::sqlite::file::files::beside(&path, ".new"), "what a killed process left").expect("written");
    let store = Sqlite::open_for_writing(path.clone(), Options::default()).await.expect("created");
    let names = fs::read_dir(path.parent().expect("a folder"))
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains(".new")));
    store.close().await.expect("closed");
    assert!(Sqlite::open_for_reading(path).await.is_ok());
}
