//! Time zones, as in Java's `TimeZone.getTimeZone`.

use std::fmt;

use crate::calendar::{Date, SECONDS_PER_DAY};

/// A time zone.
///
/// With the crate's feature `time-zones` (on by default) all names of the IANA database are known, from a copy
/// compiled into the program; no file is read. Without it, only `UTC`, `GMT` and offsets such as `GMT+08:00` are.
#[derive(Clone)]
pub struct TimeZone {
    id: String,
    rules: Rules,
}

#[derive(Clone)]
enum Rules {
    /// A fixed number of seconds east of UTC.
    Fixed(i64),
    #[cfg(feature = "time-zones")]
    Named(jiff::tz::TimeZone),
}

/// Short names that Java still supports. Source: `java.time.ZoneId.SHORT_IDS`.
#[cfg(feature = "time-zones")]
const SHORT_NAMES: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

impl TimeZone {
    /// UTC.
    pub fn utc() -> Self {
        Self {
            id: "UTC".to_owned(),
            rules: Rules::Fixed(0),
        }
    }

    /// Looks up a time zone by name, such as `Asia/Shanghai` or `GMT+08:00`. Names are case-sensitive, as in Java.
    pub fn get(id: &str) -> Option<Self> {
        let rules = if matches!(id, "UTC" | "GMT") {
            Rules::Fixed(0)
        } else if let Some(offset) = id.strip_prefix("GMT").and_then(parse_offset) {
            Rules::Fixed(offset)
        } else {
            named(id)?
        };
        Some(Self {
            id: id.to_owned(),
            rules,
        })
    }

    /// Looks up a time zone by name, or returns UTC for an unknown name, like the servers.
    pub fn get_or_utc(id: &str) -> Self {
        Self::get(id).unwrap_or_else(Self::utc)
    }

    /// Returns the name it was looked up by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Seconds to add to UTC at a time in seconds since 1970.
    #[cfg_attr(
        not(feature = "time-zones"),
        expect(unused_variables, reason = "offsets are always the same without rules")
    )]
    fn offset_at(&self, seconds: i64) -> i64 {
        match &self.rules {
            Rules::Fixed(offset) => *offset,
            #[cfg(feature = "time-zones")]
            Rules::Named(zone) => {
                use jiff::Timestamp;
                // Beyond year 9999, the last rules continue to apply.
                let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let timestamp = Timestamp::from_second(seconds.clamp(first, last));
                timestamp.map_or(0, |at| i64::from(zone.to_offset(at).seconds()))
            }
        }
    }

    /// Returns the local time at a time in seconds since 1970.
    pub(super) fn to_local(&self, seconds: i64) -> Local {
        Local::of_seconds(seconds.saturating_add(self.offset_at(seconds)))
    }

    /// Returns the local time for one that clocks skip.
    pub(super) fn settle(&self, local: Local) -> Local {
        match &self.rules {
            Rules::Fixed(_) => local,
            #[cfg(feature = "time-zones")]
            Rules::Named(zone) => {
                let civil = || {
                    jiff::civil::DateTime::new(
                        local.day.year.try_into().ok()?,
                        local.day.month.try_into().ok()?,
                        local.day.day.try_into().ok()?,
                        (local.second / 3600).try_into().ok()?,
                        (local.second / 60 % 60).try_into().ok()?,
                        (local.second % 60).try_into().ok()?,
                        0,
                    )
                    .ok()
                };
                let moment = civil().and_then(|civil| zone.to_timestamp(civil).ok());
                moment.map_or(local, |moment| self.to_local(moment.as_second()))
            }
        }
    }
}

/// A local date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) day: Date,
    /// Of the day.
    pub(super) second: i64,
}

impl Local {
    pub(super) fn of_seconds(seconds: i64) -> Self {
        Self {
            day: Date::of_epoch(seconds.div_euclid(SECONDS_PER_DAY)),
            second: seconds.rem_euclid(SECONDS_PER_DAY),
        }
    }

    pub(super) fn hour(self) -> i64 {
        self.second / 3600
    }
}

/// Reads `+8`, `-08`, `+0530` or `+05:30` as seconds.
fn parse_offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let number = |text: &str, most: i64| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|n| digits && *n <= most)
    };
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}

#[cfg(feature = "time-zones")]
fn named(id: &str) -> Option<Rules> {
    match id {
        "EST" => return Some(Rules::Fixed(-5 * 3600)),
        "MST" => return Some(Rules::Fixed(-7 * 3600)),
        "HST" => return Some(Rules::Fixed(-10 * 3600)),
        _ => {}
    }
    let short = SHORT_NAMES.iter().find(|(name, _)| *name == id);
    let name = short.map_or(id, |(_, name)| name);
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).ok()?;
    (zone.iana_name() == Some(name)).then_some(Rules::Named(zone))
}

#[cfg(not(feature = "time-zones"))]
fn named(_id: &str) -> Option<Rules> {
    None
}

impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimeZone").field(&self.id).finish()
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl PartialEq for TimeZone {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for TimeZone {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets_are_known_as_in_java() {
        let winter = 1_735_689_600;
        let cases = [
            ("UTC", Some(0)),
            ("GMT+8", Some(28_800)),
            ("GMT-0530", Some(-19_800)),
            ("GMT+08:00", Some(28_800)),
            ("GMT+24", None),
            ("GMT+8:0", None),
            ("UTC+8", None),
            ("", None),
        ];
        for (id, offset) in cases {
            assert_eq!(
                TimeZone::get(id).map(|zone| zone.offset_at(winter)),
                offset,
                "{id}"
            );
        }
    }

    #[cfg(feature = "time-zones")]
    #[test]
    fn named_zones_follow_their_rules() {
        let cases = [
            ("America/New_York", 1_735_689_600, Some(-18_000)),
            ("America/New_York", 1_751_328_000, Some(-14_400)),
            ("PST", 1_735_689_600, Some(-28_800)),
            ("asia/shanghai", 0, None),
            ("Nowhere/Land", 0, None),
            ("Asia/Kolkata", i64::MAX, Some(19_800)),
        ];
        for (id, at, offset) in cases {
            assert_eq!(
                TimeZone::get(id).map(|zone| zone.offset_at(at)),
                offset,
                "{id}"
            );
        }
    }
}
