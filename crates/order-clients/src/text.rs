//! Texts of an answer: bounded, and without control characters.
//!
//! A text that is too long is refused, because it is hostile. A control character is replaced by a space, because it is
//! usually a slip of whoever typed in a product, and no reason to sell nothing at all.

use crate::answer::Flaw;

/// A text of one line.
pub(crate) fn line(text: &str, max: usize, name: &str) -> Result<String, Flaw> {
    clean(text, max, name, char::is_control)
}

/// A text of several lines: newline and tab stay.
pub(crate) fn lines(text: &str, max: usize, name: &str) -> Result<String, Flaw> {
    clean(text, max, name, |c| c.is_control() && c != '\n' && c != '\t')
}

fn clean(text: &str, max: usize, name: &str, forbidden: impl Fn(char) -> bool) -> Result<String, Flaw> {
    // one character more than allowed is enough to know
    if text.chars().take(max + 1).count() > max {
        return Err(Flaw(format!("{name} of more than {max} characters")));
    }
    Ok(text.replace(forbidden, " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_long_is_refused_and_control_characters_become_spaces() {
        assert_eq!(line("é".repeat(5).as_str(), 5, "name"), Ok("ééééé".to_owned()));
        assert_eq!(line("éééééé", 5, "name"), Err(Flaw("name of more than 5 characters".to_owned())));
        assert_eq!(line("a\0b\n\u{85}c", 9, "name"), Ok("a b  c".to_owned()));
        assert_eq!(lines("a\0b\n\tc\r", 9, "name"), Ok("a b\n\tc ".to_owned()));
    }
}
