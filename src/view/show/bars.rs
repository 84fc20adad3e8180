//! Time as bars: `█` a span's own time, `░` waiting in its children, `▪` a run of calls, `◆` an event.
//!
//! A cell says what took most of its stretch of time; ends that fill a cell only partly use thinner marks, and a span
//! of no duration is still a thin one.

use crate::model::Nanos;

/// Part of a cell that counts as all of it.
const FULL: f64 = 0.85;
/// Part of a cell that is drawn as half of it.
const HALF: f64 = 0.4;
/// Part of a cell that calls of a run must fill to be drawn as calls.
const BUSY: f64 = 0.25;

/// A stretch of time to draw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) start: Nanos,
    pub(super) end: Nanos,
}

impl Window {
    /// How long the stretch is, at least a nanosecond.
    pub(super) fn length_ns(self) -> u64 {
        self.end.since(self.start).max(1)
    }
}

/// Start and end.
pub(super) type Stretch = (Nanos, Nanos);

/// A window mapped to so many cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ruler {
    start: Nanos,
    length_ns: f64,
    cells: usize,
    /// Cells behind those of the window, for what goes on beyond the window.
    beyond: usize,
}

impl Ruler {
    pub(super) fn new(window: Window, cells: usize, beyond: usize) -> Ruler {
        Ruler { start: window.start, length_ns: window.length_ns() as f64, cells, beyond }
    }

    /// The bar of one span; `children` by start.
    pub(super) fn span(&self, own: Stretch, children: impl Iterator<Item = Stretch>) -> Vec<char> {
        self.bar(own, children, |part, waiting, goes_on| match part {
            _ if waiting >= part * 0.5 => '░',
            _ if part > FULL => '█',
            _ if goes_on && part > HALF => '▌',
            _ if goes_on => '▏',
            _ if part > HALF => '▐',
            _ => '▕',
        })
    }

    /// The bar of a run of equal calls, by start.
    pub(super) fn run(&self, whole: Stretch, calls: impl Iterator<Item = Stretch>) -> Vec<char> {
        self.bar(whole, calls, |_, busy, _| if busy > BUSY { '▪' } else { '·' })
    }

    /// The bar of a stretch of time. A cell is chosen by how much of it the whole fills, how much the `parts` fill, and
    /// whether the whole has begun before it.
    fn bar(
        &self,
        whole: Stretch,
        parts: impl Iterator<Item = Stretch>,
        cell: impl Fn(f64, f64, bool) -> char,
    ) -> Vec<char> {
        let (from, to) = (self.position(whole.0), self.position(whole.1));
        if to <= from {
            return self.thin(from);
        }
        let covered = self.coverage(whole, parts).into_iter().enumerate().take(to.ceil() as usize);
        let cell = |(place, covered)| {
            let left = place as f64;
            let part = (left + 1.0).min(to) - left.max(from);
            if part > 0.0 { cell(part, covered, from <= left) } else { ' ' }
        };
        covered.map(cell).collect()
    }

    /// The bar of a span that has not ended.
    pub(super) fn open(&self, start: Nanos) -> Vec<char> {
        let from = self.cell(start);
        (0..self.cells + self.beyond).map(|place| if place < from { ' ' } else { '▸' }).collect()
    }

    /// An instant and nothing else.
    pub(super) fn only(&self, time: Nanos, mark: char) -> Vec<char> {
        let mut bar = Vec::new();
        self.mark(&mut bar, time, mark);
        bar
    }

    /// Marks an instant.
    pub(super) fn mark(&self, bar: &mut Vec<char>, time: Nanos, mark: char) {
        let place = self.cell(time);
        if bar.len() <= place {
            bar.resize(place + 1, ' ');
        }
        bar[place] = mark;
    }

    fn thin(&self, position: f64) -> Vec<char> {
        let place = (position as usize).min(self.cells.saturating_sub(1));
        let mut bar = vec![' '; place];
        bar.push(if position.fract() >= 0.5 || position as usize > place { '▕' } else { '▏' });
        bar
    }

    fn cell(&self, time: Nanos) -> usize {
        (self.position(time) as usize).min(self.cells.saturating_sub(1))
    }

    /// Where an instant lies, in cells.
    fn position(&self, time: Nanos) -> f64 {
        (time.since(self.start) as f64 / self.length_ns * self.cells as f64).min(self.cells as f64)
    }

    /// How much of each cell the union of `parts` fills, each clipped to `whole`.
    fn coverage(&self, whole: Stretch, parts: impl Iterator<Item = Stretch>) -> Vec<f64> {
        let mut covered = vec![0.0; self.cells];
        let mut done = whole.0;
        for (start, end) in parts {
            let (start, end) = (start.max(done), end.min(whole.1));
            if end <= start {
                continue;
            }
            done = end;
            let (from, to) = (self.position(start), self.position(end));
            let last = (to.ceil() as usize).min(self.cells);
            for (place, cell) in covered.iter_mut().enumerate().take(last).skip(from as usize) {
                *cell += (to.min(place as f64 + 1.0) - from.max(place as f64)).max(0.0);
            }
        }
        covered
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ruler(cells: usize) -> Ruler {
        Ruler::new(Window { start: Nanos(1_000), end: Nanos(2_000) }, cells, 0)
    }

    fn bar(own: (u64, u64), children: &[(u64, u64)]) -> String {
        let children = children.iter().map(|(start, end)| (Nanos(*start), Nanos(*end)));
        ruler(10).span((Nanos(own.0), Nanos(own.1)), children).into_iter().collect()
    }

    #[test]
    fn own_time_is_solid_and_waiting_is_shaded() {
        assert_eq!(bar((1_000, 2_000), &[(1_200, 1_500), (1_400, 1_800)]), "██░░░░░░██");
        assert_eq!(bar((1_300, 1_600), &[]), "   ███");
        assert_eq!(bar((1_000, 1_200), &[(900, 3_000)]), "░░");
    }

    #[test]
    fn ends_that_fill_a_cell_partly_are_thinner() {
        assert_eq!(bar((1_050, 1_250), &[]), "▐█▌");
        assert_eq!(bar((1_080, 1_220), &[]), "▕█▏");
        assert_eq!(bar((1_300, 1_305), &[]), "   ▏");
    }

    #[test]
    fn a_span_of_no_duration_is_a_thin_mark_even_at_the_very_end() {
        assert_eq!(bar((1_500, 1_500), &[]), "     ▏");
        assert_eq!(bar((2_000, 2_000), &[]), "         ▕");
        assert_eq!(bar((1_500, 1_400), &[]), "     ▏");
        let point = Ruler::new(Window { start: Nanos(5), end: Nanos(5) }, 4, 0);
        assert_eq!(point.span((Nanos(5), Nanos(5)), std::iter::empty()), ['▏']);
    }

    #[test]
    fn what_is_open_reaches_beyond_the_window() {
        let ruler = Ruler::new(Window { start: Nanos(1_000), end: Nanos(2_000) }, 5, 3);
        assert_eq!(ruler.open(Nanos(1_500)).into_iter().collect::<String>(), "  ▸▸▸▸▸▸");
        assert_eq!(ruler.open(Nanos(2_000)).into_iter().collect::<String>(), "    ▸▸▸▸");
    }

    #[test]
    fn a_run_is_dotted_where_nothing_is_called() {
        let calls = [(1_000, 1_090), (1_500, 1_600), (1_910, 2_000)].map(|(start, end)| (Nanos(start), Nanos(end)));
        let bar: String = ruler(10).run((Nanos(1_000), Nanos(2_000)), calls.into_iter()).into_iter().collect();
        assert_eq!(bar, "▪····▪···▪");
    }

    proptest! {
        #[test]
        fn no_bar_leaves_its_cells(own in (0u64..3_000, 0u64..3_000), children in prop::collection::vec((0u64..3_000, 0u64..3_000), 0..5), cells in 1usize..50) {
            let mut children: Vec<_> = children.into_iter().map(|(start, end)| (Nanos(start), Nanos(end))).collect();
            children.sort();
            let ruler = ruler(cells);
            let mut bar = ruler.span((Nanos(own.0), Nanos(own.1)), children.into_iter());
            ruler.mark(&mut bar, Nanos(own.1), '◆');
            prop_assert!(bar.len() <= cells);
            prop_assert!(bar.iter().any(|cell| *cell != ' '));
        }
    }
}
