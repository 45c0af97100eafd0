//! A signal as it stands in the stream: one message per task, so that each goes to whichever worker is free.
//!
//! Field `v` is the version of the form, `1`; field `t` is the task, `<id>:<kind>`. A reader knows nothing else, and skips
//! what it does not understand: the database has the task all the same.

use fred::types::Value;
use order_domain::TaskId;
use order_domain::ports::{TaskKind, TaskRef};

/// The version of the form that is written.
const VERSION: &str = "1";

/// The fields of a task's message.
pub(super) fn fields(task: &TaskRef) -> Vec<(&'static str, String)> {
    vec![("v", VERSION.to_owned()), ("t", format!("{}:{}", task.id, task.kind.name()))]
}

/// Why a message is not understood. Repeats nothing of what it holds but a version or a kind, which name what wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    /// It has no version, or no task.
    #[error("not one of ours")]
    NotOurs,
    /// It was written by a newer instance.
    #[error("of version {0:?}, which is newer than this instance")]
    Newer(String),
    /// It was written by a newer instance.
    #[error("of a task of the kind {0:?}, which this instance does not know")]
    Kind(String),
}

/// Reads the fields of a message, in pairs as Redis gives them.
///
/// # Errors
/// [`Foreign`].
pub(super) fn parse(fields: &[Value]) -> Result<TaskRef, Foreign> {
    let field = |name: &str| {
        let pair = fields.chunks_exact(2).find(|pair| pair[0].as_bytes() == Some(name.as_bytes()))?;
        pair[1].as_bytes().and_then(|value| std::str::from_utf8(value).ok())
    };
    let version = field("v").ok_or(Foreign::NotOurs)?;
    if version != VERSION {
        let newer = version.parse::<u32>().is_ok_and(|version| version > 1);
        return Err(if newer { Foreign::Newer(version.to_owned()) } else { Foreign::NotOurs });
    }
    let (id, kind) = field("t").and_then(|task| task.split_once(':')).ok_or(Foreign::NotOurs)?;
    let id = id.parse().ok().and_then(|id| TaskId::new(id).ok()).ok_or(Foreign::NotOurs)?;
    let kind = TaskKind::from_name(kind).ok_or_else(|| match kind {
        // No longer than a name is, whatever is written there.
        kind if kind.len() <= 40 => Foreign::Kind(kind.to_owned()),
        _ => Foreign::NotOurs,
    })?;
    Ok(TaskRef { id, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(fields: &[(&str, &str)]) -> Vec<Value> {
        fields.iter().flat_map(|(name, value)| [Value::from(*name), Value::from(*value)]).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        for (id, kind) in [(1, TaskKind::Charge), ((1 << 53) - 1, TaskKind::ClearCart)] {
            let task = TaskRef { id: TaskId::new(id).unwrap(), kind };
            let fields = fields(&task);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(parse(&values(&fields)), Ok(task));
        }
    }

    #[test]
    fn the_form_stays_as_it_is_for_instances_of_yesterday() {
        let task = parse(&values(&[("x", "more"), ("v", "1"), ("t", "42:clear_cart")])).unwrap();
        assert_eq!((task.id.get(), task.kind), (42, TaskKind::ClearCart));
        assert_eq!(fields(&task), [("v", "1".to_owned()), ("t", "42:clear_cart".to_owned())]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let long = "x".repeat(1_000);
        for (fields, expected) in [
            (vec![], Foreign::NotOurs),
            (vec![("job", "send_mail")], Foreign::NotOurs),
            (vec![("t", "1:charge")], Foreign::NotOurs),
            (vec![("v", "1")], Foreign::NotOurs),
            (vec![("v", "one"), ("t", "1:charge")], Foreign::NotOurs),
            (vec![("v", "0"), ("t", "1:charge")], Foreign::NotOurs),
            (vec![("v", "2"), ("t", "1:charge")], Foreign::Newer("2".into())),
            (vec![("v", "1"), ("t", "charge")], Foreign::NotOurs),
            (vec![("v", "1"), ("t", "-1:charge")], Foreign::NotOurs),
            (vec![("v", "1"), ("t", "x:charge")], Foreign::NotOurs),
            (vec![("v", "1"), ("t", "1:teleport")], Foreign::Kind("teleport".into())),
            (vec![("v", "1"), ("t", &format!("1:{long}"))], Foreign::NotOurs),
        ] {
            assert_eq!(parse(&values(&fields)), Err(expected), "{fields:?}");
        }
        let binary = [Value::from("v"), Value::Bytes(vec![0xff, 0xfe].into())];
        assert_eq!(parse(&binary), Err(Foreign::NotOurs));
    }
}
