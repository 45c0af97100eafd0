//! An export of the payment service: CSV with a heading, read line by line.
//!
//! Columns are found by their names, in any sequence, and others are passed over: `key` and `amount` have to be there;
//! `kind` (`charge`, `refund`) and `status` (absent or empty: settled) may be.

use std::path::{Path, PathBuf};

use csv::{Reader, ReaderBuilder, StringRecord, Terminator, Trim};
use order_domain::audit::{ExportLine, Outcome};
use order_domain::payment::EntryKind;
use order_usecases::audits::Export;
use rust_decimal::Decimal;

/// What payment services call money that moved, and money that did not.
const SETTLED: [&str; 5] = ["settled", "succeeded", "success", "accepted", "paid"];
const DECLINED: [&str; 4] = ["declined", "failed", "rejected", "refused"];

/// A file, to be read as often as it takes.
pub(super) struct ExportFile {
    path: PathBuf,
}

/// Why a file can't be read, with the line where it is wrong; blank lines before that count with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {what}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub(super) struct BadExport {
    file: String,
    line: Option<u64>,
    what: String,
}

impl ExportFile {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    fn wrong(&self, line: Option<u64>, what: impl std::fmt::Display) -> BadExport {
        BadExport { file: self.path.display().to_string(), line, what: what.to_string() }
    }

    fn unreadable(&self, error: &csv::Error) -> BadExport {
        let line = error.position().map(csv::Position::line);
        match error.kind() {
            csv::ErrorKind::Io(error) => self.wrong(None, error),
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                self.wrong(line, format!("{len} columns, the heading has {expected_len}"))
            }
            csv::ErrorKind::Utf8 { .. } => self.wrong(line, "not UTF-8"),
            _ => self.wrong(line, error),
        }
    }
}

/// Where the columns are.
struct Columns {
    key: usize,
    amount: usize,
    kind: Option<usize>,
    status: Option<usize>,
}

impl Columns {
    fn of(heading: &StringRecord) -> Result<Self, String> {
        let find = |name: &str| heading.iter().position(|column| column.eq_ignore_ascii_case(name));
        let needed = |name: &str| find(name).ok_or_else(|| format!("the heading has no column {name}"));
        Ok(Self { key: needed("key")?, amount: needed("amount")?, kind: find("kind"), status: find("status") })
    }

    fn line(&self, number: u64, record: &StringRecord) -> Result<ExportLine, String> {
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let given = |column: Option<usize>| column.map(cell).filter(|text| !text.is_empty()).map(str::to_lowercase);
        let key = cell(self.key);
        if key.is_empty() {
            return Err("no key".into());
        }
        let text = cell(self.amount);
        let amount = text.parse::<Decimal>().ok().filter(|amount| !amount.is_sign_negative());
        let kind = given(self.kind).map(|name| {
            EntryKind::from_name(&name).ok_or_else(|| format!("kind {name:?} is neither charge nor refund"))
        });
        let outcome = given(self.status).map_or(Ok(Outcome::Settled), |name| outcome(&name));
        Ok(ExportLine {
            number,
            key: key.to_owned(),
            kind: kind.transpose()?,
            amount: amount.ok_or_else(|| format!("amount {text:?} is no amount such as 10.98"))?,
            outcome: outcome?,
        })
    }
}

fn outcome(name: &str) -> Result<Outcome, String> {
    if SETTLED.contains(&name) {
        Ok(Outcome::Settled)
    } else if DECLINED.contains(&name) {
        Ok(Outcome::Declined)
    } else {
        Err(format!("status {name:?} is none of {}, {}", SETTLED.join(", "), DECLINED.join(", ")))
    }
}

impl Export for ExportFile {
    type Error = BadExport;

    fn lines(&self) -> Result<impl Iterator<Item = Result<ExportLine, BadExport>> + Send, BadExport> {
        // A line ends with its line feed, so that lines are counted as they are seen; a carriage return before it is blank.
        let reader = ReaderBuilder::new().trim(Trim::All).terminator(Terminator::Any(b'\n')).from_path(&self.path);
        let mut reader: Reader<_> = reader.map_err(|error| self.unreadable(&error))?;
        let heading = reader.headers().map_err(|error| self.unreadable(&error))?.clone();
        let columns = Columns::of(&heading).map_err(|what| self.wrong(Some(1), what))?;
        Ok(reader.into_records().map(move |record| {
            let record = record.map_err(|error| self.unreadable(&error))?;
            let number = record.position().map_or(0, csv::Position::line);
            columns.line(number, &record).map_err(|what| self.wrong(Some(number), what))
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(text: &[u8]) -> Result<Vec<ExportLine>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let export = ExportFile::at(file.path());
        let lines = export.lines().and_then(Iterator::collect::<Result<Vec<_>, _>>);
        lines.map_err(|error| error.to_string().replace(&file.path().display().to_string(), "FILE"))
    }

    fn refused(text: &str) -> String {
        read(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let lines = read(b"\"Amount\",note,KEY,status,kind\r\n10.98,\"a, b\", order-1-order-1 ,Succeeded,charge\r\n5,,k,failed,\r\n0.10,,l,,refund\r\n").unwrap();
        let line = |number, key: &str, amount: &str, kind, outcome| ExportLine {
            number,
            key: key.into(),
            kind,
            amount: amount.parse().unwrap(),
            outcome,
        };
        let expected = [
            line(2, "order-1-order-1", "10.98", Some(EntryKind::Charge), Outcome::Settled),
            line(3, "k", "5", None, Outcome::Declined),
            line(4, "l", "0.1", Some(EntryKind::Refund), Outcome::Settled),
        ];
        assert_eq!(lines, expected);
        assert_eq!(read(b"key,amount\n").unwrap(), []);
    }

    #[test]
    fn what_can_not_be_read_is_named_with_its_line() {
        assert_eq!(refused("id,amount\n"), "FILE, line 1: the heading has no column key");
        assert_eq!(refused("key\n"), "FILE, line 1: the heading has no column amount");
        assert_eq!(refused(""), "FILE, line 1: the heading has no column key");
        assert_eq!(refused("key,amount\na,1\nb,ten\n"), "FILE, line 3: amount \"ten\" is no amount such as 10.98");
        assert_eq!(refused("key,amount\r\na,1\r\nb,ten"), "FILE, line 3: amount \"ten\" is no amount such as 10.98");
        assert_eq!(refused("key,amount\na,-1\n"), "FILE, line 2: amount \"-1\" is no amount such as 10.98");
        assert_eq!(refused("key,amount\n,1\n"), "FILE, line 2: no key");
        assert_eq!(refused("key,amount,kind\na,1,gift\n"), "FILE, line 2: kind \"gift\" is neither charge nor refund");
        assert!(refused("key,amount,status\na,1,maybe\n").starts_with("FILE, line 2: status \"maybe\" is none of"));
        assert_eq!(refused("key,amount\na,1,2\n"), "FILE, line 2: 3 columns, the heading has 2");
        assert_eq!(read(b"key,amount\n\xff,1\n").unwrap_err(), "FILE, line 2: not UTF-8");
        let missing = ExportFile::at(Path::new("/no/such/file"));
        let error = missing.lines().err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.starts_with("/no/such/file: ")));
    }
}
