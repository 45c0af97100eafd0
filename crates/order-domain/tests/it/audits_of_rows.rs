//! What a database alone can show: tasks, releases, and the ledger against an export of the payment service.

use std::time::Duration;

use order_domain::audit::{
    self, AuditTerms, Difference, DifferenceKind, ExportLine, Outcome, RELEASE_LEAD, StoredSums, Violation,
};
use order_domain::order::Status;
use order_domain::payment::{EntryKind, EntryState, PaymentMethod, Purpose};
use order_domain::ports::{
    AuditedEvent, AuditedOrder, AuditedRows, AuditedTask, LedgerLine, OpenTask, TaskKind, TaskState, Token,
};
use order_domain::{OrderId, TaskId};

use crate::support::{Life, an_order, cancel, customer, minutes, usd};

const LIVE: AuditTerms = AuditTerms { drained: false, lead: RELEASE_LEAD };
const DRAINED: AuditTerms = AuditTerms { drained: true, lead: RELEASE_LEAD };

fn named(found: &[Violation]) -> Vec<(u8, &str)> {
    found.iter().map(|violation| (violation.invariant, violation.what.as_str())).collect()
}

fn a_task(life: &Life, kind: TaskKind, state: TaskState) -> AuditedTask {
    let entry = (!kind.may_die()).then_some(1);
    let (id, order, token) = (TaskId::new(9).unwrap(), life.order.id(), Token(1));
    let task = OpenTask { id, kind, state, order, entry, attempts: 1, last_error: None, due_at: minutes(0), token };
    AuditedTask { task, lease_expired: false }
}

/// The order as a store would hand it in.
fn audited(life: &Life, tasks: Vec<AuditedTask>) -> AuditedOrder {
    let event = |recorded: &order_domain::order::Recorded| AuditedEvent {
        seq: recorded.seq,
        name: recorded.event.name().to_owned(),
        at: recorded.at,
        status: recorded.status,
    };
    let rows = AuditedRows {
        state: life.order.state().clone(),
        ledger: Ok(life.order.ledger().clone()),
        sums: life.stored_sums(),
        events: life.timeline.iter().map(event).collect(),
    };
    AuditedOrder { id: life.order.id(), rows: Ok(rows), tasks, keys: vec![[1; 32]], unpublished: vec![] }
}

#[test]
fn an_order_as_it_should_be_is_whole() {
    for life in [an_order().paid(), an_order().paid().delivered()] {
        for terms in [LIVE, DRAINED] {
            assert_eq!(audit::whole(&audited(&life, vec![]), terms, minutes(60)), []);
        }
    }
    let pending = an_order();
    let charge = a_task(&pending, TaskKind::Charge, TaskState::Waiting);
    assert_eq!(audit::whole(&audited(&pending, vec![charge]), LIVE, minutes(60)), []);
}

#[test]
fn an_entry_under_way_that_nobody_follows_is_named() {
    for life in [an_order(), an_order().sent(1)] {
        let state = life.entry(1).state.name();
        let alone = audit::whole(&audited(&life, vec![]), LIVE, minutes(60));
        assert_eq!(named(&alone), [(5, format!("charge 1 is {state} and no task follows it").as_str())]);
        let mut other = a_task(&life, TaskKind::Refund, TaskState::Waiting);
        other.task.entry = Some(2);
        assert_eq!(audit::whole(&audited(&life, vec![other]), LIVE, minutes(60)).len(), 1, "another's task");
    }
}

#[test]
fn what_moves_money_and_is_dead_is_named_and_a_message_may_be_dead() {
    let life = an_order();
    let dead = audited(&life, vec![a_task(&life, TaskKind::Charge, TaskState::Dead)]);
    assert_eq!(named(&audit::whole(&dead, LIVE, minutes(60))), [(5, "task 9 (charge) is dead")]);
    let life = an_order().paid();
    let dead = audited(&life, vec![a_task(&life, TaskKind::Notify, TaskState::Dead)]);
    for terms in [LIVE, DRAINED] {
        assert_eq!(audit::whole(&dead, terms, minutes(60)), []);
    }
}

#[test]
fn what_holds_at_rest_is_asked_at_rest() {
    let mut life = an_order().sent(1);
    life.when(&customer(), cancel());
    let charge = a_task(&life, TaskKind::Charge, TaskState::Waiting);
    let followed = audited(&life, vec![charge]);
    assert_eq!(audit::whole(&followed, LIVE, minutes(60)), [], "what it took will be given back");
    let found = audit::whole(&followed, DRAINED, minutes(60));
    assert_eq!(named(&found), [(5, "task 9 (charge) is not done"), (10, "cancelled with charge 1 sent")]);
    life.order.put_back(1, life.now).unwrap();
    let found = audit::unsent_charges(life.order.state(), life.order.ledger());
    assert_eq!(named(&found), [(9, "cancelled with charge 1 unsent")]);
}

#[test]
fn a_drained_database_has_nothing_to_do_but_what_is_not_due() {
    let life = an_order().paid();
    let found = |change: &dyn Fn(&mut AuditedTask)| {
        let mut task = a_task(&life, TaskKind::Notify, TaskState::Waiting);
        change(&mut task);
        let found = audit::drained(life.order.id(), &[task], minutes(60));
        found.into_iter().map(|violation| violation.invariant).collect::<Vec<_>>()
    };
    assert_eq!(found(&|_| {}), [5], "it was tried");
    assert_eq!(found(&|task| task.task.attempts = 0), [5], "it is due");
    assert_eq!(found(&|task| task.task.due_at = minutes(61)), [5], "it will be tried again");
    assert_eq!(found(&|task| (task.task.attempts, task.task.due_at) = (0, minutes(61))), Vec::<u8>::new());
    assert_eq!(found(&|task| task.task.state = TaskState::Dead), Vec::<u8>::new());
    assert_eq!(found(&|task| task.task.state = TaskState::Running), [5]);
    assert_eq!(found(&|task| task.lease_expired = true), [9, 5]);
}

#[test]
fn an_event_that_is_not_published_once_all_is_drained_is_named() {
    let waiting = AuditedOrder { unpublished: vec![1, 3], ..audited(&an_order().paid().delivered(), vec![]) };
    assert_eq!(audit::whole(&waiting, LIVE, minutes(60)), [], "it is about to be");
    let found = audit::whole(&waiting, DRAINED, minutes(60));
    assert_eq!(named(&found), [(4, "event 1 is not published"), (4, "event 3 is not published")]);
    let torn = AuditedOrder { rows: Err("torn".into()), ..waiting };
    assert_eq!(audit::whole(&torn, DRAINED, minutes(60)).len(), 3, "whatever else is wrong with it");
}

#[test]
fn rows_that_say_nothing_are_named_and_so_is_a_ledger_that_can_not_be() {
    let life = an_order().paid();
    let unreadable = AuditedOrder { rows: Err("torn".into()), ..audited(&life, vec![]) };
    assert_eq!(named(&audit::whole(&unreadable, LIVE, minutes(60))), [(1, "can't be read: torn")]);
    let mut impossible = audited(&life, vec![]);
    impossible.rows.as_mut().unwrap().ledger = Err("entry 2 is missing".into());
    assert_eq!(named(&audit::whole(&impossible, LIVE, minutes(60))), [(3, "entry 2 is missing")]);
    let mut two_keys = audited(&life, vec![]);
    two_keys.keys.push([2; 32]);
    assert_eq!(audit::whole(&two_keys, LIVE, minutes(60))[0].invariant, 2);
    let mut sums = audited(&life, vec![]);
    sums.rows.as_mut().unwrap().sums = StoredSums { charged: usd(1), ..life.stored_sums() };
    assert_eq!(audit::whole(&sums, LIVE, minutes(60))[0].invariant, 3);
}

#[test]
fn a_release_that_is_early_repeated_or_lacking_is_named() {
    let state = |wanted: Option<i64>, released: Option<i64>, status| {
        let mut state = an_order().paid().order.state().clone();
        state.scheduled_for = wanted.map(minutes);
        (state.released_at, state.status) = (released.map(minutes), status);
        state
    };
    let check = |state, events: &[(&str, i64)]| {
        let events: Vec<_> = events.iter().map(|(name, at)| (*name, minutes(*at))).collect();
        let found = audit::release(&state, &events, RELEASE_LEAD);
        found.into_iter().map(|violation| (violation.invariant, violation.what)).collect::<Vec<_>>()
    };
    let confirmed = Status::Confirmed;
    assert_eq!(check(state(Some(100), Some(55), confirmed), &[("confirmed", 1), ("released", 55)]), []);
    assert_eq!(check(state(Some(100), None, confirmed), &[("confirmed", 1)]), [], "it waits");
    assert_eq!(check(state(None, Some(1), Status::Delivered), &[("confirmed", 1)]), [], "at its confirmation");
    let early = check(state(Some(100), Some(54), confirmed), &[("released", 54)]);
    assert_eq!(early.len(), 1, "{early:?}");
    assert!(early[0].1.starts_with("released at 2026-01-01 12:54:00"), "{early:?}");
    assert_eq!(check(state(Some(100), Some(56), confirmed), &[("released", 54)]).len(), 1, "the event was early");
    let twice = check(state(Some(100), Some(55), confirmed), &[("released", 55), ("released", 56)]);
    assert_eq!(twice, [(7, "released 2 times".to_owned())]);
    let never = check(state(Some(100), None, Status::Preparing), &[]);
    assert_eq!(never, [(7, "preparing and never released".to_owned())]);
    assert_eq!(audit::release(&state(Some(100), Some(90), confirmed), &[], Duration::from_mins(5)).len(), 1);
}

fn ours() -> LedgerLine {
    LedgerLine {
        order: OrderId::new(7).unwrap(),
        n: 2,
        kind: EntryKind::Refund,
        purpose: Purpose::Cancel,
        amount: usd(1_098),
        method: PaymentMethod::Online,
        state: EntryState::Settled,
        settled_at: Some(minutes(1)),
    }
}

fn theirs() -> ExportLine {
    let amount = "10.980".parse().unwrap();
    ExportLine { number: 2, key: "order-7-cancel-2".into(), kind: None, amount, outcome: Outcome::Settled }
}

fn different(theirs: &ExportLine, ours: &LedgerLine) -> Option<(DifferenceKind, String)> {
    audit::compare(theirs, Some(ours)).map(|Difference { difference, what, .. }| (difference, what))
}

#[test]
fn a_line_of_an_export_agrees_with_its_entry_or_says_in_what_it_does_not() {
    assert_eq!(different(&theirs(), &ours()), None);
    let said = |what: &str| Some((DifferenceKind::Different, what.to_owned()));
    let dearer = ExportLine { amount: "10.99".parse().unwrap(), ..theirs() };
    assert_eq!(different(&dearer, &ours()), said("10.99 there, 10.98 here"));
    let charge = ExportLine { kind: Some(EntryKind::Charge), ..theirs() };
    assert_eq!(different(&charge, &ours()), said("a charge there, a refund here"));
    let by_hand = LedgerLine { method: PaymentMethod::Cash, ..ours() };
    assert_eq!(different(&theirs(), &by_hand), said("settled by hand here"));
    for state in EntryState::ALL {
        let entry = LedgerLine { state, ..ours() };
        let settled =
            if state == EntryState::Settled { None } else { said(&format!("settled there, {} here", state.name())) };
        assert_eq!(different(&theirs(), &entry), settled);
        let fine = matches!(state, EntryState::Declined | EntryState::Review | EntryState::Sent);
        let declined = ExportLine { outcome: Outcome::Declined, ..theirs() };
        assert_eq!(different(&declined, &entry).is_none(), fine, "{state:?}");
    }
    let extra = Some(DifferenceKind::Extra);
    assert_eq!(audit::compare(&theirs(), None).map(|found| found.difference), extra);
    let others = LedgerLine { purpose: Purpose::Goodwill, ..ours() };
    assert_eq!(audit::compare(&theirs(), Some(&others)).map(|found| found.difference), extra);
}

#[test]
fn a_key_has_one_spelling() {
    let id = OrderId::new(7).unwrap();
    assert_eq!(audit::parse_key("order-7-cancel-2"), Some((id, Purpose::Cancel, 2)));
    assert_eq!(ours().key(), "order-7-cancel-2");
    for bad in [
        "",
        "order-7-cancel",
        "order-7-gift-2",
        "order-07-cancel-2",
        "order-7-cancel-02",
        "order-7-cancel-0",
        "order--7-cancel-2",
        "order-7-cancel-2-1",
        "Order-7-cancel-2",
    ] {
        assert_eq!(audit::parse_key(bad), None, "{bad}");
    }
}
