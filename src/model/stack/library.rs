//! What is a library's code and not the program's own: by the folder a file lies in, and per language by the names of
//! libraries that are in everybody's stacks.

use std::sync::LazyLock;

use super::line::starts_with_any;

/// The names of a language in `library.txt`, in its order.
pub fn names_of(language: &str) -> Vec<&'static str> {
    let names = include_str!("library.txt").lines().filter_map(|line| line.split_once(' '));
    names.filter(|(of, _)| *of == language).map(|(_, name)| name).collect()
}

/// Whether a file belongs to a library, by the directories it lies in.
pub fn is_library_file(path: &str) -> bool {
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

/// Whether a class of Java, Kotlin or Scala belongs to a library.
pub fn is_java_library(class: &str) -> bool {
    static PACKAGES: LazyLock<Vec<&str>> = LazyLock::new(|| names_of("java"));
    starts_with_any(class, &PACKAGES)
}

/// Whether a class of .NET belongs to a library.
pub fn is_csharp_library(class: &str) -> bool {
    static NAMESPACES: LazyLock<Vec<&str>> = LazyLock::new(|| names_of("csharp"));
    starts_with_any(class, &NAMESPACES)
}

/// Whether a file of Go belongs to a library; files of the standard library built with `-trimpath` begin with the path
/// of their package.
pub fn is_go_library(file: &str) -> bool {
    static STANDARD: LazyLock<Vec<&str>> = LazyLock::new(|| names_of("go"));
    let first = file.split('/').next().unwrap_or_default();
    is_library_file(file)
        || file.contains("/go/src/")
        || file.contains("/libexec/src/")
        || file.contains("@v")
        || STANDARD.contains(&first)
}

/// Whether a crate of Rust, or a file, belongs to a library; crates are told by name where there is no file.
pub fn is_rust_library(krate: &str, file: &str) -> bool {
    static CRATES: LazyLock<Vec<&str>> = LazyLock::new(|| names_of("rust"));
    CRATES.contains(&krate)
        || is_library_file(file)
        || file.contains("/registry/src/")
        || file.contains("/git/checkouts/")
}

/// Whether a file of Ruby belongs to a library.
pub fn is_ruby_library(file: &str) -> bool {
    is_library_file(file) || file.contains("/lib/ruby/")
}
