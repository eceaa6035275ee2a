//! Sorts what is nearly in order: operations come in the order of their calls, and return in nearly the same.

/// How far an element may be from its place, on the average, for moving it there step by step to be the fastest.
const MOVES_EACH: usize = 16;

/// Sorts; equals stay in their order.
pub(crate) fn sort_nearly_sorted<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    let mut moves_left = list.len() * MOVES_EACH;
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && key(&list[at - 1]) > key(&list[at]) {
            if moves_left == 0 {
                list.sort_by_key(key);
                return;
            }
            list.swap(at - 1, at);
            at -= 1;
            moves_left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sort_nearly_sorted;

    #[test]
    fn it_sorts_and_keeps_equals_in_their_order() {
        for reach in [1, 3, 20, 1000] {
            let mut random: u64 = 3;
            let mut list: Vec<(u64, usize)> = (0..1000)
                .map(|index| {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    ((index as u64 + (random >> 33) % reach) / 2, index)
                })
                .collect();
            let mut sorted = list.clone();
            sorted.sort_unstable();
            sort_nearly_sorted(&mut list, |(number, _)| *number);
            assert_eq!(list, sorted, "up to {reach} from their places");
        }
    }
}
