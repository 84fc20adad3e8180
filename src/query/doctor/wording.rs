//! Numbers in the sentences of findings, which are the same in text and in JSON.

/// A count and what is counted: `1 span`, `47 spans`.
pub fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A length of time in its two largest units: `2h 3m`, `56y 310d`.
pub fn span_of(nanos: u64) -> String {
    const UNITS: [(u64, &str); 5] = [(31_557_600, "y"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let seconds = nanos / 1_000_000_000;
    let Some(largest) = UNITS.iter().position(|(length, _)| seconds >= *length) else {
        return format!("{}ms", nanos / 1_000_000);
    };
    let (length, unit) = UNITS[largest];
    let rest = UNITS.get(largest + 1).map(|(length_of_next, unit)| (seconds % length / length_of_next, unit));
    match rest {
        Some((count, next)) if count > 0 => format!("{}{unit} {count}{next}", seconds / length),
        _ => format!("{}{unit}", seconds / length),
    }
}

/// A size: `512 B`, `84.2 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(length, _)| bytes >= *length) {
        Some((length, unit)) => format!("{:.1} {unit}", bytes as f64 / *length as f64),
        None => format!("{bytes} B"),
    }
}

/// An argument of a command line for a POSIX shell, in quotes where it needs them.
pub fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=@%+,".contains(c);
    match !argument.is_empty() && argument.chars().all(is_plain) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units_at_most() {
        let second = 1_000_000_000;
        let written = [0, 5, 7_200, 7_380, 90_061, 1_795_252_442].map(|seconds| span_of(seconds * second));
        assert_eq!(written, ["0ms", "5s", "2h", "2h 3m", "1d 1h", "56y 324d"]);
        assert_eq!([512, 88_290_099].map(size), ["512 B", "84.2 MiB"]);
    }

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("/var/lib/t.db"), "/var/lib/t.db");
        assert_eq!(quoted("my file's.db; rm -rf /"), r"'my file'\''s.db; rm -rf /'");
    }
}
