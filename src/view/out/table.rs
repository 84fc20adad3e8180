//! Tables: on a terminal fitted to its width with paint, elsewhere plain columns for other programs.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, presets};

use super::canvas::{Line, MOST_PLAIN_COLUMNS, Paint, Sheet};
use super::format;
use super::style::Style;
use super::text::{cut, width};

/// One column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    title: String,
    right: bool,
    gap: usize,
    limit: Option<usize>,
    stretches: bool,
    cells: Vec<(String, Paint)>,
}

impl Column {
    /// A column of text, one space after the one before it.
    pub fn left(title: &str) -> Column {
        Column { title: title.to_owned(), right: false, gap: 1, limit: None, stretches: false, cells: Vec::new() }
    }

    /// A column of numbers.
    pub fn right(title: &str) -> Column {
        Column { right: true, ..Column::left(title) }
    }

    /// Sets how many spaces stand before the column on a terminal.
    pub fn gap(mut self, gap: usize) -> Column {
        self.gap = gap;
        self
    }

    /// Sets how wide the column is at most on a terminal; longer text is cut.
    pub fn limit(mut self, columns: usize) -> Column {
        self.limit = Some(columns);
        self
    }

    /// Gives the column what room the others leave on a terminal; longer text is cut.
    pub fn stretch(mut self) -> Column {
        self.stretches = true;
        self
    }

    /// Sets how wide the column is at least: room for text that is not there yet.
    pub fn at_least(mut self, columns: usize) -> Column {
        let missing = columns.saturating_sub(width(&self.title));
        match self.right {
            true => self.title.insert_str(0, &" ".repeat(missing)),
            false => self.title.push_str(&" ".repeat(missing)),
        }
        self
    }

    /// Adds a cell of escaped text for each row.
    pub fn fill<R, T: Into<String>>(
        mut self,
        rows: impl IntoIterator<Item = R>,
        cell: impl Fn(R) -> (T, Paint),
    ) -> Column {
        self.cells.extend(rows.into_iter().map(cell).map(|(text, paint)| (text.into(), paint)));
        self
    }

    /// Adds a cell of escaped text without paint for each row.
    pub fn plain<R, T: Into<String>>(self, rows: impl IntoIterator<Item = R>, cell: impl Fn(R) -> T) -> Column {
        self.fill(rows, |row| (cell(row), Paint::Plain))
    }

    fn width(&self) -> usize {
        let widest = self.cells.iter().map(|(text, _)| width(text)).max().unwrap_or(0).max(width(&self.title));
        self.limit.map_or(widest, |limit| widest.min(limit.max(width(&self.title))))
    }
}

/// A cell of escaped text; a dim dot where there is none.
pub fn or_dot(text: Option<String>, paint: Paint) -> (String, Paint) {
    text.map_or(("·".to_owned(), Paint::Dim), |text| (text, paint))
}

/// A cell with a count; a dim dot for zero.
pub fn count_or_dot(number: u64, paint: Paint) -> (String, Paint) {
    or_dot((number > 0).then(|| format::count(number)), paint)
}

/// A table, column by column.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The columns, from left to right, all of one length.
    pub columns: Vec<Column>,
}

/// Narrowest a column that gives way may become.
const MIN_STRETCH: usize = 8;

impl Table {
    /// A table of columns that are empty yet, and rows with a cell of escaped text for each of them.
    pub fn of_rows<const N: usize>(
        columns: [Column; N],
        rows: impl IntoIterator<Item = [(String, Paint); N]>,
    ) -> Table {
        let mut columns = Vec::from(columns);
        for row in rows {
            columns.iter_mut().zip(row).for_each(|(column, cell)| column.cells.push(cell));
        }
        Table { columns }
    }

    /// Writes header and rows to a sheet.
    pub fn write(&self, sheet: &mut Sheet<'_>, style: &Style) {
        match style.is_terminal {
            true => self.lines(style.width).for_each(|line| sheet.line(line)),
            false => self.write_plain(sheet, MOST_PLAIN_COLUMNS.max(style.width)),
        }
    }

    /// How many columns of a terminal the table takes before any of its own gives way.
    pub fn width(&self) -> usize {
        let gaps: usize = self.columns.iter().skip(1).map(|column| column.gap).sum();
        gaps + self.columns.iter().map(Column::width).sum::<usize>()
    }

    /// The header and the rows in so many columns of a terminal.
    pub fn lines(&self, total: usize) -> impl Iterator<Item = Line> {
        let widths = self.widths(total);
        let header = row(&self.columns, &widths, |column| (&column.title, Paint::Dim));
        let rows = (0..self.rows()).map(move |number| {
            row(&self.columns, &widths, |column| {
                let (text, paint) = &column.cells[number];
                (text, *paint)
            })
        });
        std::iter::once(header).chain(rows)
    }

    fn widths(&self, total: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(Column::width).collect();
        if let Some(place) = self.columns.iter().position(|column| column.stretches) {
            let others = self.width() - widths[place];
            widths[place] = total.saturating_sub(others).max(MIN_STRETCH.min(widths[place]));
        }
        widths
    }

    /// Writes plain columns; of a cell so many columns at most, since every row is as long as the longest.
    fn write_plain(&self, sheet: &mut Sheet<'_>, most: usize) {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.columns.iter().map(|column| column.title.trim()));
        for number in 0..self.rows() {
            table.add_row(self.columns.iter().map(|column| cut(&column.cells[number].0, most)));
        }
        for (column, plain) in self.columns.iter().zip(table.column_iter_mut()) {
            plain.set_padding((0, 2)).set_constraint(ColumnConstraint::ContentWidth);
            plain.set_cell_alignment(if column.right { CellAlignment::Right } else { CellAlignment::Left });
        }
        table.lines().for_each(|line| sheet.line(Line::painted(line, Paint::Plain)));
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.cells.len())
    }
}

fn row<'a>(columns: &'a [Column], widths: &[usize], cell: impl Fn(&'a Column) -> (&'a String, Paint)) -> Line {
    let mut line = Line::new();
    for (place, (column, width)) in columns.iter().zip(widths).enumerate() {
        let start = line.width() + if place == 0 { 0 } else { column.gap };
        let (text, paint) = cell(column);
        let text = cut(text, *width);
        line.pad(start);
        match column.right {
            true => line.add_right(text, *width, paint),
            false => line.add(text, paint).pad(start + width),
        };
    }
    line
}

/// Draws a bar of eighth blocks, `value` of `largest` of so many cells; never empty for a value above zero.
pub fn bar(value: u64, largest: u64, cells: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if value == 0 || largest == 0 {
        return String::new();
    }
    let eighths = (value.min(largest) as f64 / largest as f64 * (cells * 8) as f64).round() as usize;
    let eighths = eighths.clamp(1, cells * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// Draws values as a line of small columns, relative to the largest.
pub fn sparkline(values: &[u64]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let largest = values.iter().copied().max().unwrap_or(0).max(1);
    let level = |value: &u64| LEVELS[(*value as f64 / largest as f64 * 7.0).ceil().clamp(0.0, 7.0) as usize];
    values.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::out::style::sample_style as style;

    fn table() -> Table {
        let rows = [("a long name", "7"), ("日本", "12,345")];
        let name = Column::left("NAME").stretch().plain(rows, |(text, _)| text);
        let calls = Column::right("CALLS").gap(2).plain(rows, |(_, number)| number);
        Table { columns: vec![name, calls] }
    }

    fn written(style: &Style) -> String {
        let mut sheet = Sheet::new(style);
        table().write(&mut sheet, style);
        sheet.finish()
    }

    #[test]
    fn on_a_terminal_the_stretching_column_fills_or_gives_way() {
        assert_eq!(written(&style(22)), "NAME             CALLS\na long name          7\n日本            12,345\n");
        assert_eq!(written(&style(16)), "NAME       CALLS\na long …       7\n日本      12,345\n");
    }

    #[test]
    fn elsewhere_columns_are_as_wide_as_they_need() {
        let plain = Style { is_terminal: false, ..style(16) };
        assert_eq!(written(&plain), "NAME          CALLS\na long name       7\n日本         12,345\n");
    }

    #[test]
    fn no_table_grows_with_a_cell() {
        let name = "n".repeat(4 << 20);
        let rows = (0..50).map(|number| if number == 7 { name.as_str() } else { "short" });
        let cells = Column::left("NAME").plain(rows.clone(), |text| text);
        let table = Table { columns: vec![cells, Column::right("CALLS").plain(rows, |_| "1")] };
        for style in [style(80), Style { is_terminal: false, ..style(80) }] {
            let mut sheet = Sheet::new(&style);
            table.write(&mut sheet, &style);
            let text = sheet.finish();
            assert!(text.lines().all(|line| width(line) <= MOST_PLAIN_COLUMNS + 7), "{}", text.len());
            assert!(text.contains("nnn…"), "what is cut off is said");
        }
    }

    #[test]
    fn bars_show_the_smallest_value_and_fill_with_the_largest() {
        assert_eq!([0, 1, 50, 100, 900].map(|value| bar(value, 100, 4)), ["", "▏", "██", "████", "████"]);
        assert_eq!(sparkline(&[0, 1, 50, 100]), "▁▂▅█");
    }
}
