//! Every figure that is measured, against histories small enough to work it out by hand.

use checker::history::one_line;

/// A history; figures with their values; beginnings of names of figures that must not be there.
type Measured = (
    &'static str,
    &'static [(&'static str, f64)],
    &'static [&'static str],
);

/// The key of the heartbeats below is written `H/`.
const HEARTBEAT: &str = "1099511627776/";

const MEASURED: &[Measured] = &[
    // Beats 1 and 2 were missed by reads asked for 3 and 4 ms after their acknowledgements, and seen 12 and 13 ms after they were asked for;
    // nobody saw 3.
    (
        "H/us:w1[0-2] H/eu:r-[5-6] H/eu:r1[9-12] H/us:w2[20-22] H/eu:r1[26-27] H/eu:r2[30-33] H/us:w3[40-42]",
        &[
            ("lag_us_to_eu_lower_p50_ms", 3.0),
            ("lag_us_to_eu_lower_p90_ms", 4.0),
            ("lag_us_to_eu_lower_max_ms", 4.0),
            ("lag_us_to_eu_upper_p50_ms", 12.0),
            ("lag_us_to_eu_upper_p99_ms", 13.0),
            ("lag_us_to_eu_unseen_count", 1.0),
        ],
        &["lag_eu", "stale_", "delivery_", "concurrent_"],
    ),
    // A successor is as good; reads of any strength count, conditions do not; writes that failed or are unknown are no beats.
    (
        "H/us:w1[0-2] H/us:w2[3-4] H/us:w3[5-?] H/us:w4[6-7]! H/eu:e2[9-10] H/eu:r2[8-12] H/eu:c1>9[5-6]!",
        &[
            ("lag_us_to_eu_lower_max_ms", 0.0),
            ("lag_us_to_eu_upper_p50_ms", 7.0),
            ("lag_us_to_eu_upper_max_ms", 10.0),
            ("lag_us_to_eu_unseen_count", 0.0),
        ],
        &[],
    ),
    // Two regions beat on one key, or nobody reads elsewhere: nothing is known.
    (
        "H/us:w1[0-2] H/eu:w2[0-2] H/eu:r1[5-6] H/ap:r1[5-6] H/us:r1[7-8]",
        &[],
        &["lag_"],
    ),
    ("H/us:w1[0-2] H/us:r1[5-6]", &[], &["lag_"]),
    // eu still showed nothing 9 ms after 1 was acknowledged in us, and us showed 1 when 2 had been acknowledged in eu for 11 ms.
    (
        "us:w1[0-1] us:r1@5us[2-3] eu:r-[10-11] eu:r1@5us[12-13] eu:w2[20-21] eu:r2@9eu[22-23] us:r1@5us[32-33]",
        &[
            ("stale_reads_count", 2.0),
            ("stale_reads_share", 0.4),
            ("stale_read_lag_median_ms", 9.0),
            ("stale_read_lag_p90_ms", 11.0),
            ("stale_read_lag_max_ms", 11.0),
            ("concurrent_writes_lost_count", 0.0),
            ("concurrent_writes_lost_share", 0.0),
        ],
        &["lag_"],
    ),
    // Asked for when the newer write was just acknowledged; in the final phase; or the newer one was written here: none is stale.
    (
        "us:w1[0-1] us:w2[4-5] us:r2@9us[6-7] eu:r1@5us[5-6] us:r1@5us[7-8] eu:r1@5us[90-91]F",
        &[("stale_reads_count", 0.0), ("stale_reads_share", 0.0)],
        &["stale_read_lag"],
    ),
    // Absent says nothing of a key that somebody deletes; absent is the oldest otherwise.
    (
        "us:w1[0-1] us:r1@5us[2-3] us:d[4-5] eu:r-[10-11]",
        &[("stale_reads_count", 0.0), ("stale_reads_share", 0.0)],
        &[],
    ),
    // The earliest acknowledgement of anything newer counts, whichever is the newest: ap is 25 ms late, us 5.
    (
        "ap:r-[30-31] us:w1[0-9] eu:w2[2-5] us:r1@5us[10-11] eu:r2@7eu[10-11]",
        &[
            ("stale_reads_count", 2.0),
            ("stale_read_lag_median_ms", 5.0),
            ("stale_read_lag_max_ms", 25.0),
        ],
        &[],
    ),
    // 1 and 2 overlapped; with 2 asked for when 1 had just been acknowledged they do not.
    (
        "us:w1[0-9] eu:w2[5-12] us:r1@5us[10-11] eu:r2@7eu[13-14]",
        &[
            ("concurrent_writes_lost_count", 1.0),
            ("concurrent_writes_lost_share", 0.5),
        ],
        &[],
    ),
    (
        "us:w1[0-9] eu:w2[9-12] us:r1@5us[10-11] eu:r2@7eu[13-14]",
        &[("concurrent_writes_lost_count", 0.0)],
        &[],
    ),
    // In one region nothing is lost; and 2 says by its old image that it had not seen 3.
    (
        "us:w1[0-9] us:w3[2-9] us:r1@5us[10-11] us:r3@6us[10-11] eu:w2~1@5us[20-21] eu:r2@9eu[22-23]",
        &[
            ("concurrent_writes_lost_count", 1.0),
            ("concurrent_writes_lost_share", 1.0 / 3.0),
        ],
        &[],
    ),
    (
        "us:w1[0-9] us:w3[2-9] us:r1@5us[10-11] us:r3@6us[10-11] eu:w2~3@6us[20-21] eu:r2@9eu[22-23]",
        &[("concurrent_writes_lost_count", 0.0)],
        &[],
    ),
    // Three regions replaced 1 on condition: one fork. One replaced 2.
    (
        "us:w1[0-1] us:c1>2[4-9] eu:c1>3[4-9] ap:c1>5[4-9] us:c2>4[20-21]",
        &[("conditional_forks_count", 1.0)],
        &["acknowledged_writes"],
    ),
    (
        "us:w1[0-1] us:c1>2[4-9] us:c1>3[10-11]",
        &[("conditional_forks_count", 0.0)],
        &[],
    ),
    (
        "us:w1[0-1] us:r1[4-9]",
        &[],
        &[
            "conditional_",
            "additions_",
            "clock_",
            "delivery_",
            "remote_",
        ],
    ),
    // Nobody saw the stamp of 1. Deletes have none, and 5 may not have happened.
    (
        "us:w1[0-1] us:w2[2-3] us:r2@7us[4-5] us:d[6-7] us:w5[8-?] us:w6[8-9]!",
        &[("acknowledged_writes_of_unknown_stamp_count", 1.0)],
        &[],
    ),
    // Of two acknowledged additions one is gone; whoever adds alone loses nothing that this counts.
    (
        "us:a1[0-1] eu:a2[0-1] us:a3[2-?] us:r{1}[90-91]F eu:r{1}[90-91]F",
        &[("additions_lost_count", 1.0), ("additions_lost_share", 0.5)],
        &[],
    ),
    (
        "us:a1[0-1] us:a2[0-1] us:r{1}[90-91]F",
        &[],
        &["additions_"],
    ),
    ("us:a1[0-1] eu:a2[0-1] us:r{1}[20-21]", &[], &["additions_"]),
    (
        "us:a1[0-1] eu:a2[0-1] us:r-[90-91]F eu:r-[90-91]F",
        &[("additions_lost_count", 2.0), ("additions_lost_share", 1.0)],
        &[],
    ),
    // 13 in all. 8 is 5 too little: the 7 alone may be gone. 5 is 8 too little: at least two are. 13 is right, and so is more.
    (
        "us:i5[0-1] eu:i7[0-1] us:i1[2-3] us:r8[90-91]F eu:r8[90-91]F",
        &[
            ("additions_lost_count", 1.0),
            ("additions_lost_share", 1.0 / 3.0),
        ],
        &[],
    ),
    (
        "us:i5[0-1] eu:i7[0-1] us:i1[2-3] us:r5[90-91]F eu:r5[90-91]F",
        &[("additions_lost_count", 2.0)],
        &[],
    ),
    (
        "us:i5[0-1] eu:i7[0-1] us:i1[2-3] us:r13[90-91]F eu:r13[90-91]F",
        &[("additions_lost_count", 0.0)],
        &[],
    ),
    // Missed by a read 5 ms after it was acknowledged, seen 12 ms after it was asked for; nobody saw 2.
    (
        "us:w1[0-2] us:r1@5us[3-4] eu:r-[7-8] eu:r1@5us[10-12] eu:e1@5us[14-15] us:w2[20-22] us:r2@25us[23-24]",
        &[
            ("delivery_lower_p50_ms", 0.0),
            ("delivery_lower_p90_ms", 5.0),
            ("delivery_lower_max_ms", 5.0),
            ("delivery_upper_p50_ms", 12.0),
            ("delivery_upper_max_ms", 12.0),
            ("delivery_unseen_count", 1.0),
        ],
        &["lag_"],
    ),
    // Something newer is as good. What the region wrote itself did not have to arrive.
    (
        "us:w1[0-2] us:r1@5us[3-4] eu:w2[5-6] eu:r2@9eu[8-11] us:r1@5us[12-13] us:r2@9eu[14-16]",
        &[
            ("delivery_lower_p50_ms", 0.0),
            ("delivery_lower_max_ms", 6.0),
            ("delivery_upper_p50_ms", 11.0),
            ("delivery_upper_max_ms", 11.0),
            ("delivery_unseen_count", 0.0),
        ],
        &[],
    ),
    ("us:w1[0-2] us:r1@5us[3-4]", &[], &["delivery_"]),
    // By its write us was ahead by at least 2.999 ms, eu by its own behind by at least 5.
    (
        "us:w1[10-12] us:r1@15000us[13-14] eu:w2[20-22] eu:r2@15000eu[23-24]",
        &[("clock_spread_min_ms", 7.999)],
        &[],
    ),
    (
        "us:w1[10-12] us:r1@11000us[13-14] eu:w2[20-22] eu:r2@21000eu[23-24]",
        &[("clock_spread_min_ms", 0.0)],
        &[],
    ),
    // Of other keys as well: what one key says of us is held against what another says of eu.
    (
        "1/us:w1[10-12] 1/us:r1@15000us[13-14] 2/eu:w2[20-22] 2/eu:r2@15000eu[23-24]",
        &[("clock_spread_min_ms", 7.999)],
        &[],
    ),
    // Half a transaction from elsewhere; both halves; none of it.
    (
        "us:t(1w5;2w5)[0-1] eu:t(1r5;2r-)[2-3]",
        &[
            ("remote_transactions_count", 1.0),
            ("torn_transactions_count", 1.0),
        ],
        &[],
    ),
    (
        "us:t(1w5;2w5)[0-1] eu:t(1r5;2r5)[2-3]",
        &[
            ("remote_transactions_count", 1.0),
            ("torn_transactions_count", 0.0),
        ],
        &[],
    ),
    (
        "us:t(1w5;2w5)[0-1] 1/us:r5[2-3] 2/eu:r-[2-3]",
        &[
            ("remote_transactions_count", 0.0),
            ("torn_transactions_count", 0.0),
        ],
        &[],
    ),
    ("us:t(1w5)[0-1] 1/eu:r5[2-3]", &[], &["remote_", "torn_"]),
    (
        "us:t(1w5;2w5)[0-1] us:t(1r5;2r5)[2-3]",
        &[],
        &["remote_", "torn_"],
    ),
    // Two reads, one after the other; when they overlap the second half may have come in between; weak reads may come from elsewhere.
    (
        "us:t(1w5;2w5)[0-1] 1/eu:r5[2-3] 2/eu:r-[4-5]",
        &[("torn_transactions_count", 1.0)],
        &[],
    ),
    (
        "us:t(1w5;2w5)[0-1] 1/eu:r5[2-3] 2/eu:r-[3-5]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
    (
        "us:t(1w5;2w5)[0-1] 1/eu:r5[2-3] 2/eu:e-[4-5]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
    // The other half itself, seen again later, is not older than itself.
    (
        "us:t(1w5;2w5)[0-1] eu:t(1r5;2r5)[2-3] 2/eu:r5[4-5]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
    // What the other item still held was older: by its stamp, because the region showed the newer one later, because the writing region had it
    // before.
    (
        "2/eu:w4[0-1] us:t(1w5;2w6)[2-3] 2/us:r6@9us[4-5] 1/eu:r5[6-7] 2/eu:r4@3eu[8-9]",
        &[("torn_transactions_count", 1.0)],
        &[],
    ),
    (
        "2/eu:w4[0-1] us:t(1w5;2w6)[2-3] 2/us:r6@9us[4-5] 1/eu:r5[6-7] 2/eu:r4@12eu[8-9]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
    (
        "2/eu:w4[0-1] us:t(1w5;2w6)[2-3] 1/eu:r5[6-7] 2/eu:r4[8-9] 2/eu:r6[10-11]",
        &[("torn_transactions_count", 1.0)],
        &[],
    ),
    (
        "2/us:w4[0-1] us:t(1w5;2w6)[2-3] 1/eu:r5[6-7] 2/eu:r4[8-9]",
        &[("torn_transactions_count", 1.0)],
        &[],
    ),
    (
        "2/us:w4[0-2] us:t(1w5;2w6)[2-3] 1/eu:r5[6-7] 2/eu:r4[8-9]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
    // A heartbeat says how late it is, and nothing of other writes; the final read of a list lacks what the other region appended.
    ("H/eu:w4[8-11] H/us:r4@20eu[42-44]F", &[], &["delivery_"]),
    (
        "us:p2[2-?] eu:p4[2-3] us:r{2}[35-38]F",
        &[("additions_lost_count", 1.0)],
        &[],
    ),
    // An item that is also written as a whole lost nothing that can be told.
    (
        "us:a1[0-1] eu:a2[0-1] us:d[4-5] us:r-[90-91]F",
        &[],
        &["additions_"],
    ),
    // 9 in all. 2 is 7 too little: three times 3 are gone.
    (
        "us:i3[0-1] eu:i3[0-1] us:i3[2-3] us:r2[90-91]F eu:r2[90-91]F",
        &[("additions_lost_count", 3.0)],
        &[],
    ),
    // The other half may have come while its read was under way.
    (
        "2/eu:w4[0-1] us:t(1w5;2w6)[2-3] 1/eu:r5[6-7] 2/eu:r4[8-9] 2/eu:r6[9-11]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
    (
        "2/us:w4[0-1] us:t(1w5;2w6)[2-3] 1/eu:r5[6-7] 2/eu:r4[7-9]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
    // Of two readers that ended at one moment one saw half of it.
    (
        "us:t(1w5;2w5)[0-1] eu:t(1r5;2r-)[2-3] eu:t(1r5;2r5)[2-3]",
        &[("torn_transactions_count", 1.0)],
        &[],
    ),
    // A delete leaves nothing to be seen.
    (
        "us:t(1w1;2w1)[0-1] us:t(1w5;2w-)[4-5] eu:t(1r5;2r1)[10-11]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
    // When one half was seen for the last time says nothing of the other.
    (
        "us:t(1w5;2w6)[0-1] 2/eu:w4[2-3] 1/eu:r5[6-7] 2/eu:r4[8-9] 1/eu:r5[10-11]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
    // One write alone is never torn.
    (
        "us:t(1w5;2w6)[0-1] us:t(3w7)[2-3] 3/eu:r7[4-5]",
        &[("remote_transactions_count", 0.0)],
        &[],
    ),
    // 5 was written twice, so nobody knows whose it is.
    (
        "us:t(1w5;2w6)[0-1] 1/us:w5[0-1] 1/eu:r5[6-7] 2/eu:r-[8-9]",
        &[
            ("torn_transactions_count", 0.0),
            ("remote_transactions_count", 0.0),
        ],
        &[],
    ),
    (
        "2/eu:w4[0-1] us:t(1w5;2w6)[2-3] 1/eu:r5[6-7] 2/eu:r4[8-9]",
        &[("torn_transactions_count", 0.0)],
        &[],
    ),
];

#[test]
fn figures_are_those_that_a_person_works_out() {
    let mut wrong = Vec::new();
    for (text, figures, absent) in MEASURED {
        let history = one_line(&text.replace("H/", HEARTBEAT)).expect("well formed");
        let measured = checker::check(&history, &["phantom"]).measurements;
        for (name, expected) in *figures {
            let found = measured.get(*name).copied();
            if found.is_none_or(|found| (found - expected).abs() > 1e-9) {
                wrong.push(format!("{name}: {found:?} instead of {expected}: {text}"));
            }
        }
        for beginning in *absent {
            if let Some(name) = measured.keys().find(|name| name.starts_with(beginning)) {
                wrong.push(format!("there is a {name}: {text}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
