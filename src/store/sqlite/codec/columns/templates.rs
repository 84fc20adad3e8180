//! Strings of a block as templates and what varies in them: `/cart/831/items?token=4be0…` is one template, a number and
//! some bytes.
//!
//! Programs write most strings by filling numbers and ids into a few texts. A number takes a third of its digits and an
//! id half of its own, columns of numbers are kinder to zstd than digits are, and what stays the same is stored once a
//! block. A row that repeats the one before it says so, as the rows of a trace often do. Nothing is lost: a number is
//! only taken for one when it is written the way it is printed.

use std::cell::OnceCell;
use std::ops::Range;

use bytes::Bytes;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::super::bytes::{Reader, envelope, put_bytes, put_varint};
use super::super::error::{CodecError, Result};
use super::{Numbers, put_planes};

/// More templates than one for so many rows, and these, do not pay.
const ROWS_PER_TEMPLATE: usize = 4;
const FEW_TEMPLATES: usize = 8;
/// What varies behind so many other things in a string is taken for text that stays.
const MOST_FIELDS: usize = 256;
/// Most digits of a number: any 18 of them fit 64 bits.
const MOST_DIGITS: usize = 18;
/// Fewest and most digits of a hexadecimal id.
const FEWEST_HEX: usize = 8;
const MOST_HEX: usize = 128;
/// Where the dashes of a uuid are.
const DASHES: [usize; 4] = [8, 13, 18, 23];
const UUID_LENGTH: usize = 36;

/// The code of a row that repeats the row before it; larger ones are places of templates, plus one.
const SAME_AS_BEFORE: u64 = 0;

/// What varies in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// A number as it is printed.
    Number,
    /// A number with zeros before it, of so many digits.
    Padded(usize),
    /// So many hexadecimal digits in small letters.
    Hex(usize),
    /// A uuid in small letters.
    Uuid,
}

/// Ends a template.
const END: u8 = 0;

impl Field {
    fn put(self, template: &mut Vec<u8>) {
        match self {
            Field::Number => template.push(1),
            Field::Padded(digits) => template.extend_from_slice(&[2, digits as u8]),
            Field::Hex(digits) => template.extend_from_slice(&[3, digits as u8]),
            Field::Uuid => template.push(4),
        }
    }

    /// The next field of a template; `None` at its end.
    fn read(template: &mut Reader) -> Result<Option<Field>> {
        Ok(Some(match template.byte()? {
            END => return Ok(None),
            1 => Field::Number,
            2 => Field::Padded(usize::from(template.byte()?)),
            3 => Field::Hex(usize::from(template.byte()?)),
            4 => Field::Uuid,
            _ => return Err(CodecError::Malformed("unknown field of a template")),
        }))
    }

    /// How many bytes of their own a row has for it; `None` for numbers.
    fn raw_bytes(self) -> Option<usize> {
        match self {
            Field::Number | Field::Padded(_) => None,
            Field::Hex(digits) => Some(digits.div_ceil(2)),
            Field::Uuid => Some(16),
        }
    }

    /// The most bytes it becomes.
    fn most_bytes(self) -> usize {
        match self {
            Field::Number => 20,
            // A number that is too large for its digits is printed as it is.
            Field::Padded(digits) => digits.max(20),
            Field::Hex(digits) => digits,
            Field::Uuid => UUID_LENGTH,
        }
    }
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn nibble(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { digit.wrapping_sub(b'a').wrapping_add(10) }
}

/// The field that begins a string, and its length; `begins_word` says that neither letter nor digit is before it.
fn field_at(rest: &[u8], begins_word: bool) -> Option<(Field, usize)> {
    if begins_word && is_hex(*rest.first()?) {
        let hex = rest.iter().take(MOST_HEX + 1).take_while(|byte| is_hex(**byte)).count();
        let ends_word = |length: usize| !rest.get(length).is_some_and(u8::is_ascii_alphanumeric);
        if hex == DASHES[0] && rest.get(hex) == Some(&b'-') && ends_word(UUID_LENGTH) && is_uuid(rest) {
            return Some((Field::Uuid, UUID_LENGTH));
        }
        // Words are spelled with these letters, too, and numbers are shorter as numbers.
        let digits = rest.iter().take(hex).filter(|byte| byte.is_ascii_digit()).count();
        let is_number = digits == hex && hex <= MOST_DIGITS;
        if (FEWEST_HEX..=MOST_HEX).contains(&hex) && digits > 0 && !is_number && ends_word(hex) {
            return Some((Field::Hex(hex), hex));
        }
    }
    let digits = rest.iter().take(MOST_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
    match (digits, rest.first()) {
        (0, _) => None,
        (2.., Some(b'0')) => Some((Field::Padded(digits), digits)),
        _ => Some((Field::Number, digits)),
    }
}

fn is_uuid(text: &[u8]) -> bool {
    text.get(..UUID_LENGTH).is_some_and(|text| {
        text.iter().enumerate().all(|(at, byte)| if DASHES.contains(&at) { *byte == b'-' } else { is_hex(*byte) })
    })
}

/// Appends hexadecimal digits as bytes, two in one; dashes are passed over.
fn pack(out: &mut Vec<u8>, digits: &[u8]) {
    let mut high = None;
    for digit in digits.iter().filter(|digit| **digit != b'-') {
        match high.take() {
            None => high = Some(nibble(*digit) << 4),
            Some(high) => out.push(high | nibble(*digit)),
        }
    }
    out.extend(high);
}

/// The rows of one template.
#[derive(Default)]
struct Rows {
    fields: Vec<Values>,
}

/// The values of one field.
enum Values {
    Numbers(Vec<u64>),
    Raw(Vec<u8>),
}

/// Appends the strings of a block as templates; false, with nothing appended, when that would not pay.
pub fn put_templates(out: &mut Vec<u8>, strings: &[impl AsRef<[u8]>]) -> bool {
    let most = strings.len() / ROWS_PER_TEMPLATE + FEW_TEMPLATES;
    let mut templates: IndexMap<Vec<u8>, Rows, FxBuildHasher> = IndexMap::default();
    let mut codes = Vec::with_capacity(strings.len());
    let (mut template, mut found): (Vec<u8>, Vec<(Field, Range<usize>)>) = (Vec::new(), Vec::new());
    let mut before: Option<&[u8]> = None;
    for string in strings {
        let string = string.as_ref();
        if before.replace(string) == Some(string) {
            codes.push(SAME_AS_BEFORE);
            continue;
        }
        take_apart(string, &mut template, &mut found);
        let place = match templates.get_index_of(template.as_slice()) {
            Some(place) => place,
            None if templates.len() == most => return false,
            None => {
                let fields = found.iter().map(|(field, _)| match field.raw_bytes() {
                    None => Values::Numbers(Vec::new()),
                    Some(_) => Values::Raw(Vec::new()),
                });
                templates.insert_full(template.clone(), Rows { fields: fields.collect() }).0
            }
        };
        codes.push(place as u64 + 1);
        let fields = templates.get_index_mut(place).map(|(_, rows)| rows.fields.as_mut_slice()).unwrap_or_default();
        for (values, (_, range)) in fields.iter_mut().zip(&found) {
            let text = string.get(range.clone()).unwrap_or_default();
            match values {
                Values::Numbers(numbers) => {
                    numbers.push(text.iter().fold(0, |number, digit| number * 10 + u64::from(nibble(*digit))));
                }
                Values::Raw(bytes) => pack(bytes, text),
            }
        }
    }
    put_varint(out, templates.len() as u64);
    templates.keys().for_each(|template| put_bytes(out, template));
    put_planes(out, &codes);
    let fields = || templates.values().flat_map(|rows| &rows.fields);
    for values in fields() {
        if let Values::Numbers(numbers) = values {
            let least = numbers.iter().copied().min().unwrap_or(0);
            put_varint(out, least);
            put_planes(out, &numbers.iter().map(|number| number - least).collect::<Vec<_>>());
        }
    }
    for values in fields() {
        if let Values::Raw(bytes) = values {
            out.extend_from_slice(bytes);
        }
    }
    true
}

/// The template of a string, and where what varies lies in it.
fn take_apart(string: &[u8], template: &mut Vec<u8>, found: &mut Vec<(Field, Range<usize>)>) {
    template.clear();
    found.clear();
    let (mut at, mut literal, mut begins_word) = (0, 0, true);
    while let Some(byte) = string.get(at) {
        // Nothing that varies begins with another byte.
        let may_begin = byte.is_ascii_digit() || (begins_word && is_hex(*byte));
        let field = (may_begin && found.len() < MOST_FIELDS).then(|| field_at(&string[at..], begins_word)).flatten();
        match field {
            Some((field, length)) => {
                put_bytes(template, &string[literal..at]);
                field.put(template);
                found.push((field, at..at + length));
                at += length;
                literal = at;
                begins_word = false;
            }
            None => {
                begins_word = !byte.is_ascii_alphanumeric();
                at += 1;
            }
        }
    }
    put_bytes(template, &string[literal..]);
    template.push(END);
}

/// The values of a field, as they are read.
#[derive(Debug)]
enum ReadValues {
    Numbers { least: u64, numbers: Numbers },
    Raw { bytes: Bytes, of_row: usize },
}

#[derive(Debug)]
struct Piece {
    before: Bytes,
    field: Field,
    values: ReadValues,
}

#[derive(Debug)]
struct Template {
    pieces: Vec<Piece>,
    rest: Bytes,
}

/// Strings of a block that lie there as templates. A row is put together when it is asked for.
#[derive(Debug)]
pub struct TemplateStrings {
    templates: Vec<Template>,
    /// The template of each row, and its place among the rows of the template.
    rows: Vec<(usize, usize)>,
    /// No more bytes than this are in all rows together.
    pub most_bytes: usize,
    /// All rows put together, and where each ends.
    joined: OnceCell<(Bytes, Vec<usize>)>,
}

impl TemplateStrings {
    /// Reads what [`put_templates`] appended.
    ///
    /// # Errors
    /// The bytes are no such strings, or fewer.
    pub fn read(reader: &mut Reader, count: usize) -> Result<TemplateStrings> {
        let shapes = reader.list(|reader| read_shape(Reader::new(reader.bytes()?)))?;
        let codes = Numbers::read(reader, count)?;
        let mut counts = vec![0_usize; shapes.len()];
        let mut rows: Vec<(usize, usize)> = Vec::with_capacity(count);
        for row in 0..count {
            let place = match codes.place(row)?.checked_sub(1) {
                None => *rows.last().ok_or(CodecError::Malformed("no row before the first"))?,
                Some(template) => {
                    let of_template = counts.get_mut(template).ok_or(CodecError::Malformed("no such template"))?;
                    *of_template += 1;
                    (template, *of_template - 1)
                }
            };
            rows.push(place);
        }
        let lengths: Vec<usize> = shapes
            .iter()
            .map(|(pieces, rest)| {
                rest.len() + pieces.iter().map(|(before, field)| before.len() + field.most_bytes()).sum::<usize>()
            })
            .collect();
        let length = |(template, _): &(usize, usize)| lengths.get(*template).copied().unwrap_or(0);
        let most_bytes = rows.iter().map(length).fold(0, usize::saturating_add);
        if most_bytes > envelope::MAX_CONTENT_BYTES {
            return Err(CodecError::Malformed("more content than a block can have"));
        }
        let mut numbers = Vec::new();
        for ((pieces, _), count) in shapes.iter().zip(&counts) {
            for _ in pieces.iter().filter(|(_, field)| field.raw_bytes().is_none()) {
                let least = reader.varint()?;
                numbers.push(ReadValues::Numbers { least, numbers: Numbers::read(reader, *count)? });
            }
        }
        let mut numbers = numbers.into_iter();
        let mut templates = Vec::with_capacity(shapes.len());
        for ((pieces, rest), count) in shapes.into_iter().zip(&counts) {
            let piece = |(before, field): (Bytes, Field)| {
                let values = match field.raw_bytes() {
                    None => numbers.next().ok_or(CodecError::Truncated)?,
                    Some(of_row) => {
                        let length = of_row.checked_mul(*count).ok_or(CodecError::Truncated)?;
                        ReadValues::Raw { bytes: reader.take(length)?, of_row }
                    }
                };
                Ok(Piece { before, field, values })
            };
            templates.push(Template { pieces: pieces.into_iter().map(piece).collect::<Result<_>>()?, rest });
        }
        reader.finish()?;
        Ok(TemplateStrings { templates, rows, most_bytes, joined: OnceCell::new() })
    }

    /// The bytes of a row.
    ///
    /// # Errors
    /// There are fewer rows.
    pub fn bytes(&self, row: usize) -> Result<Bytes> {
        if self.joined.get().is_some() {
            let (bytes, range) = self.find(row)?;
            return Ok(bytes.slice(range));
        }
        let mut out = Vec::new();
        self.put(&mut out, row)?;
        Ok(out.into())
    }

    /// Where the bytes of a row lie among all rows, which are put together for it once.
    ///
    /// # Errors
    /// There are fewer rows.
    pub fn find(&self, row: usize) -> Result<(&Bytes, Range<usize>)> {
        if self.joined.get().is_none() {
            let (mut out, mut ends) = (Vec::new(), Vec::with_capacity(self.rows.len()));
            for row in 0..self.rows.len() {
                self.put(&mut out, row)?;
                ends.push(out.len());
            }
            // It is empty: nobody else has this.
            let _ = self.joined.set((out.into(), ends));
        }
        let (bytes, ends) = self.joined.get().ok_or(CodecError::Truncated)?;
        let end = *ends.get(row).ok_or(CodecError::Malformed("rows of a block"))?;
        let start = row.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
        Ok((bytes, start..end))
    }

    /// Appends the bytes of a row.
    fn put(&self, out: &mut Vec<u8>, row: usize) -> Result<()> {
        let (template, place) = *self.rows.get(row).ok_or(CodecError::Malformed("rows of a block"))?;
        let template = self.templates.get(template).ok_or(CodecError::Malformed("no such template"))?;
        for piece in &template.pieces {
            out.extend_from_slice(&piece.before);
            match &piece.values {
                ReadValues::Numbers { least, numbers } => {
                    let digits = if let Field::Padded(digits) = piece.field { digits } else { 1 };
                    put_decimal(out, least.wrapping_add(numbers.get(place)?), digits);
                }
                ReadValues::Raw { bytes, of_row } => {
                    let start = place.saturating_mul(*of_row);
                    let bytes = bytes.get(start..start.saturating_add(*of_row)).ok_or(CodecError::Truncated)?;
                    put_hex(out, bytes, piece.field);
                }
            }
        }
        out.extend_from_slice(&template.rest);
        Ok(())
    }
}

/// The pieces of a template: the text before each field, the field; and the text behind the last one.
type Shape = (Vec<(Bytes, Field)>, Bytes);

fn read_shape(mut template: Reader) -> Result<Shape> {
    let mut pieces = Vec::new();
    loop {
        let text = template.bytes()?;
        match Field::read(&mut template)? {
            Some(field) => pieces.push((text, field)),
            None => {
                template.finish()?;
                return Ok((pieces, text));
            }
        }
    }
}

/// Appends a number as it is printed, with zeros before it up to so many digits.
fn put_decimal(out: &mut Vec<u8>, mut number: u64, digits: usize) {
    let mut text = [b'0'; 20];
    let mut at = text.len();
    while number > 0 {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    at = at.min(text.len() - digits.clamp(1, text.len()));
    out.extend_from_slice(&text[at..]);
}

fn put_hex(out: &mut Vec<u8>, bytes: &[u8], field: Field) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]);
    match field {
        Field::Hex(length) => out.extend(digits.take(length)),
        _ => {
            for (at, digit) in digits.enumerate() {
                if matches!(at, 8 | 12 | 16 | 20) {
                    out.push(b'-');
                }
                out.push(digit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(strings: &[impl AsRef<[u8]>]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        put_templates(&mut out, strings).then_some(out)
    }

    fn check(strings: &[impl AsRef<[u8]>]) {
        let Some(content) = encoded(strings) else { return };
        let read = || TemplateStrings::read(&mut Reader::new(content.clone().into()), strings.len()).expect("strings");
        let (alone, together) = (read(), read());
        for (row, string) in strings.iter().enumerate() {
            assert_eq!(alone.bytes(row).expect("a row"), string.as_ref(), "row {row}");
            let (bytes, range) = together.find(row).expect("a row");
            assert_eq!(&bytes[range], string.as_ref(), "row {row} of all");
            assert_eq!(together.bytes(row).expect("a row"), string.as_ref());
        }
        assert!(alone.bytes(strings.len()).is_err() && together.find(strings.len()).is_err());
        assert!(strings.iter().map(|string| string.as_ref().len()).sum::<usize>() <= alone.most_bytes);
    }

    fn template(string: &str) -> Vec<Field> {
        let (mut template, mut found) = (Vec::new(), Vec::new());
        take_apart(string.as_bytes(), &mut template, &mut found);
        found.into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn what_varies_is_found() {
        for (string, fields) in [
            ("/cart/831/items", vec![Field::Number]),
            ("10.0.3.255", vec![Field::Number; 4]),
            ("svc-03", vec![Field::Padded(2)]),
            ("7d0f7a52-11c4-4be0-9ad1-3f6f1ea0f2c9", vec![Field::Uuid]),
            ("id=7d0f7a52-11c4-4be0-9ad1-3f6f1ea0f2c9;", vec![Field::Uuid]),
            ("0af7651916cd43dd", vec![Field::Hex(16)]),
            ("deadbeef", vec![]),
            ("handler12.go:0", vec![Field::Number, Field::Number]),
            ("18446744073709551615", vec![Field::Hex(20)]),
            ("x18446744073709551615", vec![Field::Number, Field::Number]),
            ("0", vec![Field::Number]),
            ("", vec![]),
        ] {
            assert_eq!(template(string), fields, "{string}");
        }
    }

    #[test]
    fn ids_and_numbers_take_the_bytes_they_must() {
        let number = |row: u64| row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let uuids: Vec<String> = (1..=1000_u64)
            .map(|row| {
                let hex = format!("{:016x}{:016x}", number(row), number(row * 7));
                [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
            })
            .collect();
        let bytes = encoded(&uuids).expect("one template").len();
        assert!(bytes < 1000 * 17 + 50, "{bytes}");
        check(&uuids);
        let urls: Vec<String> = (0..1000_u64).map(|row| format!("/v1/orders/{}/lines", number(row) >> 40)).collect();
        let bytes = encoded(&urls).expect("one template").len();
        assert!(bytes < 1000 * 4 + 100, "{bytes}");
        check(&urls);
    }

    #[test]
    fn texts_that_have_nothing_in_common_are_left_alone() {
        let texts: Vec<String> = (0..100_u8).map(|row| "xyz".repeat(usize::from(row))).collect();
        assert_eq!(encoded(&texts), None);
        assert!(encoded(&["a", "a", "a"]).is_some());
    }

    #[test]
    fn what_would_be_more_than_a_block_can_have_is_refused() {
        let long = "x".repeat(1 << 20);
        let strings: Vec<&str> = vec![&long; 1_000];
        let content = encoded(&strings).expect("one template");
        let read = TemplateStrings::read(&mut Reader::new(content.into()), strings.len());
        assert!(matches!(read, Err(CodecError::Malformed(_))));
    }

    const PIECES: &str = "[0-9]{1,22}|0{1,3}[0-9]{1,3}|[0-9a-f]{6,40}|[a-f]{8}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\
        |[0-9A-F]{8}|[a-z]{1,4}|[ /.:=@_-]|é|18446744073709551615";

    proptest! {
        #[test]
        fn every_string_reads_back(rows in prop::collection::vec(prop::collection::vec(PIECES, 0..6), 0..40)) {
            check(&rows.iter().map(|pieces| pieces.concat()).collect::<Vec<_>>());
        }

        #[test]
        fn bytes_of_any_kind_read_back(rows in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..40)) {
            check(&rows);
        }

        #[test]
        fn damaged_bytes_are_refused_or_read_as_something(
            rows in prop::collection::vec(PIECES, 1..20), at: prop::sample::Index, byte: u8, cut: prop::sample::Index
        ) {
            if let Some(mut content) = encoded(&rows) {
                let place = at.index(content.len());
                content[place] = byte;
                content.truncate(cut.index(content.len()) + 1);
                if let Ok(read) = TemplateStrings::read(&mut Reader::new(content.into()), rows.len()) {
                    (0..rows.len()).for_each(|row| drop(read.bytes(row)));
                    (0..rows.len()).for_each(|row| assert!(read.find(row).is_ok() || row < rows.len()));
                }
            }
        }
    }
}
