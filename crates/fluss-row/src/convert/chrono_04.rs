//! Dates and times of `chrono` 0.4.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::{beyond, datum_by_way_of};
use crate::{Date, Result, RowError, Time, TimestampLtz, TimestampNtz};

/// Days from the first day of the common era to 1970-01-01.
const EPOCH_FROM_CE: i32 = 719_163;

impl From<NaiveDate> for Date {
    fn from(date: NaiveDate) -> Self {
        Self::new(date.num_days_from_ce() - EPOCH_FROM_CE)
    }
}

impl TryFrom<Date> for NaiveDate {
    type Error = RowError;

    fn try_from(date: Date) -> Result<Self> {
        date.get_inner()
            .checked_add(EPOCH_FROM_CE)
            .and_then(Self::from_num_days_from_ce_opt)
            .ok_or_else(|| beyond("chrono::NaiveDate", date))
    }
}

impl From<NaiveTime> for Time {
    /// Digits below milliseconds are lost, because a TIME has none. A leap second is the last millisecond of
    /// its minute.
    fn from(time: NaiveTime) -> Self {
        let millis = (time.nanosecond() / 1_000_000).min(999);
        Self::new((time.num_seconds_from_midnight() * 1_000 + millis) as i32)
    }
}

impl TryFrom<Time> for NaiveTime {
    type Error = RowError;

    fn try_from(time: Time) -> Result<Self> {
        let parts = u32::try_from(time.get_inner()).ok();
        parts
            .and_then(|millis| {
                Self::from_num_seconds_from_midnight_opt(millis / 1_000, millis % 1_000 * 1_000_000)
            })
            .ok_or_else(|| beyond("chrono::NaiveTime", time))
    }
}

/// Milliseconds, and nanoseconds within the millisecond, of an instant of `chrono`.
fn parts(instant: &DateTime<Utc>) -> (i64, i32) {
    // A leap second counts a second and more in nanoseconds, which is the next second here.
    let nanos = i64::from(instant.timestamp_subsec_nanos());
    (
        instant.timestamp() * 1_000 + nanos / 1_000_000,
        (nanos % 1_000_000) as i32,
    )
}

fn instant(millis: i64, nanos: i32) -> Option<DateTime<Utc>> {
    let subsec = millis.rem_euclid(1_000) * 1_000_000 + i64::from(nanos);
    DateTime::from_timestamp(millis.div_euclid(1_000), subsec as u32)
}

impl From<NaiveDateTime> for TimestampNtz {
    fn from(timestamp: NaiveDateTime) -> Self {
        let (millis, nanos) = parts(&timestamp.and_utc());
        Self::from_parts(millis, nanos)
    }
}

impl TryFrom<TimestampNtz> for NaiveDateTime {
    type Error = RowError;

    fn try_from(timestamp: TimestampNtz) -> Result<Self> {
        instant(
            timestamp.get_millisecond(),
            timestamp.get_nano_of_millisecond(),
        )
        .map(|instant| instant.naive_utc())
        .ok_or_else(|| beyond("chrono::NaiveDateTime", timestamp))
    }
}

impl From<DateTime<Utc>> for TimestampLtz {
    fn from(instant: DateTime<Utc>) -> Self {
        let (millis, nanos) = parts(&instant);
        Self::from_parts(millis, nanos)
    }
}

impl TryFrom<TimestampLtz> for DateTime<Utc> {
    type Error = RowError;

    fn try_from(timestamp: TimestampLtz) -> Result<Self> {
        instant(
            timestamp.get_epoch_millisecond(),
            timestamp.get_nano_of_millisecond(),
        )
        .ok_or_else(|| beyond("chrono::DateTime", timestamp))
    }
}

datum_by_way_of! {
    NaiveDate => Date,
    NaiveTime => Time,
    NaiveDateTime => TimestampNtz,
    DateTime<Utc> => TimestampLtz,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_go_both_ways() {
        for days in [0, -1, 19_000, -719_163, 2_932_896] {
            let date = NaiveDate::try_from(Date::new(days)).unwrap();
            assert_eq!(date.to_string(), Date::new(days).to_string());
            assert_eq!(Date::from(date), Date::new(days));
        }
        NaiveDate::try_from(Date::new(i32::MAX)).unwrap_err();
        NaiveDate::try_from(Date::new(i32::MIN)).unwrap_err();
        let time = NaiveTime::try_from(Time::new(3_661_001)).unwrap();
        assert_eq!(
            (time.to_string().as_str(), Time::from(time)),
            ("01:01:01.001", Time::new(3_661_001))
        );
        NaiveTime::try_from(Time::new(-1)).unwrap_err();
        NaiveTime::try_from(Time::new(86_400_000)).unwrap_err();
        for (millis, nanos) in [(0, 0), (-1, 999_999), (1_700_000_000_123, 456_789)] {
            let timestamp = TimestampNtz::from_millis_nanos(millis, nanos).unwrap();
            assert_eq!(
                TimestampNtz::from(NaiveDateTime::try_from(timestamp).unwrap()),
                timestamp
            );
            let timestamp = TimestampLtz::from_millis_nanos(millis, nanos).unwrap();
            assert_eq!(
                TimestampLtz::from(DateTime::<Utc>::try_from(timestamp).unwrap()),
                timestamp
            );
        }
        DateTime::<Utc>::try_from(TimestampLtz::new(i64::MAX)).unwrap_err();
        NaiveDateTime::try_from(TimestampNtz::new(i64::MIN)).unwrap_err();
    }
}
