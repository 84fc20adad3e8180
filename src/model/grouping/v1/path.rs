//! Paths of source files: what of them names the code, and what only says where it was installed.

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

/// Whether a file belongs to a library, by the directories it lies in.
pub fn is_library(path: &str) -> bool {
    let mut previous = "";
    let mut before = "";
    let directories = path.rfind(['/', '\\']).and_then(|end| path.get(..end)).unwrap_or_default();
    for directory in directories.split(['/', '\\']) {
        let is_one = match directory {
            "site-packages" | "dist-packages" | "node_modules" | "vendor" | "gems" => true,
            "lib" | "share" => previous == "usr" || (previous == "local" && before == "usr"),
            "mod" => previous == "pkg" && before == "go",
            // On Windows the standard library has no directory of its own version.
            "Lib" => previous.starts_with("Python"),
            _ => previous == "lib" && (directory.starts_with("python2") || directory.starts_with("python3")),
        };
        if is_one {
            return true;
        }
        (before, previous) = (previous, directory);
    }
    false
}

/// The last two parts of a path as printed: `payments/stripe.py`.
pub fn last_two_as_printed(path: &str) -> &str {
    let mut slashes = path.bytes().enumerate().rev().filter(|(_, byte)| is_slash(*byte)).map(|(place, _)| place);
    slashes.nth(1).and_then(|place| path.get(place + 1..)).unwrap_or(path).trim_start_matches(['/', '\\'])
}

/// The same without what differs from build to build and from machine to machine.
pub fn last_two(path: &str) -> String {
    let two = last_two_as_printed(path);
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

fn is_slash(byte: u8) -> bool {
    byte == b'/' || byte == b'\\'
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
