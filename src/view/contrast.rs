//! What sets some traces apart, a line a cause that explains itself: `user.id=u-7  18 of 18 · 3 of 412 of the others`.

use crate::model::{Cause, CausePair, CauseTerm, Contrast};
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::Style;
use crate::view::out::text::{cut, width};

/// Columns that a cause takes at most on a terminal.
const MOST_CAUSE_COLUMNS: usize = 44;
/// Further features of the same traces that are named.
const MOST_SAME: usize = 3;

/// Draws the causes, or says that there is none.
pub fn render(contrast: &Contrast, against: bool, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    let others = if against { "others" } else { "others of the same root name" };
    let head = format!(
        "{}, compared with {} {others}",
        format::counted(contrast.selected_traces, "trace"),
        format::count(contrast.other_traces)
    );
    sheet.line(Line::painted(head, Paint::Dim));
    if contrast.causes.is_empty() {
        sheet.line(Line::painted("nothing sets them apart", Paint::Bold));
        return sheet.finish();
    }
    let most = if style.is_terminal { MOST_CAUSE_COLUMNS } else { usize::MAX };
    let named: Vec<String> = contrast.causes.iter().map(|cause| cut(&name(cause, &sheet), most).into()).collect();
    let column = named.iter().map(|name| width(name)).max().unwrap_or(0) + 2;
    for (cause, name) in contrast.causes.iter().zip(named) {
        let mut line = Line::painted(name, Paint::Bold);
        line.pad(column);
        let selected = format!("{} of {}", format::count(cause.selected), format::count(contrast.selected_traces));
        let others = format!("{} of {}", format::count(cause.others), format::count(contrast.other_traces));
        line.add(selected, Paint::Warn).add(" · ", Paint::Dim).add(others, Paint::Plain);
        line.add(" of the others", Paint::Dim);
        sheet.line(line);
        if !cause.same.is_empty() {
            let same: Vec<String> = cause.same.iter().take(MOST_SAME).map(|term| term_name(term, &sheet)).collect();
            let more = cause.same.len().saturating_sub(MOST_SAME);
            let more = if more > 0 { format!(" +{more}") } else { String::new() };
            sheet.line(Line::painted(format!("  the same traces: {}{more}", same.join(", ")), Paint::Dim));
        }
    }
    sheet.finish()
}

/// `region=eu + service.version=v2`
fn name(cause: &Cause, sheet: &Sheet<'_>) -> String {
    cause.terms.iter().map(|term| term_name(term, sheet)).collect::<Vec<_>>().join(" + ")
}

fn term_name(term: &CauseTerm, sheet: &Sheet<'_>) -> String {
    let pairs = term.pairs.iter().map(|CausePair { key, value }| sheet.stored(&format!("{key}={value}")));
    pairs.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style() -> Style {
        let (now, zone) = (crate::model::Nanos(0), jiff::tz::TimeZone::UTC);
        Style { width: 80, color: false, ascii: false, is_terminal: true, times: None, now, zone }
    }

    fn term(key: &str, value: &str) -> CauseTerm {
        CauseTerm { pairs: vec![CausePair { key: key.to_owned(), value: value.to_owned() }] }
    }

    #[test]
    fn each_cause_is_a_line_that_explains_itself() {
        let user = Cause { terms: vec![term("user.id", "u-7")], selected: 18, others: 3, ..Cause::default() };
        let pair = Cause {
            terms: vec![term("region", "eu\x1b"), term("service.version", "v2")],
            selected: 17,
            others: 1_400,
            same: ["a", "b", "c", "d"].map(|key| term(key, "1")).to_vec(),
            ..Cause::default()
        };
        let contrast =
            Contrast { selected_traces: 18, other_traces: 4_120, causes: vec![user, pair], ..Contrast::default() };
        insta::assert_snapshot!(render(&contrast, false, &style()), @r"
        18 traces, compared with 4,120 others of the same root name
        user.id=u-7                         18 of 18 · 3 of 4,120 of the others
        region=eu\x1b + service.version=v2  17 of 18 · 1,400 of 4,120 of the others
          the same traces: a=1, b=1, c=1 +1
        ");
        let nothing = Contrast { causes: Vec::new(), ..contrast };
        insta::assert_snapshot!(render(&nothing, true, &style()), @"
        18 traces, compared with 4,120 others
        nothing sets them apart
        ");
    }
}
