//! What is wrong with a database file, judged from what the store says of it.

use super::finding::{Finding, Verdict};
use super::wording::{counted, quoted, size, span_of};
use crate::store::sqlite::examine::place::Keeps;
use crate::store::sqlite::examine::{Check, FileFacts, LONG_LOG_BYTES, NEWEST_SCHEMA, State};

/// Below this much room on its disk a database is about to stop taking records.
const LITTLE_ROOM_BYTES: u64 = 64 << 20;
/// Below this much room it will soon be.
const SOME_ROOM_BYTES: u64 = 512 << 20;

/// The findings about a file, those that are fine included.
pub fn judge(file: &FileFacts) -> Vec<Finding> {
    let mut findings = vec![state(file)];
    if matches!(file.state, State::Ours(_)) {
        findings.extend(file.check.as_ref().map(|check| pages(file, check)));
        findings.extend(damaged(file));
        findings.push(log(file));
    }
    findings.extend(room(file));
    findings.extend(file_system(file));
    findings.extend(modes(file));
    findings
}

/// The option that names the file, for a command line.
fn db(file: &FileFacts) -> String {
    format!("--db {}", path(file))
}

fn path(file: &FileFacts) -> String {
    quoted(&file.path.display().to_string())
}

fn state(file: &FileFacts) -> Finding {
    match &file.state {
        State::Missing => Finding::of_file("database", Verdict::Error, "there is no database here")
            .fix(format!("tracehub start {}", db(file))),
        State::Empty => Finding::of_file("database", Verdict::Error, "the file is empty, and no database yet")
            .fix(format!("tracehub start {}", db(file))),
        State::Unfinished => {
            let text = "a process was killed while it wrote the file; a start puts it right";
            Finding::of_file("database", Verdict::Error, text).fix(format!("tracehub start {}", db(file)))
        }
        State::Unusable(why) => {
            let finding = Finding::of_file("database", Verdict::Error, why.clone());
            match why.contains("not a tracehub database") {
                true => finding.fix(format!("tracehub import {} --db NEW.db", path(file))),
                false => finding.fix(format!("cp -a {0} {0}.copy", path(file))),
            }
        }
        State::Ours(schema) if *schema < NEWEST_SCHEMA => {
            let text = format!("schema {schema}, of an earlier version; the next start brings it to {NEWEST_SCHEMA}");
            Finding::of_file("schema", Verdict::Note, text).fix(format!("tracehub start {}", db(file)))
        }
        State::Ours(schema) => {
            Finding::of_file("schema", Verdict::Fine, format!("schema {schema}, {}", size(file.size_bytes)))
        }
    }
}

fn pages(file: &FileFacts, check: &Check) -> Finding {
    match check {
        Check::Sound(took) => {
            let took = span_of(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            Finding::of_file("integrity", Verdict::Fine, format!("its pages are sound (looked through in {took})"))
        }
        Check::Unfinished => {
            let text = "its pages are sound as far as could be looked at in 10s";
            Finding::of_file("integrity", Verdict::Note, text)
        }
        Check::Damaged(lines) => {
            let text = format!("its pages are damaged: {}", lines.join("; "));
            // What can still be read goes into a new file.
            Finding::of_file("integrity", Verdict::Error, text)
                .fix(format!("tracehub import {} --db NEW.db", path(file)))
        }
    }
}

fn damaged(file: &FileFacts) -> Option<Finding> {
    let damaged = file.damaged.as_ref()?;
    if damaged.rows == 0 {
        return Some(Finding::of_file("damaged_rows", Verdict::Fine, "no row had to be put aside"));
    }
    let why = damaged.why.as_deref().map(|why| format!(", such as: {why}")).unwrap_or_default();
    let text = format!("{} did not decode and lie aside; all others are served{why}", counted(damaged.rows, "row"));
    let finding = Finding::of_file("damaged_rows", Verdict::Error, text).count(damaged.rows);
    Some(finding.fix(format!("cp -a {0} {0}.copy", path(file))))
}

fn log(file: &FileFacts) -> Finding {
    if file.log_bytes < LONG_LOG_BYTES {
        return Finding::of_file("log", Verdict::Fine, format!("its log takes {}", size(file.log_bytes)));
    }
    let text = format!("its log has grown to {}", size(file.log_bytes));
    match file.log_readers.as_slice() {
        [] => Finding::of_file("log", Verdict::Warning, format!("{text}; nobody reads from it now"))
            .fix(format!("tracehub clear {} --older-than 24h --yes", db(file))),
        [process, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            let text = format!("{text}: process {} ({}){more} keeps reading from it", process.pid, process.name);
            Finding::of_file("log", Verdict::Warning, text).fix(format!("kill {}", process.pid))
        }
    }
}

fn room(file: &FileFacts) -> Option<Finding> {
    let free = file.place.free_bytes?;
    let spare =
        if file.spare_bytes > 0 { format!(", {} more inside the file", size(file.spare_bytes)) } else { String::new() };
    let text = format!("{} free on its disk{spare}", size(free));
    let fix = format!("tracehub clear {} --older-than 24h --yes", db(file));
    Some(match free {
        _ if free < LITTLE_ROOM_BYTES => {
            Finding::of_file("space", Verdict::Error, format!("only {text}: it stops taking records")).fix(fix)
        }
        _ if free < SOME_ROOM_BYTES => Finding::of_file("space", Verdict::Warning, format!("only {text}")).fix(fix),
        _ => Finding::of_file("space", Verdict::Fine, text),
    })
}

fn file_system(file: &FileFacts) -> Option<Finding> {
    let kind = file.place.file_system?;
    let name = kind.name;
    Some(match kind.keeps {
        Keeps::Well => Finding::of_file("file_system", Verdict::Fine, format!("on {name}")),
        Keeps::ForNow => {
            let text = format!("on {name}, which goes with the machine or the container");
            Finding::of_file("file_system", Verdict::Note, text)
                .fix("tracehub start --db \"$HOME/.local/share/tracehub/tracehub.db\"")
        }
        Keeps::Badly => {
            let text = format!(
                "on {name}, a file system of another machine, where locks and the log of a database do not work"
            );
            Finding::of_file("file_system", Verdict::Error, text)
                .fix("tracehub start --db \"$HOME/.local/share/tracehub/tracehub.db\"")
        }
    })
}

fn modes(file: &FileFacts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let open = file.modes.iter().filter(|found| found.is_open_to_others());
    for found in open {
        let path = found.path.display().to_string();
        let name = found.path.file_name().map_or(path.clone(), |name| name.to_string_lossy().into_owned());
        let text = format!("other users may read or write `{name}` (mode {:o})", found.mode & 0o777);
        findings.push(Finding::of_file("modes", Verdict::Warning, text).fix(format!("chmod 600 {}", quoted(&path))));
    }
    if file.place.is_folder_open {
        let folder = file.place.folder.display().to_string();
        let text = format!("every user may remove or replace files in `{folder}`, which lacks the sticky bit");
        findings.push(Finding::of_file("folder", Verdict::Error, text).fix(format!("chmod o-w {}", quoted(&folder))));
    }
    if findings.is_empty() && !file.modes.is_empty() {
        findings.push(Finding::of_file("modes", Verdict::Fine, "only its owner may read and write it"));
    }
    findings
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::store::sqlite::examine::Damaged;
    use crate::store::sqlite::examine::locks::Process;
    use crate::store::sqlite::examine::place::{FileMode, Place, kind};

    /// A file nothing is wrong with.
    pub(crate) fn fine() -> FileFacts {
        FileFacts {
            path: PathBuf::from("/var/lib/t.db"),
            state: State::Ours(NEWEST_SCHEMA),
            size_bytes: 88_290_000,
            log_bytes: 4 << 20,
            spare_bytes: 0,
            log_readers: Vec::new(),
            check: Some(Check::Sound(Duration::from_millis(410))),
            damaged: Some(Damaged::default()),
            owner: Some(4_121),
            place: Place {
                folder: PathBuf::from("/var/lib"),
                free_bytes: Some(12 << 30),
                file_system: kind(0xef53),
                is_folder_open: false,
            },
            modes: vec![FileMode { path: PathBuf::from("/var/lib/t.db"), mode: 0o600 }],
        }
    }

    /// The findings that are not fine: the check, the verdict, the line.
    fn wrong(file: &FileFacts) -> Vec<String> {
        let findings = judge(file).into_iter().filter(|finding| finding.verdict != Verdict::Fine);
        let line = |finding: Finding| {
            format!("{} {}: {}", finding.verdict.as_str(), finding.check, finding.fix.unwrap_or_default())
        };
        findings.map(line).collect()
    }

    #[test]
    fn nothing_is_wrong_with_a_file_as_it_should_be() {
        assert_eq!(wrong(&fine()), Vec::<String>::new());
    }

    #[test]
    fn each_state_of_a_file_has_its_verdict_and_its_line() {
        for (state, expected) in [
            (State::Missing, "error database: tracehub start --db /var/lib/t.db"),
            (State::Empty, "error database: tracehub start --db /var/lib/t.db"),
            (State::Unfinished, "error database: tracehub start --db /var/lib/t.db"),
            (State::Unusable("it is corrupt".to_owned()), "error database: cp -a /var/lib/t.db /var/lib/t.db.copy"),
            (State::Ours(2), "note schema: tracehub start --db /var/lib/t.db"),
        ] {
            assert_eq!(wrong(&FileFacts { state, ..fine() }), [expected]);
        }
    }

    #[test]
    fn damage_a_stuck_reader_little_room_and_open_doors_are_named() {
        let damaged = FileFacts { check: Some(Check::Damaged(vec!["page 7".to_owned()])), ..fine() };
        assert_eq!(wrong(&damaged), ["error integrity: tracehub import /var/lib/t.db --db NEW.db"]);
        let aside = Damaged { rows: 3, why: Some("cut short".to_owned()) };
        assert_eq!(
            wrong(&FileFacts { damaged: Some(aside), ..fine() }),
            ["error damaged_rows: cp -a /var/lib/t.db /var/lib/t.db.copy"]
        );
        let stuck = vec![Process { pid: 77, name: "tail".to_owned() }];
        let long = FileFacts { log_bytes: 300 << 20, log_readers: stuck, ..fine() };
        assert_eq!(wrong(&long), ["warning log: kill 77"]);
        let mut full = fine();
        full.place.free_bytes = Some(1 << 20);
        assert_eq!(wrong(&full), ["error space: tracehub clear --db /var/lib/t.db --older-than 24h --yes"]);
        let mut open = fine();
        open.modes[0].mode = 0o644;
        open.place.is_folder_open = true;
        assert_eq!(wrong(&open), ["warning modes: chmod 600 /var/lib/t.db", "error folder: chmod o-w /var/lib"]);
        let mut remote = fine();
        remote.place.file_system = kind(0x6969);
        assert!(wrong(&remote)[0].starts_with("error file_system: tracehub start --db "));
    }
}
