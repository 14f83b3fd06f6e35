//! Numbers in few bytes: LEB128 as in protobuf ("Encoding", base 128 varints).
//!
//! Must not know: what is numbered.

/// Appends `number`, seven bits a byte, the low ones first.
pub fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number from the front of `bytes`; `None` where there is none that fits 64 bits.
pub fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit only.
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_of_number_comes_back() {
        let numbers = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1]).chain([u64::MAX]);
        for number in numbers {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            let mut rest = &*bytes;
            assert_eq!((take_varint(&mut rest), rest), (Some(number), &[][..]));
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_none() {
        let mut bytes = [0xff; 10];
        bytes[9] = 0x02;
        for mut wrong in [&bytes[..], &[0x80; 11], &[0x80], &[]] {
            assert_eq!(take_varint(&mut wrong), None);
        }
    }
}
