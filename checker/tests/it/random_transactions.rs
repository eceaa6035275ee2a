//! Tiny random histories of transactions in one region, to which another one writes as well.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

struct Random(ChaCha8Rng);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0.next_u64() % limit
    }
}

/// A random history of a correct store, in most cases with one answer changed.
pub(crate) fn history(seed: u64) -> String {
    let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
    let mut state: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut next, mut now) = (1, 20);
    let mut tokens = vec!["eu:e-[0-1]".to_owned()];
    for _ in 0..2 + random.below(6) {
        now += random.below(8);
        let (call, end) = (now - random.below(10), now + 1 + random.below(10));
        let is_changed = random.below(9) == 0;
        let known = next;
        let shown = |random: &mut Random, state: &BTreeMap<u64, u64>, key: u64| {
            let held = match is_changed && known > 1 {
                true => Some(random.below(known)).filter(|v| *v > 0),
                false => state.get(&key).copied(),
            };
            held.map_or("-".to_owned(), |v| v.to_string())
        };
        let key = 1 + random.below(2);
        let fate = random.below(14);
        let token = match random.below(10) {
            0..6 => {
                let mut steps = Vec::new();
                for key in [1, 2] {
                    let kind = random.below(4);
                    if kind >= 2 {
                        steps.push(format!("{key}r{}", shown(&mut random, &state, key)));
                    }
                    if kind % 2 == 1 || (key == 2 && steps.is_empty()) {
                        steps.push(format!("{key}w{next}"));
                        if fate > 0 {
                            state.insert(key, next);
                        }
                        next += 1;
                    }
                }
                format!("us:t({})", steps.join(";"))
            }
            6 => format!("{key}/us:r{}", shown(&mut random, &state, key)),
            7 | 8 => {
                let region = if random.below(2) == 0 { "eu" } else { "us" };
                state.insert(key, next);
                next += 1;
                format!("{key}/{region}:w{}", next - 1)
            }
            _ => {
                let required = shown(&mut random, &state, key);
                state.insert(key, next);
                next += 1;
                format!("{key}/us:c{required}>{}", next - 1)
            }
        };
        let end = match fate <= 1 && !token.contains('r') {
            true => "?".to_owned(),
            false => end.to_string(),
        };
        tokens.push(format!("{token}[{call}-{end}]"));
    }
    tokens.join(" ")
}
