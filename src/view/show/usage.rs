//! Tokens and cost in the columns of a span.

use crate::query::trace::usage::TokenSum;
use crate::view::out::format;

/// What stands for none.
const NONE: &str = "·";

/// `8.1k→412`; `·` for none.
pub(super) fn tokens(sum: Option<&TokenSum>) -> String {
    let sum = sum.filter(|sum| (sum.input, sum.output) != (0, 0));
    sum.map_or(NONE.to_owned(), |sum| format::tokens(sum.input, sum.output))
}

/// `$0.0061`; `·` for none.
pub(super) fn cost(sum: Option<&TokenSum>) -> String {
    sum.and_then(TokenSum::cost).map_or(NONE.to_owned(), |cost| format::cost(&cost))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::samples;

    #[test]
    fn agents_without_usage_show_the_sum_of_their_calls() {
        let report = samples::agent();
        let sums = report.token_sums().expect("usage");
        let shown: Vec<_> = sums.iter().map(|sum| (tokens(Some(sum)), cost(Some(sum)))).collect();
        assert_eq!(shown[0], ("8.1k→412".to_owned(), "$0.0061".to_owned()));
        assert_eq!(shown[1], shown[0]);
        assert_eq!(shown[2], ("812→64".to_owned(), "$0.0016".to_owned()));
        assert_eq!(shown[3], ("·".to_owned(), "·".to_owned()));
        assert_eq!(samples::checkout().token_sums(), None);
    }
}
