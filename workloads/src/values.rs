//! Write ids: the unique number in every item that is written.
//!
//! An id is `slot * 1 000 000 000 + sequence`, in decimal, so that a person sees in any log which client slot wrote a value and
//! how many it had written before. Ids of one slot ascend, none is ever used twice, and none is 0 (an item that replaced
//! nothing stores 0 as what it replaced).

use checker::history::{Key, Value};

/// How many ids one slot can issue.
const IDS_PER_SLOT: i64 = 1_000_000_000;

/// Issues the write ids of one slot.
#[derive(Clone, Debug)]
pub struct WriteIds {
    slot: i64,
    issued: i64,
}

impl WriteIds {
    /// The ids of this slot.
    #[must_use]
    pub fn of_slot(slot: usize) -> Self {
        Self {
            slot: i64::try_from(slot).expect("slots are few"),
            issued: 0,
        }
    }

    /// The next id, never issued before.
    pub fn issue(&mut self) -> Value {
        Value::Int(self.issue_number())
    }

    /// The next id as a number: an element of a set or a list.
    pub fn issue_number(&mut self) -> i64 {
        self.issued += 1;
        assert!(self.issued < IDS_PER_SLOT, "a slot ran out of write ids");
        (self.slot + 1) * IDS_PER_SLOT + self.issued
    }
}

/// The bytes that make an item large: text that depends on the item and on the write, so that a reader can tell bytes that belong to another
/// item or to another write of this one.
#[must_use]
pub fn padding(key: Key, write_id: i64, bytes: usize) -> String {
    let mixed = mix(mix(key.0) ^ write_id.cast_unsigned());
    let mut text = format!("{mixed:016x}").repeat(bytes.div_ceil(16));
    text.truncate(bytes);
    text
}

/// FNV-1a over the eight bytes of a number, without its sign: how YCSB scatters ranks over keys.
pub(crate) fn fnv1a_of_number(number: u64) -> u64 {
    let hash = number
        .to_le_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3_u64)
        });
    hash.cast_signed().unsigned_abs()
}

/// Spreads the bits of a number over all 64 (the finaliser of MurmurHash3). One to one.
pub(crate) fn mix(mut number: u64) -> u64 {
    number ^= number >> 33;
    number = number.wrapping_mul(0xff51_afd7_ed55_8ccd);
    number ^= number >> 33;
    number = number.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_name_their_slot() {
        let mut ids = WriteIds::of_slot(2);
        assert_eq!(ids.issue(), Value::Int(3_000_000_001));
        assert_eq!(ids.issue(), Value::Int(3_000_000_002));
        assert_eq!(WriteIds::of_slot(0).issue(), Value::Int(1_000_000_001));
    }

    #[test]
    fn padding_tells_items_and_writes_apart() {
        let bytes = padding(Key(3), 7, 40);
        assert_eq!(bytes.len(), 40);
        assert_eq!(bytes, padding(Key(3), 7, 40));
        assert_ne!(bytes, padding(Key(4), 7, 40));
        assert_ne!(bytes, padding(Key(3), 8, 40));
        assert_eq!(padding(Key(3), 7, 0), "");
        insta::assert_snapshot!(bytes, @"7ec6cbc1f4d750667ec6cbc1f4d750667ec6cbc1");
    }
}
