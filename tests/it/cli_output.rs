//! Where output goes and how it looks: pipes, full disks, colours, pagers, ASCII.

use std::fs::{self, File, OpenOptions};
use std::process::Stdio;

use crate::support::Home;

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let (home, db) = Home::with_shop();
    for args in [vec!["list", "--json"], vec!["show", "latest"], vec!["stats"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = home.command(&[args.as_slice(), &["--db", &db]].concat());
        command.stdout(Stdio::from(writer));
        let answer = home.answer(command);
        assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let (home, db) = Home::with_shop();
    let mut command = home.command(&["list", "--json", "--db", &db]);
    command.stdout(Stdio::from(OpenOptions::new().write(true).open("/dev/full").expect("there")));
    insta::assert_snapshot!(home.answer(command), @"
    --- stderr
    error: cannot write to stdout
      caused by: no space left on device (os error 28)
    --- exit 3
    ");
}

#[test]
fn colour_follows_the_flag_then_the_variables_then_the_terminal() {
    let (home, db) = Home::with_shop();
    let is_colored = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = home.command(&[&["show", "latest", "--db", &db], args].concat());
        command.envs(variables.iter().copied());
        home.answer(command).data().contains('\x1b')
    };
    let (tty, no_color) = (("TRACEHUB_FORCE_TTY", "80"), ("NO_COLOR", "1"));
    assert!(!is_colored(&[], &[]));
    assert!(is_colored(&[], &[tty]));
    assert!(!is_colored(&[], &[tty, no_color]));
    assert!(is_colored(&[], &[tty, ("NO_COLOR", "")]));
    assert!(is_colored(&[], &[("FORCE_COLOR", "1")]));
    assert!(is_colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!is_colored(&[], &[("CLICOLOR_FORCE", "1"), no_color]));
    assert!(!is_colored(&[], &[("FORCE_COLOR", "0")]));
    assert!(!is_colored(&[], &[tty, ("CLICOLOR", "0")]));
    assert!(!is_colored(&[], &[tty, ("TERM", "dumb")]));
    assert!(is_colored(&["--color", "always"], &[no_color]));
    assert!(!is_colored(&["--color=never"], &[tty, ("FORCE_COLOR", "1")]));
}

#[test]
fn a_pager_shows_what_does_not_fit_on_a_screen() {
    let (home, db) = Home::with_shop();
    let paged = |lines: &str, variables: &[(&str, &str)], args: &[&str]| {
        let mut command = home.command(&[&["show", "latest", "--db", &db], args].concat());
        command.env("TRACEHUB_FORCE_TTY", "80").env("LINES", lines).env("PATH", "/usr/bin:/bin");
        command.envs(variables.iter().copied());
        let answer = home.answer(command);
        let was_paged = fs::remove_file(home.file("paged")).is_ok();
        assert_eq!(answer.code, Some(0), "{answer}");
        (was_paged, !answer.stdout.is_empty())
    };
    let ours = [("TRACEHUB_PAGER", "tee paged"), ("PAGER", "false")];
    assert_eq!(paged("4", &ours, &[]), (true, true));
    assert_eq!(paged("4", &ours[..1], &["--no-pager"]), (false, true));
    assert_eq!(paged("400", &ours, &[]), (false, true));
    assert_eq!(paged("4", &[("PAGER", "cat > paged")], &[]), (true, false));
    assert_eq!(paged("4", &[("PAGER", "/nonexistent/pager")], &[]), (false, true));
    assert_eq!(paged("4", &ours, &["--json"]), (false, true));
}

#[test]
fn ascii_is_drawn_when_asked_for_or_when_the_locale_knows_no_more() {
    let (home, db) = Home::with_shop();
    let is_ascii = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = home.command(&[&["show", "latest", "--db", &db], args].concat());
        command.envs(variables.iter().copied());
        home.answer(command).data().is_ascii()
    };
    assert!(!is_ascii(&[], &[]));
    assert!(is_ascii(&[], &["--ascii"]));
    assert!(is_ascii(&[("LC_ALL", "C")], &[]));
    assert!(is_ascii(&[("LANG", "de_DE.ISO-8859-1")], &[]));
    assert!(!is_ascii(&[("LC_ALL", "C.UTF-8"), ("LANG", "C")], &[]));
}

#[test]
fn a_stdout_that_is_a_file_gets_whole_ids_and_no_ages() {
    let (home, db) = Home::with_shop();
    let mut command = home.command(&["list", "--db", &db]);
    command.stdout(File::create(home.file("out.txt")).expect("made"));
    assert_eq!(home.answer(command).code, Some(0));
    let text = fs::read_to_string(home.file("out.txt")).expect("readable");
    assert!(text.contains(crate::support::otlp::CHECKOUT) && text.contains("2026-11-21T09:13:50"), "{text}");
}
