//! The little DER that is read of certificates: tag, length, contents (X.690, section 8.1).
//!
//! Lengths of certificates that others made are not trusted: each reader checks them against what
//! is there and gives `None`, never a panic. An indefinite length (0x80), which DER does not have,
//! reads as a length of 0.

/// Tag of SEQUENCE (X.690 8.9).
pub const SEQUENCE: u8 = 0x30;
/// Tag of INTEGER (X.690 8.3).
pub const INTEGER: u8 = 0x02;
/// Tag of BIT STRING (X.690 8.6).
pub const BIT_STRING: u8 = 0x03;
/// Tag of OCTET STRING (X.690 8.7).
pub const OCTET_STRING: u8 = 0x04;
/// Tag of OBJECT IDENTIFIER (X.690 8.19).
pub const OBJECT_IDENTIFIER: u8 = 0x06;

/// Tag, contents and what follows of the first element; `None` if it is cut off.
pub fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let digits = usize::from(first & 0x7f);
        if digits > 4 || digits > rest.len() {
            return None;
        }
        let (digits, rest) = rest.split_at(digits);
        let length = digits
            .iter()
            .fold(0_usize, |sum, &digit| sum << 8 | usize::from(digit));
        (length, rest)
    };
    let (contents, after) = rest.split_at_checked(length)?;
    Some((tag, contents, after))
}

/// Contents and what follows of the first element, if it has this tag.
pub fn expect(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, contents, after) = element(bytes)?;
    (found == tag).then_some((contents, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_or_long() {
        assert_eq!(element(&[2, 1, 9, 8]), Some((INTEGER, &[9][..], &[8][..])));
        let mut long = vec![SEQUENCE, 0x82, 1, 0];
        long.extend([7; 256]);
        assert_eq!(expect(SEQUENCE, &long), Some((&[7; 256][..], &[][..])));
        assert_eq!(expect(INTEGER, &long), None);
    }

    #[test]
    fn what_is_cut_off_is_no_element() {
        for bytes in [&[][..], &[0x30], &[0x30, 0x84, 0xff], &[0x30, 0x05, 0x30]] {
            assert_eq!(element(bytes), None);
        }
        assert_eq!(element(&[0x30, 0x85, 0, 0, 0, 0, 0]), None);
    }
}
