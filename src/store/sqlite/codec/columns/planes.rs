//! Numbers of a block as byte planes: all lowest bytes, then all second bytes, and so on.
//!
//! They are as wide as the largest number needs, readable at any row, and kind to zstd. Doubles that people wrote with a
//! few digits behind the point are stored as integers. (Storing how many bits each number has, and then just those, took
//! 0.1 bytes of 53 off a span, and was not worth it.)

use bytes::Bytes;

use super::super::bytes::{Reader, unzigzag, zigzag};
use super::super::error::{CodecError, Result};

/// First byte of decimals without digits behind the point, and larger ones of those with some; that of planes is how many
/// planes there are.
const DECIMALS: u8 = 16;
/// Most digits behind the point.
const MOST_DIGITS: u8 = 6;
/// Integers beyond this are no longer told apart by doubles.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Appends numbers as byte planes: one byte for how many planes, then the planes, lowest bytes first.
pub fn put_planes(out: &mut Vec<u8>, numbers: &[u64]) {
    let width = width_of(numbers);
    out.push(width as u8);
    put_planes_of_width(out, numbers, width);
}

fn width_of(numbers: &[u64]) -> usize {
    8 - numbers.iter().fold(0, |all, number| all | number).leading_zeros() as usize / 8
}

/// Appends the lowest `width` byte planes of numbers.
pub fn put_planes_of_width(out: &mut Vec<u8>, numbers: &[u64], width: usize) {
    for plane in 0..width {
        out.extend(numbers.iter().map(|number| (number >> (8 * plane)) as u8));
    }
}

/// The first byte of decimals and the integers, zigzag, that stand for doubles; `None` when they are not all such.
pub fn decimals(doubles: &[u64]) -> Option<(u8, Vec<u64>)> {
    (0..=MOST_DIGITS).find_map(|digits| {
        let integers = doubles.iter().map(|bits| integer_of(f64::from_bits(*bits), digits)).collect::<Option<Vec<_>>>();
        Some((DECIMALS + digits, integers?))
    })
}

fn integer_of(double: f64, digits: u8) -> Option<u64> {
    let integer = (double * 10_f64.powi(i32::from(digits))).round();
    let is_exact = integer.abs() < LARGEST_EXACT && double_of(integer as i64, digits).to_bits() == double.to_bits();
    is_exact.then(|| zigzag(integer as i64))
}

fn double_of(integer: i64, digits: u8) -> f64 {
    integer as f64 / 10_f64.powi(i32::from(digits))
}

/// Numbers of a block.
#[derive(Debug, Clone)]
pub struct Numbers {
    form: Form,
    count: usize,
}

#[derive(Debug, Clone)]
enum Form {
    Planes { planes: Bytes, width: usize },
    Decimals { integers: Box<Numbers>, digits: u8 },
}

impl Numbers {
    /// As many zeros.
    pub fn zeros(count: usize) -> Numbers {
        Numbers { form: Form::Planes { planes: Bytes::new(), width: 0 }, count }
    }

    /// Reads what [`put_planes`] wrote, or that behind the first byte of [`decimals`].
    ///
    /// # Errors
    /// There are fewer than `count` numbers.
    pub fn read(reader: &mut Reader, count: usize) -> Result<Numbers> {
        let first = reader.byte()?;
        let Some(digits) = first.checked_sub(DECIMALS) else { return Numbers::read_integers(reader, count, first) };
        if digits > MOST_DIGITS {
            return Err(CodecError::Malformed("digits behind the point"));
        }
        let first = reader.byte()?;
        let integers = Box::new(Numbers::read_integers(reader, count, first)?);
        Ok(Numbers { form: Form::Decimals { integers, digits }, count })
    }

    fn read_integers(reader: &mut Reader, count: usize, first: u8) -> Result<Numbers> {
        match first {
            0..=8 => Numbers::read_of_width(reader, count, usize::from(first)),
            _ => Err(CodecError::Malformed("number over 64 bits")),
        }
    }

    /// Reads what [`put_planes_of_width`] wrote; `width` is at most 8.
    ///
    /// # Errors
    /// There are fewer than `count` numbers.
    pub fn read_of_width(reader: &mut Reader, count: usize, width: usize) -> Result<Numbers> {
        let planes = reader.take(width.checked_mul(count).ok_or(CodecError::Truncated)?)?;
        Ok(Numbers { form: Form::Planes { planes, width }, count })
    }

    /// The number of a row.
    ///
    /// # Errors
    /// There are fewer rows.
    pub fn get(&self, row: usize) -> Result<u64> {
        if row >= self.count {
            return Err(CodecError::Malformed("rows of a block"));
        }
        match &self.form {
            Form::Planes { planes, width } => {
                let mut number = 0;
                for plane in (0..*width).rev() {
                    let byte = planes.get(plane * self.count + row).ok_or(CodecError::Truncated)?;
                    number = number << 8 | u64::from(*byte);
                }
                Ok(number)
            }
            Form::Decimals { integers, digits } => {
                let integer = integers.get(row)?;
                Ok(double_of(unzigzag(integer), *digits).to_bits())
            }
        }
    }

    /// The number of a row, which has at most 32 bits.
    ///
    /// # Errors
    /// There are fewer rows, or the number is larger.
    pub fn small(&self, row: usize) -> Result<u32> {
        u32::try_from(self.get(row)?).map_err(|_| CodecError::Malformed("number over 32 bits"))
    }

    /// The number of a row as a place in something.
    ///
    /// # Errors
    /// There are fewer rows, or the number is larger than any place.
    pub fn place(&self, row: usize) -> Result<usize> {
        usize::try_from(self.get(row)?).map_err(|_| CodecError::Malformed("number over 64 bits"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(content: Vec<u8>, count: usize) -> Vec<u64> {
        let mut reader = Reader::new(content.into());
        let numbers = Numbers::read(&mut reader, count).expect("numbers");
        reader.finish().expect("all of it");
        assert!(numbers.get(count).is_err());
        (0..count).map(|row| numbers.get(row).expect("a row")).collect()
    }

    fn of_any_size() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0..=64_u32).prop_map(|(number, shift)| number.checked_shr(shift).unwrap_or(0))
    }

    proptest! {
        #[test]
        fn numbers_read_back(numbers in prop::collection::vec(of_any_size(), 0..200)) {
            let mut planes = Vec::new();
            put_planes(&mut planes, &numbers);
            prop_assert_eq!(read(planes, numbers.len()), numbers);
        }

        #[test]
        fn doubles_read_back_bit_for_bit(
            doubles in prop::collection::vec(prop_oneof![(-99_999..99_999_i32).prop_map(|number| f64::from(number) / 1000.0), any::<f64>()], 0..9)
        ) {
            let bits: Vec<u64> = doubles.iter().map(|double| double.to_bits()).collect();
            if let Some((first, integers)) = decimals(&bits) {
                let mut content = vec![first];
                put_planes(&mut content, &integers);
                prop_assert_eq!(read(content, bits.len()), bits);
            }
        }

        #[test]
        fn damaged_numbers_are_refused_or_read_as_some(mut content in prop::collection::vec(any::<u8>(), 1..80), first in 0..24_u8) {
            content[0] = first;
            if let Ok(numbers) = Numbers::read(&mut Reader::new(content.into()), 9) {
                prop_assert!((0..9).all(|row| numbers.get(row).is_ok()));
            }
        }
    }

    #[test]
    fn digits_behind_the_point_are_found_and_what_is_no_decimal_is_left_alone() {
        let bits = |doubles: &[f64]| doubles.iter().map(|double| double.to_bits()).collect::<Vec<_>>();
        assert_eq!(decimals(&bits(&[1.0, -2.0])), Some((16, vec![2, 3])));
        assert_eq!(decimals(&bits(&[0.25, 3.0])), Some((18, vec![50, 600])));
        for odd in [f64::NAN, f64::INFINITY, -0.0, 1e300, std::f64::consts::PI] {
            assert_eq!(decimals(&bits(&[odd])), None, "{odd}");
        }
    }
}
