//! Oracle date formats: what `TO_CHAR` writes and `TO_DATE` reads.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::cell::SqlError;

/// An element of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Element {
    Year,
    Month,
    Day,
    Hour24,
    Hour12,
    Minute,
    Second,
    /// AM or PM.
    Half,
    /// Fractions, which SuiteQL does not have.
    Fraction,
    Other(char),
}

/// A format that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::netsuite) struct Format(Vec<Element>);

impl Format {
    /// Understands a format such as `YYYY-MM-DD HH24:MI:SS`.
    pub(in crate::netsuite) fn parse(text: &str) -> Result<Self, SqlError> {
        const ELEMENTS: &[(&str, Element)] = &[
            ("YYYY", Element::Year),
            ("MM", Element::Month),
            ("DD", Element::Day),
            ("HH24", Element::Hour24),
            ("HH12", Element::Hour12),
            ("HH", Element::Hour12),
            ("MI", Element::Minute),
            ("SS", Element::Second),
            ("AM", Element::Half),
            ("PM", Element::Half),
            ("XFF", Element::Fraction),
            (".FF", Element::Fraction),
        ];
        let (mut elements, mut rest) = (Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            if first == '"' {
                let quoted = rest[1..].split('"').next().unwrap_or_default();
                elements.extend(quoted.chars().map(Element::Other));
                rest = rest.get(quoted.len() + 2..).unwrap_or_default();
                continue;
            }
            let upper = rest.get(..rest.len().min(4)).unwrap_or(rest).to_ascii_uppercase();
            if let Some((name, element)) = ELEMENTS.iter().find(|(name, _)| upper.starts_with(name)) {
                elements.push(element.clone());
                rest = &rest[name.len()..];
                rest = if *element == Element::Fraction {
                    rest.trim_start_matches(|it: char| it.is_ascii_digit())
                } else {
                    rest
                };
            } else if first.is_alphanumeric() {
                return Err(SqlError::new("date format not recognized"));
            } else {
                elements.push(Element::Other(first));
                rest = &rest[first.len_utf8()..];
            }
        }
        Ok(Self(elements))
    }

    /// A moment on the clocks of `zone`.
    pub(in crate::netsuite) fn write(&self, moment: i64, zone: &TimeZone) -> Result<String, SqlError> {
        use std::fmt::Write as _;
        let at = Timestamp::from_second(moment).map_err(|it| SqlError::new(it.to_string()))?;
        let at = zone.to_datetime(at);
        let mut out = String::with_capacity(20);
        for element in &self.0 {
            let hour12 = (at.hour() + 11) % 12 + 1;
            // Writing to a string cannot fail.
            let _ = match element {
                Element::Year => write!(out, "{:04}", at.year()),
                Element::Month => write!(out, "{:02}", at.month()),
                Element::Day => write!(out, "{:02}", at.day()),
                Element::Hour24 => write!(out, "{:02}", at.hour()),
                Element::Hour12 => write!(out, "{hour12:02}"),
                Element::Minute => write!(out, "{:02}", at.minute()),
                Element::Second => write!(out, "{:02}", at.second()),
                Element::Half => write!(out, "{}", if at.hour() < 12 { "AM" } else { "PM" }),
                Element::Fraction => write!(out, ".000000"),
                Element::Other(it) => write!(out, "{it}"),
            };
        }
        Ok(out)
    }

    /// The moment that a text names on the clocks of `zone`. Of an hour that comes twice it is the first.
    pub(in crate::netsuite) fn read(&self, text: &str, zone: &TimeZone) -> Result<i64, SqlError> {
        let broken = || SqlError::new(format!("Invalid date: '{text}' does not match the date format"));
        let at = self.read_local(text).ok_or_else(broken)?;
        let at = zone.to_ambiguous_zoned(at).compatible().map_err(|_| broken())?;
        Ok(at.timestamp().as_second())
    }

    fn read_local(&self, text: &str) -> Option<DateTime> {
        let mut rest = text.trim();
        let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (1970i16, 1i8, 1i8, 0i8, 0i8, 0i8);
        let mut is_afternoon = None;
        for element in &self.0 {
            if rest.is_empty() {
                break;
            }
            match element {
                Element::Year => year = digits(&mut rest, 4)?,
                Element::Month => month = i8::try_from(digits(&mut rest, 2)?).ok()?,
                Element::Day => day = i8::try_from(digits(&mut rest, 2)?).ok()?,
                Element::Hour24 | Element::Hour12 => hour = i8::try_from(digits(&mut rest, 2)?).ok()?,
                Element::Minute => minute = i8::try_from(digits(&mut rest, 2)?).ok()?,
                Element::Second => second = i8::try_from(digits(&mut rest, 2)?).ok()?,
                Element::Half => {
                    let half = rest.get(..2)?.to_ascii_uppercase();
                    is_afternoon = Some(half == "PM");
                    rest = &rest[2..];
                }
                Element::Fraction => {
                    rest = rest.strip_prefix('.').unwrap_or(rest).trim_start_matches(|it: char| it.is_ascii_digit());
                }
                Element::Other(it) => rest = rest.strip_prefix(*it)?,
            }
        }
        if let Some(is_afternoon) = is_afternoon {
            hour = hour % 12 + if is_afternoon { 12 } else { 0 };
        }
        if !rest.is_empty() {
            return None;
        }
        DateTime::new(year, month, day, hour, minute, second, 0).ok()
    }
}

/// Up to `n_max` digits at the start.
fn digits(rest: &mut &str, n_max: usize) -> Option<i16> {
    let n = rest.bytes().take(n_max).take_while(u8::is_ascii_digit).count();
    let number = rest.get(..n)?.parse().ok()?;
    *rest = &rest[n..];
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, text: &str, moment: i64) {
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        let format = Format::parse(format).unwrap();
        assert_eq!(format.read(text, &zone), Ok(moment), "{text}");
        assert_eq!(format.write(moment, &zone).unwrap(), text);
    }

    #[test]
    fn formats_read_what_they_write() {
        check("YYYY-MM-DD HH24:MI:SS", "2026-01-02 03:04:05", 1_767_351_845);
        check("MM/DD/YYYY HH:MI AM", "07/01/2026 03:04 PM", 1_782_943_440);
        check("YYYY-MM-DD\"T\"HH24:MI:SS", "2026-07-01T15:04:00", 1_782_943_440);
    }

    #[test]
    fn an_hour_that_comes_twice_reads_as_the_first_and_one_that_never_comes_as_the_next() {
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        let format = Format::parse("YYYY-MM-DD HH24:MI:SS").unwrap();
        // 2026-11-01 01:30 PDT is 08:30 UTC; an hour later the clocks show 01:30 again.
        let first = format.read("2026-11-01 01:30:00", &zone).unwrap();
        assert_eq!(first, 1_793_521_800);
        assert_eq!(format.write(first + 3_600, &zone).unwrap(), "2026-11-01 01:30:00");
        let gap = format.read("2026-03-08 02:30:00", &zone).unwrap();
        assert_eq!(format.write(gap, &zone).unwrap(), "2026-03-08 03:30:00");
    }

    #[test]
    fn what_does_not_match_is_refused() {
        let format = Format::parse("YYYY-MM-DD").unwrap();
        assert!(format.read("2026-13-01", &TimeZone::UTC).is_err());
        assert!(format.read("2026-01-01 10:00", &TimeZone::UTC).is_err());
        assert!(Format::parse("QQQ").is_err());
    }
}
