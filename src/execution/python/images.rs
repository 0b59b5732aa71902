//! The native part of the SDK's `PIL`: files of images to pixels and back, and what takes long in Python.
//!
//! The Python part, `sdk/pil*.py`, keeps the rules of the real library's names and errors; here are
//! numbers, checked again. Nothing here remembers anything.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter decides how native functions look"
)]

pub(super) use _images::module_def;

#[rustpython_vm::pymodule]
mod _images {
    use rustpython_vm as vm;
    use vm::builtins::PyBaseExceptionRef;
    use vm::function::ArgBytesLike;
    use vm::{PyObjectRef, PyResult, VirtualMachine};

    use super::super::image_files::{self, FileError, Image};
    use super::super::resize::{Filter, Resize, blended, resized, transposed};

    #[pyfunction]
    fn pixels_max() -> usize {
        image_files::PIXELS_MAX
    }

    #[pyfunction]
    fn side_max() -> usize {
        image_files::SIDE_MAX
    }

    fn raise(error: &FileError, vm: &VirtualMachine) -> PyBaseExceptionRef {
        let text = error.to_string();
        match error {
            FileError::Memory(_) => vm.new_memory_error(text),
            FileError::Unknown | FileError::TooLarge(_) | FileError::Broken(_) => {
                vm.new_value_error(text)
            }
        }
    }

    fn pixels(data: Result<Vec<u8>, FileError>, vm: &VirtualMachine) -> PyResult {
        let data = data.map_err(|error| raise(&error, vm))?;
        Ok(vm.ctx.new_bytearray(data).into())
    }

    fn numbers<const N: usize>(given: &[usize], vm: &VirtualMachine) -> PyResult<[usize; N]> {
        let numbers = <[usize; N]>::try_from(given).ok();
        numbers.ok_or_else(|| vm.new_value_error(format!("{N} numbers are wanted")))
    }

    /// The image of this form: channels, width and height.
    fn image_of(data: &ArgBytesLike, form: &[usize], vm: &VirtualMachine) -> PyResult<Image> {
        let [channels, width, height] = numbers(form, vm)?;
        let raised = |error: FileError| raise(&error, vm);
        image_files::check_size(width, height).map_err(raised)?;
        let given = data.borrow_buf();
        let fits = matches!(channels, 1 | 3 | 4) && given.len() == width * height * channels;
        if !fits {
            return Err(vm.new_value_error("the pixels do not fit the size of the image"));
        }
        let mut data = image_files::zeros(given.len()).map_err(raised)?;
        data.copy_from_slice(&given);
        Ok(Image { channels, width, height, data })
    }

    /// The text of a module of `PIL`, or `None`.
    #[pyfunction]
    fn source(name: String) -> Option<&'static str> {
        match name.as_str() {
            "PIL" => Some(include_str!("sdk/pil.py")),
            "PIL.Image" => Some(include_str!("sdk/pil_image.py")),
            _ => None,
        }
    }

    /// The format of a file, its channels, width, height and pixels; or what kind of error there is, and
    /// its words.
    #[pyfunction]
    fn decode(file: ArgBytesLike, vm: &VirtualMachine) -> PyResult {
        let decoded = image_files::decode(&file.borrow_buf());
        let entries: Vec<PyObjectRef> = match decoded {
            Ok((format, Image { channels, width, height, data })) => vec![
                vm.ctx.new_str(format).into(),
                vm.ctx.new_int(channels).into(),
                vm.ctx.new_int(width).into(),
                vm.ctx.new_int(height).into(),
                vm.ctx.new_bytearray(data).into(),
            ],
            Err(error) => {
                let kind = match error {
                    FileError::Unknown => "unknown",
                    FileError::TooLarge(_) => "too large",
                    FileError::Broken(_) => "broken",
                    FileError::Memory(_) => return Err(raise(&error, vm)),
                };
                vec![vm.ctx.new_str(kind).into(), vm.ctx.new_str(error.to_string()).into()]
            }
        };
        Ok(vm.ctx.new_tuple(entries).into())
    }

    #[pyfunction]
    fn encode(data: ArgBytesLike, form: Vec<usize>, vm: &VirtualMachine) -> PyResult {
        let image = image_of(&data, &form, vm)?;
        let file = image_files::encode(&image).map_err(|error| raise(&error, vm))?;
        Ok(vm.ctx.new_bytes(file).into())
    }

    #[pyfunction]
    fn convert(data: ArgBytesLike, from: usize, to: usize, vm: &VirtualMachine) -> PyResult {
        pixels(image_files::converted(&data.borrow_buf(), from, to), vm)
    }

    /// The part within a box (left, upper, right, lower) in another size.
    #[pyfunction]
    fn resize(
        data: ArgBytesLike,
        form: Vec<usize>,
        part: Vec<usize>,
        size: Vec<usize>,
        filter: usize,
        vm: &VirtualMachine,
    ) -> PyResult {
        let image = image_of(&data, &form, vm)?;
        let [width, height] = numbers(&size, vm)?;
        let [left, upper, right, lower] = numbers(&part, vm)?;
        image_files::check_size(width, height).map_err(|error| raise(&error, vm))?;
        let filter = Filter::from_number(filter)
            .filter(|_| right <= image.width && lower <= image.height)
            .ok_or_else(|| vm.new_value_error("there is no such filter or part"))?;
        let resize = Resize { columns: left..right, rows: upper..lower, width, height, filter };
        pixels(resized(&image, &resize).map(|image| image.data), vm)
    }

    #[pyfunction]
    fn transpose(
        data: ArgBytesLike,
        form: Vec<usize>,
        way: usize,
        vm: &VirtualMachine,
    ) -> PyResult {
        let image = image_of(&data, &form, vm)?;
        pixels(transposed(&image, way).map(|image| image.data), vm)
    }

    #[pyfunction]
    fn blend(
        below: ArgBytesLike,
        above: ArgBytesLike,
        mask: ArgBytesLike,
        vm: &VirtualMachine,
    ) -> PyResult {
        pixels(blended(&below.borrow_buf(), &above.borrow_buf(), &mask.borrow_buf()), vm)
    }
}
