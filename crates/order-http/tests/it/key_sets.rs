//! What of a JWK set can check tokens, and which sets are refused.

use order_http::{BadKeySet, KeySet, PublicKeyAlgorithm, Unfit};
use order_testkit::keys::jwk_set;
use serde_json::{Value, json};

use crate::asymmetric::signing;

const ES256: PublicKeyAlgorithm = PublicKeyAlgorithm::Es256;

fn count(keys: &[Value], algorithm: PublicKeyAlgorithm) -> Result<usize, BadKeySet> {
    KeySet::parse(&jwk_set(keys), algorithm).map(|keys| keys.count())
}

/// Why the only key of a set is passed over.
#[track_caller]
fn unfit(jwk: Value, algorithm: PublicKeyAlgorithm) -> Unfit {
    match count(&[jwk], algorithm) {
        Err(BadKeySet::NoneFits { unfit, .. }) => unfit[0],
        other => panic!("{other:?}"),
    }
}

fn changed(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk[member] = value;
    jwk
}

#[test]
fn each_algorithm_takes_its_own_keys_and_passes_over_the_others() {
    let all: Vec<_> = PublicKeyAlgorithm::ALL.map(|algorithm| signing(algorithm).jwk(algorithm.name())).into();
    let secret =
        json!({ "kty": "oct", "kid": "s", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "alg": "HS256" });
    let strange = json!({ "kty": "AKP", "kid": 7, "alg": "ML-DSA-44", "pub": "AA" });
    let everything = [&all[..], &[secret.clone(), strange, json!("no key"), json!(null)]].concat();
    for (algorithm, own) in PublicKeyAlgorithm::ALL.into_iter().zip(&all) {
        assert_eq!(count(&everything, algorithm), Ok(1), "{algorithm}");
        assert_eq!(count(&[own.clone(), own.clone()], algorithm), Ok(2));
        for other in all.iter().filter(|other| *other != own) {
            assert_eq!(unfit(other.clone(), algorithm), Unfit::AnotherType, "{algorithm}");
        }
        assert_eq!(unfit(secret.clone(), algorithm), Unfit::AnotherType);
    }
}

#[test]
fn a_key_says_what_it_is_for_or_nothing() {
    for algorithm in PublicKeyAlgorithm::ALL {
        let jwk = signing(algorithm).jwk("k1");
        let with = |member: &str, value: Value| changed(jwk.clone(), member, value);
        for fine in [
            with("use", json!(null)),
            with("alg", json!(null)),
            with("kid", json!(null)),
            with("key_ops", json!(["verify"])),
            with("x5t", json!("AA")),
        ] {
            assert_eq!(count(std::slice::from_ref(&fine), algorithm), Ok(1), "{fine}");
        }
        assert_eq!(unfit(with("use", json!("enc")), algorithm), Unfit::AnotherUse);
        assert_eq!(unfit(with("key_ops", json!(["encrypt", "sign"])), algorithm), Unfit::AnotherUse);
        for other in ["RS384", "PS256", "ES384", "HS256", "RSA-OAEP", "none", "Ed448"] {
            assert_eq!(unfit(with("alg", json!(other)), algorithm), Unfit::AnotherAlgorithm, "{other}");
        }
        assert_eq!(unfit(with("d", json!("AAAA")), algorithm), Unfit::Private);
        assert_eq!(unfit(with("kid", json!(7)), algorithm), Unfit::Unreadable);
    }
}

#[test]
fn a_key_that_is_weak_or_cut_off_is_none() {
    let rsa = signing(PublicKeyAlgorithm::Rs256).jwk("k1");
    let modulus = |bytes: usize| changed(rsa.clone(), "n", json!("q".repeat(bytes * 4 / 3)));
    assert_eq!(unfit(modulus(129), PublicKeyAlgorithm::Rs256), Unfit::Size);
    assert_eq!(unfit(modulus(255), PublicKeyAlgorithm::Rs256), Unfit::Size);
    assert_eq!(unfit(modulus(1026), PublicKeyAlgorithm::Rs256), Unfit::Size);
    let padded = changed(rsa.clone(), "n", json!("A".repeat(200) + &"q".repeat(200)));
    assert_eq!(unfit(padded, PublicKeyAlgorithm::Rs256), Unfit::Size);
    assert_eq!(count(&[modulus(384)], PublicKeyAlgorithm::Rs256), Ok(1));
    assert_eq!(unfit(changed(rsa, "n", json!("?")), PublicKeyAlgorithm::Rs256), Unfit::Unreadable);
    let ec = signing(ES256).jwk("k1");
    assert_eq!(unfit(changed(ec.clone(), "x", json!("AAAA")), ES256), Unfit::Size);
    assert_eq!(unfit(changed(ec.clone(), "crv", json!("P-384")), ES256), Unfit::AnotherType);
    assert_eq!(unfit(changed(ec, "crv", json!("secp256k1")), ES256), Unfit::AnotherType);
    let ed = signing(PublicKeyAlgorithm::EdDsa).jwk("k1");
    assert_eq!(unfit(changed(ed.clone(), "x", json!("AAAA")), PublicKeyAlgorithm::EdDsa), Unfit::Size);
    assert_eq!(unfit(changed(ed, "crv", json!("Ed448")), PublicKeyAlgorithm::EdDsa), Unfit::AnotherType);
}

#[test]
fn what_is_no_set_is_refused_and_says_why() {
    for garbage in ["", "{}", "[]", "null", "<html>", r#"{"keys":{}}"#, r#"{"keys":null}"#, r#"{"keys":[}"#] {
        let refused = KeySet::parse(garbage.as_bytes(), ES256).map(|_| ());
        assert_eq!(refused, Err(BadKeySet::NotASet), "{garbage}");
    }
    let words = |keys: &[Value]| count(keys, ES256).unwrap_err().to_string();
    assert_eq!(words(&[]), "no key for ES256 (the set is empty)");
    let encrypting = changed(signing(ES256).jwk("k1"), "use", json!("enc"));
    let rsa = signing(PublicKeyAlgorithm::Rs256).jwk("k2");
    assert_eq!(words(&[encrypting.clone(), rsa]), "no key for ES256 (for another use, of another type)");
    assert_eq!(count(&vec![encrypting; 101], ES256), Err(BadKeySet::TooMany));
}
