//! Lines and sheets: text with paint, laid out in columns, then written the way the place it goes to wants it.
//!
//! Views draw with any symbol and paint; only here is decided whether colours are written, symbols turned into ASCII,
//! long lines cut and trailing spaces dropped.

use owo_colors::Style as Ink;

use super::style::Style;
use super::text::{ascii_symbol, char_width, cut, escape, width};

/// How many columns of a name, or of a cell of a table, are written where there is no terminal.
pub const MOST_PLAIN_COLUMNS: usize = 1_000;
/// Of stored text no more bytes than this are drawn: pictures are read by people, and JSON has all of it.
const MOST_STORED_BYTES: usize = 64 << 10;
/// Most columns that stored text is indented.
const MOST_INDENT: usize = 24;

/// What a piece of a line looks like when colours are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As the terminal writes all text.
    Plain,
    /// Stands out.
    Bold,
    /// Steps back: guides, units, context.
    Dim,
    /// Says that something is fine.
    Good,
    /// Says that something failed.
    Bad,
    /// Says that something is worth a look.
    Warn,
    /// Marks what was looked for.
    Found,
    /// One of a few colours that tell services apart.
    Hue(usize),
}

impl Paint {
    fn ink(self) -> Ink {
        let ink = Ink::new();
        match self {
            Paint::Plain => ink,
            Paint::Bold => ink.bold(),
            Paint::Dim => ink.dimmed(),
            Paint::Good => ink.green(),
            Paint::Bad => ink.red(),
            Paint::Warn => ink.yellow(),
            Paint::Found => ink.red().bold(),
            Paint::Hue(number) => match number % 6 {
                0 => ink.cyan(),
                1 => ink.blue(),
                2 => ink.magenta(),
                3 => ink.green(),
                4 => ink.bright_blue(),
                _ => ink.bright_magenta(),
            },
        }
    }
}

/// One line under construction. Text put into it must be escaped already.
#[derive(Debug, Clone, Default)]
pub struct Line {
    parts: Vec<(String, Paint)>,
    width: usize,
}

impl Line {
    /// An empty line.
    pub fn new() -> Line {
        Line::default()
    }

    /// A line of one piece.
    pub fn painted(text: impl Into<String>, paint: Paint) -> Line {
        let mut line = Line::new();
        line.add(text, paint);
        line
    }

    /// How many columns the line takes.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The text of the line without paint.
    pub fn text(&self) -> String {
        self.parts.iter().map(|(text, _)| text.as_str()).collect()
    }

    /// Puts text at the end of the line.
    pub fn add(&mut self, text: impl Into<String>, paint: Paint) -> &mut Line {
        let text = text.into();
        if text.is_empty() {
            return self;
        }
        self.width += width(&text);
        match self.parts.last_mut() {
            Some((last, known)) if *known == paint => last.push_str(&text),
            _ => self.parts.push((text, paint)),
        }
        self
    }

    /// The line with text put at its end.
    pub fn with(mut self, text: impl Into<String>, paint: Paint) -> Line {
        self.add(text, paint);
        self
    }

    /// The line behind so many spaces.
    pub fn indented(self, columns: usize) -> Line {
        let mut line = Line::new();
        line.pad(columns).append(self);
        line
    }

    /// Puts text at the end of the line, pushed right so that it ends `columns` further on.
    pub fn add_right(&mut self, text: impl Into<String>, columns: usize, paint: Paint) -> &mut Line {
        let text = text.into();
        let column = self.width + columns.saturating_sub(width(&text));
        self.pad(column).add(text, paint)
    }

    /// Fills the line with spaces up to a column.
    pub fn pad(&mut self, column: usize) -> &mut Line {
        if column > self.width {
            self.add(" ".repeat(column - self.width), Paint::Plain);
        }
        self
    }

    /// Puts another line at the end of the line.
    pub fn append(&mut self, other: Line) -> &mut Line {
        other.parts.into_iter().fold(self, |line, (text, paint)| line.add(text, paint))
    }

    /// Takes away what of the line goes beyond so many columns.
    pub fn cut(&mut self, columns: usize) -> &mut Line {
        if self.width <= columns {
            return self;
        }
        let parts = std::mem::take(&mut self.parts);
        self.width = 0;
        for (text, paint) in parts {
            let room = columns - self.width;
            let fits = width(&text) < room;
            // A piece that fills the room exactly is cut too, since more follows it.
            let text = if fits { text } else { cut(&format!("{text}…"), room).into_owned() };
            self.add(text, paint);
            if !fits {
                break;
            }
        }
        self
    }

    /// Breaks the line into rows; how many columns the first takes at most, and the others. Breaks at spaces, and
    /// inside a word only when it is longer than a row.
    pub(in crate::view) fn wrap(self, first: usize, others: usize) -> Vec<Line> {
        let (mut rows, mut row) = (Vec::new(), Vec::new());
        let (mut room, mut taken) = (first, 0);
        // Where the last word of the row begins, and whether there is one.
        let (mut last_word, mut has_words) = (None, false);
        for (c, paint) in self.parts.iter().flat_map(|(text, paint)| text.chars().map(move |c| (c, *paint))) {
            // Spaces at the end of a row do not show.
            if c != ' ' && taken + char_width(c) > room && !row.is_empty() {
                let rest = row.split_off(last_word.take().unwrap_or(row.len()));
                rows.push(Line::of_letters(&row));
                (row, room) = (rest, others);
                taken = row.iter().map(|(c, _)| char_width(*c)).sum();
                has_words = !row.is_empty();
            }
            taken += char_width(c);
            row.push((c, paint));
            has_words |= c != ' ';
            if c == ' ' && has_words {
                last_word = Some(row.len());
            }
        }
        rows.push(Line::of_letters(&row));
        rows
    }

    /// A line of letters with their paint, without spaces at the end.
    fn of_letters(letters: &[(char, Paint)]) -> Line {
        let end = letters.iter().rposition(|(c, _)| *c != ' ').map_or(0, |last| last + 1);
        let mut line = Line::new();
        for (c, paint) in letters.iter().take(end) {
            line.add(*c, *paint);
        }
        line
    }

    fn write(&self, out: &mut String, style: &Style) {
        let end = self.parts.iter().rposition(|(text, _)| !text.trim_end_matches(' ').is_empty());
        let kept = end.map_or(0, |end| end + 1);
        for (place, (text, paint)) in self.parts.iter().take(kept).enumerate() {
            let text = if place + 1 == kept { text.trim_end_matches(' ') } else { text };
            let text = if style.ascii { text.chars().map(ascii_symbol).collect() } else { text.to_owned() };
            if style.color && *paint != Paint::Plain {
                out.push_str(&paint.ink().style(text).to_string());
            } else {
                out.push_str(&text);
            }
        }
        out.push('\n');
    }
}

/// The text a view returns, line by line.
#[derive(Debug)]
pub struct Sheet<'a> {
    style: &'a Style,
    text: String,
}

impl<'a> Sheet<'a> {
    /// An empty sheet.
    pub fn new(style: &'a Style) -> Sheet<'a> {
        Sheet { style, text: String::new() }
    }

    /// Adds a line; on a terminal it is cut to the width.
    pub fn line(&mut self, mut line: Line) {
        if self.style.is_terminal {
            line.cut(self.style.width);
        }
        line.write(&mut self.text, self.style);
    }

    /// Adds a line to be copied, which is never cut: the terminal breaks it without putting anything into it.
    pub fn whole(&mut self, line: Line) {
        line.write(&mut self.text, self.style);
    }

    /// Adds a line; on a terminal, on as many lines as the width asks for, those after the first indented. There are so
    /// many lines at most; what is cut off becomes `…`.
    pub fn wrapped(&mut self, most: usize, indent: usize, line: Line) {
        if !self.style.is_terminal {
            return self.line(line);
        }
        let others = self.style.width.saturating_sub(indent).max(1);
        let rows = line.wrap(self.style.width, others);
        let is_cut = rows.len() > most;
        for (place, mut row) in rows.into_iter().take(most).enumerate() {
            if is_cut && place + 1 == most {
                row.add(" …", Paint::Dim).cut(others);
            }
            self.line(row.indented(if place == 0 { 0 } else { indent }));
        }
    }

    /// Adds an empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Stored text, made harmless; of very long text the beginning.
    pub fn stored(&self, text: &str) -> String {
        let shown = text.get(..text.floor_char_boundary(MOST_STORED_BYTES)).unwrap_or(text);
        let mut safe = escape(shown, self.style.ascii).into_owned();
        if shown.len() < text.len() {
            safe.push('…');
        }
        safe
    }

    /// A stored name (of a service, an operation, a key), made harmless; nobody tells two apart by what is cut of it.
    pub fn name(&self, text: &str) -> String {
        cut(&self.stored(text), MOST_PLAIN_COLUMNS).into_owned()
    }

    /// One line of stored text, made harmless: its indentation stays, tabs in that become spaces.
    pub fn stored_line(&self, text: &str) -> String {
        let body = text.trim_start_matches(['\t', ' ']);
        let indent: usize = text[..text.len() - body.len()].chars().map(|c| if c == '\t' { 4 } else { 1 }).sum();
        format!("{}{}", " ".repeat(indent.min(MOST_INDENT)), self.stored(body.trim_end()))
    }

    /// Adds items separated by ` · `, on as many indented lines as the width asks for.
    pub fn items(&mut self, indent: usize, items: Vec<Line>) {
        let mut line = Line::new();
        for item in items {
            let is_first = line.width() <= indent;
            if !is_first && self.style.is_terminal && line.width() + 3 + item.width() > self.style.width {
                self.line(std::mem::take(&mut line));
            }
            match line.width() <= indent {
                true => line.pad(indent),
                false => line.add(" · ", Paint::Dim),
            };
            line.append(item);
        }
        if line.width() > 0 {
            self.line(line);
        }
    }

    /// The text of the whole sheet.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::out::style::sample_style as style;

    fn written(line: Line, style: &Style) -> String {
        let mut sheet = Sheet::new(style);
        sheet.line(line);
        sheet.finish()
    }

    #[test]
    fn a_line_is_cut_at_the_width_only_on_a_terminal() {
        let mut line = Line::painted("abc", Paint::Bold);
        line.add("defgh", Paint::Plain);
        assert_eq!(written(line.clone(), &style(5)), "abcd…\n");
        assert_eq!(written(line.clone(), &style(3)), "ab…\n");
        assert_eq!(written(line.clone(), &style(8)), "abcdefgh\n");
        assert_eq!(written(line, &Style { is_terminal: false, ..style(5) }), "abcdefgh\n");
    }

    #[test]
    fn trailing_spaces_are_never_written_and_colours_only_when_wanted() {
        let mut line = Line::painted("✗", Paint::Bad);
        line.add(" x  ", Paint::Plain).add("   ", Paint::Dim);
        assert_eq!(written(line.clone(), &style(80)), "✗ x\n");
        assert_eq!(written(line.clone(), &Style { color: true, ..style(80) }), "\x1b[31m✗\x1b[0m x\n");
        assert_eq!(written(line, &Style { ascii: true, ..style(80) }), "x x\n");
    }

    #[test]
    fn a_long_text_wraps_at_words_and_only_on_a_terminal() {
        let wrapped = |text: &str, style: &Style| {
            let mut sheet = Sheet::new(style);
            let mut line = Line::painted(text, Paint::Plain);
            sheet.wrapped(usize::MAX, 2, line.add(" end", Paint::Dim).clone());
            sheet.finish()
        };
        assert_eq!(wrapped("one two three", &style(9)), "one two\n  three\n  end\n");
        assert_eq!(wrapped("  a-long-word x", &style(9)), "  a-long-\n  word x\n  end\n");
        assert_eq!(wrapped("日本語 日本", &style(7)), "日本語\n  日本\n  end\n");
        assert_eq!(wrapped("one          two", &style(6)), "one\n  two\n  end\n");
        assert_eq!(wrapped("one two three", &Style { is_terminal: false, ..style(9) }), "one two three end\n");
        let spaces = " ".repeat(1_000_000);
        assert_eq!(wrapped(&format!("{spaces}x{spaces}y"), &style(9)), "\n  x\n  y end\n");
    }

    #[test]
    fn items_wrap_between_them() {
        let style = style(12);
        let mut sheet = Sheet::new(&style);
        sheet.items(2, ["one", "two", "three"].map(|word| Line::painted(word, Paint::Plain)).into());
        assert_eq!(sheet.finish(), "  one · two\n  three\n");
    }
}
