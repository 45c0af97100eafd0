//! The payment service's book: one entry for each idempotency key, with the outcome that the key had first.
//!
//! A key's first outcome is its outcome for ever, a decline included; asking again counts an attempt and nothing else.
//! Whether a refund has a charge to take from is not checked here: a test that finds too much paid back in this book
//! has found what it was looking for.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::money;

/// Which way the money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// From the customer: `POST /payments/process`.
    Charge,
    /// To the customer: `POST /payments/refund`.
    Refund,
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The money has moved.
    Accepted,
    /// It has not, and never will under this key.
    Declined,
}

/// How a decline is answered; a key keeps this, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineAnswer {
    /// 200 with `"success": false`.
    #[default]
    SuccessFalse,
    /// 402 with the same body.
    PaymentRequired,
}

/// An entry of the payment service's book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// The idempotency key.
    pub key: String,
    /// Which way the money goes.
    pub kind: PaymentKind,
    /// Whose money.
    pub user_id: String,
    /// For which order; numbers are kept as text.
    pub order_id: String,
    /// The amount in minor units (cents).
    pub amount_minor: i64,
    /// The amount with two decimals.
    pub amount: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How a decline was answered.
    pub decline_answer: Option<DeclineAnswer>,
    /// The id of the transaction, where the money has moved.
    pub transaction_id: Option<String>,
    /// How often exactly this was asked for, the first time included.
    pub attempts: u32,
    /// How often something else was asked for under this key (and refused with 422). A sound client has none.
    pub conflicts: u32,
}

/// What was charged and refunded for one order, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// The sum of accepted charges.
    pub charged: i64,
    /// The sum of accepted refunds.
    pub refunded: i64,
}

/// Which new payments are declined. Repeats of a key never are: they have their outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[must_use]
pub struct Decline {
    kind: Option<PaymentKind>,
    user_id: Option<String>,
    above_minor: Option<i64>,
    times: Option<u32>,
    answer: DeclineAnswer,
}

impl Decline {
    /// Every payment, until narrowed.
    pub fn all() -> Self {
        Self::default()
    }

    /// Charges only.
    pub fn charges() -> Self {
        Self { kind: Some(PaymentKind::Charge), ..Self::default() }
    }

    /// Refunds only.
    pub fn refunds() -> Self {
        Self { kind: Some(PaymentKind::Refund), ..Self::default() }
    }

    /// Only this user's.
    pub fn of_user(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// Only amounts above so many minor units.
    pub fn above(mut self, minor: i64) -> Self {
        self.above_minor = Some(minor);
        self
    }

    /// Only the next so many.
    pub fn times(mut self, payments: u32) -> Self {
        self.times = Some(payments);
        self
    }

    /// Answered so.
    pub fn answering(mut self, answer: DeclineAnswer) -> Self {
        self.answer = answer;
        self
    }

    fn fits(&self, asked: &Asked) -> bool {
        self.kind.is_none_or(|kind| kind == asked.kind)
            && self.user_id.as_ref().is_none_or(|user_id| *user_id == asked.user_id)
            && self.above_minor.is_none_or(|limit| asked.amount_minor > limit)
            && self.times != Some(0)
    }
}

/// A payment as asked for.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) kind: PaymentKind,
    pub(crate) user_id: String,
    pub(crate) order_id: String,
    pub(crate) amount_minor: i64,
}

/// The key is taken by another payment.
#[derive(Debug)]
pub(crate) struct KeyReused;

/// The book, in the order in which keys came in.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: Vec<Payment>,
    by_key: HashMap<String, usize>,
    pub(crate) declines: Vec<Decline>,
}

impl Ledger {
    pub(crate) fn entries(&self) -> &[Payment] {
        &self.entries
    }

    pub(crate) fn by_key(&self, key: &str) -> Option<&Payment> {
        self.by_key.get(key).and_then(|at| self.entries.get(*at))
    }

    pub(crate) fn balance(&self, order_id: &str) -> Balance {
        let moved = |kind| {
            let of_order = self.entries.iter().filter(move |entry| entry.order_id == order_id && entry.kind == kind);
            of_order.filter(|entry| entry.outcome == Outcome::Accepted).map(|entry| entry.amount_minor).sum()
        };
        Balance { charged: moved(PaymentKind::Charge), refunded: moved(PaymentKind::Refund) }
    }

    /// The entry of a key: made now, or made before by an equal payment.
    pub(crate) fn settle(&mut self, key: &str, asked: &Asked) -> Result<&Payment, KeyReused> {
        let at = match self.by_key.get(key) {
            Some(at) => *at,
            None => self.enter(key, asked),
        };
        let Some(entry) = self.entries.get_mut(at) else {
            return Err(KeyReused);
        };
        let equal = entry.kind == asked.kind
            && entry.user_id == asked.user_id
            && entry.order_id == asked.order_id
            && entry.amount_minor == asked.amount_minor;
        if !equal {
            entry.conflicts += 1;
            return Err(KeyReused);
        }
        entry.attempts += 1;
        Ok(entry)
    }

    fn enter(&mut self, key: &str, asked: &Asked) -> usize {
        let decline = self.decline(asked);
        let at = self.entries.len();
        self.entries.push(Payment {
            key: key.to_owned(),
            kind: asked.kind,
            user_id: asked.user_id.clone(),
            order_id: asked.order_id.clone(),
            amount_minor: asked.amount_minor,
            amount: money::text_from_minor(asked.amount_minor),
            outcome: if decline.is_some() { Outcome::Declined } else { Outcome::Accepted },
            decline_answer: decline,
            transaction_id: decline.is_none().then(|| format!("txn-{:06}", at + 1)),
            attempts: 0,
            conflicts: 0,
        });
        self.by_key.insert(key.to_owned(), at);
        at
    }

    fn decline(&mut self, asked: &Asked) -> Option<DeclineAnswer> {
        let rule = self.declines.iter_mut().find(|rule| rule.fits(asked))?;
        rule.times = rule.times.map(|left| left - 1);
        let answer = rule.answer;
        self.declines.retain(|rule| rule.times != Some(0));
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: PaymentKind, amount_minor: i64) -> Asked {
        Asked { kind, user_id: "u1".to_owned(), order_id: "1".to_owned(), amount_minor }
    }

    #[test]
    fn a_key_keeps_its_first_outcome() {
        let mut ledger = Ledger::default();
        ledger.declines.push(Decline::charges().times(1));
        let charge = || asked(PaymentKind::Charge, 1098);

        let first = ledger.settle("a", &charge()).unwrap().clone();
        let again = ledger.settle("a", &charge()).unwrap().clone();
        let other_key = ledger.settle("b", &charge()).unwrap().clone();

        assert_eq!((first.outcome, again.outcome, again.attempts), (Outcome::Declined, Outcome::Declined, 2));
        assert_eq!((other_key.outcome, other_key.amount.as_str()), (Outcome::Accepted, "10.98"));
        assert_eq!(ledger.balance("1"), Balance { charged: 1098, refunded: 0 });
    }

    #[test]
    fn a_key_belongs_to_one_payment() {
        let mut ledger = Ledger::default();
        ledger.settle("a", &asked(PaymentKind::Charge, 500)).unwrap();
        assert!(ledger.settle("a", &asked(PaymentKind::Charge, 501)).is_err());
        assert!(ledger.settle("a", &asked(PaymentKind::Refund, 500)).is_err());
        let entry = ledger.by_key("a").unwrap();
        assert_eq!((entry.attempts, entry.conflicts, ledger.entries().len()), (1, 2, 1));
    }

    #[test]
    fn declines_are_narrowed_by_kind_user_and_amount() {
        let rule = Decline::refunds().of_user("u1").above(1000);
        assert!(rule.fits(&asked(PaymentKind::Refund, 1001)));
        assert!(!rule.fits(&asked(PaymentKind::Refund, 1000)));
        assert!(!rule.fits(&asked(PaymentKind::Charge, 1001)));
        assert!(!rule.fits(&Asked { user_id: "u2".to_owned(), ..asked(PaymentKind::Refund, 1001) }));
    }
}
