//! What share of a load is of which kind.

/// Shares in per cent; they add up to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Reads of one item.
    pub reads: u64,
    /// Writes of an item that is there.
    pub updates: u64,
    /// Writes of an item that was not there.
    pub inserts: u64,
    /// Scans of 1 to 100 items from a random one.
    pub scans: u64,
    /// A read of an item and a write of it afterwards.
    pub read_modify_writes: u64,
}

/// What one operation of a load is: also its name in measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A read of one item.
    Read,
    /// A write of an item that is there.
    Update,
    /// A write of an item that was not there.
    Insert,
    /// A scan of some items.
    Scan,
    /// A read and a write of the same item.
    ReadModifyWrite,
}

/// Why something is not a mix.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMix {
    /// A part is not `KIND=PERCENT`.
    #[error("mix: {0:?} is not KIND=PERCENT; write for example read=95,update=5")]
    Part(String),
    /// There is no such kind.
    #[error("mix: there is no kind {0:?}; there are read, update, insert, scan, read-modify-write")]
    Kind(String),
    /// The shares do not add up.
    #[error("mix: the shares add up to {0}; they must add up to 100")]
    Sum(u64),
}

impl Kind {
    /// All kinds, in the order of the fields of a [`Mix`].
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Update,
        Self::Insert,
        Self::Scan,
        Self::ReadModifyWrite,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Update => "update",
            Self::Insert => "insert",
            Self::Scan => "scan",
            Self::ReadModifyWrite => "read-modify-write",
        }
    }
}

impl Mix {
    /// No operations: to start from when most shares are zero.
    pub const NOTHING: Self = Self {
        reads: 0,
        updates: 0,
        inserts: 0,
        scans: 0,
        read_modify_writes: 0,
    };

    /// A mix from text such as `read=95,update=5`; what is not named is zero.
    ///
    /// # Errors
    /// [`BadMix`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, BadMix> {
        let mut mix = Self::NOTHING;
        for part in text.split(',') {
            let (name, share) = part
                .split_once('=')
                .ok_or_else(|| BadMix::Part(part.to_owned()))?;
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| kind.name() == name.trim());
            let kind = kind.ok_or_else(|| BadMix::Kind(name.trim().to_owned()))?;
            let share: u8 = share
                .trim()
                .parse()
                .map_err(|_| BadMix::Part(part.to_owned()))?;
            *mix.share_mut(kind) = u64::from(share);
        }
        mix.checked()
    }

    /// Itself, if its shares add up to 100.
    ///
    /// # Errors
    /// [`BadMix::Sum`] if they do not.
    pub fn checked(self) -> Result<Self, BadMix> {
        let shares = Kind::ALL.map(|kind| self.share(kind));
        match shares
            .iter()
            .fold(0, |sum: u64, share| sum.saturating_add(*share))
        {
            100 => Ok(self),
            sum => Err(BadMix::Sum(sum)),
        }
    }

    /// The share of one kind.
    #[must_use]
    pub fn share(mut self, kind: Kind) -> u64 {
        *self.share_mut(kind)
    }

    fn share_mut(&mut self, kind: Kind) -> &mut u64 {
        match kind {
            Kind::Read => &mut self.reads,
            Kind::Update => &mut self.updates,
            Kind::Insert => &mut self.inserts,
            Kind::Scan => &mut self.scans,
            Kind::ReadModifyWrite => &mut self.read_modify_writes,
        }
    }

    /// The kind of the operation with this place among a hundred. Inserts have the first places.
    pub(super) fn kind_at(self, place: u64) -> Kind {
        let order = [
            Kind::Insert,
            Kind::Update,
            Kind::ReadModifyWrite,
            Kind::Scan,
            Kind::Read,
        ];
        let mut end = 0;
        let kind = order.into_iter().find(|kind| {
            end += self.share(*kind);
            place < end
        });
        kind.expect("the shares add up to a hundred, and places are below")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_a_mix_or_says_why_not() {
        let mix = Mix::parse("read=90, scan=4,read-modify-write=6").expect("it adds up");
        assert_eq!((mix.reads, mix.scans, mix.read_modify_writes), (90, 4, 6));
        for (text, message) in [
            (
                "read=90",
                "mix: the shares add up to 90; they must add up to 100",
            ),
            (
                "read",
                "mix: \"read\" is not KIND=PERCENT; write for example read=95,update=5",
            ),
            (
                "read=many",
                "mix: \"read=many\" is not KIND=PERCENT; write for example read=95,update=5",
            ),
            (
                "write=100",
                "mix: there is no kind \"write\"; there are read, update, insert, scan, read-modify-write",
            ),
        ] {
            assert_eq!(
                Mix::parse(text).map_err(|error| error.to_string()),
                Err(message.to_owned())
            );
        }
    }

    #[test]
    fn places_have_the_kinds_of_the_shares() {
        let mix = Mix::parse("read=50,update=30,insert=20").expect("it adds up");
        for kind in Kind::ALL {
            let places = (0..100).filter(|place| mix.kind_at(*place) == kind).count();
            assert_eq!(places as u64, mix.share(kind));
        }
    }
}
