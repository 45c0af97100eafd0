//! Takes what a request says for what the domain knows, and gathers everything that is wrong with it before it answers.

use std::collections::BTreeMap;
use std::fmt;

use order_domain::order::Patch;
use order_domain::time::Timestamp;
use order_domain::{Coordinates, Currency, InvalidText, Money, MoneyError, OutOfRange, Text, UserId};
use rust_decimal::Decimal;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::body::escaped;
use crate::codes::Code;
use crate::moment;
use crate::problem::{FieldError, Problem};

const UNKNOWN: &str = "is not a field of this request; leave it out, or check its spelling";

/// What a body says beside what is known.
pub(crate) type Unknown = BTreeMap<String, Value>;

/// A text or a number, as a text: coordinates come as either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsText;
        impl Visitor<'_> for AsText {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                // The shortest text that is this number again: what the caller wrote, within a double's digits.
                Ok(Scalar(value.to_string()))
            }
        }
        deserializer.deserialize_any(AsText)
    }
}

/// An id of somebody else's, as a text: it comes as one, or as a whole number. A number with a fraction or an exponent, or
/// beyond 64 bits, has lost digits before anybody can see them, and would be another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignId(pub(crate) String);

impl<'de> Deserialize<'de> for ForeignId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsText;
        impl Visitor<'_> for AsText {
            type Value = ForeignId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a whole number")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<ForeignId, E> {
                Ok(ForeignId(value.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<ForeignId, E> {
                Ok(ForeignId(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<ForeignId, E> {
                Ok(ForeignId(value.to_string()))
            }
        }
        deserializer.deserialize_any(AsText)
    }
}

/// A whole number, whatever its size: a body says of it whether it is in its limits. Numbers beyond 64 bits are the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole(pub(crate) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsNumber;
        impl Visitor<'_> for AsNumber {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Whole, E> {
                Ok(Whole(value))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Whole, E> {
                Ok(Whole(value.try_into().unwrap_or(i64::MAX)))
            }
        }
        deserializer.deserialize_any(AsNumber)
    }
}

/// A field that may be `null`, and has to be there: `Some(None)` is `null`.
///
/// # Errors
/// Those of its type.
#[expect(clippy::option_option, reason = "absent and null are two things here")]
pub(crate) fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Gathers what is wrong. `root` is where the fields stand: nothing for a body, `/query` for a query.
pub(crate) struct Fields {
    root: &'static str,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Of a body.
    pub(crate) fn of_body(unknown: &Unknown) -> Self {
        let not_known = |name: &String| FieldError::new(format!("/{}", escaped(name)), "unknown_field", UNKNOWN);
        Self { root: "", errors: unknown.keys().map(not_known).collect() }
    }

    /// What an element of a list says beside what is known; `at` is where it stands.
    pub(crate) fn unknown(&mut self, at: &str, unknown: &Unknown) {
        for name in unknown.keys() {
            self.wrong(&format!("{at}/{}", escaped(name)), "unknown_field", UNKNOWN);
        }
    }

    /// Of a query.
    pub(crate) fn of_query() -> Self {
        Self { root: "/query", errors: Vec::new() }
    }

    /// Something is wrong with a field.
    pub(crate) fn wrong(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError::new(format!("{}/{field}", self.root), code, message));
    }

    /// A field that has to be there.
    pub(crate) fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.wrong(field, "required", "is required");
        }
        value
    }

    /// A single line that has to be there.
    pub(crate) fn line<const MAX: usize>(&mut self, field: &str, value: Option<String>) -> Option<Text<MAX>> {
        let value = self.required(field, value)?;
        self.text(field, Text::line(value))
    }

    /// A single line that may be missing; a blank one is.
    pub(crate) fn line_if_any<const MAX: usize>(&mut self, field: &str, value: Option<String>) -> Option<Text<MAX>> {
        self.text(field, Text::line(not_blank(value)?))
    }

    /// Several lines that may be missing; blank ones are.
    pub(crate) fn lines_if_any<const MAX: usize>(&mut self, field: &str, value: Option<String>) -> Option<Text<MAX>> {
        self.text(field, Text::lines(not_blank(value)?))
    }

    /// Several lines that stay when they are absent and go when they are `null`; blank ones are none.
    #[expect(clippy::option_option, reason = "absent and null are two things here")]
    pub(crate) fn lines_patch<const MAX: usize>(
        &mut self,
        field: &str,
        value: Option<Option<String>>,
    ) -> Patch<Text<MAX>> {
        match value.map(not_blank) {
            None => Patch::Keep,
            Some(None) => Patch::Clear,
            Some(Some(text)) => self.text(field, Text::lines(text)).map_or(Patch::Keep, Patch::Set),
        }
    }

    fn text<const MAX: usize>(&mut self, field: &str, text: Result<Text<MAX>, InvalidText>) -> Option<Text<MAX>> {
        let error = match text {
            Ok(text) => return Some(text),
            Err(error) => error,
        };
        let code = match error {
            InvalidText::Empty => "empty",
            InvalidText::TooLong { .. } => "too_long",
            InvalidText::ControlCharacter => "control_character",
        };
        self.wrong(field, code, error.to_string());
        None
    }

    /// Both coordinates, or neither.
    pub(crate) fn coordinates(
        &mut self,
        (latitude, longitude): (&str, &str),
        (lat, lon): (Option<Scalar>, Option<Scalar>),
    ) -> Option<Coordinates> {
        let (lat, lon) = (given(lat), given(lon));
        if lat.is_some() != lon.is_some() {
            let missing = if lat.is_none() { latitude } else { longitude };
            self.incomplete(missing, (latitude, longitude));
        }
        let lat = lat.map(|lat| self.degrees(latitude, &lat, 90));
        let lon = lon.map(|lon| self.degrees(longitude, &lon, 180));
        let place = Coordinates::new(lat??, lon??);
        if let Err(error @ OutOfRange) = place {
            self.wrong(latitude, "out_of_range", error.to_string());
        }
        place.ok()
    }

    /// Both coordinates, which stay when they are absent and go when they are `null`.
    #[expect(clippy::option_option, reason = "absent and null are two things here")]
    pub(crate) fn coordinates_patch(
        &mut self,
        names: (&str, &str),
        (lat, lon): (Option<Option<Scalar>>, Option<Option<Scalar>>),
    ) -> Patch<Coordinates> {
        match (&lat, &lon) {
            (Some(None), Some(None)) => return Patch::Clear,
            (Some(None), _) => self.incomplete(names.1, names),
            (_, Some(None)) => self.incomplete(names.0, names),
            (None | Some(Some(_)), None | Some(Some(_))) => {
                return self.coordinates(names, (lat.flatten(), lon.flatten())).map_or(Patch::Keep, Patch::Set);
            }
        }
        Patch::Keep
    }

    fn incomplete(&mut self, missing: &str, (latitude, longitude): (&str, &str)) {
        self.wrong(missing, "incomplete", format!("{latitude} and {longitude} go together: send both or neither"));
    }

    fn degrees(&mut self, field: &str, text: &str, most: u8) -> Option<Decimal> {
        let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
        let degrees = Some(text).filter(|text| text.chars().all(plain)).and_then(|text| text.parse().ok());
        let degrees = degrees.filter(|degrees: &Decimal| degrees.abs() <= Decimal::from(most));
        if degrees.is_none() {
            self.wrong(field, "out_of_range", format!("must be degrees from -{most} to {most}"));
        }
        degrees
    }

    /// An amount above 0 that has to be there: a number, taken digit by digit.
    pub(crate) fn amount(&mut self, field: &str, value: Option<Box<RawValue>>, currency: Currency) -> Option<Money> {
        let value = self.required(field, value)?;
        let digits = value.get();
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            self.wrong(field, "wrong_type", "must be a number");
            return None;
        }
        let amount = exact(digits).ok_or(MoneyError::OutOfRange).and_then(|value| Money::exact(value, currency));
        match amount {
            Ok(amount) if amount.minor() > 0 => return Some(amount),
            Err(MoneyError::TooPrecise) => {
                let message = format!("must have at most {} decimals", currency.decimals());
                self.wrong(field, "too_precise", message);
            }
            Ok(_) => self.wrong(field, "out_of_range", "must be above 0"),
            Err(_) => self.wrong(field, "out_of_range", "is larger, or has more digits, than any amount"),
        }
        None
    }

    /// A moment.
    pub(crate) fn moment(&mut self, field: &str, text: &str) -> Option<Timestamp> {
        let moment = moment::parse(text);
        if moment.is_none() {
            self.wrong(field, "not_a_time", moment::EXPECTED);
        }
        moment
    }

    /// A moment that stays when it is absent and goes when it is `null`. A blank one is a mistake: it may mean either.
    #[expect(clippy::option_option, reason = "absent and null are two things here")]
    pub(crate) fn moment_patch(&mut self, field: &str, value: Option<Option<String>>) -> Patch<Timestamp> {
        match value {
            None => Patch::Keep,
            Some(None) => Patch::Clear,
            Some(Some(text)) => self.moment(field, &text).map_or(Patch::Keep, Patch::Set),
        }
    }

    /// A whole number within limits that has to be there.
    pub(crate) fn whole(&mut self, field: &str, value: Option<Whole>, least: i64, most: i64) -> Option<i64> {
        let Whole(number) = self.required(field, value)?;
        if (least..=most).contains(&number) {
            return Some(number);
        }
        self.wrong(field, "out_of_range", format!("must be a whole number from {least} to {most}"));
        None
    }

    /// A user's id.
    pub(crate) fn user(&mut self, field: &str, value: String) -> Option<UserId> {
        match UserId::new(value) {
            Ok(id) => Some(id),
            Err(error) => {
                self.wrong(field, "invalid_id", error.to_string());
                None
            }
        }
    }

    /// One of a list of names.
    pub(crate) fn named<T>(
        &mut self,
        field: &str,
        name: &str,
        of: impl Fn(&str) -> Option<T>,
        names: &[&str],
    ) -> Option<T> {
        let value = of(name);
        if value.is_none() {
            self.wrong(field, "unknown_value", format!("must be one of {}", names.join(", ")));
        }
        value
    }

    /// Nothing is wrong, or everything that is.
    ///
    /// # Errors
    /// A problem with all that was gathered.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        let Some(first) = self.errors.first() else { return Ok(()) };
        let detail = match self.errors.len() {
            1 => format!("{} {}.", first.pointer, first.message),
            n => format!("{} {}. See `errors` for all {n}.", first.pointer, first.message),
        };
        Err(Problem::new(Code::Invalid, detail).with_errors(self.errors))
    }
}

/// A JSON number as it is written, with an exponent or without; nothing if that takes more digits than there are.
fn exact(digits: &str) -> Option<Decimal> {
    let (base, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(base, e)| (base, Some(e)));
    let value = Decimal::from_str_exact(base).ok()?;
    if exponent.is_some() { Decimal::from_scientific(digits).ok() } else { Some(value) }
}

fn not_blank(value: Option<String>) -> Option<String> {
    value.filter(|text| !text.trim().is_empty())
}

fn given(value: Option<Scalar>) -> Option<String> {
    value.map(|Scalar(text)| text.trim().to_owned()).filter(|text| !text.is_empty())
}
