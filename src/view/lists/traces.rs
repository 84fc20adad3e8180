//! The list of traces.
//!
//! On a terminal one short line a trace, with a bar against the slowest one shown, and equal neighbours folded; for
//! programs a plain table with full ids and times and nothing cut.

use crate::model::time::NANOS_PER_DAY;
use crate::model::{Page, TraceStatus, TraceSummary};
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::{Style, TimeStyle};
use crate::view::out::table::{Column, Table, bar, count_or_dot, or_dot};

/// Shortest id shown, in characters.
const SHORT_ID: usize = 8;
/// How many cells the bar of a duration has.
const BAR: usize = 8;
/// From how many columns on there is room for start time, services, logs, tokens and cost.
const WIDE: usize = 120;
/// From how many equal neighbours on traces are folded into one line.
const FOLD_FROM: usize = 3;

/// What the footer of the list says besides counts.
#[derive(Debug, Clone, Default)]
pub struct ListContext {
    /// Where the traces lie.
    pub location: String,
    /// The time range asked for, as typed, such as `last 1h`; empty for all.
    pub range: String,
}

/// Draws a table of traces, one line each; equal neighbours folded on a terminal, full ids and no truncation elsewhere.
/// Empty when there are no traces.
pub fn render(page: &Page<TraceSummary>, context: &ListContext, style: &Style) -> String {
    if page.items.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(style);
    if style.is_terminal {
        let groups = fold(&page.items);
        terminal_table(&groups, &sheet, style).write(&mut sheet, style);
        footer(page, context, &mut sheet);
    } else {
        plain_table(&page.items, &sheet, style).write(&mut sheet, style);
    }
    sheet.finish()
}

/// Neighbours that look the same: single spans of one name, service and status.
struct Group<'a> {
    newest: &'a TraceSummary,
    traces: &'a [TraceSummary],
}

impl Group<'_> {
    fn name(&self, sheet: &Sheet<'_>) -> String {
        let name = sheet.stored(&self.newest.name);
        match self.traces.len() {
            1 => name,
            folded => format!("{name} ×{folded}"),
        }
    }

    fn sum(&self, number: impl Fn(&TraceSummary) -> u64) -> u64 {
        self.traces.iter().map(number).sum()
    }

    /// How long the slowest trace of the group took; an open trace still runs.
    fn duration_ns(&self, style: &Style) -> u64 {
        let duration = |trace: &TraceSummary| match trace.complete {
            true => trace.duration_ns(),
            false => style.now.since(trace.start).max(trace.duration_ns()),
        };
        self.traces.iter().map(duration).max().unwrap_or(0)
    }

    /// Whether something in the newest trace was entered and not left; the trace may have failed besides.
    fn is_open(&self) -> bool {
        !self.newest.complete
    }
}

fn fold(traces: &[TraceSummary]) -> Vec<Group<'_>> {
    let is_single = |trace: &TraceSummary| (trace.span_count, trace.checkpoint_count, trace.log_count) == (1, 0, 0);
    let is_equal = |a: &TraceSummary, b: &TraceSummary| {
        is_single(a) && is_single(b) && (&a.name, &a.service, a.status) == (&b.name, &b.service, b.status)
    };
    let mut groups = Vec::new();
    for run in traces.chunk_by(is_equal) {
        let step = if run.len() >= FOLD_FROM { run.len() } else { 1 };
        groups.extend(run.chunks(step).filter_map(|traces| Some(Group { newest: traces.first()?, traces })));
    }
    groups
}

fn terminal_table(groups: &[Group<'_>], sheet: &Sheet<'_>, style: &Style) -> Table {
    let is_wide = style.width >= WIDE;
    let count = |title: &str, number: fn(&TraceSummary) -> u64| {
        Column::right(title).fill(groups, |group| count_or_dot(number(group.newest), Paint::Plain))
    };
    let has_tokens = groups.iter().any(|group| group.newest.tokens.is_some());
    let has_cost = groups.iter().any(|group| group.newest.cost.is_some());
    let columns = [
        Some(Column::left("").fill(groups, |group| status_mark(group.newest.status))),
        Some(id_column(groups, sheet)),
        (is_wide && style.times.is_none_or(|times| times == TimeStyle::Relative))
            .then(|| started_column(groups, style)),
        Some(time_column(groups, style)),
        (style.width >= 50).then(|| service_column(groups, sheet, is_wide)),
        Some(Column::left("ROOT").gap(2).stretch().plain(groups, |group| group.name(sheet))),
        is_wide.then(|| count("SVCS", |trace| trace.services.len() as u64)),
        (style.width >= 46).then(|| count("SPANS", steps)),
        Some(Column::right("ERR").fill(groups, |group| count_or_dot(group.sum(|trace| trace.error_count), Paint::Bad))),
        is_wide.then(|| count("LOGS", |trace| trace.log_count)),
        (is_wide && has_tokens).then(|| tokens_column(groups)),
        (is_wide && has_cost).then(|| cost_column(groups)),
        Some(duration_column(groups, style)),
        (style.width >= 64).then(|| bar_column(groups, style)),
    ];
    Table { columns: columns.into_iter().flatten().collect() }
}

fn id_column(groups: &[Group<'_>], sheet: &Sheet<'_>) -> Column {
    let ids: Vec<String> = groups.iter().map(|group| group.newest.trace_id.brief()).collect();
    let length = unique_prefix(&ids);
    let prefix = |id: &String| sheet.stored(&id.chars().take(length).collect::<String>());
    Column::left("TRACE").gap(2).fill(&ids, |id| (prefix(id), Paint::Bold))
}

/// How many characters of these ids tell them apart; at least [`SHORT_ID`], at most twice that, so that ids made alike
/// do not fill the screen.
pub(in crate::view) fn unique_prefix(ids: &[String]) -> usize {
    let mut sorted: Vec<&str> = ids.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let shared = |pair: &[&str]| match pair {
        [a, b] if a != b => a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count() + 1,
        _ => 0,
    };
    sorted.windows(2).map(shared).max().unwrap_or(0).clamp(SHORT_ID, 2 * SHORT_ID)
}

fn started_column(groups: &[Group<'_>], style: &Style) -> Column {
    let today = |group: &Group<'_>| style.now.since(group.newest.start) < NANOS_PER_DAY;
    let pattern = if groups.iter().all(today) { "%H:%M:%S.%3f" } else { "%m-%d %H:%M:%S" };
    Column::left("STARTED").gap(2).plain(groups, |group| format::clock(group.newest.start, &style.zone, pattern))
}

fn time_column(groups: &[Group<'_>], style: &Style) -> Column {
    let column = match style.times {
        None | Some(TimeStyle::Relative) => Column::right("AGE"),
        Some(_) => Column::left("STARTED"),
    };
    let time = |group: &Group<'_>| style.short_time(group.newest.start, "%Y-%m-%d %H:%M:%S");
    column.gap(2).fill(groups, |group| (time(group), Paint::Dim))
}

fn service_column(groups: &[Group<'_>], sheet: &Sheet<'_>, is_wide: bool) -> Column {
    let column = Column::left("SERVICE").gap(2).at_least(8).limit(if is_wide { 20 } else { 12 });
    column.plain(groups, |group| sheet.stored(&service(group.newest)))
}

/// The service of a trace's root; where only checkpoints lie there is no root, so all services.
fn service(trace: &TraceSummary) -> String {
    if trace.span_count == 0 && trace.checkpoint_count > 0 {
        let services: Vec<&str> = trace.services.iter().map(|service| service.as_str()).collect();
        return services.join(",");
    }
    trace.service.to_string()
}

/// How many spans a trace has; where there are only checkpoints, how many of those.
fn steps(trace: &TraceSummary) -> u64 {
    if trace.span_count > 0 { trace.span_count } else { trace.checkpoint_count }
}

/// How many tokens a trace sent and received; `None` where no span reports any.
fn tokens(trace: &TraceSummary) -> Option<u64> {
    trace.tokens.map(|tokens| tokens.input.saturating_add(tokens.output))
}

fn tokens_column(groups: &[Group<'_>]) -> Column {
    let all = |group: &Group<'_>| group.sum(|trace| tokens(trace).unwrap_or(0));
    Column::right("TOKENS")
        .gap(2)
        .fill(groups, |group| or_dot(tokens(group.newest).map(|_| format::rough_count(all(group))), Paint::Plain))
}

fn cost_column(groups: &[Group<'_>]) -> Column {
    let cost = |group: &Group<'_>| group.newest.cost.as_ref().map(format::cost);
    Column::right("COST").at_least(7).fill(groups, |group| or_dot(cost(group), Paint::Plain))
}

fn duration_column(groups: &[Group<'_>], style: &Style) -> Column {
    Column::right("TIME").at_least(7).plain(groups, |group| format::fine_duration(group.duration_ns(style)))
}

fn bar_column(groups: &[Group<'_>], style: &Style) -> Column {
    // What still runs would dwarf everything else, so it fills its bar and the others are measured among themselves.
    let closed = groups.iter().filter(|group| !group.is_open());
    let largest = closed.map(|group| group.duration_ns(style)).max().unwrap_or(0);
    Column::left("").at_least(BAR).fill(groups, |group| {
        let own = bar(group.duration_ns(style), largest, BAR);
        match group.is_open() {
            true if largest == 0 => ("▸".repeat(BAR), Paint::Warn),
            true => ("▸".repeat(own.chars().count()), Paint::Warn),
            false => (own, status_mark(group.newest.status).1),
        }
    })
}

fn footer(page: &Page<TraceSummary>, context: &ListContext, sheet: &mut Sheet<'_>) {
    let shown = format::count(page.items.len() as u64);
    let counts = match page.total {
        Some(total) => format!("{shown} of {}", format::counted(total, "trace")),
        None => format::counted(page.items.len() as u64, "trace"),
    };
    let mut items = vec![Line::painted(counts, Paint::Dim)];
    if let Some(failed) = page.failed.filter(|failed| *failed > 0) {
        items.push(Line::painted(format!("{} failed", format::count(failed)), Paint::Bad));
    }
    for text in [&context.range, &context.location] {
        if !text.is_empty() {
            items.push(Line::painted(sheet.stored(text), Paint::Dim));
        }
    }
    sheet.items(0, items);
}

fn plain_table(traces: &[TraceSummary], sheet: &Sheet<'_>, style: &Style) -> Table {
    let text = |title: &str, cell: &dyn Fn(&TraceSummary) -> String| Column::left(title).plain(traces, cell);
    let number = |title: &str, cell: &dyn Fn(&TraceSummary) -> String| Column::right(title).plain(traces, cell);
    let known = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let title = if style.times == Some(TimeStyle::Relative) { "AGE" } else { "STARTED" };
    Table {
        columns: vec![
            text("STATUS", &|trace| trace.status.as_str().to_owned()),
            text("TRACE", &|trace| sheet.stored(&trace.trace_id.to_string())),
            text(title, &|trace| style.plain_time(trace.start)),
            text("SERVICE", &|trace| sheet.stored(&service(trace))),
            text("ROOT", &|trace| sheet.stored(&trace.name)),
            number("SVCS", &|trace| trace.services.len().to_string()),
            number("SPANS", &|trace| trace.span_count.to_string()),
            number("CHECKPOINTS", &|trace| trace.checkpoint_count.to_string()),
            number("ERR", &|trace| trace.error_count.to_string()),
            number("LOGS", &|trace| trace.log_count.to_string()),
            number("TOKENS", &|trace| known(tokens(trace).map(|tokens| tokens.to_string()))),
            number("COST", &|trace| known(trace.cost.as_ref().map(|cost| sheet.stored(&format::cost(cost))))),
            number("TIME", &|trace| format::fine_duration(trace.duration_ns())),
        ],
    }
}

/// The sign and the paint of a trace's status.
pub fn status_mark(status: TraceStatus) -> (&'static str, Paint) {
    match status {
        TraceStatus::Error => ("✗", Paint::Bad),
        TraceStatus::Ok => ("✓", Paint::Good),
        TraceStatus::Open => ("…", Paint::Warn),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::Text,
        query::samples,
        view::out::{style::sample_style as style, text::width},
    };

    fn context() -> ListContext {
        ListContext { location: "~/.local/share/tracehub/traces.db".to_owned(), range: "last 1h".to_owned() }
    }

    #[test]
    fn eighty_columns_show_what_matters_most() {
        insta::assert_snapshot!(render(&samples::list(), &context(), &style(80)));
    }

    #[test]
    fn a_hundred_and_twenty_columns_add_start_services_logs_tokens_and_cost() {
        insta::assert_snapshot!(render(&samples::list(), &context(), &style(120)));
    }

    #[test]
    fn ascii_colours_and_forty_columns() {
        let page = samples::list();
        let ascii = render(&page, &context(), &Style { ascii: true, ..style(80) });
        assert!(ascii.is_ascii());
        let color = render(&page, &context(), &Style { color: true, ..style(80) });
        let narrow = render(&page, &context(), &style(40));
        insta::assert_snapshot!(format!("{ascii}\n{}\n{narrow}", color.replace('\x1b', "ESC")));
    }

    #[test]
    fn traces_of_checkpoints_name_their_sources_and_those_that_hang_stand_out() {
        let mut page = samples::list();
        page.items = [samples::stuck(), samples::done(), samples::joined()].map(|report| report.trace.summary).into();
        let piped = Style { is_terminal: false, ..style(80) };
        let texts = [style(80), style(120), Style { ascii: true, ..style(80) }, piped];
        insta::assert_snapshot!(texts.map(|style| render(&page, &context(), &style)).join("\n"));
    }

    #[test]
    fn without_a_terminal_nothing_is_cut_folded_or_relative() {
        let piped = Style { is_terminal: false, ..style(40) };
        insta::assert_snapshot!(render(&samples::list(), &context(), &piped));
    }

    #[test]
    fn times_are_written_as_asked() {
        let with = |times, is_terminal| {
            let page = Page { items: samples::list().items[..2].to_vec(), ..samples::list() };
            render(&page, &context(), &Style { times: Some(times), is_terminal, ..style(80) })
        };
        let all = [TimeStyle::Relative, TimeStyle::Local, TimeStyle::Utc];
        let texts = all.map(|times| format!("{}\n{}", with(times, true), with(times, false)));
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn an_empty_list_is_no_text() {
        assert_eq!(render(&Page { items: Vec::new(), ..samples::list() }, &context(), &style(80)), "");
    }

    #[test]
    fn ids_are_as_long_as_it_takes_to_tell_them_apart() {
        let length = |ids: &[&str]| unique_prefix(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        assert_eq!(length(&["4bf92f3577b3", "9c1e07a2aaaa"]), 8);
        assert_eq!(length(&["cli-12345-abc", "cli-12345-abd"]), 13);
        assert_eq!(length(&["cli-12345", "cli-12345-abd"]), 10);
    }

    proptest! {
        #[test]
        fn no_stored_text_breaks_a_line_or_its_width(name in any::<String>(), service in any::<String>(), columns in 1usize..130, ascii: bool) {
            let mut page = samples::list();
            page.items[0].name = Text::from(name);
            page.items[0].service = Text::from(service);
            let style = Style { ascii, ..style(columns) };
            let text = render(&page, &context(), &style);
            prop_assert!(text.lines().all(|line| width(line) <= columns && !line.ends_with(' ')));
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
            prop_assert_eq!(text.lines().count(), render(&samples::list(), &context(), &style).lines().count());
        }
    }
}
