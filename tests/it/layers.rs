//! The floors of the house: a module imports lower floors only, never a neighbour, and every file says what it is.
//!
//! `model` < `decode`, `api`, `secret`, `connect` < `store`, `encode` < `query` < `view`, `server`, `client` < `cli`

use std::{
    fs,
    path::{Path, PathBuf},
};

const FLOORS: [&[&str]; 6] = [
    &["model"],
    &["decode", "api", "secret", "connect"],
    &["store", "encode"],
    &["query"],
    &["view", "server", "client"],
    &["cli"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// All Rust files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("readable").path());
    let mut found: Vec<PathBuf> = entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    found.sort();
    found
}

/// The modules a text imports by `crate::x`, alone or in a list of names; unit tests may reach where they like.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => names.extend(heads_of(list)),
            None => names.push(word(rest)),
        }
    }
    names
}

/// The first words of the entries of `a, b::{c, d}, e}`.
fn heads_of(list: &str) -> Vec<String> {
    let (mut depth, mut heads, mut at_head) = (0, Vec::new(), true);
    for (place, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_head = true,
            c if at_head && !c.is_whitespace() => {
                heads.push(word(&list[place..]));
                at_head = false;
            }
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn modules_import_lower_floors_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut checked = 0;
    for file in files(&root) {
        let relative = file.strip_prefix(&root).expect("below src").display().to_string();
        let module = word(&relative);
        let Some(own) = floor(&module) else { continue };
        for import in imports(&fs::read_to_string(&file).expect("readable")) {
            checked += 1;
            let is_fine = import == module || floor(&import).is_some_and(|other| other < own);
            // Items of the crate root, such as `crate::open`, are for programs that use the library.
            if !is_fine {
                wrong.push(format!("{relative} imports crate::{import}"));
            }
        }
    }
    assert!(checked > 100, "only {checked} imports found: is the search broken?");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn imports_are_found_alone_and_in_lists() {
    let text = "use crate::{\n    model::{Nanos, json},\n    view,\n};\nlet x = crate::cli::main();\n// crate::comment";
    assert_eq!(imports(text), ["model", "view", "cli"]);
}

#[test]
fn every_file_says_what_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let silent: Vec<PathBuf> = ["src", "tests"]
        .iter()
        .flat_map(|dir| files(&root.join(dir)))
        .filter(|file| !fs::read_to_string(file).expect("readable").starts_with("//! "))
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}
