//! The payment service: a ledger by key, and answers that a test plans.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use order_domain::Money;
use order_domain::payment::EntryKind;
use order_domain::ports::{Payment, PaymentError, PaymentReceipt, PaymentService};

use crate::lock;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentAnswer {
    /// The money moves, unless this key was declined before.
    Settle,
    /// A no, for ever under this key, unless its money has moved already.
    Decline,
    /// The money moves as with [`Self::Settle`], but the answer is lost.
    ActAndLoseAnswer,
    /// Nothing happens, and no answer comes.
    LoseRequest,
    /// The call never reaches the service.
    NotSent,
    /// A client error other than a plain no; nothing happens.
    Refuse,
    /// A client error other than a plain no, although the money moves as with [`Self::Settle`].
    ActAndRefuse,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentCall {
    /// Which way the money goes.
    pub kind: EntryKind,
    /// What was asked for.
    pub payment: Payment,
    /// What became of it.
    pub answer: PaymentAnswer,
}

type Hook = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// The payment service. One key is one payment: its money moves once, however often it is asked for, and a key that
/// comes back with another amount, another customer or the other way round fails the test. Calls are met by the planned
/// answers in sequence, then by [`PaymentAnswer::Settle`], or as [`FakePayments::answers`] says.
#[derive(Default)]
pub struct FakePayments {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ledger: BTreeMap<String, Known>,
    plan: VecDeque<PaymentAnswer>,
    calls: Vec<PaymentCall>,
    hook: Option<Hook>,
    misused: Vec<String>,
    otherwise: Option<PaymentAnswer>,
    tells: bool,
    looks: usize,
}

/// What the service knows of a key.
struct Known {
    kind: EntryKind,
    payment: Payment,
    /// Whether its money moved, once that is decided: for ever.
    moved: Option<bool>,
}

impl FakePayments {
    /// A service that settles everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// What becomes of the next calls, in sequence.
    pub fn plan(&self, answers: &[PaymentAnswer]) {
        lock(&self.state).plan.extend(answers);
    }

    /// What becomes from now on of calls for which nothing is planned. At first they settle.
    pub fn answers(&self, answer: PaymentAnswer) {
        lock(&self.state).otherwise = Some(answer);
    }

    /// It tells from now on what has become of a key. At first it does not know the question.
    pub fn tells_outcomes(&self) {
        lock(&self.state).tells = true;
    }

    /// How often it was asked what has become of a key.
    pub fn looks(&self) -> usize {
        lock(&self.state).looks
    }

    /// While the next call is under way, its effect done and its answer not yet given, `hook` runs to its end.
    pub fn during_next<F>(&self, hook: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        lock(&self.state).hook = Some(Box::new(move || Box::pin(hook())));
    }

    /// All calls, in sequence.
    pub fn calls(&self) -> Vec<PaymentCall> {
        lock(&self.state).calls.clone()
    }

    /// How often a key was asked for.
    pub fn tries(&self, key: &str) -> usize {
        lock(&self.state).calls.iter().filter(|call| call.payment.key == key).count()
    }

    /// Keys whose money moved, with kind and amount, by key.
    pub fn settled(&self) -> Vec<(String, EntryKind, Money)> {
        let state = lock(&self.state);
        let moved = state.ledger.iter().filter(|(_, known)| known.moved == Some(true));
        moved.map(|(key, known)| (key.clone(), known.kind, known.payment.amount)).collect()
    }

    /// What the service calls the payment of a key.
    pub fn transaction_id(key: &str) -> String {
        format!("tx-{key}")
    }

    async fn call(&self, kind: EntryKind, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        let (answer, hook) = {
            let mut state = lock(&self.state);
            let answer = state.plan.pop_front().or(state.otherwise).unwrap_or(PaymentAnswer::Settle);
            state.calls.push(PaymentCall { kind, payment: payment.clone(), answer });
            (state.answer(kind, payment, answer), state.hook.take())
        };
        match hook {
            Some(hook) => hook().await,
            None => tokio::task::yield_now().await,
        }
        answer
    }
}

impl State {
    fn answer(
        &mut self,
        kind: EntryKind,
        payment: &Payment,
        answer: PaymentAnswer,
    ) -> Result<PaymentReceipt, PaymentError> {
        let first = Known { kind, payment: payment.clone(), moved: None };
        let known = self.ledger.entry(payment.key.clone()).or_insert(first);
        if known.kind != kind || known.payment != *payment {
            self.misused.push(format!("{} was for {:?}, then for {payment:?}", payment.key, known.payment));
        }
        let lost = |what: &str| format!("{what}, as the test wants it");
        match answer {
            PaymentAnswer::Settle => known.act(true),
            PaymentAnswer::Decline => known.act(false),
            PaymentAnswer::ActAndLoseAnswer => {
                known.act(true).ok();
                Err(PaymentError::Unknown(lost("answer lost")))
            }
            PaymentAnswer::LoseRequest => Err(PaymentError::Unknown(lost("request lost"))),
            PaymentAnswer::NotSent => Err(PaymentError::NotSent(lost("not connected"))),
            PaymentAnswer::Refuse => Err(PaymentError::Refused(lost("refused"))),
            PaymentAnswer::ActAndRefuse => {
                known.act(true).ok();
                Err(PaymentError::Refused(lost("refused")))
            }
        }
    }
}

impl Known {
    /// The first word under a key is its last.
    fn act(&mut self, moves: bool) -> Result<PaymentReceipt, PaymentError> {
        if *self.moved.get_or_insert(moves) {
            Ok(PaymentReceipt { transaction_id: FakePayments::transaction_id(&self.payment.key) })
        } else {
            Err(PaymentError::Declined("as the test wants it".into()))
        }
    }
}

/// A worker catches the panics of its handlers, so a misused key is told at the end of the test.
impl Drop for FakePayments {
    fn drop(&mut self) {
        let misused = std::mem::take(&mut lock(&self.state).misused);
        assert!(misused.is_empty() || std::thread::panicking(), "a key stands for one payment for ever: {misused:?}");
    }
}

#[async_trait]
impl PaymentService for FakePayments {
    async fn charge(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        self.call(EntryKind::Charge, payment).await
    }

    async fn refund(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        self.call(EntryKind::Refund, payment).await
    }

    async fn outcome(&self, payment: &Payment) -> Result<Option<PaymentReceipt>, PaymentError> {
        let mut state = lock(&self.state);
        state.looks += 1;
        let tells = state.tells;
        match state.ledger.get_mut(&payment.key) {
            Some(known) if tells && known.moved.is_some() => known.act(true).map(Some),
            _ => Ok(None),
        }
    }
}
