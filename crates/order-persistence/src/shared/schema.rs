//! The tables, as both engines have them. What a moment is stored as is the dialect's affair.

use super::dialect::Instant;

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use super::Instant;

    orders (id) {
        id -> BigInt,
        customer_id -> Text,
        courier_id -> Nullable<Text>,
        status -> Text,
        payment_status -> Text,
        payment_method -> Text,
        currency -> Text,
        subtotal -> BigInt,
        discount -> BigInt,
        delivery_fee -> BigInt,
        total -> BigInt,
        charged -> BigInt,
        refunded -> BigInt,
        refund_held -> BigInt,
        delivery_address -> Text,
        delivery_latitude -> Nullable<Text>,
        delivery_longitude -> Nullable<Text>,
        special_instructions -> Nullable<Text>,
        terms -> Text,
        scheduled_for -> Nullable<Instant>,
        released_at -> Nullable<Instant>,
        delivered_at -> Nullable<Instant>,
        cancelled_at -> Nullable<Instant>,
        cancelled_by -> Nullable<Text>,
        cancelled_by_id -> Nullable<Text>,
        cancel_code -> Nullable<Text>,
        cancel_reason -> Nullable<Text>,
        adjustment -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

    order_items (order_id, line) {
        order_id -> BigInt,
        line -> BigInt,
        product_id -> BigInt,
        name -> Text,
        description -> Nullable<Text>,
        price -> BigInt,
        mrp -> Nullable<BigInt>,
        category_id -> Nullable<BigInt>,
        image_url -> Nullable<Text>,
        unit -> Nullable<Text>,
        returnable -> Bool,
        quantity -> Integer,
        net -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer, Nullable, Text};
    use super::Instant;

    order_events (order_id, seq) {
        order_id -> BigInt,
        seq -> BigInt,
        #[sql_name = "type"]
        kind -> Text,
        v -> Integer,
        data -> Text,
        at -> Instant,
        actor_role -> Text,
        actor_id -> Nullable<Text>,
        status -> Text,
        amount -> Nullable<BigInt>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer, Nullable, Text};
    use super::Instant;

    payment_entries (order_id, n) {
        order_id -> BigInt,
        n -> Integer,
        kind -> Text,
        purpose -> Text,
        amount -> BigInt,
        method -> Text,
        state -> Text,
        charge_n -> Nullable<Integer>,
        repeats_n -> Nullable<Integer>,
        declines -> Integer,
        transaction_id -> Nullable<Text>,
        first_tried_at -> Nullable<Instant>,
        attempts -> Integer,
        refusals -> Integer,
        refused_at -> Nullable<Instant>,
        last_error -> Nullable<Text>,
        created_at -> Instant,
        settled_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use super::Instant;

    tasks (id) {
        id -> BigInt,
        kind -> Text,
        order_id -> Nullable<BigInt>,
        entry_n -> Nullable<Integer>,
        lane -> Nullable<Text>,
        seq -> Nullable<BigInt>,
        ordinal -> Nullable<Integer>,
        run_at -> Instant,
        attempts -> Integer,
        token -> BigInt,
        leased -> Bool,
        dead -> Bool,
        last_error -> Nullable<Text>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Text};
    use super::Instant;

    /// The rows of `idempotency_keys` whose kind is `receipt`.
    #[sql_name = "idempotency_keys"]
    receipts (key_hash) {
        key_hash -> Binary,
        kind -> Text,
        fingerprint -> Binary,
        status -> Integer,
        headers -> Text,
        body -> Binary,
        ends_at -> Instant,
        order_id -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
    use super::Instant;

    /// The rows of `idempotency_keys` whose kind is `guard`.
    #[sql_name = "idempotency_keys"]
    guards (key_hash) {
        key_hash -> Binary,
        kind -> Text,
        fingerprint -> Binary,
        customer_id -> Text,
        placed_with -> Nullable<Binary>,
        open -> Bool,
        ends_at -> Instant,
        order_id -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use super::Instant;

    paused_kinds (kind) {
        kind -> Text,
        paused_at -> Instant,
        paused_by -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;

    outbox (order_id, seq) {
        order_id -> BigInt,
        seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer};
    use super::Instant;

    publisher_lease (one) {
        one -> Integer,
        holder -> BigInt,
        ends_at -> Instant,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    orders,
    order_items,
    order_events,
    payment_entries,
    tasks,
    receipts,
    guards,
    paused_kinds
);
