//! The data of `addTransaction`: an RLP list with code, calldata and who executes.

use alloy_rlp::Decodable;

use super::RawError;
use crate::domain::calldata::Value;
use crate::domain::{Bytes, ExecutionMode};

/// What a deploy says (`reference/studio.md` section 5.2).
pub(in crate::api::rpc) struct DeployData {
    pub(in crate::api::rpc) code: Bytes,
    pub(in crate::api::rpc) calldata: Bytes,
    pub(in crate::api::rpc) mode: ExecutionMode,
}

/// What a call says.
pub(in crate::api::rpc) struct CallData {
    pub(in crate::api::rpc) calldata: Bytes,
    pub(in crate::api::rpc) mode: ExecutionMode,
}

/// Reads `[code, calldata, mode?]`.
pub(in crate::api::rpc) fn deploy(data: &[u8]) -> Result<DeployData, RawError> {
    let mut items = items(data, "[code, calldata, leader_only]", 2..=3)?.into_iter();
    let code = items.next().unwrap_or_default();
    if code.is_empty() {
        return Err(RawError("the code to deploy is empty".to_owned()));
    }
    let calldata = calldata(items.next())?;
    Ok(DeployData { code, calldata, mode: mode(items.next().as_ref())? })
}

/// Reads `[calldata, mode?]`.
pub(in crate::api::rpc) fn call(data: &[u8]) -> Result<CallData, RawError> {
    let mut items = items(data, "[calldata, leader_only]", 1..=2)?.into_iter();
    let calldata = calldata(items.next())?;
    Ok(CallData { calldata, mode: mode(items.next().as_ref())? })
}

fn items(
    data: &[u8],
    form: &str,
    count: std::ops::RangeInclusive<usize>,
) -> Result<Vec<Bytes>, RawError> {
    let mut rest = data;
    let items = Vec::<Bytes>::decode(&mut rest)
        .map_err(|error| RawError(format!("its data is not the RLP list {form} ({error})")))?;
    if !rest.is_empty() {
        let message = format!("{} bytes follow the RLP list {form} in its data", rest.len());
        return Err(RawError(message));
    }
    if !count.contains(&items.len()) {
        let message = format!("its data is a list of {} items and not {form}", items.len());
        return Err(RawError(message));
    }
    Ok(items)
}

/// Checks calldata; none at all is that of a call without method and arguments.
pub(in crate::api::rpc) fn calldata(item: Option<Bytes>) -> Result<Bytes, RawError> {
    let calldata = item.unwrap_or_default();
    if calldata.is_empty() {
        return Ok(Value::Map(std::collections::BTreeMap::new()).encode().into());
    }
    match Value::decode(&calldata) {
        Ok(_) => Ok(calldata),
        Err(error) => Err(RawError(error.to_string())),
    }
}

/// False is a zero byte to some clients and nothing to others; numbers name further modes.
fn mode(item: Option<&Bytes>) -> Result<ExecutionMode, RawError> {
    match item.map(AsRef::as_ref).unwrap_or_default() {
        [] | [0] => Ok(ExecutionMode::Normal),
        [1] => Ok(ExecutionMode::LeaderOnly),
        [2] => Ok(ExecutionMode::LeaderSelfValidator),
        other => {
            let digits = alloy_primitives::hex::encode(other.get(..8).unwrap_or(other));
            let message = format!("execution mode 0x{digits} is unknown; expected 0, 1 or 2");
            Err(RawError(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&[u8]]) -> Vec<u8> {
        let items: Vec<Bytes> = items.iter().map(|item| Bytes::copy_from_slice(item)).collect();
        alloy_rlp::encode(&items)
    }

    #[test]
    fn both_spellings_of_false_and_a_missing_one_are_normal() {
        for items in [&[&[6_u8][..], &[0]][..], &[&[6], &[]], &[&[6]]] {
            let call = call(&list(items)).ok().unwrap();
            assert_eq!(call.mode, ExecutionMode::Normal);
            assert_eq!(call.calldata.as_ref(), [6]);
        }
        let leader_only = call(&list(&[&[6], &[1]])).ok().unwrap();
        assert_eq!(leader_only.mode, ExecutionMode::LeaderOnly);
        let own = deploy(&list(&[b"code", &[6], &[2]])).ok().unwrap();
        assert_eq!(own.mode, ExecutionMode::LeaderSelfValidator);
    }

    #[test]
    fn what_is_no_such_list_is_refused_in_words() {
        let bad: [(Vec<u8>, &str); 6] = [
            (vec![], "not the RLP list"),
            (b"\x80".to_vec(), "not the RLP list"),
            (list(&[&[6], &[0], &[0]]), "3 items"),
            (list(&[&[6], &[3]]), "execution mode 0x03"),
            (list(&[&[0xff, 0xff]]), "calldata"),
            ([list(&[&[6]]), vec![0]].concat(), "1 bytes follow"),
        ];
        for (data, words) in bad {
            let error = call(&data).err().unwrap().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(deploy(&list(&[&[], &[6]])).err().unwrap().to_string().contains("empty"));
    }
}
