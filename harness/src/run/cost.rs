//! What a run on somebody else's endpoints may cost, in request units and in money, before anything is asked.
//!
//! Source: DynamoDB Developer Guide, "Read and write operations": a write takes a unit for each KB of its item and of each region that gets a
//! copy, a strong read one for each 4 KB, a scan as much as everything that it reads. Every operation counts as the dearest of the workload, so this is a
//! bound, not a forecast. Not in it: storage (a run's is below a cent), traffic between regions, streams and whatever taxes there are.

use workloads::heartbeat;

/// What an item has beside its value and padding: names, key and housekeeping.
const ITEM_BYTES: u64 = 200;

/// Prices of AWS's on-demand tables in us-east-1, since November 2024.
const PRICES: Prices = Prices {
    write_usd_per_million: 0.625,
    read_usd_per_million: 0.125,
};

/// How much a million of units costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Prices {
    write_usd_per_million: f64,
    read_usd_per_million: f64,
}

impl Prices {
    /// Two numbers, or the usual ones.
    pub(super) fn of(given: Option<&[f64]>) -> Result<Self, String> {
        let is_price = |price: &f64| price.is_finite() && *price >= 0.0;
        match given {
            None => Ok(PRICES),
            Some(&[write, read]) if is_price(&write) && is_price(&read) => Ok(Self {
                write_usd_per_million: write,
                read_usd_per_million: read,
            }),
            Some(_) => Err(
                "write two prices, of a million write units and of a million read units: 0.625,0.125"
                    .to_owned(),
            ),
        }
    }
}

/// What a run asks, as far as money is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) regions: u64,
    /// The largest value of an item.
    pub(super) value_bytes: u64,
    /// Items that a scan may meet; none where nobody scans.
    pub(super) scanned_items: u64,
    /// Seconds of work.
    pub(super) seconds: u64,
    /// Operations in a second, heartbeats aside.
    pub(super) rate: u64,
    /// Keys that final reads ask for in each region, all rounds together.
    pub(super) final_reads: u64,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    pub(super) prices: Prices,
    pub(super) demand: Demand,
}

impl Cost {
    /// The dearest operation of the workload.
    pub(super) fn per_operation_usd(&self) -> f64 {
        let write = self.usd(self.write_units(), 0);
        let read = self.usd(0, self.read_units(1));
        let scan = self.usd(0, self.read_units(self.demand.scanned_items));
        write.max(read).max(scan)
    }

    /// Write units of one operation, in all regions.
    pub(super) fn write_units(&self) -> u64 {
        self.item_bytes().div_ceil(1024) * self.demand.regions
    }

    fn read_units(&self, items: u64) -> u64 {
        (self.item_bytes() * items).div_ceil(4096)
    }

    fn item_bytes(&self) -> u64 {
        self.demand.value_bytes + ITEM_BYTES
    }

    fn usd(&self, write_units: u64, read_units: u64) -> f64 {
        let writes = write_units as f64 * self.prices.write_usd_per_million;
        let reads = read_units as f64 * self.prices.read_usd_per_million;
        (writes + reads) / 1e6
    }

    pub(super) fn final_reads_usd(&self) -> f64 {
        self.usd(0, self.read_units(1) * self.demand.final_reads)
    }

    /// Operations and heartbeats of the whole time.
    pub(super) fn operations(&self) -> u64 {
        let (writes, reads) = heartbeat::operations_per_s(self.demand.regions);
        let per_s = self.demand.rate.saturating_add(writes + reads);
        per_s.saturating_mul(self.demand.seconds)
    }

    /// At most so much, if no more operations than this are made.
    pub(super) fn total_usd(&self, budget: Option<u64>) -> f64 {
        let operations = self.operations().min(budget.unwrap_or(u64::MAX));
        operations as f64 * self.per_operation_usd() + self.final_reads_usd()
    }

    /// How many operations so much money is enough for.
    pub(super) fn operations_within(&self, usd: f64) -> Result<u64, String> {
        if !usd.is_finite() || usd <= 0.0 {
            return Err("it must be above 0".to_owned());
        }
        let left = usd - self.final_reads_usd();
        let per_operation = self.per_operation_usd();
        if left < per_operation {
            return Err(format!(
                "the final reads may cost {:.6} US dollars and each operation {per_operation:.9}; allow more, or shorten --time-limit",
                self.final_reads_usd(),
            ));
        }
        // Where nothing costs anything there is no limit.
        let operations = left / per_operation;
        if operations.is_nan() || operations > 1e15 {
            return Ok(u64::MAX);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between one and a thousand million million"
        )]
        Ok(operations as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(demand: Demand) -> Cost {
        Cost {
            prices: PRICES,
            demand,
        }
    }

    const SMALL: Demand = Demand {
        regions: 2,
        value_bytes: 0,
        scanned_items: 0,
        seconds: 10,
        rate: 100,
        final_reads: 100,
    };

    #[test]
    fn a_write_costs_a_unit_for_each_kilobyte_and_region() {
        assert_eq!(cost(SMALL).write_units(), 2);
        let large = Demand {
            value_bytes: 350_000,
            ..SMALL
        };
        assert_eq!(cost(large).write_units(), 2 * 342);
        let dear = cost(SMALL).per_operation_usd();
        assert!((dear - 2.0 * 0.625e-6).abs() < 1e-12, "{dear}");
        let scans = Demand {
            scanned_items: 100_000,
            ..SMALL
        };
        let dear = cost(scans).per_operation_usd();
        // 100,000 items of 200 bytes are 4883 times 4 KB.
        assert!((dear - 4883.0 * 0.125e-6).abs() < 1e-9, "{dear}");
    }

    #[test]
    fn money_is_enough_for_so_many_operations_and_the_final_reads() {
        let cost = cost(SMALL);
        let enough = cost.operations_within(0.01).expect("a cent");
        assert!(cost.total_usd(Some(enough)) <= 0.01);
        let one_more = (enough + 1) as f64 * cost.per_operation_usd() + cost.final_reads_usd();
        assert!(one_more > 0.01);
        assert!(cost.operations_within(1e-6).is_err());
        assert!(cost.operations_within(0.0).is_err());
        assert!(cost.operations_within(f64::NAN).is_err());
        let free = Cost {
            prices: Prices::of(Some(&[0.0, 0.0])).expect("two prices"),
            ..cost
        };
        assert_eq!(free.operations_within(0.01), Ok(u64::MAX));
        // Two regions beat ten times a second each, and watch each other twenty times.
        assert_eq!(cost.operations(), (100 + 20 + 40) * 10);
    }

    #[test]
    fn prices_are_two() {
        assert_eq!(Prices::of(None), Ok(PRICES));
        for given in [&[1.0][..], &[1.0, 2.0, 3.0], &[-1.0, 0.0], &[f64::NAN, 0.0]] {
            assert!(Prices::of(Some(given)).is_err(), "{given:?}");
        }
    }
}
