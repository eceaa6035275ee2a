//! Times and sizes on the command line of `dateline check`.

/// A time such as 5s, 800ms or 2m, in nanoseconds.
pub(super) fn duration_ns(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        _ => return Err("it needs a whole number and a unit: 800ms, 5s or 2m".to_owned()),
    };
    let number: Option<u64> = number.parse().ok().filter(|number| *number > 0);
    let bound_ns = number.and_then(|number| number.checked_mul(scale));
    bound_ns.ok_or_else(|| "it must be above 0, such as 800ms, 5s or 2m".to_owned())
}

/// `500MB`, `2GB`, `64KiB`, or a plain number of bytes.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let bad = || format!("{text}: expected a number of bytes such as 500MB, 2GB or 512MiB");
    let letters = |c: char| !c.is_ascii_digit();
    let (number, unit) = text.split_at(text.find(letters).unwrap_or(text.len()));
    let scale: u64 = match unit.trim() {
        "" | "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _unknown => return Err(bad()),
    };
    let number: u64 = number.parse().map_err(|_| bad())?;
    number.checked_mul(scale).ok_or_else(bad)
}
