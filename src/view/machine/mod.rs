//! Rows for programs: JSON, NDJSON, CSV, TSV, bare ids, and a plain table of chosen fields, all from the same objects.
//!
//! A [`Shape`] says which fields an object has. The bytes do not depend on whether a terminal watches.

mod documents;
mod shape;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::out::escape;
use super::out::table::{Column, Table};
use super::out::text::is_invisible;
use crate::model::json;
use crate::model::words::words;

pub use self::documents::{
    ATTRIBUTE, CAUSE, CONTRAST, CURRENT, FINDING, FRESH, GROUP, GROUPS, HIT, IMPORTED, ISSUE, ISSUE_DETAIL, ISSUED,
    KEY, LOG, LOGGED, MEASURED, OPERATION, RECORD, REMOVED, REWRITTEN, SAVED_FILTER, SERIES, SPAN, STATS, SUMMARY,
    TRACE, TRACED_SPAN,
};
pub use self::shape::{Fields, Inner, Shape, UnknownField};

words! {
    /// What to print.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Format {
        /// For people.
        #[default]
        Table = "table",
        /// One JSON document.
        /// Indented.
        Json = "json",
        /// One JSON object a line.
        Ndjson = "ndjson",
        /// Comma-separated with a header.
        /// As [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180) has it.
        Csv = "csv",
        /// Tab-separated with a header.
        /// Tabs and line ends stand as `\t` and `\n`.
        Tsv = "tsv",
        /// Ids only.
        /// One a line.
        Id = "id",
    }
}

/// The text of a list of objects. An empty list is `[]`, no line at all, or a header line, as the format has it.
pub fn list<R: Serialize>(
    rows: impl IntoIterator<Item = R>,
    shape: &Shape,
    format: Format,
    fields: Option<&Fields>,
) -> String {
    let rows = rows.into_iter();
    let columns = || fields.cloned().unwrap_or_else(|| Fields::all(shape));
    match format {
        Format::Json => json_document(&rows.collect::<Vec<_>>(), fields),
        Format::Ndjson => rows.map(|row| json_line(&row, fields)).collect(),
        Format::Id => rows.map(|row| format!("{}\n", escape(&cell(json::object(&row).get(shape.id))))).collect(),
        Format::Csv => separated(rows, &columns(), ",", "\r\n", csv_cell),
        Format::Tsv => separated(rows, &columns(), "\t", "\n", tsv_cell),
        Format::Table => table(&rows.map(|row| json::object(&row)).collect::<Vec<_>>(), &columns()),
    }
}

/// The text of rows whose columns are not known before: as [`list`] has it, ids being what the first column says.
pub fn rows_of_columns(rows: &[Map<String, Json>], columns: Vec<String>, format: Format) -> String {
    let first = columns.first().cloned().unwrap_or_default();
    let columns = Fields(columns);
    match format {
        Format::Json => json_document(&rows, None),
        Format::Ndjson => rows.iter().map(|row| json_line(row, None)).collect(),
        Format::Id => rows.iter().map(|row| format!("{}\n", escape(&cell(row.get(&first))))).collect(),
        Format::Csv => separated(rows.iter(), &columns, ",", "\r\n", csv_cell),
        Format::Tsv => separated(rows.iter(), &columns, "\t", "\n", tsv_cell),
        Format::Table => table(rows, &columns),
    }
}

/// The text of one object: a JSON document, a line, its id; in the other formats a list of one.
pub fn object(row: &impl Serialize, shape: &Shape, format: Format, fields: Option<&Fields>) -> String {
    match format {
        Format::Json => json_document(row, fields),
        _ => list([row], shape, format, fields),
    }
}

/// The chosen fields of an object, or of each object of a list.
fn chosen(value: &impl Serialize, Fields(paths): &Fields) -> Json {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    pick(&json!(value), &paths)
}

/// The part of a value that lies on the paths. A key that holds dots itself, as attributes do, wins over a path.
fn pick(value: &Json, paths: &[&str]) -> Json {
    match value {
        Json::Array(items) => items.iter().map(|item| pick(item, paths)).collect(),
        Json::Object(object) => {
            let mut picked = Map::new();
            for path in paths {
                match object.get(*path) {
                    Some(value) => _ = picked.insert((*path).to_owned(), value.clone()),
                    None => pick_below(object, path, paths, &mut picked),
                }
            }
            Json::Object(picked)
        }
        other => other.clone(),
    }
}

fn pick_below(object: &Map<String, Json>, path: &str, paths: &[&str], picked: &mut Map<String, Json>) {
    let head = path.split_once('.').map_or(path, |(head, _)| head);
    if picked.contains_key(head) {
        return;
    }
    let dotted = paths.iter().filter(|path| !object.contains_key(**path));
    let below: Vec<&str> = dotted.filter_map(|path| path.strip_prefix(head)?.strip_prefix('.')).collect();
    let (key, value) = match object.get(head) {
        Some(value) => (head, pick(value, &below)),
        None => (path, Json::Null),
    };
    picked.insert(key.to_owned(), value);
}

fn json_document(value: &impl Serialize, fields: Option<&Fields>) -> String {
    let text = match fields {
        None => serde_json::to_string_pretty(value),
        Some(fields) => serde_json::to_string_pretty(&chosen(value, fields)),
    };
    // Keys are text, and memory does not fail.
    harmless_json(text.unwrap_or_default() + "\n")
}

fn json_line(value: &impl Serialize, fields: Option<&Fields>) -> String {
    harmless_json(fields.map_or_else(|| json::text(value), |fields| chosen(value, fields).to_string()) + "\n")
}

/// Escapes what `serde_json` leaves as it is and a terminal would act on. All of it lies within strings.
fn harmless_json(text: String) -> String {
    let is_harmful = |c: char| c != '\n' && is_invisible(c);
    if !text.contains(is_harmful) {
        return text;
    }
    text.chars().fold(String::with_capacity(text.len() + 16), |mut safe, c| {
        match is_harmful(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}"))),
            false => safe.push(c),
        }
        safe
    })
}

/// A header and a line for each row; `escaped` makes a cell of a text, and of whether it was one.
fn separated(
    rows: impl Iterator<Item = impl Serialize>,
    Fields(paths): &Fields,
    separator: &str,
    line_end: &str,
    escaped: fn(&str, bool) -> String,
) -> String {
    let header = paths.iter().map(|path| escaped(path, true)).collect::<Vec<_>>();
    let rows = rows.map(|row| {
        let row = json::object(&row);
        let values = paths.iter().map(|path| at_path(&row, path));
        values.map(|value| escaped(&cell(value), !matches!(value, Some(Json::Number(_) | Json::Bool(_))))).collect()
    });
    std::iter::once(header).chain(rows).map(|cells: Vec<String>| cells.join(separator) + line_end).collect()
}

fn at_path<'a>(object: &'a Map<String, Json>, path: &str) -> Option<&'a Json> {
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    let (head, rest) = path.split_once('.')?;
    at_path(object.get(head)?.as_object()?, rest)
}

fn cell(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(Json::Array(items)) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(";")
        }
        Some(other) => other.to_string(),
    }
}

/// What goes before text that a spreadsheet would run as a formula; nothing before other text, such as a lone dash.
fn formula_guard(text: &str, is_text: bool) -> &'static str {
    const BEGINNINGS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if is_text && text.starts_with(BEGINNINGS) && text.chars().nth(1).is_some() { "'" } else { "" }
}

/// Quoted when needed, and guarded.
fn csv_cell(text: &str, is_text: bool) -> String {
    let guard = formula_guard(text, is_text);
    let text = keep_line_ends(text);
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{guard}{}\"", text.replace('"', "\"\""));
    }
    format!("{guard}{text}")
}

/// Escapes control characters but line ends and tabs, which CSV can carry.
fn keep_line_ends(text: &str) -> Cow<'_, str> {
    let is_kept = |c: char| matches!(c, '\n' | '\t');
    if !text.contains(|c: char| !is_kept(c) && is_invisible(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_inclusive(is_kept).fold(String::new(), |mut kept, piece| {
        let body = piece.trim_end_matches(is_kept);
        // A carriage return is harmless only as part of a line end.
        let line_end = if piece.ends_with('\n') && body.ends_with('\r') { "\r" } else { "" };
        kept.push_str(&escape(&body[..body.len() - line_end.len()]));
        kept.push_str(line_end);
        kept.push_str(&piece[body.len()..]);
        kept
    }))
}

/// Escaped, so that it is one cell of one line, and guarded.
fn tsv_cell(text: &str, is_text: bool) -> String {
    format!("{}{}", formula_guard(text, is_text), escape(&text.replace('\\', "\\\\")))
}

/// Columns aligned with blanks, numbers to the right, nothing cut.
fn table(rows: &[Map<String, Json>], Fields(paths): &Fields) -> String {
    let columns = paths.iter().map(|path| {
        let title = path.to_uppercase().replace('_', " ");
        let values = || rows.iter().map(|row| at_path(row, path));
        let mut known = values().flatten().filter(|value| !value.is_null()).peekable();
        let is_number = known.peek().is_some() && known.all(Json::is_number);
        let column = if is_number { Column::right(&title) } else { Column::left(&title) };
        column.gap(2).plain(values(), |value| escape(&cell(value)).into_owned())
    });
    let table = Table { columns: columns.collect() };
    table.lines(usize::MAX).map(|line| line.text().trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: Json) -> Map<String, Json> {
        value.as_object().expect("an object").clone()
    }

    fn rows() -> Vec<Map<String, Json>> {
        vec![
            row(
                json!({"trace_id": "4bf9", "name": "GET \"a\", b", "tokens": {"input": 5, "output": 7}, "duration_ms": 1.5}),
            ),
            row(json!({"trace_id": "9c1e", "name": "=cmd|' /C calc'!A0\x1b[2J", "tokens": null, "duration_ms": -12})),
        ]
    }

    fn printed(format: Format, fields: &str) -> String {
        let fields = Fields::parse(fields, &SUMMARY).expect("known fields");
        list(rows(), &SUMMARY, format, Some(&fields))
    }

    #[test]
    fn csv_quotes_and_guards_against_formulas_but_leaves_numbers_alone() {
        let csv = printed(Format::Csv, "trace_id,name,tokens.input,duration_ms");
        assert_eq!(
            csv,
            "trace_id,name,tokens.input,duration_ms\r\n4bf9,\"GET \"\"a\"\", b\",5,1.5\r\n9c1e,'=cmd|' /C calc'!A0\\x1b[2J,,-12\r\n"
        );
        assert_eq!(csv_cell("a\r\nb\rc\td", true), "\"a\r\nb\\rc\td\"");
        for formula in ["=1+1", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠x"] {
            assert_eq!(
                [csv_cell(formula, true), tsv_cell(formula, true)],
                [format!("'{formula}"), format!("'{formula}")]
            );
            assert_eq!([csv_cell(formula, false), tsv_cell(formula, false)], [formula, formula]);
        }
        assert_eq!([csv_cell("-", true), tsv_cell("-", true)], ["-", "-"], "a trace without an id");
        assert_eq!(csv_cell("\n=1", true), "\"'\n=1\"");
        assert_eq!([tsv_cell("\t=1", true), tsv_cell("a=1", true)], ["'\\t=1", "a=1"]);
    }

    #[test]
    fn tsv_has_one_line_a_row_whatever_is_in_it() {
        let rows = vec![row(json!({"trace_id": "a", "name": "x\ty\nz\\", "services": ["a", "b"]}))];
        let fields = Fields::parse("trace_id,name,services", &SUMMARY).expect("known");
        assert_eq!(
            list(rows, &SUMMARY, Format::Tsv, Some(&fields)),
            "trace_id\tname\tservices\na\tx\\ty\\nz\\\\\ta;b\n"
        );
    }

    #[test]
    fn chosen_fields_keep_their_place_in_the_document() {
        assert_eq!(
            printed(Format::Ndjson, "tokens.output,trace_id"),
            "{\"tokens\":{\"output\":7},\"trace_id\":\"4bf9\"}\n{\"tokens\":null,\"trace_id\":\"9c1e\"}\n"
        );
        let span = row(json!({"name": "a", "attributes": {"http.method": "GET", "http": {"route": "/"}}}));
        let fields =
            Fields::parse("attributes.http.method,attributes.http.route,attributes.none", &SPAN).expect("open");
        assert_eq!(
            list(vec![span], &SPAN, Format::Ndjson, Some(&fields)),
            "{\"attributes\":{\"http.method\":\"GET\",\"http\":{\"route\":\"/\"},\"none\":null}}\n"
        );
        let trace = row(json!({"spans": [{"name": "a", "kind": "server"}, {"name": "b", "kind": "client"}]}));
        let fields = Fields::parse("spans.name", &TRACE).expect("nested");
        assert_eq!(
            list(vec![trace], &TRACE, Format::Ndjson, Some(&fields)),
            "{\"spans\":[{\"name\":\"a\"},{\"name\":\"b\"}]}\n"
        );
    }

    #[test]
    fn an_unknown_field_names_the_known_ones() {
        for field in ["nmae", "", "tokens.x", "name.x", "trace_id,,name"] {
            assert!(Fields::parse(field, &SUMMARY).is_err(), "{field}");
        }
        let error = Fields::parse("a", &FRESH).expect_err("unknown");
        assert_eq!(error.to_string(), "unknown field `a`; the fields are trace_id, span_id, traceparent");
    }

    #[test]
    fn an_empty_list_is_a_document_too() {
        let empty = |format| list(Vec::<Json>::new(), &FRESH, format, None);
        assert_eq!(empty(Format::Json), "[]\n");
        assert_eq!(empty(Format::Ndjson), "");
        assert_eq!(empty(Format::Id), "");
        assert_eq!(empty(Format::Csv), "trace_id,span_id,traceparent\r\n");
    }

    #[test]
    fn json_does_not_steer_the_terminal_and_still_reads_back() {
        let name = "\u{9b}2J\u{7f}\u{202e}\x1b\u{e0041}";
        let text = object(&row(json!({ "trace_id": name })), &FRESH, Format::Json, None);
        assert!(!text.contains(|c: char| c != '\n' && is_invisible(c)), "{text}");
        assert_eq!(serde_json::from_str::<Json>(&text).expect("json")["trace_id"], name);
    }

    #[test]
    fn a_table_of_fields_is_aligned() {
        insta::assert_snapshot!(printed(Format::Table, "trace_id,duration_ms,name"), @r#"
        TRACE ID  DURATION MS  NAME
        4bf9              1.5  GET "a", b
        9c1e              -12  =cmd|' /C calc'!A0\x1b[2J
        "#);
    }
}
