//! Calldata values as Python objects, and back.

use rustpython_vm as vm;
use vm::builtins::{PyBytes, PyDict, PyInt, PyList, PyStr, PyTuple};
use vm::{AsObject, PyObject, PyObjectRef, PyResult, VirtualMachine};

use crate::domain::calldata::{DEPTH_MAX, Integer, Value};
use crate::domain::{Address, U256};

/// Most bytes an integer of calldata may have.
const INTEGER_BYTES_MAX: u64 = 1024;

/// A big-endian number as an `int`.
pub(super) fn unsigned(bytes: &[u8; 32], vm: &VirtualMachine) -> PyResult {
    integer(&U256::from_be_bytes(*bytes).into(), vm)
}

fn integer(value: &Integer, vm: &VirtualMachine) -> PyResult {
    match value.to_i64() {
        Some(value) => Ok(vm.ctx.new_int(value).into()),
        None => vm.ctx.types.int_type.to_owned().as_object().call((value.to_text(), 0), vm),
    }
}

/// A decoded value as Python sees it; `address` makes addresses from bytes.
pub(super) fn to_python(value: &Value, address: &PyObject, vm: &VirtualMachine) -> PyResult {
    Ok(match value {
        Value::Null => vm.ctx.none(),
        Value::Bool(value) => vm.ctx.new_bool(*value).into(),
        Value::Integer(value) => integer(value, vm)?,
        Value::Address(value) => {
            address.call((vm.ctx.new_bytes(value.as_bytes().to_vec()),), vm)?
        }
        Value::Bytes(value) => vm.ctx.new_bytes(value.to_vec()).into(),
        Value::Text(value) => vm.ctx.new_str(value.as_str()).into(),
        Value::Array(values) => {
            let items: PyResult<Vec<_>> =
                values.iter().map(|value| to_python(value, address, vm)).collect();
            vm.ctx.new_list(items?).into()
        }
        Value::Map(entries) => {
            let map = vm.ctx.new_dict();
            for (key, value) in entries {
                map.set_item(key.as_str(), to_python(value, address, vm)?, vm)?;
            }
            map.into()
        }
    })
}

/// Turns Python objects into values.
pub(super) struct Encoder<'a> {
    /// The class `Address`.
    pub(super) address: &'a PyObject,
    /// Puts objects unknown here into simpler ones, or raises.
    pub(super) simple: &'a PyObject,
    /// The interpreter.
    pub(super) vm: &'a VirtualMachine,
}

impl Encoder<'_> {
    /// The value of an object.
    pub(super) fn value(&self, object: &PyObjectRef, depth: usize) -> PyResult<Value> {
        let vm = self.vm;
        if depth > DEPTH_MAX {
            let text = format!("calldata is nested deeper than {DEPTH_MAX} levels");
            return Err(vm.new_value_error(text));
        }
        if vm.is_none(object) {
            return Ok(Value::Null);
        }
        if object.class().is(vm.ctx.types.bool_type) {
            return Ok(Value::Bool(object.is(&vm.ctx.true_value)));
        }
        if let Some(int) = object.downcast_ref::<PyInt>() {
            return self.integer(int);
        }
        if let Some(text) = object.downcast_ref::<PyStr>() {
            return Ok(Value::Text(self.text(text)?));
        }
        if let Some(bytes) = object.downcast_ref::<PyBytes>() {
            return Ok(Value::Bytes(bytes.as_bytes().to_vec().into()));
        }
        if object.is_instance(self.address, vm)? {
            return self.address_of(object);
        }
        // Copies: what the conversion of an item calls could change the collection.
        if let Some(list) = object.downcast_ref::<PyList>() {
            let items = list.borrow_vec().to_vec();
            return self.array(&items, depth);
        }
        if let Some(tuple) = object.downcast_ref::<PyTuple>() {
            return self.array(tuple.as_slice(), depth);
        }
        if let Some(map) = object.downcast_ref::<PyDict>() {
            return self.map(map.to_owned(), depth);
        }
        self.value(&self.simple.call((object.clone(),), vm)?, depth + 1)
    }

    fn integer(&self, int: &PyInt) -> PyResult<Value> {
        let too_large = || self.vm.new_value_error("an integer of calldata is too large");
        let number = int.as_bigint();
        if number.bits() > INTEGER_BYTES_MAX * 8 {
            return Err(too_large());
        }
        if let Ok(small) = i64::try_from(number) {
            return Ok(Value::from(small));
        }
        Integer::parse(&number.to_string()).map(Value::Integer).ok_or_else(too_large)
    }

    fn text(&self, text: &PyStr) -> PyResult<String> {
        text.to_str().map(str::to_owned).ok_or_else(|| {
            self.vm.new_value_error("text with lone surrogates is not calldata encodable")
        })
    }

    fn address_of(&self, object: &PyObjectRef) -> PyResult<Value> {
        let bytes = object.get_attr("as_bytes", self.vm)?;
        let address =
            bytes.downcast_ref::<PyBytes>().and_then(|b| Address::from_slice(b.as_bytes()));
        address.map(Value::Address).ok_or_else(|| self.vm.new_type_error("an address has 20 bytes"))
    }

    fn array(&self, items: &[PyObjectRef], depth: usize) -> PyResult<Value> {
        let items: PyResult<Vec<_>> =
            items.iter().map(|item| self.value(item, depth + 1)).collect();
        items.map(Value::Array)
    }

    fn map(&self, map: vm::builtins::PyDictRef, depth: usize) -> PyResult<Value> {
        let entries: Vec<_> = map.into_iter().collect();
        let mut values = std::collections::BTreeMap::new();
        for (key, value) in entries {
            let Some(name) = key.downcast_ref::<PyStr>() else {
                let text = format!("keys of a map must be str, not `{}`", key.class().name());
                return Err(self.vm.new_type_error(text));
            };
            values.insert(self.text(name)?, self.value(&value, depth + 1)?);
        }
        Ok(Value::Map(values))
    }
}
