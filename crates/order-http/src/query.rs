//! The query of a list: which orders, and how many of them.

use actix_web::HttpRequest;
use actix_web::web::Query;
use order_domain::UserId;
use order_domain::order::Status;
use order_domain::payment::PaymentStatus;
use order_domain::ports::Page;
use order_domain::time::Timestamp;
use order_usecases::ListOrders;

use crate::fields::Fields;
use crate::moment;
use crate::problem::Problem;

/// How many orders a list has that is asked for no number.
const DEFAULT_LIMIT: u32 = 20;

/// What a list is asked for. Unknown parameters are passed over, empty ones count as absent.
///
/// # Errors
/// A problem that names every parameter that can't be understood.
pub(crate) fn list(request: &HttpRequest) -> Result<(ListOrders, Page), Problem> {
    let query = Query::<Vec<(String, String)>>::from_query(request.query_string());
    let mut query = Parameters { given: query.map(Query::into_inner).unwrap_or_default(), fields: Fields::of_query() };
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
        available: query.named("available", boolean, &["true", "false"]).unwrap_or(false),
    };
    let page = Page {
        limit: query.number("limit", 1, 100).unwrap_or(DEFAULT_LIMIT),
        offset: query.number("offset", 0, 10_000).unwrap_or(0),
    };
    query.refuse(&["cursor", "scheduled"]);
    query.fields.finish()?;
    Ok((list, page))
}

/// A timeline is asked for whole.
///
/// # Errors
/// A problem that names every parameter that would be misunderstood.
pub(crate) fn timeline(request: &HttpRequest) -> Result<(), Problem> {
    let query = Query::<Vec<(String, String)>>::from_query(request.query_string());
    let mut query = Parameters { given: query.map(Query::into_inner).unwrap_or_default(), fields: Fields::of_query() };
    query.refuse(&["after", "wait"]);
    query.fields.finish()
}

struct Parameters {
    given: Vec<(String, String)>,
    fields: Fields,
}

impl Parameters {
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

    /// Parameters of the contract that are not understood yet. Passed over, they would be misunderstood: a client that
    /// pages by `cursor` would get the first page for ever.
    fn refuse(&mut self, names: &[&str]) {
        for name in names {
            if self.one(name).is_some() {
                self.fields.wrong(name, "unsupported", "is not understood yet; leave it out");
            }
        }
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
        let moment = moment::parse(&value);
        if moment.is_none() {
            self.fields.wrong(name, "not_a_time", moment::EXPECTED);
        }
        moment
    }

    fn number(&mut self, name: &str, least: u32, most: u32) -> Option<u32> {
        let value = self.one(name)?;
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse().ok().filter(|number| digits && (least..=most).contains(number));
        if number.is_none() {
            self.fields.wrong(name, "out_of_range", format!("must be a whole number from {least} to {most}"));
        }
        number
    }
}

fn boolean(name: &str) -> Option<bool> {
    name.parse().ok()
}
