//! Commands that find single records: the flags they share, how the records are found, and what is said of none.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::flags::filter::{self, FilterArgs};
use crate::cli::flags::values::RangeArgs;
use crate::model::RecordKind;
use crate::query::records::{self, FoundRecords, RecordQuery, RecordSort};

/// Which records, in which order.
#[derive(Debug, Args)]
pub struct RecordsArgs {
    #[command(flatten)]
    pub filter: FilterArgs,

    #[command(flatten)]
    range: RangeArgs,

    /// At most this many; 0 is all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// What comes first
    #[arg(long, value_enum, default_value_t)]
    sort: RecordSort,

    /// Turn the order round
    #[arg(long)]
    reverse: bool,
}

impl RecordsArgs {
    /// Finds the records, of one kind where one is given, and says why there are none or not all.
    ///
    /// # Errors
    /// A wrong filter or range, or the store fails.
    pub async fn find(&self, context: &Context, kind: Option<RecordKind>) -> Result<FoundRecords, Failure> {
        let (since, until) = self.range.ends()?;
        let (filter, limit) = (self.filter.read()?, self.limit);
        let (sort, reverse) = (self.sort, self.reverse);
        let query = RecordQuery { kind, filter, since, until, limit, sort, reverse, ..RecordQuery::default() };
        let backend = context.open().await?;
        let found = context.wait("reading", records::find(backend.as_ref(), &query)).await?;
        let shown = found.records.len() as u64;
        if shown == 0 {
            if context.terminal.stderr {
                context.remark("nothing matches");
            }
            filter::explain_nothing(context, backend.as_ref(), query.filter.as_ref()).await;
        } else if shown < found.total {
            context.remark(format_args!("{shown} of {}; -n 0 shows all", found.total));
        }
        Ok(found)
    }
}
