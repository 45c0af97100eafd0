//! What makes two clicks the same: the caller, and the lines of the cart.

use order_domain::UserId;
use order_domain::order::CartLine;
use sha2::{Digest, Sha256};

/// A hash of the caller and of every line of the cart (its id, product and units), in whatever sequence they come. Begins
/// with a word of its own, so that it is no key's.
pub(crate) fn hash(caller: &UserId, cart: &[CartLine]) -> [u8; 32] {
    let mut lines: Vec<_> = cart.iter().map(|line| (line.id.get(), line.product.get(), line.quantity.get())).collect();
    lines.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(b"cart of ");
    hash.update((caller.as_str().len() as u64).to_be_bytes());
    hash.update(caller.as_str());
    for (id, product, units) in lines {
        hash.update(id.to_be_bytes());
        hash.update(product.to_be_bytes());
        hash.update(units.to_be_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use order_domain::{CartLineId, ProductId, Quantity};

    use super::*;

    fn line(id: i64, product: i64, units: u32) -> CartLine {
        CartLine {
            id: CartLineId::new(id).unwrap(),
            product: ProductId::new(product).unwrap(),
            quantity: Quantity::new(units).unwrap(),
        }
    }

    #[test]
    fn the_same_caller_and_lines_are_the_same_whatever_their_sequence() {
        let ann = UserId::new("ann").unwrap();
        let (one, two) = (line(1, 5, 2), line(2, 6, 1));
        assert_eq!(hash(&ann, &[one, two]), hash(&ann, &[two, one]));
        let others =
            [&[one][..], &[], &[one, two, two], &[line(1, 5, 3), two], &[line(3, 5, 2), two], &[line(1, 7, 2), two]];
        for other in others {
            assert_ne!(hash(&ann, &[one, two]), hash(&ann, other), "{other:?}");
        }
        assert_ne!(hash(&ann, &[one]), hash(&UserId::new("eve").unwrap(), &[one]));
    }
}
