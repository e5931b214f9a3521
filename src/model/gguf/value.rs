//! The values of a GGUF file's keys.

use std::io::{Read, Seek};

use super::bytes::Source;
use crate::model::checkpoint::CheckpointError;
use crate::units::{count_as_usize, index_as_u64};

/// A value, as far as it is of use: arrays of kinds that no language model's header needs are passed over.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Unsigned(u64),
    Signed(i64),
    Real(f64),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Reals(Vec<f32>),
    Integers(Vec<i32>),
    /// An array that was not kept.
    OtherArray,
}

/// Kinds of values by their numbers (`gguf_metadata_value_type`).
mod number {
    pub(super) const U8: u32 = 0;
    pub(super) const I8: u32 = 1;
    pub(super) const U16: u32 = 2;
    pub(super) const I16: u32 = 3;
    pub(super) const U32: u32 = 4;
    pub(super) const I32: u32 = 5;
    pub(super) const F32: u32 = 6;
    pub(super) const BOOL: u32 = 7;
    pub(super) const TEXT: u32 = 8;
    pub(super) const ARRAY: u32 = 9;
    pub(super) const U64: u32 = 10;
    pub(super) const I64: u32 = 11;
    pub(super) const F64: u32 = 12;
}

impl Value {
    /// What the value is, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Unsigned(_) => "a whole number",
            Self::Signed(_) => "a whole number with a sign",
            Self::Real(_) => "a number with a fraction",
            Self::Flag(_) => "true or false",
            Self::Text(_) => "a text",
            Self::Texts(_) | Self::Reals(_) | Self::Integers(_) | Self::OtherArray => "an array",
        }
    }

    /// Reads the number of a kind and a value of that kind.
    pub(super) fn read<R: Read + Seek>(source: &mut Source<'_, R>) -> Result<Self, CheckpointError> {
        let kind = source.take_u32()?;
        Ok(match kind {
            number::U8 => Self::Unsigned(source.take::<1>().map(u8::from_le_bytes)?.into()),
            number::U16 => Self::Unsigned(source.take().map(u16::from_le_bytes)?.into()),
            number::U32 => Self::Unsigned(source.take_u32()?.into()),
            number::U64 => Self::Unsigned(source.take_u64()?),
            number::I8 => Self::Signed(source.take().map(i8::from_le_bytes)?.into()),
            number::I16 => Self::Signed(source.take().map(i16::from_le_bytes)?.into()),
            number::I32 => Self::Signed(source.take().map(i32::from_le_bytes)?.into()),
            number::I64 => Self::Signed(source.take().map(i64::from_le_bytes)?),
            number::F32 => Self::Real(source.take().map(f32::from_le_bytes)?.into()),
            number::F64 => Self::Real(source.take().map(f64::from_le_bytes)?),
            number::BOOL => match source.take()? {
                [0] => Self::Flag(false),
                [1] => Self::Flag(true),
                [other] => return Err(source.fault(format!("it is neither true nor false but {other}"))),
            },
            number::TEXT => Self::Text(source.take_text(u64::MAX)?),
            number::ARRAY => Self::read_array(source)?,
            other => return Err(source.fault(format!("its kind has the number {other}, and 12 is the last"))),
        })
    }

    fn read_array<R: Read + Seek>(source: &mut Source<'_, R>) -> Result<Self, CheckpointError> {
        let kind = source.take_u32()?;
        let bytes_each = match kind {
            number::U8 | number::I8 | number::BOOL => 1,
            number::U16 | number::I16 => 2,
            number::U32 | number::I32 | number::F32 => 4,
            // A text has at least its length.
            number::U64 | number::I64 | number::F64 | number::TEXT => 8,
            number::ARRAY => {
                let fix = "convert the model anew: no language model needs one";
                return Err(source.fault_with("it is an array of arrays", fix));
            }
            other => {
                let problem = format!("the kind of its array has the number {other}, and 12 is the last");
                return Err(source.fault(problem));
            }
        };
        let count = source.take_u64()?;
        source.check_count(count, bytes_each, "elements")?;
        match kind {
            number::TEXT => {
                source.keep(count.saturating_mul(index_as_u64(size_of::<String>())))?;
                let mut texts = Vec::with_capacity(count_as_usize(count));
                for _ in 0..count {
                    texts.push(source.take_text(u64::MAX)?);
                }
                Ok(Self::Texts(texts))
            }
            number::F32 => Ok(Self::Reals(fours(source, count)?.map(f32::from_le_bytes).collect())),
            number::I32 => Ok(Self::Integers(fours(source, count)?.map(i32::from_le_bytes).collect())),
            _ => {
                source.skip(count * bytes_each)?;
                Ok(Self::OtherArray)
            }
        }
    }
}

/// `count` values of four bytes, which the caller turns into as many numbers: both stand in memory for a moment.
fn fours<R: Read + Seek>(
    source: &mut Source<'_, R>,
    count: u64,
) -> Result<impl Iterator<Item = [u8; 4]> + use<R>, CheckpointError> {
    let bytes = 4 * count;
    source.keep(bytes)?;
    let bytes = source.take_many(bytes)?;
    let (fours, _) = bytes.as_chunks::<4>();
    debug_assert_eq!(index_as_u64(fours.len()), count);
    Ok((0..count_as_usize(count)).map(move |i| bytes.as_chunks::<4>().0[i]))
}
