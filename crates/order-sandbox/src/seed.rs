//! What the demo shows: a small shop with the cases that an order service has to get right.
//!
//! - users `u1`, `u2`; couriers `courier1`, `courier2`; `admin1`
//! - products 1..=8, of which 6 is no longer sold, 7 is short of stock (1 left), and 5 has a price with the binary dust
//!   of a float (`30.299999999999997`)
//! - carts of `u1` (apples, milk) and of `u2` (bread, olive oil) with 10 % off

use crate::cart::Promo;
use crate::product::Product;
use crate::state::World;
use crate::user::User;

pub(crate) fn demo(world: &mut World) {
    for (uid, role, name) in [
        ("u1", "user", "Una Ortiz"),
        ("u2", "user", "Umar Khan"),
        ("courier1", "delivery_partner", "Cora Lind"),
        ("courier2", "delivery_partner", "Cem Aydin"),
        ("admin1", "admin", "Ada Moreau"),
    ] {
        let user = User { name: name.to_owned(), ..User::new(uid, role) };
        world.users.insert(uid.to_owned(), user);
    }
    for product in groceries() {
        world.products.insert(product.id, product);
    }
    world.carts.replace("u1", &[(1, 2), (2, 1)]);
    world.carts.replace("u2", &[(3, 1), (5, 2)]);
    world.carts.of("u1").promo_code = None;
    world.carts.of("u2").promo_code = Some(Promo::percentage("WELCOME10", 10.0));
}

fn groceries() -> [Product; 8] {
    [
        grocery(1, "Apples", "Crisp red apples", (2.99, 3.99), 1, "kg"),
        grocery(2, "Whole Milk", "Fresh from the farm, 3.8 % fat", (1.49, 1.59), 2, "l"),
        grocery(3, "Sourdough Bread", "Baked this morning, 750 g", (4.25, 4.50), 3, "piece"),
        Product { is_returnable: Some(false), ..grocery(4, "Eggs", "Free range, 10 of them", (3.79, 3.99), 2, "box") },
        grocery(5, "Olive Oil", "Extra virgin, cold pressed", (30.299_999_999_999_997, 34.9), 4, "l"),
        grocery(6, "Strawberries", "Out of season", (5.49, 5.49), 1, "box").inactive(),
        grocery(7, "Saffron", "From Kashmir, 1 g", (12.0, 14.0), 4, "jar").stock(1),
        grocery(8, "Bananas", "Ripe and sweet", (1.1, 1.3), 1, "kg"),
    ]
}

fn grocery(id: i64, name: &str, description: &str, (price, mrp): (f64, f64), category_id: i64, unit: &str) -> Product {
    Product {
        description: description.to_owned(),
        mrp,
        category_id,
        unit: unit.to_owned(),
        ..Product::new(id, name, price)
    }
}
