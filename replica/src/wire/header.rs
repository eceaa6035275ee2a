//! What AWS's answers carry in headers.

/// The value of `x-amz-crc32` for a body.
#[must_use]
pub fn crc32(body: &[u8]) -> u32 {
    crc32fast::hash(body)
}

/// A request id as AWS forms them: 52 characters of `0-9A-Z`. Distinct for distinct numbers under one seed.
#[must_use]
pub fn request_id(seed: u64, number: u64) -> String {
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    // The first 13 characters spell the number, so two ids of one seed differ whatever the rest says.
    let mut id = String::with_capacity(52);
    let mut rest = number;
    let mut push = |value: u64| {
        let index = usize::try_from(value % 36).expect("below 36");
        id.push(char::from(ALPHABET[index]));
    };
    for _ in 0..13 {
        push(rest);
        rest /= 36;
    }
    let mut state = seed ^ number.rotate_left(32);
    for _ in 0..3 {
        state = mixed(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut bits = state;
        for _ in 0..13 {
            push(bits);
            bits /= 36;
        }
    }
    id
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
