//! The Gregorian calendar, for every day that 64 bits of milliseconds can name.

/// Milliseconds of a day.
pub(crate) const MILLIS_PER_DAY: i64 = 86_400_000;
/// Seconds of a day.
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    /// Year 0 is the one before year 1.
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: i64,
    /// 1 to 31.
    pub(crate) day: i64,
}

pub(crate) fn is_leap_year(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Date {
    /// The day so many days after 1970-01-01.
    pub(crate) fn of_epoch(days: i64) -> Self {
        // Years are counted from March here, so that the leap day is the last of its year.
        let from_0000_03_01 = days.saturating_add(719_468);
        let era = from_0000_03_01.div_euclid(146_097);
        let day_of_era = from_0000_03_01.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
        }
    }

    /// Returns the days since 1970-01-01. The year must be within ±10^12.
    pub(crate) fn to_epoch(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = (self.month + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// `months` later, on the last day of the month if the month is too short. Like `LocalDate.plusMonths` in Java.
    pub(crate) fn plus_months(self, months: i64) -> Self {
        let from_zero = (self.year * 12 + self.month - 1).saturating_add(months);
        let (year, month) = (from_zero.div_euclid(12), from_zero.rem_euclid(12) + 1);
        Self {
            year,
            month,
            day: self.day.min(days_in_month(year, month)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_the_same_both_ways() {
        let cases = [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (19_782, (2024, 2, 29)),
            (-719_528, (0, 1, 1)),
            (i64::from(i32::MIN), (-5_877_641, 6, 23)),
        ];
        for (days, (year, month, day)) in cases {
            let expected = Date { year, month, day };
            assert_eq!(Date::of_epoch(days), expected);
            assert_eq!(expected.to_epoch(), days);
        }
        for days in (-800_000..800_000).step_by(97) {
            assert_eq!(Date::of_epoch(days).to_epoch(), days);
        }
    }
}
