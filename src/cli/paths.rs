//! Paths as people write them: the home directory as `~`, and in quotes what a shell would read otherwise.

use std::path::Path;

use crate::query::doctor::wording::quoted;

/// A path for people: the home directory is `~`.
pub fn short_path(path: &str) -> String {
    let home = std::env::var("HOME").ok().filter(|home| home.len() > 1);
    match home.and_then(|home| path.strip_prefix(home.trim_end_matches('/')).map(str::to_owned)) {
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

/// A path as one types it into a shell here.
pub fn shell_word(path: &str) -> String {
    let folder = std::env::current_dir().unwrap_or_default();
    let inside = Path::new(path).strip_prefix(folder).ok().and_then(Path::to_str);
    match inside.unwrap_or(path) {
        // What begins so is taken for a flag.
        path if path.starts_with('-') => quoted(&format!("./{path}")),
        // In quotes a shell takes `~` for itself.
        path if quoted(path) == path => short_path(path),
        path => quoted(path),
    }
}
