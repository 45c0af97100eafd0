//! What operators do: look at tasks, have one tried again, give one up, pause and resume a kind. For admins alone; to
//! anybody else all of it answers 403, whether or not there is such a task.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LINK};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::order::Inconsistent;
use order_domain::ports::Receipt;
use order_usecases::{Caller, RenderTask, TaskRequest};

use super::prefix;
use crate::auth::Signed;
use crate::codes::Code;
use crate::openapi::IdempotencyKey;
use crate::path::{KindInPath, PathKind, PathTask, TaskInPath};
use crate::problem::Problem;
use crate::query::{self, TasksQuery};
use crate::server::HttpState;
use crate::task_json::{KindJson, TaskJson};
use crate::{answer, idempotency};

/// List tasks
///
/// For admins: what was given up (`state=dead`, unless another one is asked for), what waits, or what workers are at. The
/// longest due first. What moves money is never dead: those that need a person are at `/orders?payment_status=review`.
#[utoipa::path(
    get,
    path = "/operations/tasks",
    operation_id = "listTasks",
    tag = "operations",
    params(TasksQuery),
    responses((status = 200, description = "The tasks.", body = [TaskJson<'static>], headers(("Link")))),
    extensions(("x-codes" = json!([Code::Forbidden]))),
)]
pub(super) async fn tasks(
    Signed(caller): Signed,
    http: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator()?;
    let query = query::tasks(&http)?;
    let page = state.usecases.operations().tasks(&operator, query.filter, query.limit, query.after).await?;
    let mut response = answer::json(&page.tasks.iter().map(TaskJson::new).collect::<Vec<_>>())?;
    if let Some(next) = &page.next {
        let link = format!("<{}/operations/tasks?{}>; rel=\"next\"", prefix(&http), query.after(next));
        let link = HeaderValue::try_from(link).map_err(|error| Problem::internal(error.to_string()))?;
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// Try a task again
///
/// For admins. A dead task, or one that waits, is due at once, and its tries are counted anew; the order's timeline says
/// who wanted it. One that is due and was not tried stays as it is.
#[utoipa::path(
    post,
    path = "/operations/tasks/{id}/retry",
    operation_id = "retryTask",
    tag = "operations",
    params(TaskInPath, IdempotencyKey),
    responses((
        status = 200,
        description = "The task as it is then.",
        body = TaskJson<'static>,
        headers(("Idempotency-Replayed")),
    )),
    extensions(("x-codes" = json!([
        Code::Forbidden, Code::InvalidId, Code::TaskNotFound, Code::TaskRunning, Code::ConcurrentChange,
    ]))),
)]
pub(super) async fn retry(
    Signed(caller): Signed,
    http: HttpRequest,
    state: Data<HttpState>,
    id: Result<PathTask, Problem>,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator()?;
    let PathTask(id) = id?;
    let request = request(&http, &caller)?;
    answer::kept(state.usecases.operations().retry(&operator, id, request).await?)
}

/// Give a task up
///
/// For admins. A dead task, or one that waits, is taken off the list; the order's timeline says by whom. What waits behind
/// it goes on. What moves money is never discarded.
#[utoipa::path(
    post,
    path = "/operations/tasks/{id}/discard",
    operation_id = "discardTask",
    tag = "operations",
    params(TaskInPath, IdempotencyKey),
    responses((
        status = 200,
        description = "The task as it was, with the state `discarded`.",
        body = TaskJson<'static>,
        headers(("Idempotency-Replayed")),
    )),
    extensions(("x-codes" = json!([
        Code::Forbidden, Code::InvalidId, Code::TaskNotFound, Code::TaskRunning, Code::NeverDiscarded,
        Code::ConcurrentChange,
    ]))),
)]
pub(super) async fn discard(
    Signed(caller): Signed,
    http: HttpRequest,
    state: Data<HttpState>,
    id: Result<PathTask, Problem>,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator()?;
    let PathTask(id) = id?;
    let request = request(&http, &caller)?;
    answer::kept(state.usecases.operations().discard(&operator, id, request).await?)
}

/// List kinds of tasks
///
/// For admins: how much of each waits and since when, and whether it is paused.
#[utoipa::path(
    get,
    path = "/operations/kinds",
    operation_id = "listKinds",
    tag = "operations",
    responses((status = 200, description = "All kinds.", body = [KindJson<'static>])),
    extensions(("x-codes" = json!([Code::Forbidden]))),
)]
pub(super) async fn kinds(Signed(caller): Signed, state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    let operator = caller.operator()?;
    let kinds = state.usecases.operations().kinds(&operator).await?;
    answer::json(&kinds.iter().map(KindJson::new).collect::<Vec<_>>())
}

/// Pause a kind of tasks
///
/// For admins. Nothing of it is begun any more, by any instance, whatever restarts; what is under way is finished. Paused
/// `charge`s leave orders pending until they are resumed, for longer than `PAYMENT_TIMEOUT` too. Asked again, nothing
/// changes, so an `Idempotency-Key` is not needed and has no effect.
#[utoipa::path(
    post,
    path = "/operations/kinds/{kind}/pause",
    operation_id = "pauseKind",
    tag = "operations",
    params(KindInPath),
    responses((status = 200, description = "The kind as it is then.", body = KindJson<'static>)),
    extensions(("x-codes" = json!([Code::Forbidden, Code::KindNotFound]))),
)]
pub(super) async fn pause(
    Signed(caller): Signed,
    state: Data<HttpState>,
    kind: Result<PathKind, Problem>,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator()?;
    let PathKind(kind) = kind?;
    answer::json(&KindJson::new(&state.usecases.operations().pause(&operator, kind).await?))
}

/// Resume a kind of tasks
///
/// For admins. What is due of it is done from now on. Asked again, nothing changes, so an `Idempotency-Key` is not needed
/// and has no effect.
#[utoipa::path(
    post,
    path = "/operations/kinds/{kind}/resume",
    operation_id = "resumeKind",
    tag = "operations",
    params(KindInPath),
    responses((status = 200, description = "The kind as it is then.", body = KindJson<'static>)),
    extensions(("x-codes" = json!([Code::Forbidden, Code::KindNotFound]))),
)]
pub(super) async fn resume(
    Signed(caller): Signed,
    state: Data<HttpState>,
    kind: Result<PathKind, Problem>,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator()?;
    let PathKind(kind) = kind?;
    answer::json(&KindJson::new(&state.usecases.operations().resume(&operator, kind).await?))
}

/// How a request about a task wants to be done and answered. It has no body: one that is sent all the same is not read.
fn request(http: &HttpRequest, caller: &Caller) -> Result<TaskRequest, Problem> {
    let render: RenderTask = Arc::new(|outcome| {
        let body = serde_json::to_vec(&TaskJson::after(outcome)).map_err(|error| Inconsistent(error.to_string()))?;
        Ok(Receipt { status: StatusCode::OK.as_u16(), headers: Vec::new(), body })
    });
    Ok(TaskRequest { key: idempotency::key(http, &caller.user, &[])?, render })
}
