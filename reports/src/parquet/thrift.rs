//! The compact protocol of Apache Thrift, as much of it as Parquet's headers need: structs, lists, integers and byte strings.
//!
//! Source: the [protocol's specification](https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).

/// The types of fields and elements, by their numbers in the protocol.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    I32 = 5,
    Binary = 8,
    Struct = 12,
}

const I64: u8 = 6;
const LIST: u8 = 9;

/// A list of at least so many elements has its length in a number of its own.
const LONG_LIST: usize = 15;

/// Bytes under way.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A struct: its fields in ascending order, then its end.
    pub(super) fn fields(&mut self, write: impl FnOnce(&mut Fields<'_>)) {
        write(&mut Fields { out: self, last: 0 });
        self.0.push(0);
    }

    /// An element of a list of byte strings.
    pub(super) fn binary(&mut self, bytes: &[u8]) {
        varint(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// An element of a list of integers.
    pub(super) fn integer(&mut self, number: i64) {
        // Small numbers of either sign are short.
        varint(
            &mut self.0,
            ((number << 1) ^ (number >> 63)).cast_unsigned(),
        );
    }
}

/// The fields of one struct.
pub(super) struct Fields<'a> {
    out: &'a mut Writer,
    last: u8,
}

impl Fields<'_> {
    pub(super) fn i32(&mut self, number: u8, value: i32) {
        self.header(number, Kind::I32 as u8);
        self.out.integer(value.into());
    }

    pub(super) fn i64(&mut self, number: u8, value: u64) {
        self.header(number, I64);
        let value = i64::try_from(value).expect("what is counted is far below 2^63");
        self.out.integer(value);
    }

    pub(super) fn binary(&mut self, number: u8, bytes: &[u8]) {
        self.header(number, Kind::Binary as u8);
        self.out.binary(bytes);
    }

    pub(super) fn fields(&mut self, number: u8, write: impl FnOnce(&mut Fields<'_>)) {
        self.header(number, Kind::Struct as u8);
        self.out.fields(write);
    }

    /// A list; `write` is given each element.
    pub(super) fn list<T>(
        &mut self,
        number: u8,
        kind: Kind,
        elements: &[T],
        mut write: impl FnMut(&mut Writer, &T),
    ) {
        self.header(number, LIST);
        let short = u8::try_from(elements.len())
            .ok()
            .filter(|_| elements.len() < LONG_LIST);
        match short {
            Some(length) => self.out.0.push((length << 4) | kind as u8),
            None => {
                self.out.0.push(0xf0 | kind as u8);
                varint(&mut self.out.0, elements.len() as u64);
            }
        }
        for element in elements {
            write(self.out, element);
        }
    }

    fn header(&mut self, number: u8, kind: u8) {
        let step = number
            .checked_sub(self.last)
            .filter(|step| (1..=15).contains(step));
        let step = step.expect("fields ascend by at most 15");
        self.out.0.push((step << 4) | kind);
        self.last = number;
    }
}

/// Seven bits a byte, the lowest first.
pub(super) fn varint(out: &mut Vec<u8>, mut number: u64) {
    while let Some(rest) = Some(number >> 7).filter(|rest| *rest > 0) {
        out.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number = rest;
    }
    out.push(u8::try_from(number).expect("seven bits"));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the specification.
    #[test]
    fn numbers_are_written_as_the_specification_says() {
        let written = |number| {
            let mut out = Vec::new();
            varint(&mut out, number);
            out
        };
        assert_eq!(written(50_399), [0xdf, 0x89, 0x03]);
        let zigzag = |number| {
            let mut writer = Writer::default();
            writer.integer(number);
            writer.into_bytes()
        };
        assert_eq!(
            [zigzag(0), zigzag(-1), zigzag(1), zigzag(-2)],
            [[0], [1], [2], [3]]
        );
    }

    #[test]
    fn a_field_tells_its_distance_from_the_one_before() {
        let mut writer = Writer::default();
        writer.fields(|fields| {
            fields.i32(1, 2);
            fields.i64(9, 3);
            fields.list(10, Kind::Binary, &["a"; 15], |out, text| {
                out.binary(text.as_bytes())
            });
        });
        let bytes = writer.into_bytes();
        assert_eq!(bytes[..7], [0x15, 4, 0x86, 6, 0x19, 0xf8, 15]);
        assert_eq!((bytes.len(), bytes.last()), (7 + 30 + 1, Some(&0)));
    }
}
