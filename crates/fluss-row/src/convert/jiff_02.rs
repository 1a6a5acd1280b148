//! Dates and times of `jiff` 0.2.

use jiff::Timestamp;
use jiff::civil;

use super::datum_by_way_of;
use crate::error::metadata_error;
use crate::{Date, Result, RowError, Time, TimestampLtz, TimestampNtz};

impl From<civil::Date> for Date {
    fn from(date: civil::Date) -> Self {
        let (year, month, day) = (
            i32::from(date.year()),
            date.month() as u32,
            date.day() as u32,
        );
        // Every date of jiff exists here too.
        Self::from_ymd(year, month, day).unwrap_or_default()
    }
}

impl TryFrom<Date> for civil::Date {
    type Error = RowError;

    fn try_from(date: Date) -> Result<Self> {
        let year = i16::try_from(date.year()).map_err(|error| metadata_error("year", error))?;
        Self::new(year, date.month() as i8, date.day() as i8)
            .map_err(|error| metadata_error("date", error))
    }
}

impl From<civil::Time> for Time {
    /// Digits below milliseconds are lost, because a TIME has none.
    fn from(time: civil::Time) -> Self {
        let seconds = (i32::from(time.hour()) * 60 + i32::from(time.minute())) * 60
            + i32::from(time.second());
        Self::new(seconds * 1_000 + i32::from(time.millisecond()))
    }
}

impl TryFrom<Time> for civil::Time {
    type Error = RowError;

    fn try_from(time: Time) -> Result<Self> {
        let millis = time.get_inner();
        let seconds = millis.div_euclid(1_000);
        let hour = i8::try_from(seconds.div_euclid(3_600))
            .map_err(|error| metadata_error("hour", error))?;
        let (minute, second) = ((seconds / 60 % 60) as i8, (seconds % 60) as i8);
        Self::new(hour, minute, second, millis.rem_euclid(1_000) * 1_000_000)
            .map_err(|error| metadata_error("time", error))
    }
}

impl From<civil::DateTime> for TimestampNtz {
    fn from(timestamp: civil::DateTime) -> Self {
        let days = i64::from(Date::from(timestamp.date()).get_inner());
        let millis = i64::from(Time::from(timestamp.time()).get_inner());
        let nanos = timestamp.subsec_nanosecond() % 1_000_000;
        Self::from_parts(days * 86_400_000 + millis, nanos)
    }
}

impl TryFrom<TimestampNtz> for civil::DateTime {
    type Error = RowError;

    fn try_from(timestamp: TimestampNtz) -> Result<Self> {
        let instant = instant(
            timestamp.get_millisecond(),
            timestamp.get_nano_of_millisecond(),
        )?;
        Ok(jiff::tz::Offset::UTC.to_datetime(instant))
    }
}

impl From<Timestamp> for TimestampLtz {
    fn from(instant: Timestamp) -> Self {
        let nanos = i64::from(instant.subsec_nanosecond());
        // Both parts of an instant before 1970 are negative in jiff.
        let (second, nanos) = if nanos < 0 {
            (instant.as_second() - 1, nanos + 1_000_000_000)
        } else {
            (instant.as_second(), nanos)
        };
        Self::from_parts(
            second * 1_000 + nanos / 1_000_000,
            (nanos % 1_000_000) as i32,
        )
    }
}

impl TryFrom<TimestampLtz> for Timestamp {
    type Error = RowError;

    fn try_from(timestamp: TimestampLtz) -> Result<Self> {
        instant(
            timestamp.get_epoch_millisecond(),
            timestamp.get_nano_of_millisecond(),
        )
    }
}

fn instant(millis: i64, nanos: i32) -> Result<Timestamp> {
    let subsec = millis.rem_euclid(1_000) as i32 * 1_000_000 + nanos;
    Timestamp::new(millis.div_euclid(1_000), subsec)
        .map_err(|error| metadata_error("timestamp", error))
}

datum_by_way_of! {
    civil::Date => Date,
    civil::Time => Time,
    civil::DateTime => TimestampNtz,
    Timestamp => TimestampLtz,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_go_both_ways() {
        for days in [0, -1, 19_000, -719_163, 2_932_896] {
            let date = civil::Date::try_from(Date::new(days)).unwrap();
            assert_eq!(date.to_string(), Date::new(days).to_string());
            assert_eq!(Date::from(date), Date::new(days));
        }
        civil::Date::try_from(Date::new(i32::MAX)).unwrap_err();
        civil::Date::try_from(Date::new(i32::MIN)).unwrap_err();
        for millis in [0, 3_661_001, 86_399_999] {
            assert_eq!(
                Time::from(civil::Time::try_from(Time::new(millis)).unwrap()),
                Time::new(millis)
            );
        }
        civil::Time::try_from(Time::new(-1)).unwrap_err();
        civil::Time::try_from(Time::new(86_400_000)).unwrap_err();
        for (millis, nanos) in [
            (0, 0),
            (-1, 999_999),
            (-1_000, 1),
            (1_700_000_000_123, 456_789),
        ] {
            let timestamp = TimestampNtz::from_millis_nanos(millis, nanos).unwrap();
            assert_eq!(
                TimestampNtz::from(civil::DateTime::try_from(timestamp).unwrap()),
                timestamp
            );
            let timestamp = TimestampLtz::from_millis_nanos(millis, nanos).unwrap();
            assert_eq!(
                TimestampLtz::from(Timestamp::try_from(timestamp).unwrap()),
                timestamp
            );
        }
        Timestamp::try_from(TimestampLtz::new(i64::MAX)).unwrap_err();
        civil::DateTime::try_from(TimestampNtz::new(i64::MIN)).unwrap_err();
    }
}
