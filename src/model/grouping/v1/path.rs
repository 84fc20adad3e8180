//! Paths of source files: what of them names the code, and what only says where it was installed.

use crate::model::stack::last_two_parts;

/// Directories that name a place, not a package: the same program lies in another of them elsewhere.
const PLACES: [&str; 24] = [
    "app",
    "apps",
    "bin",
    "build",
    "code",
    "current",
    "deploy",
    "dist",
    "dist-packages",
    "home",
    "html",
    "lib",
    "opt",
    "out",
    "project",
    "root",
    "site-packages",
    "src",
    "srv",
    "tmp",
    "usr",
    "var",
    "workspace",
    "www",
];

/// The last two parts of a path without what differs from build to build and from machine to machine.
pub fn last_two(path: &str) -> String {
    let two = last_two_parts(path);
    match two.split_once(['/', '\\']) {
        Some((directory, file)) if !is_place(directory) => {
            format!("{}/{}", without_hashes(without_version(directory)), without_hashes(file))
        }
        Some((_, file)) => without_hashes(file),
        None => without_hashes(two),
    }
}

/// The name of the file alone.
pub fn last(path: &str) -> String {
    without_hashes(path.rsplit(['/', '\\']).next().unwrap_or_default())
}

/// Whether a directory only says where a program was put: `src`, `v12`, `20260101120000`, `3f2a9bc`, `python3.11`.
fn is_place(directory: &str) -> bool {
    PLACES.contains(&directory)
        || matches!(directory, "." | ".." | "~")
        || is_hash(directory)
        || is_version(directory.strip_prefix("python").unwrap_or(directory))
}

/// `3.11`, `v12`, `1.0.4`.
fn is_version(text: &str) -> bool {
    let number = text.strip_prefix('v').unwrap_or(text);
    number.starts_with(|c: char| c.is_ascii_digit()) && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// `rack-2.2.3` and `rack@v2.2.3` are `rack`.
fn without_version(directory: &str) -> &str {
    directory.rsplit_once(['-', '@', '_']).filter(|(_, end)| is_version(end)).map_or(directory, |(name, _)| name)
}

/// A name with the hashes of bundles and deployments replaced: `main.3f2a9bc1.js` is `main.#.js`.
fn without_hashes(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for part in name.split_inclusive(['.', '-', '_', '~', '@']) {
        let word = part.trim_end_matches(['.', '-', '_', '~', '@']);
        if is_hash(word) {
            plain.push('#');
            plain.push_str(part.get(word.len()..).unwrap_or_default());
        } else {
            plain.push_str(part);
        }
    }
    plain
}

/// Whether a part of a name is a hash or a number; `base64` and `sha256sum` are words.
fn is_hash(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 || !word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let switches = word.as_bytes().windows(2).filter(|pair| is_digit(&pair[0]) != is_digit(&pair[1])).count();
    let has_lower = word.bytes().any(|byte| byte.is_ascii_lowercase());
    let has_inner_upper = word.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    let is_number = digits >= 2 && digits == word.len();
    let is_hex = word.len() >= 6 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Eight digits to the base 64, as some bundlers write them.
    let is_short = word.len() == 8 && has_lower && has_inner_upper;
    is_number || is_hex || is_short || (word.len() >= 8 && switches >= 3)
}
