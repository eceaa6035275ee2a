//! A list that is nearly always short: its first elements lie in place, and only more than those are allocated.

/// A list of which `N` elements lie in place.
#[derive(Clone, Debug)]
pub(crate) struct Few<T, const N: usize> {
    first: [T; N],
    count: usize,
    /// All of them, once there are more than fit.
    all: Vec<T>,
}

impl<T: Copy + Default, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self {
            first: [T::default(); N],
            count: 0,
            all: Vec::new(),
        }
    }
}

impl<T: Copy, const N: usize> Few<T, N> {
    pub(crate) fn push(&mut self, element: T) {
        if self.count < N {
            self.first[self.count] = element;
        } else {
            if self.count == N {
                self.all.extend_from_slice(&self.first);
            }
            self.all.push(element);
        }
        self.count += 1;
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        if self.count <= N {
            &self.first[..self.count]
        } else {
            &self.all
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        if self.count <= N {
            &mut self.first[..self.count]
        } else {
            &mut self.all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Few;

    #[test]
    fn it_is_a_list() {
        let mut few: Few<u32, 3> = Few::default();
        let mut list = Vec::new();
        for element in 0..10 {
            assert_eq!(few.as_slice(), list);
            assert_eq!(few.as_mut_slice(), list);
            few.push(element);
            list.push(element);
        }
    }
}
