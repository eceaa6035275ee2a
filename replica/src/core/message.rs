//! What regions say to each other, as bytes: a protocol version, a checksum, then postcard.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::exchange::{Compare, Compared, Pulled};
use super::group::Group;
use super::rows::Origin;
use super::{Region, TableDefinition};

/// First byte of every message; a later protocol gets another.
const PROTOCOL: u8 = 5;

/// A call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message<'a> {
    /// The next stretch of the caller's feed.
    #[serde(borrow)]
    Feed(FeedBatch<'a>),
    /// How is your table of this name? Its floor must stay until the answer was used.
    Describe {
        from: Region,
        name: String,
    },
    /// Take what is newer in this record.
    Adopt {
        from: Region,
        group: Group,
    },
    /// Anti-entropy.
    Compare(Compare),
    Pulled(Pulled),
}

/// A stretch of a region's feed. An empty one is a heartbeat.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FeedBatch<'a> {
    pub(super) from: Origin,
    pub(super) to: Region,
    /// The sender's store was rolled back, and it is no new member yet: no tombstone may be forgotten until it is.
    pub(super) is_rolled_back: bool,
    /// Positions up to this are of no concern: they were written before the two regions shared a global table.
    pub(super) base: u64,
    /// It continues after this position,
    pub(super) after: u64,
    /// and goes through this one.
    pub(super) through: u64,
    /// Which life of the receiver has consumed this feed durably, and how far: the sender relies on it.
    pub(super) relied_on: (u64, u64),
    /// What a life of the receiver has reported of itself.
    pub(super) told: Option<(u64, Report)>,
    /// Names of the tables that the items count by.
    pub(super) tables: Vec<String>,
    #[serde(borrow)]
    pub(super) items: Vec<WireItem<'a>>,
    pub(super) report: Report,
    pub(super) groups: Vec<Group>,
    /// Tables whose rows the sender has not fed to the end to who joined,
    pub(super) refeeding: Vec<String>,
    /// and those that are not whole in its own region.
    pub(super) filling: Vec<String>,
}

/// How far a region had durably consumed every feed, and where its own ended then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) head: u64,
    pub(super) consumed: Vec<(Origin, u64)>,
}

impl Report {
    /// Takes what is further. Reports of one life arrive in any order, but the life only ever came further.
    pub(super) fn raise(&mut self, other: &Self) {
        self.head = self.head.max(other.head);
        for (origin, position) in &other.consumed {
            match self.consumed.iter_mut().find(|(known, _)| known == origin) {
                Some((_, known)) => *known = (*known).max(*position),
                None => self.consumed.push((origin.clone(), *position)),
            }
        }
    }
}

/// One version of an item, written by the region whose feed it is in. A receiver reads it where it lies in the message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireItem<'a> {
    /// Index into the batch's tables.
    pub(super) table: u32,
    #[serde(borrow, with = "octets::borrowed")]
    pub(super) key: Cow<'a, [u8]>,
    pub(super) time_us: i64,
    pub(super) position: u64,
    /// As the record holds them; empty is a tombstone.
    #[serde(borrow, with = "octets::borrowed")]
    pub(super) attributes: Cow<'a, [u8]>,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum AnswerMessage {
    Feed(FeedAnswer),
    Described(Box<Described>),
    Compared(Compared),
    Adopted,
    /// The call was not carried out.
    Refused(String),
}

/// Everything up to `consumed` is durable here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FeedAnswer {
    pub(super) incarnation: u64,
    pub(super) consumed: u64,
    /// The greatest position consumed of any life of the region that asked: it may have forgotten some of them.
    pub(super) of_any_life: u64,
    /// No tombstone above this was ever collected here.
    pub(super) floor_us: i64,
}

/// A region's table, as far as a global table's preconditions ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Described {
    pub(super) incarnation: u64,
    pub(super) account: String,
    /// Where its feed ends.
    pub(super) head: u64,
    /// How far it has consumed each region's feed, whichever life's.
    pub(super) consumed: Vec<(Region, u64)>,
    pub(super) table: Option<DescribedTable>,
    /// The region's record of the global table of that name.
    pub(super) group: Option<Group>,
}

/// A table that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DescribedTable {
    pub(super) definition: TableDefinition,
    pub(super) empty: bool,
    pub(super) floor_us: i64,
}

/// The bytes of a message.
pub(super) fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = postcard::to_extend(message, vec![PROTOCOL, 0, 0, 0, 0])
        .expect("a vector takes every message");
    let checksum = crc32fast::hash(&bytes[5..]);
    bytes[1..5].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Reads a message.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    let Some((head, body)) = bytes.split_first_chunk::<5>() else {
        return Err(format!(
            "{} bytes are no message between regions",
            bytes.len()
        ));
    };
    let [protocol, checksum @ ..] = *head;
    if protocol != PROTOCOL {
        return Err(format!(
            "protocol {protocol} is not spoken here, only {PROTOCOL}: run one version of the replica in all regions"
        ));
    }
    if u32::from_le_bytes(checksum) != crc32fast::hash(body) {
        return Err("the checksum does not fit: the message was damaged on its way".to_owned());
    }
    postcard::from_bytes(body).map_err(|error| format!("the message is malformed: {error}"))
}

/// Byte strings as one piece, not byte by byte.
pub(super) mod octets {
    use std::fmt;

    use serde::{Deserializer, Serializer, de::Visitor};

    pub(in crate::core) fn serialize<S: Serializer>(
        bytes: &[u8],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(in crate::core) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<u8>, D::Error> {
        struct Octets;
        impl Visitor<'_> for Octets {
            type Value = Vec<u8>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        from.deserialize_bytes(Octets)
    }

    /// The same, read where they lie.
    pub(in crate::core) mod borrowed {
        use std::borrow::Cow;

        use super::*;

        pub(in crate::core) use super::serialize;

        pub(in crate::core) fn deserialize<'de: 'a, 'a, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Cow<'a, [u8]>, D::Error> {
            struct Octets;
            impl<'de> Visitor<'de> for Octets {
                type Value = Cow<'de, [u8]>;
                fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.write_str("bytes")
                }
                fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                    Ok(Cow::Borrowed(bytes))
                }
                fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                    Ok(Cow::Owned(bytes.to_vec()))
                }
            }
            from.deserialize_bytes(Octets)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_and_damage_is_noticed() {
        let sent = FeedAnswer {
            incarnation: 3,
            consumed: 9,
            of_any_life: 12,
            floor_us: 1,
        };
        let mut bytes = encode(&AnswerMessage::Feed(sent));
        let read: AnswerMessage = decode(&bytes).unwrap();
        assert!(matches!(
            read,
            AnswerMessage::Feed(FeedAnswer {
                incarnation: 3,
                consumed: 9,
                of_any_life: 12,
                floor_us: 1,
            })
        ));
        for place in 0..bytes.len() {
            bytes[place] ^= 4;
            assert!(decode::<AnswerMessage>(&bytes).is_err(), "byte {place}");
            bytes[place] ^= 4;
        }
        assert!(decode::<AnswerMessage>(&[]).is_err());
    }
}
