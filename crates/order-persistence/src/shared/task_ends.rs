//! What the end of a task brings with it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::ports::{TaskKind, TaskRef};
use order_domain::{OrderId, TaskId};

use super::dialect::{Conn, now_value};
use super::schema::tasks;
use super::statements::EndGuard;
use crate::error::DbError;

/// What else ends with a task that is done or dead: the guard of the order whose cart it cleared.
pub(crate) async fn ended(conn: &mut Conn, kind: TaskKind, order: OrderId) -> Result<(), DbError> {
    if kind.clears_cart() {
        EndGuard { order: order.get(), cancelled: false }.execute(conn).await?;
    }
    Ok(())
}

/// The task that waited behind one of this kind that is off the list, if it is due. A dead one blocks nothing.
pub(crate) async fn next_of_lane(conn: &mut Conn, kind: TaskKind, order: OrderId) -> Result<Option<TaskRef>, DbError> {
    let Some(lane) = kind.lane() else { return Ok(None) };
    let head = tasks::table
        .filter(tasks::order_id.eq(order.get()))
        .filter(tasks::lane.eq(lane.name()))
        .filter(tasks::dead.eq(false))
        .order((tasks::seq, tasks::ordinal))
        .select((tasks::id, tasks::kind, tasks::run_at.le(now_value())))
        .first::<(i64, String, bool)>(conn)
        .await
        .optional()?;
    let Some((id, kind, _)) = head.filter(|(_, _, due)| *due) else { return Ok(None) };
    let id = TaskId::new(id).map_err(|error| DbError::Inconsistent(error.to_string()))?;
    Ok(TaskKind::from_name(&kind).map(|kind| TaskRef { id, kind }))
}
