//! The open adjustment of an order, as one JSON text beside it: what the order is again if the difference is not paid.
//! It holds an address and words, so it stands in the order's own row, which erasure reaches, and goes when it closes.

use order_domain::order::{Adjustment, Before, Line, Product};
use order_domain::{Coordinates, Currency, Destination, LineId, Money, ProductId, Quantity, Text};
use serde::{Deserialize, Serialize};

use crate::error::DbError;

#[derive(Serialize, Deserialize)]
struct Stored {
    v: u8,
    charge: u32,
    lines: Vec<StoredLine>,
    subtotal: i64,
    discount: i64,
    delivery_fee: i64,
    total: i64,
    address: String,
    coordinates: Option<(String, String)>,
    distance_km: Option<f64>,
    instructions: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredLine {
    line: i64,
    product_id: i64,
    name: String,
    description: Option<String>,
    price: i64,
    mrp: Option<i64>,
    category_id: Option<i64>,
    image_url: Option<String>,
    unit: Option<String>,
    returnable: bool,
    quantity: u32,
    net: i64,
}

fn wrong(what: impl std::fmt::Display) -> DbError {
    DbError::Inconsistent(format!("adjustment: {what}"))
}

pub(crate) fn adjustment_to(adjustment: &Adjustment) -> Result<String, DbError> {
    let before = &*adjustment.before;
    let at = before.destination.coordinates.as_ref();
    let stored = Stored {
        v: 1,
        charge: adjustment.charge,
        lines: before.lines.iter().map(line_to).collect(),
        subtotal: before.subtotal.minor(),
        discount: before.discount.minor(),
        delivery_fee: before.delivery_fee.minor(),
        total: before.total.minor(),
        address: before.destination.address.as_str().to_owned(),
        coordinates: at.map(|at| (at.latitude().to_string(), at.longitude().to_string())),
        distance_km: before.distance_km,
        instructions: before.instructions.as_ref().map(|text| text.as_str().to_owned()),
    };
    serde_json::to_string(&stored).map_err(wrong)
}

pub(crate) fn adjustment_from(text: &str, currency: Currency) -> Result<Adjustment, DbError> {
    let stored: Stored = serde_json::from_str(text).map_err(wrong)?;
    if stored.v != 1 {
        return Err(wrong(format!("version {} is newer than this program", stored.v)));
    }
    let amount = |minor| Money::from_minor(minor, currency);
    let coordinates = match &stored.coordinates {
        Some((latitude, longitude)) => {
            let degrees = (latitude.parse().map_err(wrong)?, longitude.parse().map_err(wrong)?);
            Some(Coordinates::new(degrees.0, degrees.1).map_err(wrong)?)
        }
        None => None,
    };
    let before = Before {
        lines: stored.lines.into_iter().map(|line| line_from(line, currency)).collect::<Result<_, _>>()?,
        subtotal: amount(stored.subtotal),
        discount: amount(stored.discount),
        delivery_fee: amount(stored.delivery_fee),
        total: amount(stored.total),
        destination: Destination::new(&stored.address, coordinates).map_err(wrong)?,
        distance_km: stored.distance_km,
        instructions: stored.instructions.map(Text::lines).transpose().map_err(wrong)?,
    };
    Ok(Adjustment { charge: stored.charge, before: Box::new(before) })
}

fn line_to(line: &Line) -> StoredLine {
    let product = &line.product;
    StoredLine {
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
        quantity: line.quantity.get(),
        net: line.net.minor(),
    }
}

fn line_from(stored: StoredLine, currency: Currency) -> Result<Line, DbError> {
    let amount = |minor| Money::from_minor(minor, currency);
    Ok(Line {
        id: LineId::new(stored.line).map_err(wrong)?,
        product: Product {
            id: ProductId::new(stored.product_id).map_err(wrong)?,
            name: stored.name,
            description: stored.description,
            price: amount(stored.price),
            mrp: stored.mrp.map(amount),
            category_id: stored.category_id,
            image_url: stored.image_url,
            unit: stored.unit,
            returnable: stored.returnable,
        },
        quantity: Quantity::new(stored.quantity).map_err(wrong)?,
        net: amount(stored.net),
    })
}
