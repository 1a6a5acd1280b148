//! DATE, TIME, TIMESTAMP and `TIMESTAMP_LTZ` values and their text.

use std::borrow::Cow;
use std::fmt;

use crate::{Result, RowError};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    // Years begin in March, so that the leap day is the last day of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// ISO date as Java's `LocalDate.toString` writes it: four digits, more with a sign.
fn write_date(f: &mut fmt::Formatter<'_>, days: i64) -> fmt::Result {
    let (year, month, day) = civil_from_days(days);
    match year {
        0..=9999 => write!(f, "{year:04}")?,
        10_000.. => write!(f, "+{year}")?,
        _ => write!(f, "-{:04}", -year)?,
    }
    write!(f, "-{month:02}-{day:02}")
}

/// Time of day; a fraction of 3, 6 or 9 digits, none when it is zero.
fn write_time(f: &mut fmt::Formatter<'_>, nanos_of_day: i64, always_seconds: bool) -> fmt::Result {
    let seconds = nanos_of_day / 1_000_000_000;
    let nanos = nanos_of_day % 1_000_000_000;
    write!(f, "{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
    if always_seconds || seconds % 60 != 0 || nanos != 0 {
        write!(f, ":{:02}", seconds % 60)?;
    }
    if nanos == 0 {
        Ok(())
    } else if nanos % 1_000_000 == 0 {
        write!(f, ".{:03}", nanos / 1_000_000)
    } else if nanos % 1_000 == 0 {
        write!(f, ".{:06}", nanos / 1_000)
    } else {
        write!(f, ".{nanos:09}")
    }
}

fn invalid(expected: &'static str, value: impl fmt::Display) -> RowError {
    RowError::InvalidValue {
        expected: Cow::Borrowed(expected),
        value: value.to_string().into(),
    }
}

/// A DATE: days since 1970-01-01 in the proleptic Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Date(i32);

impl Date {
    /// Creates a date from days since 1970-01-01.
    #[inline]
    pub const fn new(days: i32) -> Self {
        Self(days)
    }

    /// Creates a date from year, month and day. Returns an error if there is no such day.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Result<Self> {
        let days = days_from_civil(i64::from(year), month.clamp(1, 12), day);
        if civil_from_days(days) == (i64::from(year), month, day)
            && let Ok(days) = i32::try_from(days)
        {
            return Ok(Self(days));
        }
        Err(invalid("DATE", format_args!("{year}-{month}-{day}")))
    }

    /// Returns the days since 1970-01-01.
    #[inline]
    pub const fn get_inner(&self) -> i32 {
        self.0
    }

    /// Returns the year; years before 1 count on through 0 and below.
    pub fn year(&self) -> i32 {
        civil_from_days(i64::from(self.0)).0 as i32
    }

    /// Returns the month, from 1.
    pub fn month(&self) -> u32 {
        civil_from_days(i64::from(self.0)).1
    }

    /// Returns the day of the month, from 1.
    pub fn day(&self) -> u32 {
        civil_from_days(i64::from(self.0)).2
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_date(f, i64::from(self.0))
    }
}

/// A TIME: milliseconds since midnight, whatever the precision of its column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i32);

impl Time {
    /// Creates a time from milliseconds since midnight. Not checked: see [`Time::is_valid`].
    #[inline]
    pub const fn new(millis_of_day: i32) -> Self {
        Self(millis_of_day)
    }

    /// Creates a time of day. Returns an error if there is no such time.
    pub fn from_hms_milli(hour: u32, minute: u32, second: u32, milli: u32) -> Result<Self> {
        if hour < 24 && minute < 60 && second < 60 && milli < 1000 {
            Ok(Self(
                (((hour * 60 + minute) * 60 + second) * 1000 + milli) as i32,
            ))
        } else {
            Err(invalid(
                "TIME",
                format_args!("{hour}:{minute}:{second}.{milli}"),
            ))
        }
    }

    /// Returns the milliseconds since midnight.
    #[inline]
    pub const fn get_inner(&self) -> i32 {
        self.0
    }

    /// Returns whether the milliseconds are those of one day.
    pub const fn is_valid(&self) -> bool {
        self.0 >= 0 && (self.0 as i64) < MILLIS_PER_DAY
    }
}

impl Time {
    /// Without the digits that a TIME of this precision does not have.
    #[inline]
    pub(crate) const fn cut(self, precision: u32) -> Self {
        let step = if precision < 3 {
            10_i32.pow(3 - precision)
        } else {
            1
        };
        Self(self.0 / step * step)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_valid() {
            write_time(f, i64::from(self.0) * 1_000_000, true)
        } else {
            write!(f, "{} ms", self.0)
        }
    }
}

/// Splits microseconds into milliseconds, rounded down, and nanoseconds of the millisecond.
const fn split(value: i64, per_milli: i64) -> (i64, i32) {
    (
        value.div_euclid(per_milli),
        (value.rem_euclid(per_milli) * (1_000_000 / per_milli)) as i32,
    )
}

/// The way back from [`split`]; `None` beyond 64 bits.
const fn join(millis: i64, nanos: i32, per_milli: i64) -> Option<i64> {
    // In 128 bits, as the sum may fit where the product does not.
    let value =
        millis as i128 * per_milli as i128 + (nanos as i64 / (1_000_000 / per_milli)) as i128;
    if value >= i64::MIN as i128 && value <= i64::MAX as i128 {
        Some(value as i64)
    } else {
        None
    }
}

macro_rules! timestamp {
    ($type:ident, $name:literal, $millis:ident, $what:literal, $always_seconds:literal, $suffix:literal) => {
        #[doc = $what]
        ///
        /// Milliseconds may be negative; the nanoseconds within the millisecond never are.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $type {
            millis: i64,
            nanos: i32,
        }

        impl $type {
            /// From milliseconds since 1970-01-01 00:00.
            #[inline]
            pub const fn new(millis: i64) -> Self {
                Self { millis, nanos: 0 }
            }

            /// From milliseconds since 1970-01-01 00:00 and nanoseconds within the millisecond.
            /// Returns an error if the latter are not in `0..=999_999`.
            #[inline]
            pub fn from_millis_nanos(millis: i64, nanos: i32) -> Result<Self> {
                if (0..=999_999).contains(&nanos) {
                    Ok(Self { millis, nanos })
                } else {
                    Err(invalid(
                        concat!($name, " (nanoseconds of the millisecond)"),
                        nanos,
                    ))
                }
            }

            /// From parts that are known to be in range. Without the digits that a timestamp of this precision does
            /// not have: the latest time with so few that is not after it.
            #[inline]
            pub(crate) const fn cut(self, precision: u32) -> Self {
                if precision >= 9 {
                    return self;
                }
                if precision >= 3 {
                    let step = 10_i32.pow(9 - precision);
                    return Self {
                        millis: self.millis,
                        nanos: self.nanos / step * step,
                    };
                }
                let step = 10_i64.pow(3 - precision);
                let millis = match self.millis.checked_sub(self.millis.rem_euclid(step)) {
                    Some(millis) => millis,
                    // Before the first number of 64 bits.
                    None => self.millis / step * step,
                };
                Self { millis, nanos: 0 }
            }

            #[cfg(any(feature = "chrono-04", feature = "jiff-02"))]
            pub(crate) const fn from_parts(millis: i64, nanos: i32) -> Self {
                Self { millis, nanos }
            }

            /// From microseconds since 1970-01-01 00:00.
            #[inline]
            pub const fn from_micros(micros: i64) -> Self {
                let (millis, nanos) = split(micros, 1_000);
                Self { millis, nanos }
            }

            /// From nanoseconds since 1970-01-01 00:00.
            #[inline]
            pub const fn from_nanos(nanos: i64) -> Self {
                let (millis, nanos) = split(nanos, 1_000_000);
                Self { millis, nanos }
            }

            /// Milliseconds since 1970-01-01 00:00, rounded down.
            #[inline]
            pub const fn $millis(&self) -> i64 {
                self.millis
            }

            /// Returns the nanoseconds within the millisecond, `0..=999_999`.
            #[inline]
            pub const fn get_nano_of_millisecond(&self) -> i32 {
                self.nanos
            }

            /// Microseconds since 1970-01-01 00:00, rounded down; `None` beyond 64 bits.
            #[inline]
            pub const fn to_micros(&self) -> Option<i64> {
                join(self.millis, self.nanos, 1_000)
            }

            /// Returns the nanoseconds since 1970-01-01 00:00; `None` beyond 64 bits.
            #[inline]
            pub const fn to_nanos(&self) -> Option<i64> {
                join(self.millis, self.nanos, 1_000_000)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_date(f, self.millis.div_euclid(MILLIS_PER_DAY))?;
                f.write_str("T")?;
                let nanos_of_day =
                    self.millis.rem_euclid(MILLIS_PER_DAY) * 1_000_000 + i64::from(self.nanos);
                write_time(f, nanos_of_day, $always_seconds)?;
                f.write_str($suffix)
            }
        }
    };
}

timestamp!(
    TimestampNtz,
    "TIMESTAMP",
    get_millisecond,
    "A TIMESTAMP: a date and time of day without time zone. Its text is that of Java's `LocalDateTime`.",
    false,
    ""
);
timestamp!(
    TimestampLtz,
    "TIMESTAMP_LTZ",
    get_epoch_millisecond,
    "A `TIMESTAMP_LTZ`: an instant, shown in the reader's time zone. Its text is that of Java's `Instant`, in UTC.",
    true,
    "Z"
);

macro_rules! debug_as_display {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}
debug_as_display!(Date, Time, TimestampNtz, TimestampLtz);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (19_000, "2022-01-08"),
            (19_723, "2024-01-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
            (-719_528, "0000-01-01"),
            (-719_529, "-0001-12-31"),
        ] {
            let date = Date::new(days);
            assert_eq!(date.to_string(), text);
            assert_eq!(
                Date::from_ymd(date.year(), date.month(), date.day()).unwrap(),
                date
            );
        }
        for (year, month, day) in [
            (2023, 2, 29),
            (2024, 13, 1),
            (2024, 0, 1),
            (2024, 4, 31),
            (2024, 4, 0),
            (i32::MAX, 1, 1),
        ] {
            assert!(Date::from_ymd(year, month, day).is_err());
        }
        assert!(Date::from_ymd(2024, 2, 29).is_ok());
        for days in [i32::MIN, i32::MAX] {
            assert!(!Date::new(days).to_string().is_empty());
        }
    }

    #[test]
    fn timestamps_print_as_java_does() {
        for (millis, nanos, ntz, ltz) in [
            (0, 0, "1970-01-01T00:00", "1970-01-01T00:00:00Z"),
            (
                -1,
                999_999,
                "1969-12-31T23:59:59.999999999",
                "1969-12-31T23:59:59.999999999Z",
            ),
            (
                1_700_000_000_123,
                0,
                "2023-11-14T22:13:20.123",
                "2023-11-14T22:13:20.123Z",
            ),
            (
                60_000,
                1_000,
                "1970-01-01T00:01:00.000001",
                "1970-01-01T00:01:00.000001Z",
            ),
        ] {
            assert_eq!(
                TimestampNtz::from_millis_nanos(millis, nanos)
                    .unwrap()
                    .to_string(),
                ntz
            );
            assert_eq!(
                TimestampLtz::from_millis_nanos(millis, nanos)
                    .unwrap()
                    .to_string(),
                ltz
            );
        }
        assert!(!TimestampNtz::new(i64::MIN).to_string().is_empty());
        assert!(!TimestampLtz::new(i64::MAX).to_string().is_empty());
        assert!(TimestampNtz::from_millis_nanos(0, 1_000_000).is_err());
        assert!(TimestampNtz::from_millis_nanos(0, -1).is_err());
    }

    #[test]
    fn micros_and_nanos_round_down() {
        assert_eq!(
            TimestampNtz::from_micros(-1),
            TimestampNtz::from_millis_nanos(-1, 999_000).unwrap()
        );
        assert_eq!(
            TimestampLtz::from_nanos(-1),
            TimestampLtz::from_millis_nanos(-1, 999_999).unwrap()
        );
        assert_eq!(TimestampNtz::from_micros(-1).to_micros(), Some(-1));
        assert_eq!(
            TimestampNtz::from_nanos(i64::MIN).to_nanos(),
            Some(i64::MIN)
        );
        assert_eq!(TimestampNtz::new(i64::MAX).to_micros(), None);
    }

    #[test]
    fn digits_beyond_a_precision_are_cut_and_never_rounded_up() {
        let cases = [
            (1_234, 567_891, 0, 1_000, 0),
            (1_234, 567_891, 1, 1_200, 0),
            (1_234, 567_891, 2, 1_230, 0),
            (1_234, 567_891, 3, 1_234, 0),
            (1_234, 567_891, 4, 1_234, 500_000),
            (1_234, 567_891, 6, 1_234, 567_000),
            (1_234, 567_891, 8, 1_234, 567_890),
            (1_234, 567_891, 9, 1_234, 567_891),
            // Before 1970 they are cut as well: 23:59:59.999 has the second 59.
            (-1, 999_999, 0, -1_000, 0),
            (-1, 999_999, 2, -10, 0),
            (-1, 999_999, 3, -1, 0),
            (-1_000, 0, 0, -1_000, 0),
            (i64::MIN, 1, 0, i64::MIN / 1_000 * 1_000, 0),
        ];
        for (millis, nanos, precision, cut_millis, cut_nanos) in cases {
            let local = TimestampNtz::from_millis_nanos(millis, nanos).unwrap();
            let expected = TimestampNtz::from_millis_nanos(cut_millis, cut_nanos).unwrap();
            assert_eq!(local.cut(precision), expected, "{local} {precision}");
            let instant = TimestampLtz::from_millis_nanos(millis, nanos).unwrap();
            let expected = TimestampLtz::from_millis_nanos(cut_millis, cut_nanos).unwrap();
            assert_eq!(instant.cut(precision), expected, "{instant} {precision}");
        }
        for (precision, expected) in [
            (0, 3_661_000),
            (1, 3_661_700),
            (2, 3_661_780),
            (3, 3_661_789),
        ] {
            assert_eq!(Time::new(3_661_789).cut(precision), Time::new(expected));
        }
        assert_eq!(Time::new(3_661_789).cut(9), Time::new(3_661_789));
    }

    #[test]
    fn times_of_day() {
        assert_eq!(
            Time::from_hms_milli(1, 1, 1, 1).unwrap(),
            Time::new(3_661_001)
        );
        assert_eq!(Time::new(3_661_001).to_string(), "01:01:01.001");
        assert_eq!(Time::new(0).to_string(), "00:00:00");
        assert_eq!(Time::new(-1).to_string(), "-1 ms");
        assert!(Time::from_hms_milli(24, 0, 0, 0).is_err());
    }
}
