//! Checkpoints made into operations: an entry and the exit that belongs to it, and which operation ran inside which.
//!
//! Clients send no identifier that ties an exit to its entry, so they are matched like brackets, separately for each
//! source, operation and endpoint. Pure: what is drawn, counted or still open is decided by others.

use std::collections::HashMap;

use crate::model::{Checkpoint, Direction, Text};

/// What a list of checkpoints says; each checkpoint is in one operation or among the strays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Paired {
    /// The operations in order of entry: by time, then as the checkpoints were given.
    pub operations: Vec<Operation>,
    /// Indices of the checkpoints that belong to no operation, in order of time: exits without an entry before them,
    /// and directions that are neither.
    pub strays: Vec<usize>,
}

/// One run of an operation. Indices of checkpoints count in the list that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The component the operation ran in.
    pub source: Text,
    /// What kind of operation ran.
    pub operation: Text,
    /// Which operation of that kind ran.
    pub endpoint: Text,
    /// The machine that noted the entry.
    pub hostname: Text,
    /// Index of the checkpoint of the entry.
    pub enter: usize,
    /// Index of the checkpoint of the exit; `None` while the operation is open.
    pub exit: Option<usize>,
    /// Index, in [`Paired::operations`], of the innermost operation this one ran inside; always a smaller index. An
    /// operation of the same source comes first, whatever ran in other sources in between.
    pub parent: Option<usize>,
    /// How many operations this one ran inside, along the parents.
    pub depth: usize,
}

impl Operation {
    /// How long the operation ran, in milliseconds; `None` while it is open. `checkpoints` is the list it was made
    /// from.
    pub fn duration_ms(&self, checkpoints: &[Checkpoint]) -> Option<f64> {
        let time = |index: usize| checkpoints.get(index).map(|checkpoint| checkpoint.timestamp_ms);
        Some(time(self.exit?)? - time(self.enter)?)
    }
}

/// Pairs the checkpoints of one trace; O(n log n) for any input.
///
/// An exit closes the latest open entry of its source, operation and endpoint. Of checkpoints with one time, the one
/// given first comes first.
pub fn pair(checkpoints: &[Checkpoint]) -> Paired {
    let mut order: Vec<usize> = (0..checkpoints.len()).collect();
    order.sort_by(|&left, &right| checkpoints[left].timestamp_ms.total_cmp(&checkpoints[right].timestamp_ms));
    let mut paired = Paired::default();
    // Where each operation's exit stands in the order of time, which has no ties; open ones end last.
    let mut ends: Vec<usize> = Vec::new();
    // The default hasher, because the keys come from outside.
    let mut open: HashMap<[&str; 3], Vec<usize>> = HashMap::new();
    for (rank, &index) in order.iter().enumerate() {
        let checkpoint = &checkpoints[index];
        let key = [checkpoint.source_id.as_str(), checkpoint.operation.as_str(), checkpoint.endpoint.as_str()];
        match checkpoint.direction {
            Direction::Enter => {
                open.entry(key).or_default().push(paired.operations.len());
                paired.operations.push(entered(checkpoint, index));
                ends.push(usize::MAX);
            }
            Direction::Exit => match open.get_mut(&key).and_then(Vec::pop) {
                Some(operation) => {
                    paired.operations[operation].exit = Some(index);
                    ends[operation] = rank;
                }
                None => paired.strays.push(index),
            },
            Direction::Other(_) => paired.strays.push(index),
        }
    }
    nest(&mut paired.operations, &ends);
    paired
}

fn entered(checkpoint: &Checkpoint, index: usize) -> Operation {
    Operation {
        source: checkpoint.source_id.clone(),
        operation: checkpoint.operation.clone(),
        endpoint: checkpoint.endpoint.clone(),
        hostname: checkpoint.hostname.clone(),
        enter: index,
        exit: None,
        parent: None,
        depth: 0,
    }
}

/// Finds each operation's parent: the latest to begin before it that did not end before it.
///
/// One pass with the candidates on a stack. Whoever ends before the operation at hand can go for good: anything later
/// that fits inside it fits inside the operation at hand, which began later.
fn nest(operations: &mut [Operation], ends: &[usize]) {
    let mut of_all: Vec<usize> = Vec::new();
    let mut of_source: HashMap<Text, Vec<usize>> = HashMap::new();
    for index in 0..operations.len() {
        let own = of_source.entry(operations[index].source.clone()).or_default();
        let parent_of_all = enclosing(&mut of_all, index, ends);
        let parent = enclosing(own, index, ends).or(parent_of_all);
        operations[index].parent = parent;
        operations[index].depth = parent.map_or(0, |parent| operations[parent].depth + 1);
    }
}

fn enclosing(candidates: &mut Vec<usize>, index: usize, ends: &[usize]) -> Option<usize> {
    while candidates.last().is_some_and(|&candidate| ends[candidate] < ends[index]) {
        candidates.pop();
    }
    let parent = candidates.last().copied();
    candidates.push(index);
    parent
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::TraceId;

    /// `"10 MA -> GET"`: time, source, direction, endpoint.
    fn checkpoint(line: &str) -> Checkpoint {
        let words: Vec<&str> = line.split(' ').collect();
        Checkpoint {
            source_id: Text::from(words[1]),
            correlation_id: Text::from("c"),
            trace_id: TraceId::parse("c").expect("valid"),
            timestamp_ms: words[0].parse().expect("a number"),
            suffix: Text::EMPTY,
            direction: Direction::parse(words[2]),
            operation: Text::from("REST"),
            endpoint: Text::from(words[3]),
            data: None,
            hostname: Text::from("h"),
            raw_line: None,
            project: Text::EMPTY,
        }
    }

    /// Draws the operations as `endpoint@entry-exit`, indented by depth, and the strays behind them.
    fn drawn(lines: &[&str]) -> String {
        let checkpoints: Vec<Checkpoint> = lines.iter().map(|line| checkpoint(line)).collect();
        let paired = pair(&checkpoints);
        let mut rows: Vec<String> = Vec::new();
        for operation in &paired.operations {
            let time = |index: usize| checkpoints[index].timestamp_ms;
            let end = operation.exit.map_or("open".to_owned(), |exit| time(exit).to_string());
            let indent = "  ".repeat(operation.depth);
            rows.push(format!("{indent}{} {}@{}-{end}", operation.source, operation.endpoint, time(operation.enter)));
        }
        rows.push(format!("strays {:?}", paired.strays));
        rows.join("\n")
    }

    #[test]
    fn an_exit_closes_the_entry_of_its_source_operation_and_endpoint() {
        insta::assert_snapshot!(drawn(&["1 MA -> a", "2 WS -> a", "3 MA -> b", "4 MA <- a", "5 WS <- a", "6 MA <- b"]), @r"
        MA a@1-4
        WS a@2-5
        MA b@3-6
        strays []
        ");
    }

    #[test]
    fn repeated_entries_close_from_the_inside_out() {
        insta::assert_snapshot!(drawn(&["1 MA -> a", "2 MA -> a", "3 MA <- a", "4 MA <- a", "5 MA -> a", "6 MA <- a"]), @r"
        MA a@1-4
          MA a@2-3
        MA a@5-6
        strays []
        ");
    }

    #[test]
    fn order_is_by_time_then_as_given() {
        insta::assert_snapshot!(drawn(&["5 MA <- a", "1 MA -> a", "7 MA -> b", "7 MA <- b", "9 MA <- c", "9 MA -> c"]), @r"
        MA a@1-5
        MA b@7-7
        MA c@9-open
        strays [4]
        ");
    }

    #[test]
    fn an_entry_without_exit_stays_open_and_strays_are_told() {
        insta::assert_snapshot!(drawn(&["1 MA <- a", "2 MA -> a", "3 MA => a", "4 MA <- b"]), @r"
        MA a@2-open
        strays [0, 2, 3]
        ");
    }

    #[test]
    fn an_operation_lies_in_the_innermost_one_of_its_source_else_of_any() {
        let lines =
            ["1 MA -> a", "2 WS -> b", "3 MA -> c", "4 WK -> d", "5 WK <- d", "6 MA <- c", "7 WS <- b", "8 MA <- a"];
        insta::assert_snapshot!(drawn(&lines), @r"
        MA a@1-8
          WS b@2-7
          MA c@3-6
            WK d@4-5
        strays []
        ");
    }

    #[test]
    fn a_hundred_thousand_open_entries_are_no_problem() {
        let checkpoints: Vec<Checkpoint> = (0..100_000).map(|time| checkpoint(&format!("{time} MA -> a"))).collect();
        let paired = pair(&checkpoints);
        assert_eq!(paired.operations.last().map(|operation| operation.depth), Some(99_999));
    }

    #[test]
    fn a_duration_is_the_time_between_the_two() {
        let checkpoints = [checkpoint("1.25 MA -> a"), checkpoint("3.5 MA <- a"), checkpoint("4 MA -> a")];
        let durations: Vec<_> = pair(&checkpoints).operations.iter().map(|one| one.duration_ms(&checkpoints)).collect();
        assert_eq!(durations, [Some(2.25), None]);
    }

    fn any_checkpoint() -> impl Strategy<Value = Checkpoint> {
        let time = prop_oneof![4 => (0..12_u8).prop_map(f64::from), 1 => any::<f64>()];
        (time, "[AB]", prop_oneof![4 => "->", 4 => "<-", 1 => ".{0,3}"], "[xy]").prop_map(
            |(time, source, direction, endpoint)| {
                let mut checkpoint = checkpoint(&format!("0 {source} -> {endpoint}"));
                checkpoint.timestamp_ms = time;
                checkpoint.direction = Direction::parse(&direction);
                checkpoint
            },
        )
    }

    /// The definition, word by word, in quadratic time.
    fn parent_by_definition(operations: &[Operation], checkpoints: &[Checkpoint], child: usize) -> Option<usize> {
        let place = |index: usize| (checkpoints[index].timestamp_ms, index);
        let later = |left: usize, right: usize| {
            let ((left, left_index), (right, right_index)) = (place(left), place(right));
            left.total_cmp(&right).then(left_index.cmp(&right_index)).is_ge()
        };
        let contains = |candidate: &Operation| match (candidate.exit, operations[child].exit) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(outer), Some(inner)) => later(outer, inner),
        };
        let innermost = |same_source: bool| {
            (0..child).rev().find(|&candidate| {
                let fits = !same_source || operations[candidate].source == operations[child].source;
                fits && contains(&operations[candidate])
            })
        };
        innermost(true).or(innermost(false))
    }

    proptest! {
        #[test]
        fn every_checkpoint_appears_exactly_once(checkpoints in proptest::collection::vec(any_checkpoint(), 0..40)) {
            let paired = pair(&checkpoints);
            let ends = paired.operations.iter().flat_map(|one| [Some(one.enter), one.exit]).flatten();
            let mut all: Vec<usize> = ends.chain(paired.strays.iter().copied()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..checkpoints.len()).collect::<Vec<_>>());
        }

        #[test]
        fn pairs_match_and_parents_are_the_innermost_that_contain(checkpoints in proptest::collection::vec(any_checkpoint(), 0..40)) {
            let paired = pair(&checkpoints);
            let open_keys: HashSet<_> = paired.operations.iter().filter(|one| one.exit.is_none())
                .map(|one| (&one.source, &one.endpoint)).collect();
            for (index, operation) in paired.operations.iter().enumerate() {
                let enter = &checkpoints[operation.enter];
                prop_assert_eq!(&enter.direction, &Direction::Enter);
                if let Some(exit) = operation.exit.map(|exit| &checkpoints[exit]) {
                    prop_assert_eq!(&exit.direction, &Direction::Exit);
                    prop_assert_eq!((&exit.source_id, &exit.endpoint), (&enter.source_id, &enter.endpoint));
                    prop_assert!(exit.timestamp_ms.total_cmp(&enter.timestamp_ms).is_ge());
                }
                prop_assert_eq!(operation.parent, parent_by_definition(&paired.operations, &checkpoints, index));
                prop_assert_eq!(operation.depth, operation.parent.map_or(0, |parent| paired.operations[parent].depth + 1));
            }
            // An exit is a stray only while nothing of its kind is open: entries left open all came after it.
            for &stray in &paired.strays {
                let checkpoint = &checkpoints[stray];
                let key = (&checkpoint.source_id, &checkpoint.endpoint);
                if checkpoint.direction == Direction::Exit && open_keys.contains(&key) {
                    let open_before = paired.operations.iter().any(|one| one.exit.is_none()
                        && (&one.source, &one.endpoint) == key
                        && checkpoints[one.enter].timestamp_ms.total_cmp(&checkpoint.timestamp_ms).then(one.enter.cmp(&stray)).is_lt());
                    prop_assert!(!open_before);
                }
            }
        }
    }
}
