//! How rows become orders and back. An order comes back through the domain's one validating constructor.

use order_domain::order::{
    Actor, CancelCode, Cancellation, GUARDED, Guard, Line, LiveGuard, Order, OrderState, Product, Recorded, Role,
    Status,
};
use order_domain::payment::{Entry, EntryKind, EntryState, Ledger, Origin, PaymentMethod, Purpose};
use order_domain::ports::{
    Chore, ClaimedChore, ClaimedTask, IdempotencyKey, NewTask, RECEIPT_AGE, Receipt, StoredReceipt, TaskKind,
    TimelineItem, Token,
};
use order_domain::time::after;
use order_domain::{
    Coordinates, Currency, Destination, LineId, Money, OrderId, ProductId, Quantity, TaskId, Text, UserId,
};

use super::dialect::DbTime;
use super::rows::{EntryRow, EventRow, GuardRow, ItemRow, OrderRow, ReceiptRow, TaskRow};
use crate::error::DbError;
use crate::stored;

/// The two kinds of rows of `idempotency_keys`.
pub(crate) const RECEIPT: &str = "receipt";
pub(crate) const GUARD: &str = "guard";

fn wrong(what: impl std::fmt::Display) -> DbError {
    DbError::Inconsistent(what.to_string())
}

fn named<T>(what: &str, name: &str, found: Option<T>) -> Result<T, DbError> {
    found.ok_or_else(|| wrong(format!("{what} {name:?} is unknown to this program")))
}

fn user(id: String) -> Result<UserId, DbError> {
    UserId::new(id).map_err(wrong)
}

pub(crate) fn entry_no(n: u32) -> Result<i32, DbError> {
    i32::try_from(n).map_err(wrong)
}

fn unsigned(n: i32) -> Result<u32, DbError> {
    u32::try_from(n).map_err(wrong)
}

impl OrderRow {
    pub(crate) fn from_order(order: &Order) -> Result<Self, DbError> {
        let (state, ledger) = (order.state(), order.ledger());
        let sum = |sum: Result<Money, _>| sum.map(Money::minor).map_err(wrong);
        let at = state.destination.coordinates.as_ref();
        let cancelled = state.cancellation.as_ref();
        let cancelled_by_id = cancelled.and_then(|cancelled| cancelled.by.id());
        Ok(Self {
            id: state.id.get(),
            customer_id: state.customer.as_str().to_owned(),
            courier_id: state.courier.as_ref().map(|courier| courier.as_str().to_owned()),
            status: state.status.name().to_owned(),
            payment_status: order.payment_status()?.name().to_owned(),
            payment_method: state.payment_method.name().to_owned(),
            currency: state.currency.code().to_owned(),
            subtotal: state.subtotal.minor(),
            discount: state.discount.minor(),
            delivery_fee: state.delivery_fee.minor(),
            total: state.total.minor(),
            charged: sum(ledger.charged())?,
            refunded: sum(ledger.refunded())?,
            refund_held: sum(ledger.refund_held())?,
            delivery_address: state.destination.address.as_str().to_owned(),
            delivery_latitude: at.map(|at| at.latitude().to_string()),
            delivery_longitude: at.map(|at| at.longitude().to_string()),
            special_instructions: state.instructions.as_ref().map(|text| text.as_str().to_owned()),
            terms: stored::terms_to(&state.terms)?,
            scheduled_for: state.scheduled_for.map(DbTime),
            released_at: state.released_at.map(DbTime),
            delivered_at: state.delivered_at.map(DbTime),
            cancelled_at: cancelled.map(|cancelled| DbTime(cancelled.at)),
            cancelled_by: cancelled.map(|cancelled| cancelled.by.role().name().to_owned()),
            cancelled_by_id: cancelled_by_id.map(|id| id.as_str().to_owned()),
            cancel_code: cancelled.map(|cancelled| cancelled.code.name().to_owned()),
            cancel_reason: cancelled.and_then(|cancelled| Some(cancelled.reason.as_ref()?.as_str().to_owned())),
            adjustment: state.adjustment.as_ref().map(stored::adjustment_to).transpose()?,
            created_at: DbTime(state.created_at),
            updated_at: DbTime(state.updated_at),
            version: state.version,
        })
    }

    /// The order of these rows; its columns must equal its ledger's sums.
    pub(crate) fn into_order(self, items: Vec<ItemRow>, entries: Vec<EntryRow>) -> Result<Order, DbError> {
        let stored = (self.charged, self.refunded, self.refund_held);
        let currency = Currency::from_code(&self.currency).map_err(wrong)?;
        let lines = items.into_iter().map(|item| item.into_line(currency)).collect::<Result<_, _>>()?;
        let entries = entries.into_iter().map(|entry| entry.into_entry(currency)).collect::<Result<_, _>>()?;
        let ledger = Ledger::restore(currency, entries)?;
        let sum = |sum: Result<Money, _>| sum.map(Money::minor).map_err(wrong);
        if stored != (sum(ledger.charged())?, sum(ledger.refunded())?, sum(ledger.refund_held())?) {
            return Err(wrong(format!("order {}: its columns are not its ledger's sums", self.id)));
        }
        Ok(Order::restore(self.into_state(currency, lines)?, ledger)?)
    }

    pub(crate) fn into_state(self, currency: Currency, lines: Vec<Line>) -> Result<OrderState, DbError> {
        let amount = |minor| Money::from_minor(minor, currency);
        let coordinates = match (self.delivery_latitude, self.delivery_longitude) {
            (Some(latitude), Some(longitude)) => {
                let degrees = (latitude.parse().map_err(wrong)?, longitude.parse().map_err(wrong)?);
                Some(Coordinates::new(degrees.0, degrees.1).map_err(wrong)?)
            }
            _ => None,
        };
        let cancellation = match (self.cancelled_at, self.cancelled_by, self.cancel_code) {
            (Some(at), Some(role), Some(code)) => {
                let by = named("role", &role, Role::from_name(&role))?;
                let by = Actor::of(by, self.cancelled_by_id.map(user).transpose()?);
                Some(Cancellation {
                    at: at.0,
                    by: by.ok_or_else(|| wrong("cancelled by nobody"))?,
                    code: named("cancel code", &code, CancelCode::from_name(&code))?,
                    reason: self.cancel_reason.map(Text::lines).transpose().map_err(wrong)?,
                })
            }
            _ => None,
        };
        Ok(OrderState {
            id: OrderId::new(self.id).map_err(wrong)?,
            customer: user(self.customer_id)?,
            courier: self.courier_id.map(user).transpose()?,
            status: named("status", &self.status, Status::from_name(&self.status))?,
            payment_method: named("method", &self.payment_method, PaymentMethod::from_name(&self.payment_method))?,
            currency,
            lines,
            subtotal: amount(self.subtotal),
            discount: amount(self.discount),
            delivery_fee: amount(self.delivery_fee),
            total: amount(self.total),
            destination: Destination::new(&self.delivery_address, coordinates).map_err(wrong)?,
            instructions: self.special_instructions.map(Text::lines).transpose().map_err(wrong)?,
            terms: stored::terms_from(&self.terms, self.delivery_fee, currency)?,
            adjustment: self.adjustment.map(|text| stored::adjustment_from(&text, currency)).transpose()?,
            scheduled_for: self.scheduled_for.map(|at| at.0),
            released_at: self.released_at.map(|at| at.0),
            delivered_at: self.delivered_at.map(|at| at.0),
            cancellation,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            version: self.version,
        })
    }
}

impl ItemRow {
    pub(crate) fn from_line(order: OrderId, line: &Line) -> Result<Self, DbError> {
        let product = &line.product;
        Ok(Self {
            order_id: order.get(),
            line: line.id.get(),
            product_id: product.id.get(),
            name: product.name.clone(),
            description: product.description.clone(),
            price: product.price.minor(),
            mrp: product.mrp.map(Money::minor),
            category_id: product.category_id,
            image_url: product.image_url.clone(),
            unit: product.unit.clone(),
            returnable: product.returnable,
            quantity: i32::try_from(line.quantity.get()).map_err(wrong)?,
            net: line.net.minor(),
        })
    }

    pub(crate) fn into_line(self, currency: Currency) -> Result<Line, DbError> {
        let amount = |minor| Money::from_minor(minor, currency);
        Ok(Line {
            id: LineId::new(self.line).map_err(wrong)?,
            product: Product {
                id: ProductId::new(self.product_id).map_err(wrong)?,
                name: self.name,
                description: self.description,
                price: amount(self.price),
                mrp: self.mrp.map(amount),
                category_id: self.category_id,
                image_url: self.image_url,
                unit: self.unit,
                returnable: self.returnable,
            },
            quantity: Quantity::new(unsigned(self.quantity)?).map_err(wrong)?,
            net: amount(self.net),
        })
    }
}

impl EventRow {
    pub(crate) fn from_recorded(order: OrderId, recorded: &Recorded) -> Self {
        let (kind, v, data) = stored::event(&recorded.event);
        Self {
            order_id: order.get(),
            seq: recorded.seq,
            kind: kind.to_owned(),
            v,
            data: data.to_string(),
            at: DbTime(recorded.at),
            actor_role: recorded.actor.role().name().to_owned(),
            actor_id: recorded.actor.id().map(|id| id.as_str().to_owned()),
            status: recorded.status.name().to_owned(),
            amount: recorded.amount.map(Money::minor),
            note: recorded.event.note().map(|note| note.as_str().to_owned()),
        }
    }

    /// An entry of the timeline, whatever its type.
    pub(crate) fn into_item(self, currency: Currency) -> Result<TimelineItem, DbError> {
        Ok(TimelineItem {
            seq: self.seq,
            kind: self.kind,
            at: self.at.0,
            role: named("role", &self.actor_role, Role::from_name(&self.actor_role))?,
            actor: self.actor_id.map(user).transpose()?,
            status: named("status", &self.status, Status::from_name(&self.status))?,
            amount: self.amount.map(|minor| Money::from_minor(minor, currency)),
            reason: self.note,
        })
    }
}

impl EntryRow {
    pub(crate) fn from_entry(order: OrderId, entry: &Entry) -> Result<Self, DbError> {
        let origin = entry.origin;
        Ok(Self {
            order_id: order.get(),
            n: entry_no(entry.n)?,
            kind: entry.kind.name().to_owned(),
            purpose: entry.purpose.name().to_owned(),
            amount: entry.amount.minor(),
            method: entry.method.name().to_owned(),
            state: entry.state.name().to_owned(),
            charge_n: origin.map(|origin| entry_no(origin.charge)).transpose()?,
            repeats_n: origin.and_then(|origin| origin.repeats).map(entry_no).transpose()?,
            declines: origin.map_or(Ok(0), |origin| entry_no(origin.declines))?,
            transaction_id: entry.transaction_id.clone(),
            first_tried_at: entry.first_tried_at.map(DbTime),
            attempts: entry_no(entry.attempts)?,
            refusals: entry_no(entry.refusals)?,
            refused_at: entry.refused_at.map(DbTime),
            last_error: entry.last_error.clone(),
            created_at: DbTime(entry.created_at),
            settled_at: entry.settled_at.map(DbTime),
        })
    }

    pub(crate) fn into_entry(self, currency: Currency) -> Result<Entry, DbError> {
        let repeats = self.repeats_n.map(unsigned).transpose()?;
        let declines = unsigned(self.declines)?;
        let origin = self.charge_n.map(unsigned).transpose()?.map(|charge| Origin { charge, repeats, declines });
        Ok(Entry {
            n: unsigned(self.n)?,
            kind: named("kind", &self.kind, EntryKind::from_name(&self.kind))?,
            purpose: named("purpose", &self.purpose, Purpose::from_name(&self.purpose))?,
            amount: Money::from_minor(self.amount, currency),
            method: named("method", &self.method, PaymentMethod::from_name(&self.method))?,
            state: named("state", &self.state, EntryState::from_name(&self.state))?,
            origin,
            transaction_id: self.transaction_id,
            first_tried_at: self.first_tried_at.map(|at| at.0),
            attempts: unsigned(self.attempts)?,
            refusals: unsigned(self.refusals)?,
            refused_at: self.refused_at.map(|at| at.0),
            last_error: self.last_error,
            created_at: self.created_at.0,
            settled_at: self.settled_at.map(|at| at.0),
        })
    }
}

impl TaskRow {
    pub(crate) fn from_task(task: &NewTask, created_at: DbTime) -> Result<Self, DbError> {
        Ok(Self {
            id: task.id.get(),
            kind: task.kind.name().to_owned(),
            order_id: task.order.get(),
            entry_n: task.entry.map(entry_no).transpose()?,
            lane: task.kind.lane().map(|lane| lane.name().to_owned()),
            seq: task.seq,
            ordinal: entry_no(task.ordinal)?,
            run_at: DbTime(task.due),
            created_at,
        })
    }
}

impl ReceiptRow {
    pub(crate) fn from_receipt(
        order: OrderId,
        key: &IdempotencyKey,
        receipt: &Receipt,
        created_at: DbTime,
    ) -> Result<Self, DbError> {
        Ok(Self {
            key_hash: key.hash.to_vec(),
            kind: RECEIPT.to_owned(),
            fingerprint: key.fingerprint.to_vec(),
            status: i32::from(receipt.status),
            headers: stored::headers_to(&receipt.headers)?,
            body: receipt.body.clone(),
            ends_at: DbTime(after(created_at.0, RECEIPT_AGE)),
            order_id: order.get(),
            created_at,
        })
    }

    pub(crate) fn into_receipt(self) -> Result<StoredReceipt, DbError> {
        let status = u16::try_from(self.status).map_err(wrong)?;
        let headers = stored::headers_from(&self.headers)?;
        let fingerprint = hash(self.fingerprint)?;
        Ok(StoredReceipt { fingerprint, receipt: Receipt { status, headers, body: self.body } })
    }
}

fn hash(bytes: Vec<u8>) -> Result<[u8; 32], DbError> {
    bytes.try_into().map_err(|_| wrong("a hash of another length"))
}

impl GuardRow {
    /// Open until the cart is cleared; of an order that was placed from no cart, never.
    pub(crate) fn from_guard(order: &Order, guard: &Guard) -> Self {
        let state = order.state();
        Self {
            key_hash: guard.hash.to_vec(),
            kind: GUARD.to_owned(),
            fingerprint: guard.fingerprint.to_vec(),
            customer_id: state.customer.as_str().to_owned(),
            placed_with: guard.placed_with.map(|hash| hash.to_vec()),
            open: !state.terms.cart_lines.is_empty(),
            ends_at: DbTime(after(state.created_at, GUARDED)),
            order_id: state.id.get(),
            created_at: DbTime(state.created_at),
        }
    }

    /// The guard with its order's terms, which have the cart.
    pub(crate) fn into_live(self, terms: &str, currency: &str) -> Result<LiveGuard, DbError> {
        let currency = Currency::from_code(currency).map_err(wrong)?;
        Ok(LiveGuard {
            order: OrderId::new(self.order_id).map_err(wrong)?,
            fingerprint: hash(self.fingerprint)?,
            placed_with: self.placed_with.map(hash).transpose()?,
            placed_at: self.created_at.0,
            cart: stored::cart_from(terms, currency)?,
        })
    }
}

/// What was claimed: a task of an order, or a chore.
pub(crate) enum Claimed {
    Task(ClaimedTask),
    Chore(ClaimedChore),
}

/// The columns of a claimed row, after the claim.
pub(crate) struct ClaimedRow {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) order_id: Option<i64>,
    pub(crate) entry_n: Option<i32>,
    pub(crate) attempts: i32,
    pub(crate) token: i64,
}

impl ClaimedRow {
    pub(crate) fn into_claimed(self) -> Result<Claimed, DbError> {
        let (id, attempts) = (TaskId::new(self.id).map_err(wrong)?, unsigned(self.attempts)?);
        let token = Token(self.token);
        let Some(order) = self.order_id else {
            let chore = named("chore", &self.kind, Chore::from_name(&self.kind))?;
            return Ok(Claimed::Chore(ClaimedChore { id, chore, attempts, token }));
        };
        let kind = named("task kind", &self.kind, TaskKind::from_name(&self.kind))?;
        let (order, entry) = (OrderId::new(order).map_err(wrong)?, self.entry_n.map(unsigned).transpose()?);
        Ok(Claimed::Task(ClaimedTask { id, kind, order, entry, attempts, token }))
    }
}
