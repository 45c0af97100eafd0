//! What is left to do, counted along the indexes of what is unfinished, dead or in review: never a table that grows with the
//! orders.
//!
//! The conditions of those indexes stand in the statements as they do in the migrations. As parameters they would be another
//! statement to PostgreSQL, which then may read whole tables.

use std::collections::BTreeMap;

use diesel::dsl::{count_star, min, not};
use diesel::prelude::*;
use order_domain::ports::{Chore, ChoreFigures, Figures, KindFigures, TaskKind};

use super::dialect::{Conn, DbTime, now_query, together};
use super::schema::{payment_entries, tasks};
use super::texts::{HasBeenTried, IsInReview};
use crate::error::DbError;

pub(crate) async fn figures(conn: &mut Conn) -> Result<Figures, DbError> {
    let (now, waiting, tried, dead, chores, in_review) = together!(
        conn;
        get_result::<DbTime>(now_query()),
        load::<(String, i64, Option<DbTime>)>(
            tasks::table.filter(not(tasks::dead)).group_by(tasks::kind).select((tasks::kind, count_star(), min(tasks::run_at)))
        ),
        load::<(String, Option<DbTime>)>(
            tasks::table
                .filter(not(tasks::dead))
                .filter(HasBeenTried)
                .group_by(tasks::kind)
                .select((tasks::kind, min(tasks::created_at)))
        ),
        load::<(String, i64)>(tasks::table.filter(tasks::dead).group_by(tasks::kind).select((tasks::kind, count_star()))),
        load::<(String, DbTime, i32)>(
            tasks::table.filter(tasks::order_id.is_null()).select((tasks::kind, tasks::run_at, tasks::attempts))
        ),
        get_result::<i64>(payment_entries::table.filter(IsInReview).select(count_star()))
    )?;
    let mut kinds: BTreeMap<_, _> = TaskKind::ALL.into_iter().map(|kind| (kind, KindFigures::default())).collect();
    // A kind that only a newer instance knows is counted there.
    let mut of = |name: &str, set: &dyn Fn(&mut KindFigures)| {
        if let Some(figures) = TaskKind::from_name(name).and_then(|kind| kinds.get_mut(&kind)) {
            set(figures);
        }
    };
    for (name, count, first) in waiting {
        of(&name, &|figures| {
            figures.waiting = number(count);
            // The first of all is due, or none is.
            figures.due_since = first.map(|at| at.0).filter(|at| *at <= now.0);
        });
    }
    for (name, first) in tried {
        of(&name, &|figures| figures.tried_since = first.map(|at| at.0));
    }
    for (name, count) in dead {
        of(&name, &|figures| figures.dead = number(count));
    }
    let mut done: BTreeMap<_, _> = Chore::ALL.into_iter().map(|chore| (chore, ChoreFigures::default())).collect();
    for (name, run_at, attempts) in chores {
        if let Some(figures) = Chore::from_name(&name).and_then(|chore| done.get_mut(&chore)) {
            figures.due_since = Some(run_at.0).filter(|at| *at <= now.0);
            figures.tries = attempts.unsigned_abs();
        }
    }
    Ok(Figures { now: now.0, kinds, chores: done, in_review: number(in_review) })
}

/// A count is never negative.
fn number(count: i64) -> u64 {
    count.unsigned_abs()
}
