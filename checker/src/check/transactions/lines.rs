//! Lines between points, packed: for each point what comes after it.

use crate::small::small;

/// Lines by the point that they begin at: each ends at another point, or at whatever belongs to this one.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines<T = u32> {
    /// For each point where its lines begin among `ends`; one more for the end of the last.
    starts: Vec<u32>,
    ends: Vec<T>,
}

impl<T: Copy + Default> Lines<T> {
    /// These lines, those of each point in the order given.
    pub(super) fn new(point_count: usize, lines: &[(u32, T)]) -> Self {
        let mut starts = vec![0; point_count + 1];
        for (before, _) in lines {
            starts[*before as usize + 1] += 1;
        }
        for point in 0..point_count {
            starts[point + 1] += starts[point];
        }
        let mut next = starts.clone();
        let mut ends = vec![T::default(); lines.len()];
        for (before, after) in lines {
            let place: &mut u32 = &mut next[*before as usize];
            ends[*place as usize] = *after;
            *place += 1;
        }
        Self { starts, ends }
    }

    /// How many points there are.
    pub(super) fn point_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// What comes after this point.
    pub(super) fn after(&self, point: usize) -> &[T] {
        &self.ends[self.starts[point] as usize..self.starts[point + 1] as usize]
    }
}

impl Lines {
    /// These and more.
    pub(super) fn with(&self, more: &[(u32, u32)]) -> Self {
        let own = (0..self.point_count()).flat_map(|point| {
            let after = self.after(point).iter();
            after.map(move |after| (small(point), *after))
        });
        let all: Vec<(u32, u32)> = own.chain(more.iter().copied()).collect();
        Self::new(self.point_count(), &all)
    }

    /// How many lines end at each point.
    pub(super) fn before_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.point_count()];
        for end in &self.ends {
            counts[*end as usize] += 1;
        }
        counts
    }
}
