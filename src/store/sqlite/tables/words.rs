//! Names that many traces share, each once: services, and names of root spans and workflows.
//!
//! There is no end to names that hold an id, so only so many have a number; others stand where they are used.

use rusqlite::Connection;
use rustc_hash::FxHashMap;

use super::super::codec::CodecError;
use super::super::sql;
use super::{from_column, to_column};
use crate::store::{Error, Result};

/// Most words that have a number.
const MOST_WORDS: i64 = 65_536;
/// Longer ones have none, in bytes.
const MOST_BYTES: usize = 128;

/// Finds the words of numbers.
pub struct Words<'c> {
    connection: &'c Connection,
    known: FxHashMap<u64, String>,
    /// The numbers asked for since [`Words::begin`].
    asked: Vec<u64>,
    failure: Option<Error>,
}

impl<'c> Words<'c> {
    /// Nothing is read until a number is asked for, so files of earlier versions need no table.
    pub fn new(connection: &'c Connection) -> Words<'c> {
        Words { connection, known: FxHashMap::default(), asked: Vec::new(), failure: None }
    }

    /// Begins with another row.
    pub fn begin(&mut self) {
        self.asked.clear();
    }

    /// The numbers that the last row has.
    pub fn asked(&self) -> &[u64] {
        &self.asked
    }

    /// The word of a number.
    ///
    /// # Errors
    /// There is none, or the store fails, which [`Words::check`] tells.
    pub fn word(&mut self, number: u64) -> std::result::Result<String, CodecError> {
        self.asked.push(number);
        if let Some(known) = self.known.get(&number) {
            return Ok(known.clone());
        }
        let sql = "SELECT word FROM words WHERE id = ?1";
        let found = i64::try_from(number).map(|number| sql::find::<String>(self.connection, sql, [number]));
        let word = match found {
            Ok(Ok(Some(word))) => word,
            Ok(Err(failure)) => {
                self.failure = Some(failure);
                return Err(CodecError::MissingColumn);
            }
            _ => return Err(CodecError::Malformed("no such word")),
        };
        self.known.insert(number, word.clone());
        Ok(word)
    }

    /// What reading came to: the store's failure, when there was one, rather than the codec's guess.
    pub fn check<T>(&mut self, result: std::result::Result<T, CodecError>) -> Result<T> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(result?),
        }
    }
}

/// Gives words their numbers, in one transaction, and takes them away when no row has them any more: what is removed
/// must not be readable here.
pub struct Numbering<'c> {
    transaction: &'c Connection,
    known: FxHashMap<String, Option<u64>>,
    /// How many words have a number.
    count: i64,
    /// How many more rows have each number now.
    uses: FxHashMap<u64, i64>,
}

impl<'c> Numbering<'c> {
    pub fn new(transaction: &'c Connection) -> Result<Numbering<'c>> {
        let count = sql::value(transaction, "SELECT COUNT(*) FROM words", [])?;
        Ok(Numbering { transaction, known: FxHashMap::default(), count, uses: FxHashMap::default() })
    }

    /// The number of a word that a row is to have, which it may get now; `None` when it has none.
    pub fn number(&mut self, word: &str) -> Result<Option<u64>> {
        let number = self.find(word)?;
        if let Some(number) = number {
            *self.uses.entry(number).or_default() += 1;
        }
        Ok(number)
    }

    /// Notes that a row has these numbers no more.
    pub fn release(&mut self, numbers: &[u64]) {
        numbers.iter().for_each(|number| *self.uses.entry(*number).or_default() -= 1);
    }

    /// Writes down who has which number.
    ///
    /// # Errors
    /// The store fails.
    pub fn finish(self) -> Result<()> {
        for (number, uses) in self.uses.iter().filter(|(_, uses)| **uses != 0) {
            let row = (to_column(*number), *uses);
            sql::run(self.transaction, "UPDATE words SET uses = uses + ?2 WHERE id = ?1", row)?;
            if *uses < 0 {
                sql::run(self.transaction, "DELETE FROM words WHERE id = ?1 AND uses <= 0", [row.0])?;
            }
        }
        Ok(())
    }

    fn find(&mut self, word: &str) -> Result<Option<u64>> {
        if let Some(known) = self.known.get(word) {
            return Ok(*known);
        }
        if word.len() > MOST_BYTES {
            return Ok(None);
        }
        let mut number = sql::find::<i64>(self.transaction, "SELECT id FROM words WHERE word = ?1", [word])?;
        if number.is_none() && self.count < MOST_WORDS {
            sql::run(self.transaction, "INSERT INTO words(word, uses) VALUES (?1, 0)", [word])?;
            number = Some(self.transaction.last_insert_rowid());
            self.count += 1;
        }
        let number = number.map(from_column);
        self.known.insert(word.to_owned(), number);
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Connection {
        let connection = Connection::open_in_memory().expect("opened");
        let table = "CREATE TABLE words(id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE, uses INTEGER NOT NULL)";
        connection.execute_batch(table).expect("made");
        connection
    }

    #[test]
    fn a_word_has_one_number_and_what_is_too_long_or_too_much_has_none() {
        let connection = opened();
        let number = |word: &str| Numbering::new(&connection).expect("begun").number(word).expect("numbered");
        let (shop, cart) = (number("shop"), number("cart"));
        assert!(shop.is_some() && shop != cart && shop == number("shop"));
        assert_eq!(number(&"x".repeat(MOST_BYTES + 1)), None);
        let mut words = Words::new(&connection);
        assert_eq!(words.word(shop.expect("a number")).as_deref(), Ok("shop"));
        assert_eq!(words.word(99), Err(CodecError::Malformed("no such word")));
        let full = format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MOST_WORDS})
             INSERT OR IGNORE INTO words(word, uses) SELECT 'w' || n, 1 FROM n"
        );
        connection.execute_batch(&full).expect("filled");
        assert_eq!((number("late"), number("cart")), (None, cart));
    }

    #[test]
    fn a_word_that_no_row_has_any_more_is_forgotten() {
        let connection = opened();
        let mut numbering = Numbering::new(&connection).expect("begun");
        let [shop, cart] = ["shop", "cart"].map(|word| numbering.number(word).expect("numbered").expect("a number"));
        numbering.number("shop").expect("numbered");
        numbering.finish().expect("written");
        let left =
            || sql::all(&connection, "SELECT word FROM words", [], |row| Ok(row.get::<_, String>(0)?)).expect("ok");
        let mut numbering = Numbering::new(&connection).expect("begun");
        numbering.release(&[shop, cart]);
        numbering.finish().expect("written");
        assert_eq!(left(), ["shop"]);
        let mut numbering = Numbering::new(&connection).expect("begun");
        numbering.release(&[shop]);
        numbering.number("shop").expect("numbered");
        numbering.finish().expect("written");
        assert_eq!(left(), ["shop"], "one row for another");
    }
}
