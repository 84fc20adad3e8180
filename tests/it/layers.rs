//! The order of the house: floors import lower floors only, files import each other in no circle, folders are small, and
//! every file says what it is.
//!
//! `model` < `decode`, `api`, `secret`, `connect`, `causes` < `store` < `query` < `view`, `server`, `client` < `cli`
//!
//! The paths of the code are read as text, without the compiler: `use` lines and paths such as `super::limits::Budget`
//! are followed, through names that are handed on, to the file that defines what they name. There are no exceptions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const FLOORS: [&[&str]; 6] = [
    &["model"],
    &["decode", "api", "secret", "connect", "causes"],
    &["store"],
    &["query"],
    &["view", "server", "client"],
    &["cli"],
];

/// The most files a folder may hold.
const MOST_FILES: usize = 14;

/// Folders of one kind of file only, one for each command or language: as many as there are of those.
const FOLDERS_OF_A_KIND: [&str; 2] = ["cli/commands", "model/stack/language"];

/// How many names handed on by `use` are followed before a path counts as one that leads nowhere.
const MOST_STEPS: usize = 16;

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

/// A path in the code, from the crate's root on: `["model", "Nanos"]`.
type Names = Vec<String>;

/// What one file says about others.
#[derive(Default)]
struct Room {
    /// Below `src`, for messages.
    file: String,
    /// Each imported name and the path it stands for.
    aliases: BTreeMap<String, Names>,
    /// Modules all of whose names are imported.
    globs: Vec<Names>,
    /// Paths the code takes things from; names that are only handed on are none of them.
    taken: BTreeSet<Names>,
}

/// The rooms of the house by their module path, without those made for tests only.
struct House {
    rooms: BTreeMap<Names, Room>,
}

impl House {
    fn read(root: &Path) -> House {
        let (mut texts, mut tests) = (BTreeMap::new(), BTreeSet::new());
        for path in files(root) {
            let file = path.strip_prefix(root).expect("below src").display().to_string();
            let module = module_of(&file);
            let text = plain_code(&fs::read_to_string(&path).expect("readable"));
            let (code, test_modules) = without_tests(&text);
            tests.extend(test_modules.into_iter().map(|name| child(&module, &name)));
            texts.insert(module, (file, code));
        }
        texts.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
        let modules: BTreeSet<Names> = texts.keys().cloned().collect();
        let room = |(module, (file, code)): (Names, (String, String))| {
            let room = Room::read(&module, file, &code, &modules);
            (module, room)
        };
        House { rooms: texts.into_iter().map(room).collect() }
    }

    /// The module whose file defines what a path names.
    fn home(&self, path: &[String], steps: usize) -> Option<&Names> {
        let (mut module, room) = self.rooms.get_key_value(&path[..0])?;
        let mut room = room;
        for at in 1..=path.len() {
            if let Some((inner, inner_room)) = self.rooms.get_key_value(&path[..at]) {
                (module, room) = (inner, inner_room);
                continue;
            }
            if steps == 0 {
                return None;
            }
            if let Some(target) = room.aliases.get(&path[at - 1]) {
                let target: Names = target.iter().chain(&path[at..]).cloned().collect();
                return self.home(&target, steps - 1).or(Some(module));
            }
            let through_globs = room.globs.iter().map(|glob| child(glob, &path[at - 1]));
            return through_globs
                .filter_map(|target| self.home(&target, steps - 1).filter(|home| self.defines(home, &path[at - 1])))
                .next()
                .or(Some(module));
        }
        Some(module)
    }

    /// Whether a module has a name of its own that a glob can bring; only modules do in this house.
    fn defines(&self, module: &Names, name: &str) -> bool {
        self.rooms.contains_key(&child(module, name)) || module.last().is_some_and(|last| last == name)
    }

    /// Which module takes what from which other.
    fn arrows(&self) -> BTreeMap<(&Names, &Names), BTreeSet<String>> {
        let mut arrows: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (module, room) in &self.rooms {
            for path in &room.taken {
                let Some(home) = self.home(path, MOST_STEPS) else { continue };
                if home != module && !home.is_empty() {
                    arrows.entry((module, home)).or_default().insert(path.last().cloned().unwrap_or_default());
                }
            }
        }
        arrows
    }

    fn file(&self, module: &Names) -> &str {
        &self.rooms[module].file
    }
}

impl Room {
    fn read(module: &Names, file: String, code: &str, modules: &BTreeSet<Names>) -> Room {
        let mut room = Room { file, ..Room::default() };
        let (uses, rest) = uses_and_rest(code);
        for (is_handed_on, tree) in uses {
            for (path, alias) in leaves(&tree) {
                let Some(path) = absolute(module, &path, &BTreeMap::new(), modules) else { continue };
                match alias.as_str() {
                    "*" => room.globs.push(path.clone()),
                    "_" => {}
                    alias => drop(room.aliases.insert(alias.to_owned(), path.clone())),
                }
                if !is_handed_on {
                    room.taken.insert(path);
                }
            }
        }
        for path in paths(&rest) {
            room.taken.extend(absolute(module, &path, &room.aliases, modules));
        }
        room
    }
}

/// The module a file is: `["server", "limits"]` for `server/limits.rs`.
fn module_of(file: &str) -> Names {
    let path = file.trim_end_matches(".rs");
    let names: Names = path.split('/').map(str::to_owned).filter(|name| name != "mod").collect();
    if names == ["lib"] { Names::new() } else { names }
}

fn child(module: &[String], name: &str) -> Names {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// A path from the crate's root, if it leads into the crate.
fn absolute(
    module: &Names,
    path: &[String],
    aliases: &BTreeMap<String, Names>,
    modules: &BTreeSet<Names>,
) -> Option<Names> {
    let (first, rest) = path.split_first()?;
    let start = match first.as_str() {
        "crate" => Names::new(),
        "self" => module.clone(),
        "super" => {
            let parent = module.split_last()?.1.to_vec();
            let rest: Names = ["self".to_owned()].into_iter().chain(rest.iter().cloned()).collect();
            return match rest.get(1).map(String::as_str) {
                Some("super") => absolute(&parent, &rest[1..], aliases, modules),
                _ => absolute(&parent, &rest, aliases, modules),
            };
        }
        name => match aliases.get(name) {
            Some(target) => target.clone(),
            None if modules.contains(&child(module, name)) => child(module, name),
            None => return None,
        },
    };
    let mut start = start;
    start.extend(rest.iter().filter(|name| *name != "self").cloned());
    Some(start)
}

/// The code with comments, and what stands in quotes, blanked out.
fn plain_code(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let (mut plain, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(&c) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(' ');
        let before = at.checked_sub(1).map_or(' ', |before| bytes[before]);
        let is_raw = c == 'r' && matches!(next, '"' | '#') && !before.is_alphanumeric() && before != '_';
        at = match c {
            '/' if next == '/' => end_of_line(&bytes, at),
            '"' => end_of_text(&bytes, at),
            '\'' if next == '\\' => 1 + find(&bytes, at + 3, &['\'']),
            '\'' if bytes.get(at + 2) == Some(&'\'') => at + 3,
            'r' if is_raw => match end_of_raw(&bytes, at) {
                Some(end) => end,
                None => at + 1,
            },
            c => {
                plain.push(c);
                at + 1
            }
        };
    }
    plain
}

fn find(text: &[char], from: usize, pattern: &[char]) -> usize {
    let windows = text.get(from..).unwrap_or_default().windows(pattern.len());
    windows.into_iter().position(|window| window == pattern).map_or(text.len(), |place| from + place)
}

fn end_of_line(text: &[char], from: usize) -> usize {
    find(text, from, &['\n'])
}

fn end_of_text(text: &[char], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(c) = text.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// Behind `r#"…"#`; `None` for a raw name such as `r#type`.
fn end_of_raw(text: &[char], start: usize) -> Option<usize> {
    let hashes = text[start + 1..].iter().take_while(|c| **c == '#').count();
    if text.get(start + 1 + hashes) != Some(&'"') {
        return None;
    }
    let mut closing = vec!['"'];
    closing.extend(vec!['#'; hashes]);
    Some(find(text, start + 2 + hashes, &closing) + closing.len())
}

/// The code without what is compiled for tests only, and the names of modules in files of their own among that.
fn without_tests(code: &str) -> (String, Vec<String>) {
    let (mut kept, mut modules) = (String::new(), Vec::new());
    let mut parts = code.split("#[cfg(test)]");
    kept.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = end_of_item(part);
        let item = &part[..end];
        if let Some(name) = item.trim_end_matches(';').trim().rsplit_once("mod ").map(|(_, name)| name.trim()) {
            modules.push(name.to_owned());
        }
        kept.push_str(&part[end..]);
    }
    (kept, modules)
}

/// Where the item at the beginning of a text ends: at a `;` outside of all braces, or with its last brace.
fn end_of_item(text: &str) -> usize {
    let mut depth = 0;
    for (place, c) in text.char_indices() {
        match c {
            ';' if depth == 0 => return place + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return place + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The trees of the `use` items, whether each is handed on (`pub use`), and the code around them.
fn uses_and_rest(code: &str) -> (Vec<(bool, String)>, String) {
    let (mut uses, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        let (is_handed_on, item) = match trimmed.strip_prefix("pub") {
            Some(item) => (true, item.trim_start_matches(|c: char| c != ' ').trim_start()),
            None => (false, trimmed),
        };
        let item = item.trim_start_matches("in ").trim_start();
        let Some(tree) = item.strip_prefix("use ") else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            let Some(line) = lines.next() else { break };
            tree.push_str(line);
        }
        uses.push((is_handed_on, tree.split(';').next().unwrap_or_default().to_owned()));
    }
    (uses, rest)
}

/// The paths of a `use` tree with the names they are known by.
fn leaves(tree: &str) -> Vec<(Names, String)> {
    let tree = tree.trim();
    let (prefix, list) = match tree.split_once('{') {
        Some((prefix, list)) => (prefix, list.trim_end().trim_end_matches('}')),
        None => {
            let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
            let mut path: Names = path.trim().split("::").map(|name| name.trim().to_owned()).collect();
            let last = path.last().cloned().unwrap_or_default();
            if last == "self" || last == "*" {
                path.pop();
            }
            let own = if last == "self" { path.last().cloned().unwrap_or_default() } else { last };
            let alias = if alias.is_empty() { own } else { alias.trim().to_owned() };
            return vec![(path, alias)];
        }
    };
    let prefix: Names = prefix.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    let entries = entries(list).into_iter().filter(|entry| !entry.trim().is_empty());
    let below = entries.flat_map(|entry| leaves(&entry));
    below
        .map(|(path, alias)| {
            let whole: Names = prefix.iter().cloned().chain(path).collect();
            let alias = if alias.is_empty() { prefix.last().cloned().unwrap_or_default() } else { alias };
            (whole, alias)
        })
        .collect()
}

/// The entries of `a, b::{c, d}, e`.
fn entries(list: &str) -> Vec<String> {
    let (mut depth, mut entries) = (0, vec![String::new()]);
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(String::new());
                continue;
            }
            _ => {}
        }
        entries.last_mut().expect("one at least").push(c);
    }
    entries
}

/// All paths of two names and more in the code, but those that say who may see something.
fn paths(code: &str) -> Vec<Names> {
    let code: String = code.split("(in ").enumerate().map(|(at, part)| behind_scope(at, part)).collect();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for word in code.split(|c: char| !is_name(c) && c != ':') {
        let names: Names = word.split("::").map(|name| name.trim_matches(':').to_owned()).collect();
        if names.len() > 1 && !word.starts_with("::") {
            found.push(names.into_iter().filter(|name| !name.is_empty()).collect());
        }
    }
    found
}

/// What stands behind the first `(in path)`, of which the beginning is cut off already.
fn behind_scope(at: usize, part: &str) -> &str {
    if at == 0 { part } else { part.split_once(')').map_or(part, |(_, rest)| rest) }
}

/// The groups of modules that reach each other, each with at least two.
fn circles<'a>(arrows: impl Iterator<Item = (&'a Names, &'a Names)>) -> Vec<Vec<&'a Names>> {
    let mut next: BTreeMap<&Names, BTreeSet<&Names>> = BTreeMap::new();
    for (from, to) in arrows {
        next.entry(from).or_default().insert(to);
    }
    let reach = |start: &'a Names| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(at) = open.pop() {
            let unseen = next.get(at).into_iter().flatten().copied().filter(|to| seen.insert(*to));
            open.extend(unseen.collect::<Vec<_>>());
        }
        seen
    };
    let reached: BTreeMap<&Names, BTreeSet<&Names>> = next.keys().map(|module| (*module, reach(module))).collect();
    let mut circles: Vec<Vec<&Names>> = Vec::new();
    for (module, seen) in &reached {
        let circle: Vec<&Names> =
            seen.iter().copied().filter(|other| reached.get(other).is_some_and(|back| back.contains(module))).collect();
        if circle.len() > 1 && circle[0] == *module {
            circles.push(circle);
        }
    }
    circles
}

fn house() -> House {
    let house = House::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(house.rooms.len() > 200, "only {} files found: is the search broken?", house.rooms.len());
    house
}

#[test]
fn modules_import_lower_floors_only() {
    let house = house();
    let arrows = house.arrows();
    assert!(arrows.len() > 500, "only {} imports found: is the search broken?", arrows.len());
    let goes_up = |from: &Names, to: &Names| {
        let Some(own) = floor(&from[0]) else { return false };
        to[0] != from[0] && floor(&to[0]).is_none_or(|other| other >= own)
    };
    let wrong: Vec<String> = arrows
        .iter()
        .filter(|((from, to), _)| !from.is_empty() && goes_up(from, to))
        .map(|((from, to), names)| format!("{} takes {names:?} from {}", house.file(from), house.file(to)))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn files_import_each_other_in_no_circle() {
    let house = house();
    let arrows = house.arrows();
    let mut told = String::new();
    for circle in circles(arrows.keys().copied()) {
        told.push_str(&format!("\na circle of {} files:\n", circle.len()));
        for ((from, to), names) in &arrows {
            if circle.contains(from) && circle.contains(to) {
                told.push_str(&format!("  {} takes {names:?} from {}\n", house.file(from), house.file(to)));
            }
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn folders_are_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for file in files(&root) {
        let folder = file.strip_prefix(&root).expect("below src").parent().expect("a file has a folder");
        *sizes.entry(folder.display().to_string()).or_default() += 1;
    }
    let is_large = |(folder, size): &(&String, &usize)| **size > MOST_FILES && !FOLDERS_OF_A_KIND.contains(&&***folder);
    let large: Vec<_> = sizes.iter().filter(is_large).collect();
    assert!(large.is_empty(), "more than {MOST_FILES} files in a folder: {large:?}");
}

#[test]
fn a_circle_is_found_through_names_that_are_handed_on() {
    let texts = [
        ("lib.rs", "pub mod a;"),
        ("a/mod.rs", "mod b; mod c;\npub use b::Bee;\nfn f() { c::sea() }"),
        ("a/b.rs", "// super::nothing\nuse super::{c::{self, sea as see}};\nconst TEXT: &str = \"crate::a::f()\";"),
        (
            "a/c.rs",
            "fn sea() { let _: super::Bee; }\n#[cfg(test)]\nmod tests { use super::super::f; }\npub(in crate::a) fn g() {}",
        ),
    ];
    let modules: BTreeSet<Names> = texts.iter().map(|(file, _)| module_of(file)).collect();
    let rooms = texts.iter().map(|(file, text)| {
        let (code, _) = without_tests(&plain_code(text));
        let module = module_of(file);
        (module.clone(), Room::read(&module, (*file).to_owned(), &code, &modules))
    });
    let house = House { rooms: rooms.collect() };
    let arrows: Vec<(&str, &str)> =
        house.arrows().keys().map(|(from, to)| (house.file(from), house.file(to))).collect();
    assert_eq!(arrows, [("a/mod.rs", "a/c.rs"), ("a/b.rs", "a/c.rs"), ("a/c.rs", "a/b.rs")]);
    let arrows = house.arrows();
    assert_eq!(circles(arrows.keys().copied()).len(), 1);
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
