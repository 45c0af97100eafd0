//! Putting other lines in the place of an order's lines: its customer and admins, until it is packed or released.

use std::collections::BTreeMap;

use order_domain::order::{Command, Event, Order, Product, Rejection, Version, WantedLines, execute};
use order_domain::ports::Loaded;
use order_domain::pricing::shortages;
use order_domain::{Money, OrderId, ProductId};

use crate::UseCases;
use crate::caller::Caller;
use crate::change::OnConflict;
use crate::error::UseCaseError;
use crate::request::{Answer, IfMatch, Request};

/// What an order would cost with other lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditPreview {
    /// `Σ price × quantity`.
    pub subtotal: Money,
    /// What the cart's promotion takes off.
    pub discount: Money,
    /// What delivery costs.
    pub delivery_fee: Money,
    /// `subtotal − discount + delivery fee`.
    pub total: Money,
    /// What the customer would pay more; below 0: get back.
    pub difference: Money,
    /// The version of the order that was looked at.
    pub version: Version,
}

type Offered = BTreeMap<ProductId, Product>;

impl UseCases {
    /// Replaces the lines. What is added costs what it costs today, and has to be in stock; what stays keeps its price.
    ///
    /// # Errors
    /// [`UseCaseError::Rejected`] once it is packed or released, while a payment or an earlier edit is under way, and for
    /// what can't be had; [`UseCaseError::ConcurrentChange`] when somebody else changed the order meanwhile.
    pub async fn replace_lines(
        &self,
        caller: &Caller,
        id: OrderId,
        lines: WantedLines,
        request: Request,
    ) -> Result<Answer, UseCaseError> {
        let key = request.key;
        let change = async move {
            let loaded = self.ports.orders.load(id).await?.ok_or(UseCaseError::NotFound)?;
            caller.decides_about(&loaded.order)?;
            let seen = loaded.order.version();
            // What is refused anyway is refused without asking anybody.
            let asked = request.if_match.holds(seen) && loaded.order.may_edit().is_ok();
            let offered = if asked { self.offered(&loaded.order, &lines).await? } else { Offered::new() };
            let command = |order: &Order| {
                if order.version() != seen {
                    return Err(UseCaseError::ConcurrentChange);
                }
                let (lines, offered) = (lines.clone(), offered.clone());
                Ok((caller.decides_about(order)?, Command::ReplaceLines { lines, offered }))
            };
            Box::pin(self.change(id, OnConflict::Refuse, &request, command)).await
        };
        self.once(key, Box::pin(change)).await
    }

    /// What replacing the lines would come to. Changes nothing.
    ///
    /// # Errors
    /// As [`Self::replace_lines`].
    pub async fn preview_lines(
        &self,
        caller: &Caller,
        id: OrderId,
        lines: WantedLines,
        if_match: &IfMatch,
    ) -> Result<EditPreview, UseCaseError> {
        let Loaded { order, now } = self.ports.orders.load(id).await?.ok_or(UseCaseError::NotFound)?;
        let actor = caller.decides_about(&order)?;
        if !if_match.holds(order.version()) {
            return Err(UseCaseError::PreconditionFailed { current: order.version() });
        }
        // What is refused anyway is refused without asking anybody.
        let asked = order.may_edit().is_ok();
        let offered = if asked { self.offered(&order, &lines).await? } else { Offered::new() };
        let change = execute(&order, Command::ReplaceLines { lines, offered }, &actor, &self.rules, now)?;
        let edited = change.events.iter().find_map(|recorded| match &recorded.event {
            Event::Edited(edit) => Some(edit),
            _ => None,
        });
        let state = order.state();
        Ok(match edited {
            Some(edit) => EditPreview {
                subtotal: edit.subtotal,
                discount: edit.discount,
                delivery_fee: edit.delivery_fee,
                total: edit.new.total,
                difference: edit.new.difference,
                version: state.version,
            },
            None => EditPreview {
                subtotal: state.subtotal,
                discount: state.discount,
                delivery_fee: state.delivery_fee,
                total: state.total,
                difference: Money::zero(state.currency),
                version: state.version,
            },
        })
    }

    /// The products of which units are added, as they are sold today.
    async fn offered(&self, order: &Order, lines: &WantedLines) -> Result<Offered, UseCaseError> {
        let added = lines.added_to(order);
        if added.is_empty() {
            return Ok(Offered::new());
        }
        let ids: Vec<ProductId> = added.iter().map(|(product, _)| *product).collect();
        let found = self.ports.products.products(&ids).await?;
        let short = shortages(added, &found);
        if !short.is_empty() {
            return Err(Rejection::OutOfStock(short).into());
        }
        let sold = found.into_iter().filter_map(|(id, found)| Some((id, found?.product)));
        Ok(sold.collect())
    }
}
