//! A vector's JSON text to pgvector's or an array's binary form.
//!
//! A client that did not ask for VECTORSUPPORT gets `vector` as text, `[1.0000000e+000,...]`
//! (T-SQL reference, "Vector data type"); the select list asks for that text by name.

use crate::transcode::fault::Fault;
use crate::transcode::output::Output;

/// `float4` in `pg_type`.
const FLOAT4: u32 = 700;

/// Whose binary form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// pgvector, `vector_send`: elements and a zero in two bytes each, then the elements.
    Vector,
    /// postgres, `array_send`: dimensions, NULL flag, element type, length, lower bound, then
    /// each element after its length.
    Array,
}

/// Replaces the text that began at `start`.
///
/// # Errors
/// `Malformed` for text that is not a list of finite numbers.
pub(super) fn make_elements(shape: Shape, start: usize, out: &mut Output) -> Result<(), Fault> {
    let text = std::str::from_utf8(out.written(start)).map_err(|_| Fault::Malformed)?;
    let inner = text
        .trim()
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let elements = inner
        .ok_or(Fault::Malformed)?
        .split(',')
        .map(|element| element.trim().parse::<f32>().map_err(|_| Fault::Malformed))
        .collect::<Result<Vec<_>, _>>()?;
    if !elements.iter().all(|element| element.is_finite()) {
        return Err(Fault::Malformed);
    }
    out.cut_back(start);
    match shape {
        Shape::Vector => {
            let count = u16::try_from(elements.len()).map_err(|_| Fault::Malformed)?;
            out.put(count.to_be_bytes());
            out.put([0; 2]);
            elements
                .iter()
                .for_each(|element| out.put(element.to_be_bytes()));
        }
        Shape::Array => {
            out.put(1u32.to_be_bytes());
            out.put(0u32.to_be_bytes());
            out.put(FLOAT4.to_be_bytes());
            out.put_length(elements.len());
            out.put(1u32.to_be_bytes());
            for element in &elements {
                out.put_length(4);
                out.put(element.to_be_bytes());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(shape: Shape, text: &str) -> Result<Vec<u8>, Fault> {
        let mut out = Output::new(8);
        out.put_slice(b"before");
        out.put_slice(text.as_bytes());
        make_elements(shape, 6, &mut out).map(|()| out.written(6).to_vec())
    }

    /// The form of pgvector's `vector_send` (vector.c): int16 dim, int16 unused, float4 each.
    #[test]
    fn a_vector_is_a_count_and_its_elements() {
        let text = "[1.0000000e+000, -2.5000000e+000]";
        let expected = [0, 2, 0, 0, 0x3F, 0x80, 0, 0, 0xC0, 0x20, 0, 0];
        assert_eq!(made(Shape::Vector, text), Ok(expected.to_vec()));
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused() {
        for text in ["", "[]", "[1,]", "[1", "[\"a\"]", "[1e99]", "[NaN]", "{}"] {
            assert_eq!(made(Shape::Array, text), Err(Fault::Malformed), "{text}");
        }
    }
}
