//! What real clients signed, and what nobody may sign.

use serde_json::Value as Json;

use super::{Intent, Signed, call, decode, intent};
use crate::domain::{ExecutionMode, Payload};

const CHAIN: u64 = 61_127;

fn vectors() -> Json {
    serde_json::from_str(include_str!("../../../../tests/api/rpc/vectors.json")).unwrap()
}

fn bytes(json: &Json) -> Vec<u8> {
    alloy_primitives::hex::decode(json.as_str().unwrap()).unwrap()
}

fn signed(raw: &Json) -> Signed {
    decode(&bytes(raw)).unwrap()
}

#[test]
fn every_transaction_of_every_client_is_understood() {
    let vectors = vectors();
    let transactions = vectors["transactions"].as_array().unwrap();
    assert_eq!(transactions.len(), 32);
    for vector in transactions {
        let name = &vector["name"];
        let signed = signed(&vector["raw"]);
        assert_eq!(signed.envelope.hash.to_string(), vector["hash"].as_str().unwrap(), "{name}");
        let from = vector["from"].as_str().unwrap().to_lowercase();
        assert_eq!(signed.signer.to_string().to_lowercase(), from, "{name}");
        match intent(&signed, CHAIN).unwrap() {
            Intent::Appeal(subject) => {
                assert_eq!(
                    (&vector["wants"], subject.to_string().as_str()),
                    (&"appeal".into(), vector["subject"].as_str().unwrap()),
                    "{name}"
                );
            }
            Intent::Submit(new) => {
                assert_eq!(new.value.to_string(), vector["value"].as_str().unwrap(), "{name}");
                let to = new.to.map(|to| to.to_string().to_lowercase());
                let expected = vector["to"].as_str().map(str::to_lowercase);
                assert_eq!(to, expected, "{name}");
                let leader_only = new.rules.mode == ExecutionMode::LeaderOnly;
                assert_eq!(leader_only, vector["leader_only"].as_bool().unwrap_or(false), "{name}");
                match &new.payload {
                    Payload::Transfer => assert_eq!(vector["wants"], "transfer", "{name}"),
                    Payload::Deploy { code, calldata } => {
                        assert_eq!(vector["wants"], "deploy", "{name}");
                        assert_eq!(
                            (code.to_vec(), calldata.to_vec()),
                            (bytes(&vector["code"]), bytes(&vector["calldata"])),
                            "{name}"
                        );
                    }
                    Payload::Call { calldata } => {
                        assert_eq!(vector["wants"], "call", "{name}");
                        assert_eq!(calldata.to_vec(), bytes(&vector["calldata"]), "{name}");
                    }
                    Payload::Upgrade { .. } => panic!("{name}"),
                }
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_data_of_every_call_is_understood() {
    for vector in vectors()["calls"].as_array().unwrap() {
        let name = &vector["name"];
        if vector["type"] == "deploy" {
            continue;
        }
        let digits = vector["data"].as_str().unwrap().trim_start_matches("0x");
        let data = alloy_primitives::hex::decode(digits).unwrap();
        let read = call(&data).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.calldata.to_vec(), bytes(&vector["items"][0]), "{name}");
    }
}

#[test]
fn bytes_that_are_cut_or_changed_anywhere_never_become_another_transaction_of_the_signer() {
    for vector in vectors()["transactions"].as_array().unwrap().iter().take(14) {
        let raw = bytes(&vector["raw"]);
        let original = signed(&vector["raw"]);
        for end in 0..raw.len() {
            assert!(decode(&raw[..end]).is_err(), "{}: cut at {end}", vector["name"]);
        }
        for index in 0..raw.len() {
            for change in [1_u8, 0x80] {
                let mut changed = raw.clone();
                changed[index] ^= change;
                if let Ok(changed) = decode(&changed) {
                    assert_ne!(changed.signer, original.signer, "{}: byte {index}", vector["name"]);
                }
            }
        }
        let longer = [raw, vec![0]].concat();
        assert!(decode(&longer).is_err(), "{}: trailing byte", vector["name"]);
    }
}

/// The data of a signed transaction, changed after the fact: only what reads it is tried here.
fn with_input(input: Vec<u8>) -> Signed {
    let mut signed = signed(&vectors()["transactions"][0]["raw"]);
    signed.input = input.into();
    signed
}

#[test]
fn data_that_is_cut_or_changed_anywhere_is_refused_in_words_or_means_something() {
    const RESUBMIT: [&str; 4] = [
        "invalid pointer",
        "could not decode",
        "invalid arrayify value",
        "types/value length mismatch",
    ];
    for vector in vectors()["transactions"].as_array().unwrap() {
        let input = signed(&vector["raw"]).input.to_vec();
        let tries = (0..input.len()).map(|end| input[..end].to_vec());
        let changes = (0..input.len()).map(|index| {
            let mut changed = input.clone();
            changed[index] ^= 0xff;
            changed
        });
        for input in tries.chain(changes) {
            if let Err(error) = intent(&with_input(input), CHAIN) {
                let words = error.to_string().to_lowercase();
                assert!(words.starts_with("invalid transaction: "), "{words}");
                assert!(!RESUBMIT.iter().any(|phrase| words.contains(phrase)), "{words}");
            }
        }
    }
}

#[test]
fn unknown_functions_are_refused_and_never_become_transfers() {
    let error = intent(&with_input(vec![0xde, 0xad, 0xbe, 0xef]), CHAIN).unwrap_err().to_string();
    assert!(error.contains("0xdeadbeef") && error.contains("addTransaction"), "{error}");
    let error = intent(&with_input(vec![1]), CHAIN).unwrap_err().to_string();
    assert!(error.contains("names no function"), "{error}");
}

#[test]
fn nobody_signs_in_the_name_of_another() {
    let mut signed = signed(&vectors()["transactions"][4]["raw"]);
    signed.signer = crate::domain::Address::new([9; 20]);
    let error = intent(&signed, CHAIN).unwrap_err().to_string();
    assert!(error.contains("in the name of"), "{error}");
}

#[test]
fn the_second_form_of_a_signature_is_refused() {
    // n − s with the other parity: the same key signs the same bytes a second time.
    let original = signed(&vectors()["transactions"][0]["raw"]);
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let order = alloy_primitives::U256::from_str_radix(order, 16).unwrap();
    let s = alloy_primitives::U256::from_be_bytes(*original.envelope.s.as_bytes());
    let high = (order - s).to_be_bytes::<32>();
    let mut raw = bytes(&vectors()["transactions"][0]["raw"]);
    let at = raw.len() - 32;
    raw[at..].copy_from_slice(&high);
    let parity = at - 34;
    raw[parity - 1] ^= 1;
    let refused = decode(&raw).map(|signed| signed.signer);
    assert!(refused.is_err() || refused.ok() != Some(original.signer));
}
