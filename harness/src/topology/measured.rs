//! Round-trip times between real regions, as somebody measured them.
//!
//! The figures are one sample of the matrix that <https://www.cloudping.co> publishes: milliseconds for a TCP round trip from a
//! function in one AWS region to the DynamoDB endpoint of another. The site measures both ways of a pair separately; here stands the
//! mean of the two, rounded up. (A later matrix of the same site differs by a few percent: routes change.)

/// The regions of the matrix, in its order. The first three are those of the project's walkthrough.
pub(crate) const REGIONS: [&str; 12] = [
    "ap-southeast-1",
    "us-east-1",
    "eu-west-1",
    "us-west-2",
    "ap-northeast-1",
    "eu-central-1",
    "sa-east-1",
    "ap-south-1",
    "ap-southeast-2",
    "ca-central-1",
    "ap-northeast-2",
    "us-east-2",
];

/// Row `i` holds the round trips from region `i` to the regions before it.
const ROUND_TRIPS_MS: [&[u16]; 12] = [
    &[],
    &[211],
    &[182, 70],
    &[162, 63, 119],
    &[69, 146, 201, 98],
    &[149, 92, 26, 141, 223],
    &[322, 114, 177, 174, 257, 204],
    &[56, 186, 120, 218, 125, 110, 298],
    &[93, 199, 256, 140, 107, 249, 312, 145],
    &[210, 15, 70, 60, 144, 92, 125, 187, 198],
    &[70, 174, 230, 119, 34, 223, 285, 124, 142, 172],
    &[200, 13, 79, 52, 134, 102, 124, 195, 187, 25, 162],
];

/// The measured round trip between two regions of the matrix, if both are in it.
pub(crate) fn round_trip_ms(a: &str, b: &str) -> Option<u16> {
    let place = |name: &str| REGIONS.iter().position(|region| *region == name);
    let (a, b) = (place(a)?, place(b)?);
    match a.cmp(&b) {
        std::cmp::Ordering::Less => Some(ROUND_TRIPS_MS[b][a]),
        std::cmp::Ordering::Equal => Some(0),
        std::cmp::Ordering::Greater => Some(ROUND_TRIPS_MS[a][b]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_a_full_triangle_of_plausible_figures() {
        for (row, trips) in ROUND_TRIPS_MS.iter().enumerate() {
            assert_eq!(trips.len(), row, "row {row}");
            assert!(trips.iter().all(|ms| (5..400).contains(ms)), "row {row}");
        }
    }

    #[test]
    fn a_pair_has_one_figure_whichever_end_is_named_first() {
        assert_eq!(round_trip_ms("us-east-1", "ap-southeast-1"), Some(211));
        assert_eq!(round_trip_ms("ap-southeast-1", "us-east-1"), Some(211));
        assert_eq!(round_trip_ms("eu-west-1", "us-east-1"), Some(70));
        assert_eq!(round_trip_ms("eu-west-1", "atlantis-1"), None);
    }
}
