//! The one date format that signatures use: `20150830T123600Z`.

const DAY_S: i64 = 86_400;

/// Milliseconds since the epoch of a date in ISO 8601 basic format; `None` when it is no such date.
pub(crate) fn parse_compact(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = &bytes[from..to];
        digits.iter().all(u8::is_ascii_digit).then(|| {
            digits
                .iter()
                .fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    let valid = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    valid.then(|| (days(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second) * 1000)
}

/// A date in ISO 8601 basic format, to the second.
pub(crate) fn compact(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (year, month, day) = civil(seconds.div_euclid(DAY_S));
    let second = seconds.rem_euclid(DAY_S);
    format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Days since the epoch, in the proleptic Gregorian calendar. The year is taken to begin in March, so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        assert_eq!(parse_compact("19700101T000000Z"), Some(0));
        assert_eq!(parse_compact("20150830T123600Z"), Some(1_440_938_160_000));
        assert_eq!(parse_compact("20240229T235959Z"), Some(1_709_251_199_000));
        for bad in [
            "",
            "20150830T123600",
            "2015-08-30T12:36",
            "20151330T123600Z",
            "2015083 T123600Z",
        ] {
            assert_eq!(parse_compact(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_survives_the_round_trip() {
        for day in 0..146_097 {
            let ms = day * DAY_S * 1000 + 45_296_000;
            let text = compact(ms);
            assert_eq!(parse_compact(&text), Some(ms), "{text}");
        }
    }
}
