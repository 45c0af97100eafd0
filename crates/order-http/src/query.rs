//! The query of a list: which orders or tasks, and which part of them; and that of a timeline.

use std::fmt::Display;
use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::web::Query;
use order_domain::order::{Status, Version};
use order_domain::payment::PaymentStatus;
use order_domain::ports::{ListPlace, Page, PageStart, TaskFilter, TaskKind, TaskPlace, TaskState};
use order_domain::time::{Duration, Timestamp};
use order_domain::{OrderId, UserId};
use order_usecases::ListOrders;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use crate::cursor;
use crate::fields::Fields;
use crate::openapi::schemas::{OpenTaskState, OrderPaymentStatus, OrderStatus, TaskKindName};
use crate::problem::Problem;
use crate::wait::seconds;

/// How many orders a list has that is asked for no number.
const DEFAULT_LIMIT: u32 = 20;

/// The largest part of a list that can be asked for.
const MOST: u32 = 100;
/// How many orders of a list can be passed over.
const FARTHEST: u32 = 10_000;

/// The longest that a timeline waits for an entry, in seconds.
const LONGEST_WAIT: u64 = 25;

/// What the next page is asked for with, beside its cursor.
const FILTERS: [&str; 10] = [
    "status",
    "order_status",
    "payment_status",
    "user_id",
    "delivery_partner_id",
    "created_from",
    "created_to",
    "available",
    "scheduled",
    "limit",
];

/// What a list is asked for.
pub(crate) struct ListQuery {
    /// Which orders.
    pub(crate) list: ListOrders,
    /// Which part of them.
    pub(crate) page: Page,
    filters: Vec<(String, String)>,
}

impl ListQuery {
    /// The query that asks for what comes after a place, as this one asked: its filters, its limit.
    pub(crate) fn after(&self, place: &ListPlace) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.filters).append_pair("cursor", &cursor::written(place)).finish()
    }
}

/// What a list is asked for. Unknown parameters are passed over, empty ones count as absent.
///
/// # Errors
/// A problem that names every parameter that can't be understood.
pub(crate) fn list(request: &HttpRequest) -> Result<ListQuery, Problem> {
    let mut query = Parameters::of(request);
    let list = ListOrders {
        statuses: query.statuses(),
        payment_status: query.named(
            "payment_status",
            PaymentStatus::from_name,
            &PaymentStatus::ALL.map(PaymentStatus::name),
        ),
        customer: query.user("user_id"),
        courier: query.user("delivery_partner_id"),
        created_from: query.moment("created_from"),
        created_to: query.moment("created_to"),
        available: query.boolean("available").unwrap_or(false),
        scheduled: query.boolean("scheduled"),
    };
    let page = Page { limit: query.number("limit", 1, MOST).unwrap_or(DEFAULT_LIMIT), start: query.start() };
    query.fields.finish()?;
    let mut filters = query.given;
    filters.retain(|(name, value)| FILTERS.contains(&name.as_str()) && !value.is_empty());
    filters.sort_unstable();
    filters.dedup();
    Ok(ListQuery { list, page, filters })
}

impl IntoParams for ListQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let number = |least: u32, most: u32, default: u32| {
            let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most));
            number.default(Some(default.into())).build()
        };
        let moment = || {
            let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
            ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
        };
        let text = || ObjectBuilder::new().schema_type(Type::String).build();
        let status = || Ref::from_schema_name(OrderStatus::name());
        let payment_status = Ref::from_schema_name(OrderPaymentStatus::name());
        let flag = ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into())).build();
        let either = ObjectBuilder::new().schema_type(Type::Boolean).build();
        vec![
            parameter("status", "One status, or several times one.", ArrayBuilder::new().items(status()).build()),
            parameter("order_status", "As `status`.", ArrayBuilder::new().items(status()).build()),
            parameter("payment_status", "Where the money stands.", payment_status),
            parameter("user_id", "Whose.", text()),
            parameter("delivery_partner_id", "Whose courier is this one.", text()),
            parameter("created_from", "Placed then or later.", moment()),
            parameter("created_to", "Placed then or before.", moment()),
            parameter("available", "Those that a courier may take.", flag),
            parameter("scheduled", "Those that are wanted at a time of their own, or those that are not.", either),
            parameter("limit", "How many.", number(1, MOST, DEFAULT_LIMIT)),
            parameter(
                "cursor",
                "Where the page begins: as the `Link` of the one before says. Not with `offset`.",
                text(),
            ),
            parameter("offset", "How many to pass over.", number(0, FARTHEST, 0)),
        ]
    }
}

fn parameter(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

/// What a timeline can be asked for, as described parameters.
pub(crate) enum TimelineQuery {}

impl IntoParams for TimelineQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let number =
            || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).default(Some(0.into())).build();
        vec![
            parameter("after", "Only what came after the entry of this `seq`.", number()),
            parameter("wait", "Seconds to wait for an entry, if there is none yet: 25 at most.", number()),
        ]
    }
}

/// What a timeline is asked for: the entries after this one, and how long to wait for one.
///
/// # Errors
/// A problem that names every parameter that can't be understood.
pub(crate) fn timeline(request: &HttpRequest) -> Result<(Version, Option<Duration>), Problem> {
    let mut query = Parameters::of(request);
    let after = query.number("after", 0, (1_i64 << 53) - 1).unwrap_or(0);
    let wait = query.one("wait").map(|text| seconds(&text, LONGEST_WAIT));
    if wait == Some(None) {
        query.fields.wrong("wait", "out_of_range", "must be a whole number of seconds, 0 or more");
    }
    query.fields.finish()?;
    Ok((after, wait.flatten().filter(|wait| !wait.is_zero())))
}

/// What a list of tasks is asked for.
pub(crate) struct TasksQuery {
    /// Which tasks.
    pub(crate) filter: TaskFilter,
    /// How many at most.
    pub(crate) limit: u32,
    /// Where the page begins.
    pub(crate) after: Option<TaskPlace>,
}

impl TasksQuery {
    /// The query that asks for what comes after a place, as this one asked.
    pub(crate) fn after(&self, place: &TaskPlace) -> String {
        let TaskFilter { state, kind, order } = self.filter;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", state.name());
        if let Some(kind) = kind {
            query.append_pair("kind", kind.name());
        }
        if let Some(order) = order {
            query.append_pair("order_id", &order.to_string());
        }
        query.append_pair("limit", &self.limit.to_string());
        query.append_pair("cursor", &cursor::of_task(place)).finish()
    }
}

/// What a list of tasks is asked for. Unknown parameters are passed over, empty ones count as absent.
///
/// # Errors
/// A problem that names every parameter that can't be understood.
pub(crate) fn tasks(request: &HttpRequest) -> Result<TasksQuery, Problem> {
    let mut query = Parameters::of(request);
    let state = query.named("state", TaskState::from_name, &TaskState::ALL.map(TaskState::name));
    let kind = query.named("kind", TaskKind::from_name, &TaskKind::ALL.map(TaskKind::name));
    let order = query.number("order_id", 1, (1_i64 << 53) - 1).and_then(|id| OrderId::new(id).ok());
    let limit = query.number("limit", 1, MOST).unwrap_or(DEFAULT_LIMIT);
    let cursor = query.one("cursor").map(|text| cursor::read_task(&text));
    if cursor == Some(None) {
        query.fields.wrong("cursor", "invalid_cursor", "is not as a Link of a list gave it; begin again without");
    }
    query.fields.finish()?;
    let filter = TaskFilter { state: state.unwrap_or(TaskState::Dead), kind, order };
    Ok(TasksQuery { filter, limit, after: cursor.flatten() })
}

impl IntoParams for TasksQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let number = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        let limit = number().maximum(Some(MOST)).default(Some(DEFAULT_LIMIT.into())).build();
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        vec![
            parameter("state", "How they stand; `dead` if absent.", Ref::from_schema_name(OpenTaskState::name())),
            parameter("kind", "Of this kind.", Ref::from_schema_name(TaskKindName::name())),
            parameter("order_id", "Of this order.", number().maximum(Some((1_i64 << 53) - 1)).build()),
            parameter("limit", "How many.", limit),
            parameter("cursor", "Where the page begins: as the `Link` of the one before says.", text),
        ]
    }
}

/// What an edit can be asked for, as described parameters.
pub(crate) enum EditQuery {}

impl IntoParams for EditQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let flag = ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into())).build();
        vec![parameter("dry_run", "Only say what it would come to, and change nothing.", flag)]
    }
}

/// Whether only to say what an edit would come to.
///
/// # Errors
/// A problem that names what can't be understood.
pub(crate) fn dry_run(request: &HttpRequest) -> Result<bool, Problem> {
    let mut query = Parameters::of(request);
    let dry_run = query.boolean("dry_run").unwrap_or(false);
    query.fields.finish()?;
    Ok(dry_run)
}

struct Parameters {
    given: Vec<(String, String)>,
    fields: Fields,
}

impl Parameters {
    fn of(request: &HttpRequest) -> Self {
        let query = Query::<Vec<(String, String)>>::from_query(request.query_string());
        Self { given: query.map(Query::into_inner).unwrap_or_default(), fields: Fields::of_query() }
    }

    fn statuses(&mut self) -> Vec<Status> {
        let mut statuses = Vec::new();
        for (name, value) in self.given.iter().filter(|(name, _)| name == "status" || name == "order_status") {
            if !value.is_empty() {
                statuses.extend(self.fields.named(name, value, Status::from_name, &Status::ALL.map(Status::name)));
            }
        }
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }

    /// Where the page begins: by count, or after a place. Whoever says both may mean either.
    fn start(&mut self) -> PageStart {
        let offset = self.number("offset", 0, FARTHEST);
        let Some(text) = self.one("cursor") else { return PageStart::Offset(offset.unwrap_or(0)) };
        if self.given.iter().any(|(name, value)| name == "offset" && !value.is_empty()) {
            self.fields.wrong("cursor", "exclusive", "and offset exclude each other; send one of them");
        }
        let place = cursor::read(&text);
        if place.is_none() {
            self.fields.wrong("cursor", "invalid_cursor", "is not as a Link of a list gave it; begin again without");
        }
        place.map_or(PageStart::Offset(0), PageStart::After)
    }

    fn one(&mut self, name: &str) -> Option<String> {
        let mut values = self.given.iter().filter(|(given, value)| given == name && !value.is_empty());
        let value = values.next()?.1.clone();
        if values.any(|(_, other)| *other != value) {
            self.fields.wrong(name, "repeated", "was given twice with different values");
            return None;
        }
        Some(value)
    }

    fn named<T>(&mut self, name: &str, of: impl Fn(&str) -> Option<T>, names: &[&str]) -> Option<T> {
        let value = self.one(name)?;
        self.fields.named(name, &value, of, names)
    }

    fn user(&mut self, name: &str) -> Option<UserId> {
        let value = self.one(name)?;
        self.fields.user(name, value)
    }

    fn moment(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.one(name)?;
        self.fields.moment(name, &value)
    }

    fn boolean(&mut self, name: &str) -> Option<bool> {
        self.named(name, |text| text.parse().ok(), &["true", "false"])
    }

    fn number<N>(&mut self, name: &str, least: N, most: N) -> Option<N>
    where
        N: Copy + Display + FromStr + PartialOrd,
    {
        let value = self.one(name)?;
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse().ok().filter(|number| digits && (least..=most).contains(number));
        if number.is_none() {
            self.fields.wrong(name, "out_of_range", format!("must be a whole number from {least} to {most}"));
        }
        number
    }
}
