//! Write ids: the unique number in every item that is written.
//!
//! An id is `slot * 1 000 000 000 + sequence`, in decimal, so that a person sees in any log which client slot wrote a value and
//! how many it had written before. Ids of one slot ascend, none is ever used twice, and none is 0 (an item that replaced
//! nothing stores 0 as what it replaced).

use checker::history::Value;

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
        self.issued += 1;
        assert!(self.issued < IDS_PER_SLOT, "a slot ran out of write ids");
        Value::Int((self.slot + 1) * IDS_PER_SLOT + self.issued)
    }
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
}
