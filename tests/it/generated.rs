//! Completions and manual pages in the repository are those the program prints.
//!
//! `TRACEHUB_UPDATE=1 cargo test generated` writes them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Home;

const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "tracehub.bash"),
    ("zsh", "_tracehub"),
    ("fish", "tracehub.fish"),
    ("powershell", "_tracehub.ps1"),
    ("elvish", "tracehub.elv"),
];

/// Compares a directory with what it should hold, or writes it.
fn hold_fresh(dir: &str, wanted: BTreeMap<String, String>) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    if std::env::var_os("TRACEHUB_UPDATE").is_some() {
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a directory");
        wanted.iter().for_each(|(name, text)| fs::write(dir.join(name), text).expect("written"));
    }
    let names = fs::read_dir(&dir).into_iter().flatten().map(|entry| entry.expect("readable").path());
    let found: BTreeMap<String, String> = names.map(|path| (file_name(&path), read(&path))).collect();
    let stale: Vec<&String> =
        wanted.keys().chain(found.keys()).filter(|name| wanted.get(*name) != found.get(*name)).collect();
    assert!(stale.is_empty(), "run `TRACEHUB_UPDATE=1 cargo test generated`; stale in {}: {stale:?}", dir.display());
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

fn read(path: &PathBuf) -> String {
    fs::read_to_string(path).expect("readable")
}

#[test]
fn completions_are_fresh() {
    let home = Home::new();
    let script = |shell: &str| home.run(&["completions", shell]).data().to_owned();
    hold_fresh("completions", COMPLETIONS.iter().map(|(shell, file)| ((*file).to_owned(), script(shell))).collect());
}

#[test]
fn manual_pages_are_fresh_and_there_is_one_for_every_command() {
    let home = Home::new();
    let mut pages = BTreeMap::new();
    let mut paths: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(path) = paths.pop() {
        let args: Vec<&str> = ["man"].into_iter().chain(path.iter().map(String::as_str)).collect();
        let page = home.run(&args).data().to_owned();
        pages.insert(format!("{}.1", [&["tracehub".to_owned()], path.as_slice()].concat().join("-")), page);
        let mut command = &tracehub::cli::command();
        for word in &path {
            command = command.find_subcommand(word).expect("a command");
        }
        paths.extend(command.get_subcommands().map(|below| [path.clone(), vec![below.get_name().to_owned()]].concat()));
    }
    assert!(pages.len() > 10, "{:?}", pages.keys());
    hold_fresh("man", pages);
}

#[test]
fn a_page_for_no_command_is_refused() {
    insta::assert_snapshot!(Home::new().run(&["man", "nothing"]), @"
    --- stderr
    error: no command `nothing`
    hint: `tracehub --help` lists the commands
    --- exit 2
    ");
}
