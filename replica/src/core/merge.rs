//! Last writer wins: which of two versions of an item stays.
//!
//! The greater [`Version`] stays. The order is total and the same everywhere, so merging is commutative, associative and idempotent, and regions
//! that have seen the same versions, in whatever order and however often, hold the same item.

use super::Version;

/// Whether an incoming version replaces the one that is here.
pub(super) fn replaces(incoming: &Version, here: Option<&Version>) -> bool {
    here.is_none_or(|here| incoming > here)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::Region;

    fn merged(here: Option<Version>, incoming: Option<Version>) -> Option<Version> {
        match incoming {
            Some(incoming) if replaces(&incoming, here.as_ref()) => Some(incoming),
            Some(_) | None => here,
        }
    }

    fn version() -> impl Strategy<Value = Option<Version>> {
        // Few times and regions, so that ties and equal versions are common.
        proptest::option::of((0_i64..4, 0_usize..3)).prop_map(|drawn| {
            drawn.map(|(time_us, region)| Version {
                time_us,
                region: Region::new(["eu-west-1", "us-east-1", "ap-southeast-1"][region]),
            })
        })
    }

    proptest! {
        #[test]
        fn commutative(a in version(), b in version()) {
            prop_assert_eq!(merged(a.clone(), b.clone()), merged(b, a));
        }

        #[test]
        fn associative(a in version(), b in version(), c in version()) {
            let left = merged(merged(a.clone(), b.clone()), c.clone());
            prop_assert_eq!(left, merged(a, merged(b, c)));
        }

        #[test]
        fn idempotent(a in version()) {
            prop_assert_eq!(merged(a.clone(), a.clone()), a);
        }

        #[test]
        fn any_delivery_of_any_versions_with_repeats_ends_the_same(
            versions in proptest::collection::vec(version(), 1..8),
            order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..16),
        ) {
            let straight = versions.iter().cloned().fold(None, merged);
            let repeats = order.iter().map(|index| index.get(&versions).clone());
            let shuffled = repeats.chain(versions.iter().rev().cloned()).fold(None, merged);
            prop_assert_eq!(straight, shuffled);
        }
    }
}
