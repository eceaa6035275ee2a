//! Sizes on the command line of `dateline check`.

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
