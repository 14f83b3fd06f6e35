//! Fields with numbers: the wire format of Protocol Buffers
//! (<https://protobuf.dev/programming-guides/encoding/>), of which numbers (`VARINT`) and bytes
//! (`LEN`) are used.
//!
//! A field that is not known here was written by a newer program, and is passed over. Must not
//! know: what a number stands for.

/// The wire types (the low three bits of a tag).
const VARINT: u64 = 0;
const LEN: u64 = 2;

/// Something that is written as fields.
pub(super) trait Write {
    fn write(&self, fields: &mut Writer<'_>);
}

/// Something that is read out of fields.
pub(super) trait Read: Default {
    /// Takes a field. `None` for one that makes no sense.
    fn take(&mut self, field: u64, value: Value<'_>) -> Option<()>;
}

/// Writes fields behind what is there.
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

/// What stands in a field.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Writer<'_> {
    pub(super) fn number(&mut self, field: u64, number: Option<u64>) {
        if let Some(number) = number {
            push(self.0, field << 3 | VARINT);
            push(self.0, number);
        }
    }

    pub(super) fn text(&mut self, field: u64, text: Option<&str>) {
        self.bytes(field, text.map(str::as_bytes));
    }

    pub(super) fn bytes(&mut self, field: u64, bytes: Option<&[u8]>) {
        if let Some(bytes) = bytes {
            self.each(field, &[bytes]);
        }
    }

    /// A field of bytes that stand one after the other.
    pub(super) fn each(&mut self, field: u64, parts: &[&[u8]]) {
        push(self.0, field << 3 | LEN);
        push(self.0, parts.iter().map(|part| part.len() as u64).sum());
        parts.iter().for_each(|part| self.0.extend_from_slice(part));
    }

    pub(super) fn part<W: Write>(&mut self, field: u64, part: Option<&W>) {
        let Some(part) = part else { return };
        push(self.0, field << 3 | LEN);
        let at = self.0.len();
        part.write(&mut Writer(self.0));
        // The length stands before the part: it is written behind it, and both change places.
        let end = self.0.len();
        push(self.0, (end - at) as u64);
        let length = self.0.len() - end;
        self.0[at..].rotate_right(length);
    }
}

impl<'a> Value<'a> {
    pub(super) const fn number(self) -> Option<u64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    pub(super) const fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(super) fn owned(self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    /// A part of its own. `None` where it makes no sense.
    pub(super) fn part<R: Read>(self) -> Option<R> {
        read(self.bytes()?)
    }
}

/// Reads all fields of a part. `None` where they make no sense.
pub(super) fn read<R: Read>(mut bytes: &[u8]) -> Option<R> {
    let mut part = R::default();
    while !bytes.is_empty() {
        let tag = pull(&mut bytes)?;
        let number = pull(&mut bytes)?;
        let value = match tag & 7 {
            VARINT => Value::Number(number),
            LEN => {
                let (field, rest) = bytes.split_at_checked(usize::try_from(number).ok()?)?;
                bytes = rest;
                Value::Bytes(field)
            }
            _ => return None,
        };
        part.take(tag >> 3, value)?;
    }
    Some(part)
}

/// Adds a number of seven bits a byte, with the lowest first (LEB128).
pub(super) fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes such a number. `None` where it is cut or too large.
pub(super) fn pull(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_size_are_read_back() {
        for number in (0..64).flat_map(|bit| [1 << bit, (1 << bit) - 1, u64::MAX >> bit]) {
            let mut bytes = Vec::new();
            push(&mut bytes, number);
            let mut rest = bytes.as_slice();
            assert_eq!((pull(&mut rest), rest), (Some(number), &[][..]));
        }
    }

    #[test]
    fn numbers_that_are_cut_or_too_large_are_refused() {
        assert_eq!(pull(&mut &[0x80][..]), None);
        assert_eq!(pull(&mut &[0xff; 11][..]), None);
        assert_eq!(pull(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2][..]), None);
    }

    /// A text and a part within it.
    #[derive(Debug, Default, PartialEq)]
    struct Nested(Option<String>, Option<Box<Self>>);

    impl Write for Nested {
        fn write(&self, fields: &mut Writer<'_>) {
            fields.text(1, self.0.as_deref());
            fields.part(2, self.1.as_deref());
        }
    }

    impl Read for Nested {
        fn take(&mut self, field: u64, value: Value<'_>) -> Option<()> {
            match field {
                1 => self.0 = Some(value.owned()?),
                2 => self.1 = Some(Box::new(value.part()?)),
                _ => {}
            }
            Some(())
        }
    }

    #[test]
    fn parts_of_every_length_are_read_back_from_within_others() {
        for length in [0, 1, 120, 124, 127, 128, 129, 20_000] {
            let inner = Nested(Some("x".repeat(length)), None);
            let outer = Nested(Some(String::new()), Some(Box::new(inner)));
            let mut bytes = Vec::new();
            outer.write(&mut Writer(&mut bytes));
            assert_eq!(read::<Nested>(&bytes), Some(outer), "{length}");
        }
    }

    #[test]
    fn fields_that_are_cut_or_of_another_kind_are_refused_and_unknown_ones_passed_over() {
        assert_eq!(read::<Nested>(&[0x0a, 2, b'a']), None, "longer than what is there");
        assert_eq!(read::<Nested>(&[0x08, 2]), None, "a number where a text belongs");
        assert_eq!(read::<Nested>(&[0x0a, 1, 0xff]), None, "not UTF-8");
        assert_eq!(read::<Nested>(&[0x0d, 0, 0, 0, 0]), None, "a wire type of no use here");
        let known = Some(Nested(Some("a".into()), None));
        assert_eq!(read::<Nested>(&[0x38, 9, 0x0a, 1, b'a', 0x42, 1, 0xff]), known);
    }
}
