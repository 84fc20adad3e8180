//! Answers about many traces: what sets some apart, and which attributes they have; and saved filters.

use super::document::{SCHEMA, document};
use crate::model::{AttributeCount, Cause, CausePair, CauseTerm, Contrast, SavedFilter};

document! {
    Contrast as contrast {
        "schema" = SCHEMA,
        "selected_traces": selected_traces,
        "other_traces": other_traces,
        "left_out_traces": left_out_traces,
        "candidates": candidates,
        "causes": causes,
    }
    from(json) {}
}

document! {
    Cause as cause {
        "terms": terms,
        "selected": selected,
        "selected_share": selected_share,
        "others": others,
        "other_share": other_share,
        "p_value": p_value,
        "same": same,
    }
    from(json) {}
}

document! {
    CauseTerm as term {
        "filter" = term.filter(),
        "pairs": pairs,
    }
    from(json) {}
}

document! {
    CausePair as pair {
        "key": key,
        "value": value,
    }
    from(json) {}
}

document! {
    AttributeCount as row {
        "key": key,
        "value": value,
        "types": types,
        "scopes": scopes,
        "count": count,
    }
    from(json) {}
}

document! {
    SavedFilter as saved {
        "name": name,
        "filter": filter,
        "saved_time": saved,
    }
    from(json) {}
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::model::json::{object, read};

    #[test]
    fn what_sets_traces_apart_reads_back_as_it_was_written_and_names_the_filter_of_each_term() {
        let pair = |key: &str, value: &str| CausePair { key: key.to_owned(), value: value.to_owned() };
        let term = CauseTerm { pairs: vec![pair("name", "say \"hi\""), pair("zone", "ü")] };
        let cause =
            Cause { terms: vec![term.clone()], selected: 3, p_value: 1e-9, same: vec![term], ..Cause::default() };
        let contrast = Contrast { selected_traces: 3, causes: vec![cause], ..Contrast::default() };
        let json = Json::Object(object(&contrast));
        assert_eq!(json["causes"][0]["terms"][0]["filter"], r#"name="say \"hi\"" zone="ü""#);
        assert_eq!(read::<Contrast>(&json), Ok(contrast));
    }
}
