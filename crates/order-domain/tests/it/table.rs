//! The transition table of the domain page, transcribed by hand, against the constant and against what happens.

use std::fs;
use std::path::PathBuf;

use order_domain::order::transitions::{self, From, TRANSITIONS, To, Transition};
use order_domain::order::{Actor, CancelCode, Cancellation, Command, DomainError, Rejection, Role, Status};

use crate::support::{Life, admin, an_order, cancel, courier, customer, set_status, user, words};

/// from | to | who | who of them says why
const PAGE: &[&str] = &[
    "(new) | pending | customer |",
    "pending | confirmed | system, admin |",
    "pending | cancelled | customer, admin, system |",
    "confirmed | preparing | admin, courier |",
    "confirmed | cancelled | customer, admin, system |",
    "preparing | out_for_delivery | admin, courier |",
    "preparing | cancelled | admin | admin",
    "out_for_delivery | delivered | admin, courier |",
    "out_for_delivery | cancelled | admin | admin",
    "delivered | return_requested | customer, admin |",
    "refunded | return_requested | customer, admin |",
    "return_requested | (came from) | customer, admin | admin",
    "return_requested | return_approved | admin |",
    "return_approved | picked_up | admin, courier |",
    "return_approved | refunded | system |",
    "return_approved | (came from) | admin | admin",
    "picked_up | (came from) | admin | admin",
    "picked_up | refunded | system, admin | admin",
];

/// Rows whose command does not exist yet. When one comes to be, its row leaves this list; in the end it is empty.
const WAITING: &[&str] = &[
    "delivered | return_requested",
    "refunded | return_requested",
    "return_requested | (came from)",
    "return_requested | return_approved",
    "return_approved | picked_up",
    "return_approved | refunded",
    "return_approved | (came from)",
    "picked_up | (came from)",
    "picked_up | refunded",
];

fn steps(row: &Transition) -> String {
    let from = match row.from {
        From::New => "(new)",
        From::Status(status) => status.name(),
    };
    let to = match row.to {
        To::Status(status) => status.name(),
        To::CameFrom => "(came from)",
    };
    format!("{from} | {to}")
}

fn names(roles: &[Role]) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

/// May `role` make this step by a command there is, as the page says?
fn page_allows(from: Status, to: Status, role: Role) -> bool {
    PAGE.iter().any(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let waits = WAITING.contains(&format!("{} | {}", cells[0], cells[1]).as_str());
        !waits && cells[0] == from.name() && cells[1] == to.name() && cells[2].split(", ").any(|who| who == role.name())
    })
}

/// What `role` may ask for: the system confirms and ends a pending order by its charge only.
fn may_ask(from: Status, to: Status, role: Role) -> bool {
    page_allows(from, to, role) && (role, from) != (Role::System, Status::Pending)
}

fn actor(role: Role) -> Actor {
    match role {
        Role::Customer => customer(),
        Role::Courier => courier(),
        Role::Admin => admin(),
        Role::System => Actor::System,
    }
}

/// An order that stands there and meets every guard.
fn standing(at: Status) -> Life {
    an_order().given_to("bob").paid().but(|state| {
        state.status = at;
        state.cancellation = (at == Status::Cancelled).then(|| Cancellation {
            at: state.updated_at,
            by: customer(),
            code: CancelCode::CustomerRequest,
            reason: None,
        });
    })
}

fn every_triple() -> impl Iterator<Item = (Status, Status, Role)> {
    let all = || Status::ALL.into_iter();
    all().flat_map(move |from| all().flat_map(move |to| Role::ALL.into_iter().map(move |role| (from, to, role))))
}

#[test]
fn the_constant_is_the_table_of_the_page() {
    let as_text =
        |row: &Transition| format!("{} | {} | {}", steps(row), names(row.who), names(row.reason_of)).trim_end().into();
    let rows: Vec<String> = TRANSITIONS.iter().map(as_text).collect();
    assert_eq!(rows, PAGE);
}

#[test]
fn rows_without_a_command_are_known_and_not_offered() {
    let rows: Vec<String> = TRANSITIONS.iter().filter(|row| !row.means.exists()).map(steps).collect();
    assert_eq!(rows, WAITING);
    for from in [Status::Delivered, Status::ReturnRequested, Status::ReturnApproved, Status::PickedUp, Status::Refunded]
    {
        for role in Role::ALL {
            assert_eq!(order_domain::order::allowed(&standing(from).order, role), [], "{from:?} {role:?}");
        }
    }
}

#[test]
fn a_status_can_be_set_where_the_table_has_a_row_and_nowhere_else() {
    for (from, to, role) in every_triple().filter(|(from, to, _)| from != to) {
        let life = standing(from);
        let asked = Command::SetStatus { to, reason: Some(words("because")) };
        match life.asks(&actor(role), asked) {
            Ok(change) => {
                assert!(may_ask(from, to, role), "{from:?} -> {to:?} by {role:?} was accepted");
                assert_eq!(change.order.status(), to);
            }
            Err(DomainError::Rejected(rejection)) => {
                assert!(!may_ask(from, to, role), "{from:?} -> {to:?} by {role:?}: {rejection}");
                let allowed = Status::ALL.into_iter().filter(|to| may_ask(from, *to, role)).collect();
                assert_eq!(rejection, Rejection::IllegalTransition { current: from, asked: to, allowed });
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn an_order_can_be_cancelled_where_the_table_has_a_row_and_nowhere_else() {
    for (from, _, role) in every_triple().filter(|(from, to, _)| from != to && *to == Status::Cancelled) {
        let command = Command::Cancel { code: CancelCode::Other, reason: Some(words("because")) };
        let accepted = standing(from).asks(&actor(role), command).is_ok();
        assert_eq!(accepted, may_ask(from, Status::Cancelled, role), "{from:?} by {role:?}");
    }
}

#[test]
fn asking_for_the_status_it_has_changes_nothing() {
    for status in Status::ALL {
        for role in Role::ALL {
            let life = standing(status);
            let change = life.asks(&actor(role), set_status(status)).unwrap();
            assert!(
                change.is_empty() && change.tasks.is_empty() && change.moves.is_empty() && change.booked.is_empty()
            );
            assert_eq!(change.order, life.order);
        }
    }
    let cancelled = standing(Status::Cancelled);
    assert!(cancelled.asks(&customer(), cancel()).unwrap().is_empty(), "cancelling twice");
}

#[test]
fn only_a_row_of_the_table_lets_an_event_happen() {
    for (from, to) in Status::ALL.into_iter().flat_map(|from| Status::ALL.map(|to| (from, to))) {
        let expected = PAGE.iter().map(|row| row.split('|').map(str::trim).collect::<Vec<_>>()).any(|row| {
            let back = row[1] == "(came from)" && matches!(to, Status::Delivered | Status::Refunded);
            row[0] == from.name() && (row[1] == to.name() || back)
        });
        assert_eq!(transitions::is_row(Some(from), to), expected, "{from:?} -> {to:?}");
        assert_eq!(transitions::is_row(None, to), to == Status::Pending);
    }
}

#[test]
fn the_shop_says_why_it_cancels_what_is_being_made_or_under_way() {
    for from in [Status::Preparing, Status::OutForDelivery] {
        let refused = Rejection::ReasonRequired { to: Status::Cancelled };
        assert_eq!(standing(from).is_refused(&admin(), set_status(Status::Cancelled)), refused);
        assert_eq!(standing(from).is_refused(&admin(), cancel()), refused);
    }
    for from in [Status::Pending, Status::Confirmed] {
        assert!(standing(from).asks(&admin(), set_status(Status::Cancelled)).is_ok());
    }
}

#[test]
fn a_cancellation_keeps_who_when_why_and_the_words() {
    for (from, code) in [(Status::Preparing, CancelCode::Shop), (Status::OutForDelivery, CancelCode::DeliveryFailed)] {
        let mut life = standing(from);
        life.when(&admin(), Command::SetStatus { to: Status::Cancelled, reason: Some(words("nobody at home")) });
        let cancellation = life.order.state().cancellation.clone().unwrap();
        let expected = Cancellation { at: life.now, by: admin(), code, reason: Some(words("nobody at home")) };
        assert_eq!(cancellation, expected);
        assert_eq!(life.timeline.last().unwrap().event.note(), Some(words("nobody at home")).as_ref());
    }
}

#[test]
fn an_order_leaves_the_shop_only_with_a_courier() {
    let life = standing(Status::Preparing).but(|state| state.courier = None);
    assert_eq!(life.is_refused(&admin(), set_status(Status::OutForDelivery)), Rejection::CourierRequired);
    let Rejection::IllegalTransition { allowed, .. } = life.is_refused(&admin(), set_status(Status::Delivered)) else {
        panic!("another refusal");
    };
    assert_eq!(allowed, [Status::Cancelled], "what needs a courier is not offered without one");
}

#[test]
fn an_order_that_is_not_released_is_not_prepared() {
    let life = standing(Status::Confirmed).but(|state| state.released_at = None);
    let allowed = vec![Status::Cancelled];
    let refused = Rejection::IllegalTransition { current: Status::Confirmed, asked: Status::Preparing, allowed };
    assert_eq!(life.is_refused(&admin(), set_status(Status::Preparing)), refused);
}

#[test]
fn the_system_moves_a_pending_order_by_its_charge_alone() {
    let pending = an_order();
    for asked in [set_status(Status::Confirmed), set_status(Status::Cancelled), cancel()] {
        let Rejection::IllegalTransition { allowed, .. } = pending.is_refused(&Actor::System, asked) else {
            panic!("another refusal");
        };
        assert_eq!(allowed, []);
    }
}

#[test]
fn every_step_of_a_life_is_taken_by_somebody_whom_the_table_names() {
    let given = [an_order().delivered_by_bob(), crate::support::a_cash_order().on_its_way()];
    for life in given {
        let mut before = None;
        for recorded in &life.timeline {
            let moved = before != Some(recorded.status);
            let named =
                |row: &&Transition| row.joins(before, recorded.status) && row.who.contains(&recorded.actor.role());
            assert!(!moved || TRANSITIONS.iter().any(|row| named(&row)), "{before:?}: {recorded:?}");
            before = Some(recorded.status);
        }
    }
}

impl Life {
    fn delivered_by_bob(self) -> Self {
        let mut life = self.paid();
        life.when(&courier(), Command::Take);
        for to in [Status::Preparing, Status::OutForDelivery, Status::Delivered] {
            life.when(&courier(), set_status(to));
        }
        assert_eq!(life.order.state().courier, Some(user("bob")));
        life
    }
}

/// `UPDATE_DOCS=1 cargo test -p order-domain` writes what is generated into the page.
#[test]
fn the_page_of_the_documentation_shows_the_table_as_it_is() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/order-states.md");
    let page = fs::read_to_string(&path).unwrap();
    let diagram = format!("```mermaid\n{}```\n", transitions::diagram());
    let mut expected = page.clone();
    for (name, text) in [("diagram", diagram), ("table", transitions::table_markdown())] {
        expected = replace_between(&expected, name, &text);
    }
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, expected).unwrap();
    } else {
        assert!(page == expected, "docs/order-states.md is out of date: run this test with UPDATE_DOCS=1");
    }
}

fn replace_between(page: &str, name: &str, text: &str) -> String {
    let (start, end) = (format!("<!-- {name}: generated -->\n"), format!("<!-- {name}: end -->"));
    let (head, rest) = page.split_once(&start).expect("the start marker");
    let (_, tail) = rest.split_once(&end).expect("the end marker");
    format!("{head}{start}\n{text}\n{end}{tail}")
}
