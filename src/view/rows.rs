//! Rows for programs: JSON, NDJSON, CSV, TSV, bare ids, and a plain table of chosen fields, all from the same objects.
//!
//! A [`Shape`] says which fields an object has, so that a misspelt `--fields` is an error before anything is read, also
//! when the answer is empty. The bytes do not depend on whether a terminal watches.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::{
    out::escape,
    text::{is_invisible, width},
};

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document, indented.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180) with a header line.
    Csv,
    /// Tab-separated with a header line; tabs and line ends as `\t` and `\n`.
    Tsv,
    /// Ids only, one a line.
    Id,
}

/// Which fields an object has.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The fields in the order they are printed.
    pub fields: &'static [(&'static str, Inner)],
    /// The field `Format::Id` prints.
    pub id: &'static str,
}

/// What lies in a field.
#[derive(Debug, Clone, Copy)]
pub enum Inner {
    /// A value, or a list of values.
    Plain,
    /// An object with these fields; each is a column of its own.
    Object(&'static [&'static str]),
    /// An object with any fields, such as attributes.
    Open,
    /// A list of objects of this shape.
    Rows(&'static Shape),
}

use Inner::{Object, Open, Plain, Rows};

/// Elements of `list`.
pub static SUMMARY: Shape = Shape { fields: &SUMMARY_FIELDS, id: "trace_id" };
static SUMMARY_FIELDS: [(&str, Inner); 18] = [
    ("trace_id", Plain),
    ("name", Plain),
    ("service", Plain),
    ("services", Plain),
    ("workflow", Plain),
    ("kinds", Plain),
    ("status", Plain),
    ("start_time", Plain),
    ("end_time", Plain),
    ("duration_ms", Plain),
    ("duration_ns", Plain),
    ("span_count", Plain),
    ("checkpoint_count", Plain),
    ("log_count", Plain),
    ("error_count", Plain),
    ("complete", Plain),
    ("tokens", Object(&["input", "output"])),
    ("cost", Object(&["amount", "currency"])),
];

/// The document of `show`.
pub static TRACE: Shape = Shape { fields: &TRACE_FIELDS, id: "trace_id" };
static TRACE_FIELDS: [(&str, Inner); 23] = {
    let mut fields = [("", Plain); 23];
    fields[0] = ("schema", Plain);
    let mut at = 0;
    while at < SUMMARY_FIELDS.len() {
        fields[at + 1] = SUMMARY_FIELDS[at];
        at += 1;
    }
    fields[19] = ("spans", Rows(&SPAN));
    fields[20] = ("checkpoints", Open);
    fields[21] = ("logs", Open);
    fields[22] = ("operations", Open);
    fields
};

/// Elements of `spans` in `show`.
pub static SPAN: Shape = Shape {
    fields: &[
        ("span_id", Plain),
        ("parent_span_id", Plain),
        ("name", Plain),
        ("kind", Plain),
        ("service", Plain),
        ("start_time", Plain),
        ("end_time", Plain),
        ("duration_ms", Plain),
        ("duration_ns", Plain),
        ("self_ms", Plain),
        ("status", Plain),
        ("status_message", Plain),
        ("attributes", Open),
        ("events", Open),
        ("links", Open),
        ("resource", Open),
        ("scope", Open),
        ("warnings", Plain),
        ("trace_state", Plain),
        ("flags", Plain),
        ("dropped_attributes_count", Plain),
        ("dropped_events_count", Plain),
        ("dropped_links_count", Plain),
        ("resource_schema_url", Plain),
    ],
    id: "span_id",
};

/// Elements of `logs`.
pub static LOG: Shape = Shape {
    fields: &[
        ("id", Plain),
        ("time", Plain),
        ("level", Plain),
        ("message", Plain),
        ("service", Plain),
        ("environment", Plain),
        ("host", Plain),
        ("pid", Plain),
        ("thread_id", Plain),
        ("module", Plain),
        ("trace_id", Plain),
        ("span_id", Plain),
        ("error_type", Plain),
        ("error_message", Plain),
        ("stack_trace", Plain),
        ("issue_id", Plain),
        ("sdk_version", Plain),
        ("extra", Open),
        ("resource", Open),
        ("scope", Open),
        ("resource_schema_url", Plain),
    ],
    id: "id",
};

/// Elements of `issues`.
pub static ISSUE: Shape = Shape { fields: &ISSUE_FIELDS, id: "id" };
static ISSUE_FIELDS: [(&str, Inner); 17] = [
    ("id", Plain),
    ("status", Plain),
    ("title", Plain),
    ("error_type", Plain),
    ("message", Plain),
    ("culprit", Plain),
    ("service", Plain),
    ("environments", Plain),
    ("first_seen", Plain),
    ("last_seen", Plain),
    ("event_count", Plain),
    ("trace_count", Plain),
    ("fingerprint", Plain),
    ("sample_trace_ids", Plain),
    ("project", Plain),
    ("regressed", Plain),
    ("counts", Open),
];

/// The document of `issues show`.
pub static ISSUE_DETAIL: Shape = Shape { fields: &ISSUE_DETAIL_FIELDS, id: "id" };
static ISSUE_DETAIL_FIELDS: [(&str, Inner); 21] = {
    let mut fields = [("", Plain); 21];
    let mut at = 0;
    while at < ISSUE_FIELDS.len() {
        fields[at] = ISSUE_FIELDS[at];
        at += 1;
    }
    fields[17] = ("stack_trace", Plain);
    fields[18] = ("fingerprints", Plain);
    fields[19] = ("history", Open);
    fields[20] = ("why", Object(&["algorithm", "error_type", "text", "frames", "causes", "custom"]));
    fields
};

/// The document of `stats`.
pub static STATS: Shape = Shape {
    fields: &[
        ("schema", Plain),
        ("traces", Plain),
        ("spans", Plain),
        ("checkpoints", Plain),
        ("logs", Plain),
        ("issues", Plain),
        ("errors", Plain),
        ("services", Plain),
        ("first_time", Plain),
        ("last_time", Plain),
        ("database", Object(&["location", "size_bytes", "retention_hours"])),
        ("operations", Rows(&OPERATION)),
        ("failed_traces", Plain),
        ("timeline", Open),
    ],
    id: "traces",
};

/// Elements of `operations` in `stats`.
pub static OPERATION: Shape = Shape {
    fields: &[
        ("service", Plain),
        ("name", Plain),
        ("calls", Plain),
        ("errors", Plain),
        ("error_rate", Plain),
        ("p50_ms", Plain),
        ("p95_ms", Plain),
        ("p99_ms", Plain),
        ("max_ms", Plain),
        ("total_ms", Plain),
        ("self_ms", Plain),
        ("p50_ns", Plain),
        ("p95_ns", Plain),
        ("p99_ns", Plain),
        ("max_ns", Plain),
        ("total_ns", Plain),
        ("self_ns", Plain),
        ("histogram", Plain),
        ("records", Plain),
        ("open", Plain),
    ],
    id: "name",
};

/// Elements of `keys list`, and the document of `keys revoke`.
pub static KEY: Shape = Shape {
    fields: &[
        ("id", Plain),
        ("project", Plain),
        ("prefix", Plain),
        ("scopes", Plain),
        ("created", Plain),
        ("last_used", Plain),
        ("revoked", Plain),
    ],
    id: "id",
};

/// The document of `keys create`.
pub static ISSUED: Shape = Shape {
    fields: &[("id", Plain), ("project", Plain), ("key", Plain), ("scopes", Plain), ("created", Plain)],
    id: "key",
};

/// The document of `clear`.
pub static REMOVED: Shape = Shape {
    fields: &[
        ("dry_run", Plain),
        ("traces", Plain),
        ("spans", Plain),
        ("checkpoints", Plain),
        ("logs", Plain),
        ("issues", Plain),
    ],
    id: "traces",
};

/// The document of `import`.
pub static IMPORTED: Shape = Shape {
    fields: &[
        ("read", Plain),
        ("accepted", Plain),
        ("duplicates", Plain),
        ("skipped", Plain),
        ("source", Plain),
        ("target", Plain),
        ("errors", Open),
    ],
    id: "source",
};

/// The document of `trace current`.
pub static CURRENT: Shape =
    Shape { fields: &[("trace_id", Plain), ("span_id", Plain), ("source", Plain), ("sampled", Plain)], id: "trace_id" };

/// The document of `trace new`.
pub static FRESH: Shape =
    Shape { fields: &[("trace_id", Plain), ("span_id", Plain), ("traceparent", Plain)], id: "trace_id" };

/// The document of `log`.
pub static LOGGED: Shape = Shape {
    fields: &[("outcome", Plain), ("trace_id", Plain), ("target", Plain), ("kept_in", Plain), ("reason", Plain)],
    id: "trace_id",
};

/// A field no object of the shape has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown field `{field}`; the fields are {known}")]
pub struct UnknownField {
    /// What was asked for.
    pub field: String,
    /// What there is.
    pub known: String,
}

/// Chosen fields, in the order they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(Vec<String>);

impl Fields {
    /// Reads `a,b.c`.
    ///
    /// # Errors
    /// [`UnknownField`] names the first field that `shape` does not have.
    pub fn parse(text: &str, shape: &Shape) -> Result<Fields, UnknownField> {
        let paths: Vec<String> = text.split(',').map(|path| path.trim().to_owned()).collect();
        match paths.iter().find(|path| !shape.has(path)) {
            Some(path) => Err(UnknownField { field: path.clone(), known: shape.paths().join(", ") }),
            None => Ok(Fields(paths)),
        }
    }

    /// All columns of a shape.
    fn all(shape: &Shape) -> Fields {
        Fields(shape.paths())
    }
}

impl Shape {
    fn has(&self, path: &str) -> bool {
        let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
        let Some((_, inner)) = self.fields.iter().find(|(name, _)| *name == head) else { return false };
        match (rest, inner) {
            (None, _) | (Some(_), Open) => true,
            (Some(rest), Object(fields)) => fields.contains(&rest),
            (Some(rest), Rows(shape)) => shape.has(rest),
            (Some(_), Plain) => false,
        }
    }

    /// The fields, those of objects one by one.
    fn paths(&self) -> Vec<String> {
        let paths = self.fields.iter().flat_map(|(name, inner)| match inner {
            Object(fields) => fields.iter().map(|field| format!("{name}.{field}")).collect(),
            Plain | Open | Rows(_) => vec![(*name).to_owned()],
        });
        paths.collect()
    }
}

/// The text of a list of objects. An empty list is `[]`, no line at all, or a header line, as the format has it.
pub fn list(rows: Vec<Map<String, Json>>, shape: &Shape, format: Format, fields: Option<&Fields>) -> String {
    match format {
        Format::Json => json_document(&Json::Array(rows.into_iter().map(|row| chosen(row, fields)).collect())),
        Format::Ndjson => rows.into_iter().map(|row| json_line(&chosen(row, fields))).collect(),
        Format::Id => rows.iter().map(|row| format!("{}\n", escape(&cell(row.get(shape.id))))).collect(),
        Format::Csv => {
            separated(&rows, shape, fields, |cells| cells.iter().map(csv_cell).collect::<Vec<_>>().join(",") + "\r\n")
        }
        Format::Tsv => {
            separated(&rows, shape, fields, |cells| cells.iter().map(tsv_cell).collect::<Vec<_>>().join("\t") + "\n")
        }
        Format::Table => table(&rows, shape, fields),
    }
}

/// The text of one object: a JSON document, a line, its id; in the other formats a list of one.
pub fn object(row: Map<String, Json>, shape: &Shape, format: Format, fields: Option<&Fields>) -> String {
    match format {
        Format::Json => json_document(&chosen(row, fields)),
        _ => list(vec![row], shape, format, fields),
    }
}

fn chosen(row: Map<String, Json>, fields: Option<&Fields>) -> Json {
    let row = Json::Object(row);
    match fields {
        None => row,
        Some(Fields(paths)) => pick(&row, &paths.iter().map(String::as_str).collect::<Vec<_>>()),
    }
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

fn json_document(value: &Json) -> String {
    // Serializing a `Value` to memory cannot fail: its keys are text.
    harmless_json(serde_json::to_string_pretty(value).unwrap_or_default() + "\n")
}

fn json_line(value: &Json) -> String {
    harmless_json(value.to_string() + "\n")
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

/// One cell, and whether it was text.
struct Cell {
    text: String,
    is_text: bool,
}

fn separated(
    rows: &[Map<String, Json>],
    shape: &Shape,
    fields: Option<&Fields>,
    line: impl Fn(&[Cell]) -> String,
) -> String {
    let Fields(paths) = fields.cloned().unwrap_or_else(|| Fields::all(shape));
    let header: Vec<Cell> = paths.iter().map(|path| Cell { text: path.clone(), is_text: true }).collect();
    let mut text = line(&header);
    for row in rows {
        let cells: Vec<Cell> = paths
            .iter()
            .map(|path| {
                let value = at_path(row, path);
                Cell { text: cell(value), is_text: !matches!(value, Some(Json::Number(_) | Json::Bool(_))) }
            })
            .collect();
        text.push_str(&line(&cells));
    }
    text
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

/// Quoted when needed. Text that a spreadsheet would run as a formula gets a `'` before it.
fn csv_cell(cell: &Cell) -> String {
    let guard = if cell.is_text && cell.text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    let text = keep_line_ends(&cell.text);
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

fn tsv_cell(cell: &Cell) -> String {
    escape(&cell.text.replace('\\', "\\\\")).into_owned()
}

/// Columns aligned with blanks, numbers to the right, nothing cut.
fn table(rows: &[Map<String, Json>], shape: &Shape, fields: Option<&Fields>) -> String {
    let Fields(paths) = fields.cloned().unwrap_or_else(|| Fields::all(shape));
    let mut lines = vec![paths.iter().map(|path| path.to_uppercase().replace('_', " ")).collect::<Vec<_>>()];
    lines.extend(
        rows.iter()
            .map(|row| paths.iter().map(|path| escape(&cell(at_path(row, path))).into_owned()).collect::<Vec<_>>()),
    );
    let is_number = |path: &String| {
        let mut values = rows.iter().filter_map(|row| at_path(row, path)).filter(|value| !value.is_null()).peekable();
        values.peek().is_some() && values.all(Json::is_number)
    };
    let widths: Vec<usize> =
        (0..paths.len()).map(|at| lines.iter().map(|line| width(&line[at])).max().unwrap_or(0)).collect();
    let to_right: Vec<bool> = paths.iter().map(is_number).collect();
    lines.iter().fold(String::new(), |mut text, line| {
        let cells = line.iter().zip(&widths).zip(&to_right).map(|((cell, width), to_right)| {
            let blanks = " ".repeat(width - super::text::width(cell));
            if *to_right { format!("{blanks}{cell}") } else { format!("{cell}{blanks}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{
        Nanos, OperationStats, Span, SpanId, Stats, Trace, TraceId,
        json::{issue_detail_to_json, issue_to_json, operation_to_json, span_to_json, stats_to_json, summary_to_json},
    };

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
    fn shapes_are_those_of_the_documents() {
        let keys = |document: &Map<String, Json>| document.keys().cloned().collect::<Vec<_>>();
        let names = |shape: &Shape| shape.fields.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
        let span = Span {
            trace_id: TraceId::Otel([1; 16]),
            span_id: SpanId([1; 8]),
            parent_span_id: None,
            trace_state: Default::default(),
            flags: 0,
            name: "a".into(),
            kind: Default::default(),
            start: Nanos(1),
            end: Nanos(2),
            attributes: Default::default(),
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Default::default(),
            resource: Default::default(),
            scope: Default::default(),
        };
        assert_eq!(keys(&span_to_json(&span, 0, &[])), names(&SPAN));
        let trace = Trace::new(TraceId::Otel([1; 16]), vec![span], Vec::new(), Vec::new()).expect("a span");
        assert_eq!(keys(&summary_to_json(&trace.summary)), names(&SUMMARY));
        assert_eq!(keys(&crate::query::show::TraceReport::new(trace).to_json()), names(&TRACE));
        assert_eq!(keys(&stats_to_json(&Stats::default())), names(&STATS));
        let issue = crate::view::sample::issue().detail;
        assert_eq!(keys(&issue_to_json(&issue.issue)), names(&ISSUE));
        assert_eq!(keys(&issue_detail_to_json(&issue)), names(&ISSUE_DETAIL));
        let operation = operation_to_json(&OperationStats::default());
        assert_eq!(keys(operation.as_object().expect("an object")), names(&OPERATION));
    }

    #[test]
    fn csv_quotes_and_guards_against_formulas_but_leaves_numbers_alone() {
        let csv = printed(Format::Csv, "trace_id,name,tokens.input,duration_ms");
        assert_eq!(
            csv,
            "trace_id,name,tokens.input,duration_ms\r\n4bf9,\"GET \"\"a\"\", b\",5,1.5\r\n9c1e,'=cmd|' /C calc'!A0\\x1b[2J,,-12\r\n"
        );
        let lines = Cell { text: "a\r\nb\rc\td".to_owned(), is_text: true };
        assert_eq!(csv_cell(&lines), "\"a\r\nb\\rc\td\"");
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
        let empty = |format| list(Vec::new(), &FRESH, format, None);
        assert_eq!(empty(Format::Json), "[]\n");
        assert_eq!(empty(Format::Ndjson), "");
        assert_eq!(empty(Format::Id), "");
        assert_eq!(empty(Format::Csv), "trace_id,span_id,traceparent\r\n");
    }

    #[test]
    fn json_does_not_steer_the_terminal_and_still_reads_back() {
        let name = "\u{9b}2J\u{7f}\u{202e}\x1b\u{e0041}";
        let text = object(row(json!({ "trace_id": name })), &FRESH, Format::Json, None);
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
