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
use crate::view::out::table::{Column, Table};
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
    if !style.is_terminal {
        if !list.page.items.is_empty() {
            plain_table(list, &sheet, style).write(&mut sheet, style);
        }
        return sheet.finish();
    }
    if !list.page.items.is_empty() {
        let locations = Locations::new(list, &sheet);
        terminal_table(list, &locations, &sheet, style).write(&mut sheet, style);
    }
    if !list.page.items.is_empty() || !list.hidden.is_empty() {
        footer(list, context, &mut sheet);
    }
    sheet.finish()
}

/// Where each issue happened, and what a mark alone does not say.
struct Locations {
    by_issue: Vec<Location>,
}

struct Location {
    culprit: String,
    /// The service; empty where all issues of the list are of one.
    service: String,
    note: &'static str,
}

impl Locations {
    fn new(list: &IssueList, sheet: &Sheet<'_>) -> Locations {
        let items = &list.page.items;
        let has_services = items.windows(2).any(|pair| matches!(pair, [a, b] if a.service != b.service));
        let location = |issue: &Issue| {
            let culprit = sheet.stored(issue.culprit.as_deref().unwrap_or_default());
            let names_service = has_services || culprit.is_empty();
            let service = if names_service { sheet.stored(&issue.service) } else { String::new() };
            Location { culprit, service, note: note(issue) }
        };
        Locations { by_issue: items.iter().map(location).collect() }
    }

    fn line(&self, at: usize) -> String {
        let line = |location: &Location| joined(&[&location.culprit, &location.service, location.note]);
        self.by_issue.get(at).map_or_else(String::new, line)
    }

    /// Where an issue happened, in so many columns: if need be without the service, and the file without its folder.
    fn short_line(&self, at: usize, columns: usize) -> String {
        let Some(Location { culprit, service, note }) = self.by_issue.get(at) else { return String::new() };
        // The path is the first word; what follows names the function.
        let (path, function) = culprit.split_once(' ').unwrap_or((culprit, ""));
        let path = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let file = format!("{path} {}", function.strip_prefix("in ").unwrap_or(function)).trim_end().to_owned();
        let spellings = [
            joined(&[culprit, service, note]),
            joined(&[&file, service, note]),
            joined(&[culprit, note]),
            joined(&[&file, note]),
        ];
        let [.., last] = &spellings;
        spellings.iter().find(|spelling| width(spelling) <= columns).unwrap_or(last).clone()
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

fn terminal_table(list: &IssueList, locations: &Locations, sheet: &Sheet<'_>, style: &Style) -> Table {
    let is_wide = style.width >= WIDE;
    let rows = Rows { list, is_double: !is_wide };
    let mark = rows.column(Column::left("").at_least(3), |_, issue| {
        let (mark, paint) = issue_mark(issue, style.now);
        (mark.to_owned(), paint)
    });
    let day = rows.column(Column::left("LAST 24H").gap(2), |_, issue| {
        let paint = if issue.status == IssueStatus::Open { Paint::Hue(0) } else { Paint::Dim };
        (columns(&cells(&issue.counts, style.now, CELLS, CELL_HOURS), style), paint)
    });
    let fixed = [
        Some(
            rows.column(Column::left("ID"), |at, _| (list.short_ids.get(at).cloned().unwrap_or_default(), Paint::Bold)),
        ),
        Some(rows.time("LAST", style, |issue| issue.last_seen)),
        (style.width >= 60).then(|| rows.time("FIRST", style, |issue| issue.first_seen)),
        Some(rows.column(Column::right("EVENTS").gap(2), |_, issue| (count(issue.event_count), Paint::Plain))),
        (style.width >= 70).then(|| rows.column(Column::right("TRACES"), |_, issue| dotted(issue.trace_count))),
        (style.width >= 56).then_some(day),
        Some(mark),
    ];
    let mut table = Table { columns: fixed.into_iter().flatten().collect() };
    let room = style.width.saturating_sub(table.width() + 2);
    table.columns.extend(if is_wide {
        rows.side_by_side(locations, room, sheet)
    } else {
        rows.stacked(locations, room, sheet)
    });
    table
}

/// The issues as cells of columns; each takes two lines where the place stands below the title.
struct Rows<'a> {
    list: &'a IssueList,
    is_double: bool,
}

impl Rows<'_> {
    fn column(&self, mut column: Column, cell: impl Fn(usize, &Issue) -> (String, Paint)) -> Column {
        for (at, issue) in self.list.page.items.iter().enumerate() {
            let (text, paint) = cell(at, issue);
            column.push(text, paint);
            if self.is_double {
                column.push("", Paint::Plain);
            }
        }
        column
    }

    fn time(&self, title: &str, style: &Style, time: impl Fn(&Issue) -> Nanos) -> Column {
        let column = match style.times {
            None | Some(TimeStyle::Relative) => Column::right(title).at_least(4).gap(2),
            Some(_) => Column::left(title).gap(2),
        };
        self.column(column, |_, issue| (style.short_time(time(issue), "%m-%d %H:%M"), Paint::Dim))
    }

    fn stacked(&self, locations: &Locations, room: usize, sheet: &Sheet<'_>) -> Vec<Column> {
        let mut column = Column::left("ISSUE").gap(2).stretch();
        for (at, issue) in self.list.page.items.iter().enumerate() {
            column.push(sheet.stored(&issue.title), title_paint(issue));
            column.push(locations.short_line(at, room), Paint::Dim);
        }
        vec![column]
    }

    /// Titles and places in columns of their own. Both take what they need; when that is too much, places get what
    /// titles leave, or two fifths.
    fn side_by_side(&self, locations: &Locations, room: usize, sheet: &Sheet<'_>) -> Vec<Column> {
        let items = || self.list.page.items.iter().enumerate();
        let room = room.saturating_sub(2);
        let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let titles = widest(&mut items().map(|(_, issue)| width(&sheet.stored(&issue.title))));
        let wheres = widest(&mut items().map(|(at, _)| width(&locations.line(at))));
        let for_locations = wheres.min(room.saturating_sub(titles).max(room * 2 / 5));
        let mut title = Column::left("ISSUE").gap(2).limit(room.saturating_sub(for_locations).max(8));
        let mut place = Column::left("WHERE").gap(2).limit(for_locations.max(5));
        for (at, issue) in items() {
            title.push(sheet.stored(&issue.title), title_paint(issue));
            place.push(locations.short_line(at, for_locations), Paint::Dim);
        }
        vec![title, place]
    }
}

fn title_paint(issue: &Issue) -> Paint {
    if issue.status == IssueStatus::Open { Paint::Plain } else { Paint::Dim }
}

/// A count in so few columns that it leaves room for the title.
fn count(number: u64) -> String {
    if number < 1_000_000 { format::count(number) } else { format::rough_count(number) }
}

fn dotted(number: u64) -> (String, Paint) {
    if number == 0 { ("·".to_owned(), Paint::Dim) } else { (count(number), Paint::Plain) }
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

fn plain_table(list: &IssueList, sheet: &Sheet<'_>, style: &Style) -> Table {
    let rows = Rows { list, is_double: false };
    let text = |title: &str, cell: &dyn Fn(&Issue) -> String| {
        rows.column(Column::left(title), |_, issue| (cell(issue), Paint::Plain))
    };
    let number = |title: &str, cell: &dyn Fn(&Issue) -> u64| {
        rows.column(Column::right(title), |_, issue| (cell(issue).to_string(), Paint::Plain))
    };
    Table {
        columns: vec![
            text("STATUS", &|issue| issue.status.as_str().to_owned()),
            text("ISSUE", &|issue| issue.id.to_string()),
            text("LAST", &|issue| style.plain_time(issue.last_seen)),
            text("FIRST", &|issue| style.plain_time(issue.first_seen)),
            number("EVENTS", &|issue| issue.event_count),
            number("TRACES", &|issue| issue.trace_count),
            text("SERVICE", &|issue| sheet.stored(&issue.service)),
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
