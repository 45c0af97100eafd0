//! Free text from people: bounded, and without control characters.

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// More characters than allowed.
    #[error("must be at most {max} characters")]
    TooLong {
        /// How many are allowed.
        max: usize,
    },
    /// A control character (where the field allows them, newline and tab are none).
    #[error("must not contain control characters")]
    ControlCharacter,
}

/// A text of 1..=`MAX` characters (Unicode scalar values).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// A single line: no control characters at all.
    ///
    /// # Errors
    /// [`InvalidText`].
    pub fn line(value: impl Into<String>) -> Result<Self, InvalidText> {
        Self::checked(value.into(), char::is_control)
    }

    /// Several lines: newline and tab are allowed.
    ///
    /// # Errors
    /// [`InvalidText`].
    pub fn lines(value: impl Into<String>) -> Result<Self, InvalidText> {
        Self::checked(value.into(), |c| c.is_control() && c != '\n' && c != '\t')
    }

    fn checked(value: String, forbidden: impl Fn(char) -> bool) -> Result<Self, InvalidText> {
        if value.trim().is_empty() {
            return Err(InvalidText::Empty);
        }
        if value.chars().any(forbidden) {
            return Err(InvalidText::ControlCharacter);
        }
        if value.chars().count() > MAX {
            return Err(InvalidText::TooLong { max: MAX });
        }
        Ok(Self(value))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_and_refuses_control_characters() {
        assert!(Text::<500>::line("é".repeat(500)).is_ok());
        assert_eq!(Text::<500>::line("é".repeat(501)), Err(InvalidText::TooLong { max: 500 }));
        assert_eq!(Text::<500>::line(" \u{a0}"), Err(InvalidText::Empty));
        assert_eq!(Text::<500>::line("a\0b"), Err(InvalidText::ControlCharacter));
        assert_eq!(Text::<500>::line("a\nb"), Err(InvalidText::ControlCharacter));
        assert!(Text::<500>::lines("ring twice\n\tthen wait").is_ok());
    }
}
