//! The list of issues.
//!
//! On a terminal a line for each, and where there is no room a second one for the place; for programs a plain table
//! with whole ids and times and nothing cut.

use super::{cells, columns, issue_mark};
use crate::model::{Issue, IssueStatus, Nanos};
use crate::query::issues::IssueList;
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::{Style, TimeStyle};
use crate::view::out::table::{Column, Table, or_dot};
use crate::view::out::text::width;

/// From how many columns on the place stands beside the title.
const WIDE: usize = 110;
/// How many cells the last 24 hours are drawn in.
const CELLS: usize = 8;
/// How many hours a cell holds.
const CELL_HOURS: u64 = 3;

/// What the footer of the list says besides counts.
#[derive(Debug, Clone, Default)]
pub struct IssueListContext {
    /// The status asked for; `None` is any.
    pub status: Option<IssueStatus>,
    /// The time range asked for, as typed, such as `last 1h`; empty for all.
    pub range: String,
}

/// Draws a table of issues; short ids, marks and a row of small columns on a terminal, whole ids and no truncation
/// elsewhere. Empty when there are no issues, but for what is hidden.
pub fn list(list: &IssueList, context: &IssueListContext, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    let has_issues = !list.page.items.is_empty();
    if has_issues {
        let table = match style.is_terminal {
            true => terminal_table(&rows(list, &sheet), style),
            false => plain_table(&list.page.items, &sheet, style),
        };
        table.write(&mut sheet, style);
    }
    if style.is_terminal && (has_issues || !list.hidden.is_empty()) {
        footer(list, context, &mut sheet);
    }
    sheet.finish()
}

/// An issue, and its texts made harmless.
struct Row<'a> {
    issue: &'a Issue,
    short_id: &'a str,
    title: String,
    culprit: String,
    /// The service; empty where all issues of the list are of one.
    service: String,
}

fn rows<'a>(list: &'a IssueList, sheet: &Sheet<'_>) -> Vec<Row<'a>> {
    let items = &list.page.items;
    let has_services = items.windows(2).any(|pair| matches!(pair, [a, b] if a.service != b.service));
    let row = |(at, issue): (usize, &'a Issue)| {
        let culprit = sheet.stored(issue.culprit.as_deref().unwrap_or_default());
        let names_service = has_services || culprit.is_empty();
        let service = if names_service { sheet.name(&issue.service) } else { String::new() };
        let short_id = list.short_ids.get(at).map_or("", String::as_str);
        Row { issue, short_id, title: sheet.stored(&issue.title), culprit, service }
    };
    items.iter().enumerate().map(row).collect()
}

impl Row<'_> {
    fn title(&self) -> (String, Paint) {
        let is_open = self.issue.status == IssueStatus::Open;
        (self.title.clone(), if is_open { Paint::Plain } else { Paint::Dim })
    }

    /// Where the issue happened, and what its mark alone does not say.
    fn place(&self) -> String {
        joined(&[&self.culprit, &self.service, note(self.issue)])
    }

    /// The place in so many columns: if need be without the service, and the file without its folder.
    fn short_place(&self, columns: usize) -> (String, Paint) {
        let Row { culprit, service, .. } = self;
        let note = note(self.issue);
        // The path is the first word; what follows names the function.
        let (path, function) = culprit.split_once(' ').unwrap_or((culprit, ""));
        let path = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let file = format!("{path} {}", function.strip_prefix("in ").unwrap_or(function)).trim_end().to_owned();
        let spellings = [self.place(), joined(&[&file, service, note]), joined(&[culprit, note])];
        let fitting = spellings.into_iter().find(|spelling| width(spelling) <= columns);
        (fitting.unwrap_or_else(|| joined(&[&file, note])), Paint::Dim)
    }
}

fn joined(parts: &[&str]) -> String {
    parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// What became of an issue, where the mark may need a word.
fn note(issue: &Issue) -> &'static str {
    match issue.status {
        IssueStatus::Open if issue.is_regressed => "reopened",
        IssueStatus::Open => "",
        status => status.as_str(),
    }
}

fn terminal_table(rows: &[Row<'_>], style: &Style) -> Table {
    let is_wide = style.width >= WIDE;
    // Where the place stands below the title, each issue takes a second line that is empty elsewhere.
    let second = (!is_wide).then_some(None);
    let lines: Vec<Option<&Row<'_>>> = rows.iter().flat_map(|row| [Some(row)].into_iter().chain(second)).collect();
    let column = |column: Column, cell: &dyn Fn(&Row<'_>) -> (String, Paint)| {
        column.fill(&lines, |line| line.map_or((String::new(), Paint::Plain), cell))
    };
    let time = |title: &str, time: fn(&Issue) -> Nanos| {
        let empty = match style.times {
            None | Some(TimeStyle::Relative) => Column::right(title).at_least(4).gap(2),
            Some(_) => Column::left(title).gap(2),
        };
        column(empty, &|row| (style.short_time(time(row.issue), "%m-%d %H:%M"), Paint::Dim))
    };
    let mark = |row: &Row<'_>| {
        let (mark, paint) = issue_mark(row.issue, style.now);
        (mark.to_owned(), paint)
    };
    let day = |row: &Row<'_>| {
        let paint = if row.issue.status == IssueStatus::Open { Paint::Hue(0) } else { Paint::Dim };
        (columns(&cells(&row.issue.counts, style.now, CELLS, CELL_HOURS), style), paint)
    };
    let events = |row: &Row<'_>| (count(row.issue.event_count), Paint::Plain);
    let traces = |row: &Row<'_>| {
        let number = row.issue.trace_count;
        or_dot((number > 0).then(|| count(number)), Paint::Plain)
    };
    let fixed = [
        Some(column(Column::left("ID"), &|row| (row.short_id.to_owned(), Paint::Bold))),
        Some(time("LAST", |issue| issue.last_seen)),
        (style.width >= 60).then(|| time("FIRST", |issue| issue.first_seen)),
        Some(column(Column::right("EVENTS").gap(2), &events)),
        (style.width >= 70).then(|| column(Column::right("TRACES"), &traces)),
        (style.width >= 56).then(|| column(Column::left("LAST 24H").gap(2), &day)),
        Some(column(Column::left("").at_least(3), &mark)),
    ];
    let mut table = Table { columns: fixed.into_iter().flatten().collect() };
    let room = style.width.saturating_sub(table.width() + 2);
    table.columns.extend(if is_wide { side_by_side(rows, room) } else { stacked(rows, room) });
    table
}

fn stacked(rows: &[Row<'_>], room: usize) -> Vec<Column> {
    let cells = rows.iter().flat_map(|row| [row.title(), row.short_place(room)]);
    vec![Column::left("ISSUE").gap(2).stretch().fill(cells, |cell| cell)]
}

/// Titles and places in columns of their own. Both take what they need; when that is too much, places get what titles
/// leave, or two fifths.
fn side_by_side(rows: &[Row<'_>], room: usize) -> Vec<Column> {
    let room = room.saturating_sub(2);
    let titles = rows.iter().map(|row| width(&row.title)).max().unwrap_or(0);
    let places = rows.iter().map(|row| width(&row.place())).max().unwrap_or(0);
    let for_places = places.min(room.saturating_sub(titles).max(room * 2 / 5));
    let title = Column::left("ISSUE").gap(2).limit(room.saturating_sub(for_places).max(8));
    let place = Column::left("WHERE").gap(2).limit(for_places.max(5));
    vec![title.fill(rows, Row::title), place.fill(rows, |row| row.short_place(for_places))]
}

/// A count in so few columns that it leaves room for the title.
fn count(number: u64) -> String {
    if number < 1_000_000 { format::count(number) } else { format::rough_count(number) }
}

/// `3 open · 2 resolved hidden (--all) · tracehub issues show 7f3a`
fn footer(list: &IssueList, context: &IssueListContext, sheet: &mut Sheet<'_>) {
    let shown = list.page.items.len() as u64;
    let total = list.page.total.unwrap_or(shown);
    let what = context.status.map_or("", IssueStatus::as_str);
    let noun = if what.is_empty() { if total == 1 { "issue" } else { "issues" } } else { what };
    let counts = match shown < total {
        true => format!("{} of {} {noun}", format::count(shown), format::count(total)),
        false => format!("{} {noun}", format::count(total)),
    };
    let mut items = vec![Line::painted(counts, Paint::Dim)];
    if !list.hidden.is_empty() {
        let hidden = list.hidden.iter().map(|(status, count)| format!("{} {}", format::count(*count), status.as_str()));
        items.push(Line::painted(format!("{} hidden (--all)", hidden.collect::<Vec<_>>().join(", ")), Paint::Dim));
    }
    if !context.range.is_empty() {
        items.push(Line::painted(sheet.stored(&context.range), Paint::Dim));
    }
    if let Some(id) = list.short_ids.first() {
        items.push(Line::painted(format!("tracehub issues show {id}"), Paint::Dim));
    }
    sheet.items(0, items);
}

fn plain_table(issues: &[Issue], sheet: &Sheet<'_>, style: &Style) -> Table {
    let text = |title: &str, cell: &dyn Fn(&Issue) -> String| Column::left(title).plain(issues, cell);
    let number =
        |title: &str, cell: fn(&Issue) -> u64| Column::right(title).plain(issues, |issue| cell(issue).to_string());
    Table {
        columns: vec![
            text("STATUS", &|issue| issue.status.as_str().to_owned()),
            text("ISSUE", &|issue| issue.id.to_string()),
            text("LAST", &|issue| style.plain_time(issue.last_seen)),
            text("FIRST", &|issue| style.plain_time(issue.first_seen)),
            number("EVENTS", |issue| issue.event_count),
            number("TRACES", |issue| issue.trace_count),
            text("SERVICE", &|issue| sheet.name(&issue.service)),
            text("TITLE", &|issue| sheet.stored(&issue.title)),
            text("WHERE", &|issue| issue.culprit.as_deref().map_or("-".to_owned(), |culprit| sheet.stored(culprit))),
        ],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{model::Text, query::samples, view::out::style::sample_style as style};

    fn open() -> IssueListContext {
        IssueListContext { status: Some(IssueStatus::Open), range: String::new() }
    }

    #[test]
    fn eighty_columns_have_the_place_below_the_title() {
        insta::assert_snapshot!(list(&samples::issues(), &open(), &style(80)));
    }

    #[test]
    fn a_hundred_and_twenty_columns_have_it_beside() {
        insta::assert_snapshot!(list(&samples::issues(), &open(), &style(120)));
    }

    #[test]
    fn all_of_them_in_colour_in_ascii_and_narrow() {
        let all = IssueListContext { status: None, range: "last 7d".to_owned() };
        let every = samples::all_issues();
        let color = list(&every, &all, &Style { color: true, ..style(80) });
        let ascii = list(&every, &all, &Style { ascii: true, ..style(80) });
        assert!(ascii.is_ascii(), "{ascii}");
        let narrow = list(&every, &all, &style(44));
        insta::assert_snapshot!(format!("{}\n{ascii}\n{narrow}", color.replace('\x1b', "ESC")));
    }

    #[test]
    fn without_a_terminal_nothing_is_cut_or_relative() {
        insta::assert_snapshot!(list(&samples::issues(), &open(), &Style { is_terminal: false, ..style(40) }));
    }

    #[test]
    fn times_are_written_as_asked() {
        let with = |times| list(&samples::issues(), &open(), &Style { times: Some(times), ..style(80) });
        insta::assert_snapshot!(format!("{}\n{}", with(TimeStyle::Local), with(TimeStyle::Utc)));
    }

    #[test]
    fn a_list_of_nothing_says_what_is_hidden() {
        let mut empty = samples::issues();
        empty.page.items.clear();
        empty.page.total = Some(0);
        empty.short_ids.clear();
        assert_eq!(list(&empty, &open(), &style(80)), "0 open · 2 resolved hidden (--all)\n");
        empty.hidden.clear();
        assert_eq!(list(&empty, &open(), &style(80)), "");
    }

    proptest! {
        #[test]
        fn no_stored_text_breaks_a_line_or_its_width(text in any::<String>(), columns in 40usize..130, ascii: bool) {
            let mut issues = samples::issues();
            let issue = &mut issues.page.items[0];
            (issue.title, issue.culprit, issue.service) = (Text::from(text.as_str()), Some(Text::from(text.as_str())), Text::from(text.as_str()));
            let drawn = list(&issues, &open(), &Style { ascii, ..style(columns) });
            prop_assert!(drawn.lines().all(|line| width(line) <= columns && !line.ends_with(' ')));
            prop_assert!(!drawn.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
