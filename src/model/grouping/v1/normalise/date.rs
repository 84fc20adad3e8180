//! Dates and times as programs print them.

use super::bytes::{count, ends_at};

const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
const DAYS: [&[u8]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];

/// A date, a time, or both.
pub fn at(rest: &[u8]) -> Option<(usize, &'static str)> {
    let mut reader = Reader { rest, at: 0 };
    let class = reader.any()?;
    let is_closed = rest.get(..reader.at)?.ends_with(b")");
    (is_closed || ends_at(rest, reader.at)).then_some((reader.at, class))
}

/// Reads forward; a part that does not fit leaves the place where it was.
#[derive(Clone, Copy)]
struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn any(&mut self) -> Option<&'static str> {
        if self.rest.first()?.is_ascii_alphabetic() {
            return self.called().or_else(|| self.named()).map(|()| "<datetime>");
        }
        if self.compact().is_some() {
            return Some("<datetime>");
        }
        if self.date().is_some() {
            let is_full = self.attempt(|reader| {
                reader.any_of(b"T t_")?;
                reader.time()
            });
            return Some(if is_full.is_some() { "<datetime>" } else { "<date>" });
        }
        if self.slashed().is_some() {
            return Some("<datetime>");
        }
        self.time().map(|()| "<time>")
    }

    /// Runs a part; the place stays where it was when the part does not fit.
    fn attempt(&mut self, part: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let mut ahead = *self;
        part(&mut ahead)?;
        self.at = ahead.at;
        Some(())
    }

    fn tail(&self) -> &[u8] {
        self.rest.get(self.at..).unwrap_or_default()
    }

    /// Exactly these many digits, at least `least` of them.
    fn digits(&mut self, least: usize, most: usize) -> Option<()> {
        let length = count(self.tail().get(..most).unwrap_or(self.tail()), |byte| byte.is_ascii_digit());
        (length >= least).then(|| self.at += length)
    }

    fn any_of(&mut self, bytes: &[u8]) -> Option<()> {
        self.tail().first().filter(|byte| bytes.contains(byte))?;
        self.at += 1;
        Some(())
    }

    fn spaces(&mut self) -> Option<()> {
        let length = count(self.tail(), |byte| byte == b' ');
        (1..=2).contains(&length).then(|| self.at += length)
    }

    /// One of some words of three letters.
    fn word(&mut self, words: &[&[u8]]) -> Option<()> {
        let word = self.tail().get(..3)?;
        words.iter().find(|known| word.eq_ignore_ascii_case(known))?;
        self.at += 3;
        (!self.tail().first().is_some_and(u8::is_ascii_alphabetic)).then_some(())
    }

    /// `2026-03-09`, `2026/03/09`.
    fn date(&mut self) -> Option<()> {
        self.attempt(|reader| {
            reader.digits(4, 4)?;
            reader.any_of(b"-/")?;
            reader.digits(2, 2)?;
            reader.any_of(b"-/")?;
            reader.digits(2, 2)
        })
    }

    /// `19:42:55`, `19:42:55,903 +0200`.
    fn time(&mut self) -> Option<()> {
        let start = self.at;
        self.attempt(|reader| {
            reader.digits(1, 2)?;
            reader.any_of(b":")?;
            reader.digits(2, 2)?;
            reader.any_of(b":")?;
            reader.digits(2, 2)?;
            reader.attempt(|reader| {
                reader.any_of(b".,")?;
                reader.digits(1, 12)
            });
            reader.attempt(Reader::offset);
            // `12:31:99` has no time in it, and neither has `1:2:3:4`.
            let goes_on = reader.tail().first() == Some(&b':');
            (!goes_on && is_time(reader.rest.get(start..reader.at)?)).then_some(())
        })
    }

    /// `Z`, `+02:00`, ` +0200`, ` UTC`, ` PM`, ` GMT-0800 (PST)`.
    fn offset(&mut self) -> Option<()> {
        if self.attempt(|reader| reader.any_of(b"Zz").filter(|()| ends_at(reader.rest, reader.at))).is_some() {
            return Some(());
        }
        self.attempt(|reader| reader.any_of(b" "));
        let is_named = [&b"UTC"[..], b"GMT", b"AM", b"PM", b"am", b"pm"].into_iter().any(|name| {
            let is_here = self.tail().starts_with(name);
            self.at += if is_here { name.len() } else { 0 };
            is_here
        });
        let has_offset = self.attempt(|reader| {
            reader.any_of(b"+-")?;
            reader.digits(2, 2)?;
            reader.attempt(|reader| reader.any_of(b":"));
            reader.digits(2, 2)
        });
        (is_named || has_offset.is_some()).then_some(()).filter(|()| ends_at(self.rest, self.at))
    }

    /// `20060102T150405Z`.
    fn compact(&mut self) -> Option<()> {
        self.attempt(|reader| {
            reader.digits(8, 8)?;
            reader.any_of(b"T")?;
            reader.digits(6, 6)?;
            reader.attempt(|reader| reader.any_of(b"Z"));
            ends_at(reader.rest, reader.at).then_some(())
        })
    }

    /// `10/Oct/2000:13:55:36 -0700` of web servers.
    fn slashed(&mut self) -> Option<()> {
        self.attempt(|reader| {
            reader.digits(1, 2)?;
            reader.any_of(b"/")?;
            reader.word(&MONTHS)?;
            reader.any_of(b"/")?;
            reader.digits(4, 4)?;
            reader.any_of(b":")?;
            reader.time()
        })
    }

    /// `Mon, 02 Jan 2006 15:04:05 GMT`, `Mon Jan  2 15:04:05 2006`, `Mar  9 19:42:55`.
    fn named(&mut self) -> Option<()> {
        self.attempt(|reader| {
            let has_day = reader.attempt(|reader| {
                reader.word(&DAYS)?;
                reader.attempt(|reader| reader.any_of(b","));
                reader.spaces()
            });
            let is_day_first = reader.attempt(|reader| {
                has_day?;
                reader.digits(1, 2)?;
                reader.any_of(b" -")?;
                reader.word(&MONTHS)
            });
            if is_day_first.is_none() {
                reader.word(&MONTHS)?;
                reader.spaces()?;
                reader.digits(1, 2)?;
            }
            reader.attempt(|reader| {
                reader.any_of(b" -")?;
                reader.digits(4, 4)
            });
            reader.spaces()?;
            reader.time()?;
            reader.attempt(|reader| {
                reader.any_of(b" ")?;
                reader.digits(4, 4)?;
                ends_at(reader.rest, reader.at).then_some(())
            });
            Some(())
        })
    }

    /// `datetime.datetime(2026, 3, 9, 19, 42)`.
    fn called(&mut self) -> Option<()> {
        self.attempt(|reader| {
            let rest = reader
                .tail()
                .strip_prefix(b"datetime.datetime(")
                .or_else(|| reader.tail().strip_prefix(b"datetime.date("))?;
            let length = reader.tail().len() - rest.len();
            let inside = count(rest.get(..64).unwrap_or(rest), |byte| byte.is_ascii_digit() || b", ".contains(&byte));
            reader.at += length + inside;
            reader.any_of(b")")
        })
    }
}

/// Whether the numbers a text ends with can be a time of the day.
fn is_time(text: &[u8]) -> bool {
    let colons = text.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(place, _)| place);
    colons.take(2).all(|colon| text.get(colon + 1).is_some_and(|digit| (b'0'..=b'6').contains(digit)))
}
