//! The list of keys: on a terminal when each was made and last used, for programs a plain table with full times.

use crate::model::{Key, Nanos};
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::Style;
use crate::view::out::table::{Column, Table, or_dot};

/// Draws a table of keys, one line each; empty when there are none.
pub fn render(keys: &[Key], location: &str, style: &Style) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(style);
    if style.is_terminal {
        terminal_table(keys, &sheet, style).write(&mut sheet, style);
        footer(keys, location, &mut sheet);
    } else {
        plain_table(keys, &sheet, style).write(&mut sheet, style);
    }
    sheet.finish()
}

fn terminal_table(keys: &[Key], sheet: &Sheet<'_>, style: &Style) -> Table {
    let short_time = |time| style.short_time(time, "%Y-%m-%d %H:%M");
    let used = |key: &Key| key.last_used.map_or("never".to_owned(), short_time);
    // A key that no longer works steps back as a whole.
    let paint = |key: &Key, paint| if key.revoked.is_some() { Paint::Dim } else { paint };
    let has_limits = keys.iter().any(|key| key.limit.is_any());
    let has_revoked = keys.iter().any(|key| key.revoked.is_some());
    let project = |key: &Key| (sheet.stored(&key.project), paint(key, Paint::Plain));
    let begins = |key: &Key| sheet.stored(&format!("{}…", key.prefix));
    let columns = [
        Some(Column::left("KEY").fill(keys, |key| (sheet.stored(&key.id), paint(key, Paint::Bold)))),
        Some(Column::left("PROJECT").gap(2).stretch().fill(keys, project)),
        (style.width >= 64).then(|| Column::left("BEGINS").gap(2).fill(keys, |key| (begins(key), Paint::Dim))),
        Some(Column::left("SCOPES").gap(2).fill(keys, |key| (scopes(key), paint(key, Paint::Plain)))),
        has_limits
            .then(|| Column::left("LIMIT/s").gap(2).fill(keys, |key| or_dot(limit(key), paint(key, Paint::Plain)))),
        Some(Column::right("CREATED").gap(2).fill(keys, |key| (short_time(key.created), Paint::Dim))),
        Some(Column::right("USED").gap(2).fill(keys, |key| (used(key), paint(key, Paint::Plain)))),
        has_revoked.then(|| {
            Column::right("REVOKED").gap(2).fill(keys, |key| or_dot(key.revoked.map(short_time), Paint::Warn))
        }),
    ];
    Table { columns: columns.into_iter().flatten().collect() }
}

fn scopes(key: &Key) -> String {
    key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(",")
}

fn limit(key: &Key) -> Option<String> {
    key.limit.is_any().then(|| key.limit.to_string())
}

fn footer(keys: &[Key], location: &str, sheet: &mut Sheet<'_>) {
    let mut items = vec![Line::painted(format::counted(keys.len() as u64, "key"), Paint::Dim)];
    let revoked = keys.iter().filter(|key| key.revoked.is_some()).count();
    if revoked > 0 {
        items.push(Line::painted(format!("{} revoked", format::count(revoked as u64)), Paint::Warn));
    }
    items.push(Line::painted(sheet.stored(location), Paint::Dim));
    sheet.items(0, items);
}

fn plain_table(keys: &[Key], sheet: &Sheet<'_>, style: &Style) -> Table {
    let text = |title: &str, cell: &dyn Fn(&Key) -> String| Column::left(title).plain(keys, cell);
    let time = |time: Option<Nanos>| time.map_or("-".to_owned(), |time| style.plain_time(time));
    let has_limits = keys.iter().any(|key| key.limit.is_any());
    let limits = has_limits.then(|| text("LIMIT/s", &|key| limit(key).unwrap_or_else(|| "-".to_owned())));
    let mut table = Table {
        columns: vec![
            text("KEY", &|key| sheet.stored(&key.id)),
            text("PROJECT", &|key| sheet.stored(&key.project)),
            text("BEGINS", &|key| sheet.stored(&key.prefix)),
            text("SCOPES", &scopes),
            text("CREATED", &|key| time(Some(key.created))),
            text("USED", &|key| time(key.last_used)),
            text("REVOKED", &|key| time(key.revoked)),
        ],
    };
    table.columns.extend(limits);
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{KeyScope, RateLimit, Text},
        view::out::style::sample_style as style,
    };

    fn keys(style: &Style) -> [Key; 2] {
        let ago = |seconds: u64| Nanos(style.now.0 - seconds * 1_000_000_000);
        let key = Key {
            id: Text::from("0a1b2c3d"),
            project: Text::from("shop"),
            prefix: Text::from("th_4fQz9A"),
            digest: [7; 32],
            scopes: vec![KeyScope::Ingest],
            limit: RateLimit::default(),
            created: ago(3 * 86_400),
            last_used: Some(ago(12)),
            revoked: None,
        };
        let scopes = KeyScope::ALL.to_vec();
        let project = Text::from("back office \x1b[2J");
        [
            key.clone(),
            Key { id: Text::from("9e8d7c6b"), project, scopes, last_used: None, revoked: Some(ago(3_600)), ..key },
        ]
    }

    #[test]
    fn revoked_keys_get_a_column_when_there_are_some() {
        let style = style(80);
        insta::assert_snapshot!(render(&keys(&style), "~/shop.db", &style), @r"
        KEY       PROJECT         BEGINS      SCOPES             CREATED   USED  REVOKED
        0a1b2c3d  shop            th_4fQz9A…  ingest                  3d    12s        ·
        9e8d7c6b  back office \…  th_4fQz9A…  ingest,read,admin       3d  never       1h
        2 keys · 1 revoked · ~/shop.db
        ");
        insta::assert_snapshot!(render(&keys(&style)[..1], "~/shop.db", &style), @"
        KEY       PROJECT                              BEGINS      SCOPES  CREATED  USED
        0a1b2c3d  shop                                 th_4fQz9A…  ingest       3d   12s
        1 key · ~/shop.db
        ");
    }

    #[test]
    fn elsewhere_times_are_whole() {
        let plain = Style { is_terminal: false, ..style(80) };
        insta::assert_snapshot!(render(&keys(&plain), "~/shop.db", &plain), @r"
        KEY       PROJECT              BEGINS     SCOPES             CREATED                         USED                            REVOKED
        0a1b2c3d  shop                 th_4fQz9A  ingest             2026-11-18T09:14:14.117000000Z  2026-11-21T09:14:02.117000000Z  -
        9e8d7c6b  back office \x1b[2J  th_4fQz9A  ingest,read,admin  2026-11-18T09:14:14.117000000Z  -                               2026-11-21T08:14:14.117000000Z
        ");
        assert_eq!(render(&[], "~/shop.db", &plain), "");
    }
}
