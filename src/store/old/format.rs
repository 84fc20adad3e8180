//! Which layout a file has: known by the tables and columns in it, never by its name.

use rusqlite::Connection;
use rustc_hash::FxHashSet;

/// How the rows of one program's files lie.
#[derive(Debug)]
pub(super) struct Format {
    /// What a file of the program is called, with its article.
    pub kind: &'static str,
    /// The table of records.
    pub table: &'static str,
    /// The columns that are read, with spaces between them, the one with the trace's id first.
    pub columns: &'static str,
    /// The columns without which a file is not one of these.
    pub required: &'static [&'static str],
    /// Another table there must be, and a column in it.
    pub sibling: Option<(&'static str, &'static str)>,
    /// The columns that take most of the space and that summaries do not need.
    pub heavy: &'static [&'static str],
    /// Whether the records are spans; else they are checkpoints.
    pub holds_spans: bool,
}

/// How the databases of msgtrace look.
static MSGTRACE: Format = Format {
    kind: "an msgtrace file",
    table: "spans",
    columns: "trace_id span_id parent_span_id name kind start_time end_time \
              duration_ms status_code status_description attributes resource_attributes events",
    required: &["trace_id", "span_id", "name", "start_time"],
    sibling: Some(("traces", "trace_id")),
    heavy: &["events"],
    holds_spans: true,
};

/// How the databases of the Python tracehub server look.
static PYTHON: Format = Format {
    kind: "a Python tracehub file",
    table: "traces",
    columns: "correlation_id source_id timestamp suffix direction operation \
              endpoint hostname data raw_line created_at",
    required: &["correlation_id", "source_id", "timestamp", "direction"],
    sibling: None,
    heavy: &["data", "raw_line"],
    holds_spans: false,
};

/// A format, and which of its columns the file at hand has.
#[derive(Debug)]
pub(super) struct Layout {
    /// What the file is called, with its article.
    pub kind: &'static str,
    /// The format of the file.
    pub format: &'static Format,
    present: FxHashSet<String>,
}

impl Layout {
    /// The layout of the file behind `connection`; `None` when it is none of the known ones.
    pub(super) fn find(connection: &Connection) -> Option<Layout> {
        [&MSGTRACE, &PYTHON].into_iter().find_map(|format| {
            let present = columns(connection, format.table)?;
            let has_all = format.required.iter().all(|column| present.contains(*column));
            let has_sibling = format
                .sibling
                .is_none_or(|(table, column)| columns(connection, table).is_some_and(|found| found.contains(column)));
            (has_all && has_sibling).then_some(Layout { kind: format.kind, format, present })
        })
    }

    /// The column with the trace's id.
    pub(super) fn key(&self) -> &'static str {
        self.format.columns.split(' ').next().unwrap_or("rowid")
    }

    /// What to select: the row's number, then every column of the format, NULL where the file has none.
    pub(super) fn selected(&self, is_whole: bool) -> String {
        let columns = self.format.columns.split(' ').map(|column| {
            let is_read = self.present.contains(column) && (is_whole || !self.format.heavy.contains(&column));
            if is_read { format!("\"{column}\"") } else { "NULL".to_owned() }
        });
        ["rowid".to_owned()].into_iter().chain(columns).collect::<Vec<_>>().join(", ")
    }
}

/// The columns of a table in lower case; `None` without such a table, or one whose rows have no numbers.
fn columns(connection: &Connection, table: &str) -> Option<FxHashSet<String>> {
    let mut select = connection.prepare("SELECT lower(name) FROM pragma_table_info(?1)").ok()?;
    let names = select.query_map([table], |row| row.get(0)).ok()?;
    let names: FxHashSet<String> = names.collect::<rusqlite::Result<_>>().ok()?;
    let is_numbered = connection.prepare(&format!("SELECT rowid FROM \"{table}\"")).is_ok();
    (is_numbered && !names.is_empty()).then_some(names)
}
